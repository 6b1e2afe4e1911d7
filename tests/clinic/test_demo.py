"""The demo clinic, loaded once for this module through the real services into an empty database."""

import datetime as dt
import re
from collections.abc import Iterator

import pytest
from django.contrib.auth import authenticate
from django.core.management import call_command
from django.test import RequestFactory
from pydicom import dcmread

from audit.models import Entry
from clinic.demo.load import load_demo
from clinic.demo.people import PATIENTS, USERS
from clinic.demo.week import WEEK, Goal
from clinic.models import ClinicProfile, User
from dicomserver.models import RemoteAE
from imaging import spool
from imaging.models import Instance, KeyImage, Quarantined, Study, StudyState
from patients.models import Patient
from reporting.models import Release, Report, ReportVersion
from scheduling.models import Appointment, FlowEvent, Order, Procedure, Station
from scheduling.statuses import AppointmentStatus, OrderStatus, Priority

pytestmark = pytest.mark.django_db
TABLES = (User, Patient, Procedure, Station, Order, Appointment, FlowEvent, Study, Instance, Report, Entry)


@pytest.fixture(scope="module")
def demo(
    django_db_setup: None,
    django_db_blocker: pytest.FixtureRequest,
    demo_folders: None,
    small_images: None,
) -> Iterator[list[str]]:
    """The loaded demo, and what was said while loading; emptied again behind the last test."""
    said: list[str] = []
    with django_db_blocker.unblock():
        call_command("flush", interactive=False, verbosity=0)
        load_demo(said.append)
        yield said
        call_command("flush", interactive=False, verbosity=0)


def counts() -> dict[str, int]:
    return {table.__name__: table._default_manager.count() for table in TABLES}


def test_every_status_of_both_machines_occurs(demo: list[str]) -> None:
    orders = set(Order.objects.values_list("status", flat=True))
    appointments = set(Appointment.objects.values_list("status", flat=True))

    assert orders == set(OrderStatus.values)
    assert appointments == set(AppointmentStatus.values)
    assert set(Order.objects.values_list("priority", flat=True)) == set(Priority.values)


@pytest.mark.parametrize(
    ("goal", "order", "appointment"),
    [
        (Goal.BOOKED, OrderStatus.SCHEDULED, AppointmentStatus.BOOKED),
        (Goal.WAITING, OrderStatus.SCHEDULED, AppointmentStatus.WAITING),
        (Goal.IN_ROOM, OrderStatus.SCHEDULED, AppointmentStatus.IN_ROOM),
        (Goal.NO_SHOW, OrderStatus.ORDERED, AppointmentStatus.NO_SHOW),
        (Goal.CANCELLED, OrderStatus.ORDERED, AppointmentStatus.CANCELLED),
        (Goal.ORDER_CANCELLED, OrderStatus.CANCELLED, AppointmentStatus.CANCELLED),
        (Goal.RELEASED, OrderStatus.RELEASED, AppointmentStatus.COMPLETED),
    ],
)
def test_visits_got_as_far_as_planned(demo: list[str], goal: Goal, order: str, appointment: str) -> None:
    planned = sum(1 for visit in WEEK if visit.goal == goal and visit.station)

    found = Order.objects.filter(status=order, appointment__status=appointment).count()

    assert found == planned


def test_numbers_and_names_of_the_people(demo: list[str]) -> None:
    found = Patient.objects.order_by("mrn").values_list("family_name", flat=True)

    assert list(found) == [patient.family for patient in PATIENTS]
    assert all(re.fullmatch(r"CVC-\d{4}", mrn) for mrn in Patient.objects.values_list("mrn", flat=True))
    assert Patient.objects.get(family_name="Yamada").ideographic_name == "山田^太郎"
    assert Patient.objects.filter(family_name="Banda", birth_date=dt.date(2009, 9, 17)).count() == 2
    assert ClinicProfile.get().name == "Cedar Village"


def test_everybody_can_sign_in(demo: list[str]) -> None:
    request = RequestFactory().post("/login/")

    signed_in = [authenticate(request, username=user.username, password="cedar-demo") for user in USERS]

    assert [user.username for user in signed_in if user] == [user.username for user in USERS]


def test_images_are_filed_and_one_study_is_held(demo: list[str]) -> None:
    held = Study.objects.get(state=StudyState.HELD)

    assert Quarantined.objects.count() == 0
    assert spool.is_empty()
    assert Study.objects.filter(state=StudyState.LINKED).count() == Study.objects.count() - 1
    assert Study.objects.get(modalities=["CT"]).instance_count == 60
    assert set(held.differences) == {"patient_id", "patient_name"}
    assert held.candidate_order is not None
    assert held.candidate_order.patient.given_name == "Chipo"


def test_stored_images_name_the_patient_of_their_order(demo: list[str]) -> None:
    study = Study.objects.get(patient__family_name="Yamada")

    ds = dcmread(Instance.objects.get(series__study=study).path)

    assert ds.PatientID == study.patient.mrn
    assert ds.PatientName.ideographic == "山田^太郎"
    assert ds.AccessionNumber == study.order.accession_number


def test_finished_reports_are_signed_and_handed_out(demo: list[str]) -> None:
    finished = Order.objects.filter(status__in=[OrderStatus.REPORTED, OrderStatus.RELEASED])

    versions = ReportVersion.objects.filter(report__order__in=finished)
    released = Release.objects.filter(version__report__order__status=OrderStatus.RELEASED)
    assert versions.count() == finished.count()
    assert released.count() == Order.objects.filter(status=OrderStatus.RELEASED).count()
    assert KeyImage.objects.count() == sum(1 for visit in WEEK if visit.key_image)
    assert all(version.pdf for version in versions.filter(releases__isnull=False))


def test_every_step_has_a_time_that_fits(demo: list[str]) -> None:
    wrong_way_round = [
        order.accession_number
        for order in Order.objects.filter(status=OrderStatus.RELEASED)
        if not order.ordered_at < order.acquired_at < order.reported_at < order.released_at
    ]

    began = dt.datetime.fromisoformat(Entry.objects.get(action="demo.started").changes["now"][1])
    waiting = Appointment.objects.filter(status=AppointmentStatus.WAITING)
    minutes = sorted(round((began - visit.arrived_at).total_seconds() / 60) for visit in waiting)
    assert wrong_way_round == []
    assert minutes == [4, 18, 22, 47]
    assert Study.objects.filter(last_received_at__gt=Entry.objects.get(action="demo.loaded").at).count() == 0


def test_stations_may_send_at_once(demo: list[str]) -> None:
    accepted = RemoteAE.objects.accepted().order_by("ae_title").values_list("ae_title", flat=True)

    assert list(accepted) == ["CEDAR_US", "CEDAR_XR"]


def test_second_run_changes_nothing(demo: list[str]) -> None:
    before = counts()

    loaded = load_demo(lambda text: None)

    assert loaded is False
    assert counts() == before


def test_progress_is_told_in_plain_words(demo: list[str]) -> None:
    assert demo[0] == "Demo: staff, catalogue and rooms"
    assert demo[-1] == "Demo: ready"
    assert len(set(demo)) == len(demo) > 4
    assert all(line.startswith("Demo: ") for line in demo)
