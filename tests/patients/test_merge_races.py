"""Two people at the same records at the same time: real threads, real locks."""

import datetime as dt
import threading

import pytest
from django.db import connection
from django.utils import timezone

from clinic.errors import Conflict
from clinic.models import ClinicProfile
from clinic.permissions import Role
from patients.merging import merge_patients
from patients.models import Patient, PatientMerge
from patients.services import update_patient
from scheduling import services as scheduling
from scheduling.models import Order
from scheduling.statuses import OrderStatus
from tests.concurrent import while_first_is_open
from tests.factories import make_everyone, make_order, make_patient, make_procedure, make_station, make_user

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def clinic():
    ClinicProfile.get()


@pytest.fixture
def rosa():
    return make_user(Role.RECEPTIONIST)


@pytest.fixture
def survivor():
    return make_patient(mrn="CVC-3", family_name="Silva", given_name="Ana")


@pytest.fixture
def alias():
    return make_patient(mrn="CVC-7", family_name="Silva", given_name="Ana")


def merge(survivor, alias, by):
    return merge_patients(survivor, alias, by=by, choices={}, versions=(1, 1), reason="Registered twice")


# --- edit and merge -----------------------------------------------------------------------------------


def test_an_edit_before_the_merge_is_told_and_kept(survivor, alias, rosa):
    _edited, refusal = while_first_is_open(
        lambda: update_patient(alias, by=rosa, version=1, phone="+254712345678"),
        lambda: merge(survivor, alias, rosa),
    )

    assert "Someone else changed one of these records" in refusal.message
    assert Patient.objects.get(pk=alias.pk).phone == "+254712345678"
    assert not PatientMerge.objects.exists()


def test_an_edit_behind_the_merge_is_told_where_to_go_on(survivor, alias, rosa):
    _merged, refusal = while_first_is_open(
        lambda: merge(survivor, alias, rosa),
        lambda: update_patient(alias, by=rosa, version=1, phone="+254712345678"),
    )

    assert refusal.message == f"{alias} was merged into {survivor}. Go on in that record."


def test_an_edit_of_the_survivor_behind_the_merge_is_told(survivor, alias, rosa):
    _merged, refusal = while_first_is_open(
        lambda: merge(survivor, alias, rosa),
        lambda: update_patient(survivor, by=rosa, version=1, phone="+254712345678"),
    )

    assert "Someone else changed this patient" in refusal.message


# --- two merges ---------------------------------------------------------------------------------------


def test_two_merges_in_opposite_directions_become_one(survivor, alias, rosa):
    merged, refusal = while_first_is_open(
        lambda: merge(survivor, alias, rosa),
        lambda: merge(alias, survivor, rosa),
    )

    assert "was merged into" in refusal.message
    assert list(PatientMerge.objects.all()) == [merged]
    assert set(Patient.objects.current()) == {survivor}


def test_many_merges_in_both_directions_never_deadlock_nor_make_a_circle(rosa):
    patients = [make_patient() for _number in range(4)]
    pairs = [(one, other) for one in patients for other in patients if one != other]
    outcomes = []

    def run(one, other):
        try:
            merge(one, other, rosa)
            outcomes.append("merged")
        except Conflict:
            outcomes.append("told")
        except Exception as error:
            outcomes.append(repr(error))
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=pair) for pair in pairs]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)

    assert set(outcomes) == {"merged", "told"}
    assert outcomes.count("merged") == PatientMerge.objects.count()
    assert not Patient.objects.filter(merged_into__merged_into__isnull=False).exists()


# --- an order -----------------------------------------------------------------------------------------


def test_an_order_before_the_merge_moves_with_it(survivor, alias, rosa):
    order, _merged = while_first_is_open(lambda: make_order(alias), lambda: merge(survivor, alias, rosa))

    assert Order.objects.get(pk=order.pk).patient == survivor


def test_an_order_behind_the_merge_is_refused_and_nothing_hangs_on_the_alias(survivor, alias, rosa):
    procedure = make_procedure()

    _merged, refusal = while_first_is_open(
        lambda: merge(survivor, alias, rosa),
        lambda: scheduling.place_order(
            alias, by=make_everyone(), procedure=procedure, indication="Cough for three weeks"
        ),
    )

    assert "was merged into Ana Silva (CVC-3)" in refusal.message
    assert not Order.objects.exists()


def test_a_booking_behind_the_merge_is_one_of_the_survivor(survivor, alias, rosa):
    order = make_order(alias)
    station = make_station()
    at = timezone.now().replace(second=0, microsecond=0) + dt.timedelta(hours=1)

    _merged, visit = while_first_is_open(
        lambda: merge(survivor, alias, rosa),
        lambda: scheduling.book_appointment(
            alias, by=make_everyone(), station=station, starts_at=at, orders=[order]
        ),
    )

    assert visit.patient == survivor
    assert Order.objects.get(pk=order.pk).appointment == visit


def test_a_report_that_is_begun_while_records_are_merged_stops_the_merge(survivor, alias, rosa):
    order = make_order(alias, status=OrderStatus.ACQUIRED)

    _claimed, refusal = while_first_is_open(
        lambda: scheduling.claim_order(order, by=make_everyone()),
        lambda: merge(survivor, alias, rosa),
    )

    assert "is writing the report" in refusal.message
    assert Order.objects.get(pk=order.pk).patient == alias
