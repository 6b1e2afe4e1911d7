"""The Modality Worklist through real associations; expectations are of the standard, PS3.4 K.6-1."""

import datetime as dt
import subprocess
import time
import zoneinfo

import pytest
from django.db import OperationalError
from django.utils import timezone
from pydicom import Dataset, dcmread
from pydicom.sequence import Sequence

from clinic.models import ClinicProfile
from dicomserver import find_responses, worklist
from dicomserver.encoding import Encoder
from dicomserver.models import Association, RemoteAE
from patients.models import Patient
from scheduling import services
from scheduling.models import Referrer
from scheduling.statuses import OrderStatus, Priority
from tests.dicomserver.conftest import wait_for
from tests.dicomserver.peers import EXPLICIT, IMPLICIT, associated
from tests.dicomserver.worklists import MWL, ask, make_named, numbers, query
from tests.factories import make_everyone, make_order, make_patient, make_procedure, make_station

LISBON = zoneinfo.ZoneInfo("Europe/Lisbon")


@pytest.fixture
def accepted_nodes() -> list[str]:
    return ["CEDAR_XR"]


@pytest.fixture
def server(clinic_server):
    return clinic_server


# --- what comes back --------------------------------------------------------------------------------
def test_an_item_holds_what_the_modality_needs(server):
    ClinicProfile.objects.update_or_create(
        pk=1, defaults={"name": "Cedar Village", "time_zone": "Europe/Lisbon"}
    )
    patient = make_named(
        family_name="Ólafsdóttir", given_name="Anna", ideographic_name="王^小明", mrn="CVC-0007"
    )
    procedure = make_procedure(code="XRCH", name="Chest X-ray, PA", modality="DX")
    station = make_station(name="Room 1", room="Ground floor", ae_title="CEDAR_XR")
    starts_at = dt.datetime(2031, 7, 15, 9, 30, tzinfo=LISBON)
    order = make_order(
        patient,
        status=OrderStatus.SCHEDULED,
        procedure=procedure,
        priority=Priority.STAT,
        indication="Cough\nfor three weeks",
        station=station,
        starts_at=starts_at,
    )
    order.referrer = Referrer.objects.create(name="Dr Dias")
    order.save(update_fields=["referrer"])
    wanted = query(
        RequestedProcedureDescription="",
        RequestedProcedurePriority="",
        ReasonForTheRequestedProcedure="",
        PatientBirthDate="",
        PatientSex="",
        ReferringPhysicianName="",
        InstitutionName="",
        RequestedProcedureCodeSequence=Sequence(),
        step={
            "ScheduledProcedureStepDescription": "",
            "ScheduledProcedureStepID": "",
            "ScheduledStationName": "",
            "ScheduledProcedureStepLocation": "",
            "ScheduledProcedureStepStatus": "",
        },
    )

    (answer,) = ask(server, wanted)

    step = answer.ScheduledProcedureStepSequence[0]
    code = answer.RequestedProcedureCodeSequence[0]
    assert (answer.SpecificCharacterSet, str(answer.PatientName)) == (
        "ISO_IR 192",
        "Ólafsdóttir^Anna=王^小明",
    )
    assert (answer.PatientID, answer.PatientBirthDate, answer.PatientSex) == ("CVC-0007", "19800517", "F")
    assert (answer.AccessionNumber, answer.StudyInstanceUID) == (
        order.accession_number,
        order.study_instance_uid,
    )
    assert (answer.RequestedProcedureID, answer.RequestedProcedureDescription) == (
        order.accession_number,
        "Chest X-ray, PA",
    )
    assert (code.CodeValue, code.CodingSchemeDesignator, code.CodeMeaning) == (
        "XRCH",
        "99CEDAR",
        "Chest X-ray, PA",
    )
    assert (answer.RequestedProcedurePriority, answer.ReasonForTheRequestedProcedure) == (
        "STAT",
        "Cough for three weeks",
    )
    assert (str(answer.ReferringPhysicianName), answer.InstitutionName) == ("Dr Dias", "Cedar Village")
    assert (step.ScheduledStationAETitle, step.ScheduledStationName, step.Modality) == (
        "CEDAR_XR",
        "Room 1",
        "DX",
    )
    assert (step.ScheduledProcedureStepStartDate, step.ScheduledProcedureStepStartTime) == (
        "20310715",
        "093000",
    )
    assert (step.ScheduledProcedureStepLocation, step.ScheduledProcedureStepStatus) == (
        "Ground floor",
        "SCHEDULED",
    )
    assert step.ScheduledProcedureStepDescription == "Chest X-ray, PA"


def test_what_cedar_does_not_know_comes_back_empty(server):
    make_order(status=OrderStatus.SCHEDULED)
    wanted = query(
        PatientWeight="",
        AdmissionID="",
        ConfidentialityConstraintOnPatientDataDescription="",
        ReferencedStudySequence=Sequence(),
        step={"PreMedication": "", "RequestedContrastAgent": ""},
    )
    wanted.add_new(0x00091001, "LO", "private")

    (answer,) = ask(server, wanted)

    assert (answer.PatientWeight, answer.AdmissionID, len(answer.ReferencedStudySequence)) == (None, "", 0)
    assert answer.ScheduledProcedureStepSequence[0].PreMedication == ""
    assert answer[0x00091001].is_empty


def test_only_what_was_asked_for_comes_back(server):
    make_order(status=OrderStatus.SCHEDULED)
    wanted = Dataset()
    wanted.PatientID = ""

    (answer,) = ask(server, wanted)

    assert [element.keyword for element in answer] == ["SpecificCharacterSet", "PatientID"]


@pytest.mark.parametrize("sequence", [Sequence(), Sequence([Dataset()])])
def test_an_empty_step_sequence_asks_for_all_of_it(server, sequence):
    make_order(status=OrderStatus.SCHEDULED, station=make_station(ae_title="CEDAR_XR"))
    wanted = query()
    wanted.ScheduledProcedureStepSequence = sequence

    (answer,) = ask(server, wanted)

    assert answer.ScheduledProcedureStepSequence[0].ScheduledStationAETitle == "CEDAR_XR"


def test_the_same_study_uid_every_time(server):
    make_order(status=OrderStatus.SCHEDULED)

    first, second = ask(server, query()), ask(server, query())

    assert first[0].StudyInstanceUID == second[0].StudyInstanceUID


def test_a_birth_date_that_is_only_about_right_is_not_sent(server):
    make_order(make_patient(birth_precision="year"), status=OrderStatus.SCHEDULED)

    (answer,) = ask(server, query(PatientBirthDate=""))

    assert answer.PatientBirthDate == ""


def test_done_and_cancelled_and_unbooked_do_not_show(server):
    everyone = make_everyone()
    shown = make_order(status=OrderStatus.SCHEDULED)
    make_order()
    make_order(status=OrderStatus.ACQUIRED)
    cancelled = make_order(status=OrderStatus.SCHEDULED)
    services.cancel_order(cancelled, by=everyone, reason="Patient called off")

    assert numbers(ask(server, query())) == [shown.accession_number]


# --- refusals, cancel, long answers -----------------------------------------------------------------
@pytest.mark.parametrize(
    ("step", "comment"),
    [
        ({"ScheduledProcedureStepStartDate": "tomorrow"}, "Date 'tomorrow': YYYYMMDD is accepted"),
        ({"ScheduledProcedureStepStartTime": "2500"}, "Time '2500': HHMMSS is accepted"),
        ({"ScheduledStationAETitle": "X" * 2000}, "A key is too long"),
    ],
)
@pytest.mark.filterwarnings("ignore:.*")
def test_a_key_that_makes_no_sense_is_named(server, step, comment):
    identifier = query()
    for name, value in step.items():
        identifier.ScheduledProcedureStepSequence[0][name]._value = value

    with associated(server.port, (MWL, EXPLICIT), calling="CEDAR_XR") as association:
        responses = list(association.send_c_find(identifier, MWL))

    assert [(status.Status, status.ErrorComment) for status, _answer in responses] == [(0xC001, comment)]


def test_without_the_database_it_says_so_and_the_server_lives_on(server, monkeypatch):
    def away():
        raise OperationalError("the database system is shutting down")

    with (
        monkeypatch.context() as patch,
        associated(server.port, (MWL, EXPLICIT), calling="CEDAR_XR") as association,
    ):
        patch.setattr(worklist, "scheduled_steps", away)
        (status, _answer), *_rest = association.send_c_find(query(), MWL)

    assert (status.Status, status.ErrorComment) == (0xC001, "The clinic's database does not answer")
    assert ask(server, query()) == []


def test_a_cancel_is_honoured(server, monkeypatch):
    station = make_station()
    start = timezone.now().replace(minute=0, second=0, microsecond=0)
    for number in range(20):
        starts_at = start + dt.timedelta(minutes=15 * number)
        make_order(status=OrderStatus.SCHEDULED, station=station, starts_at=starts_at)
    monkeypatch.setattr(find_responses.Responses, "_wait_for_peer", lambda _responses: time.sleep(0.1))

    statuses = []
    with associated(server.port, (MWL, EXPLICIT), calling="CEDAR_XR") as association:
        for status, _answer in association.send_c_find(query(), MWL, msg_id=7):
            statuses.append(status.Status)
            if len(statuses) == 1:
                association.send_c_cancel(7, query_model=MWL)

    assert (statuses[0], statuses[-1]) == (0xFF00, 0xFE00)
    assert len(statuses) < 20


def test_an_empty_worklist_says_in_the_log_what_was_asked_for(server):
    ask(server, query(PatientName="Secret*", step={"Modality": "MR"}))

    row = wait_for(lambda: Association.objects.filter(queried=1).first())
    assert (row.matches, row.problem) == (0, "Modality=MR; SpecificCharacterSet=ISO_IR 192; PatientName=…")


# --- character sets ---------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("character_set", "expected"),
    [
        ("ISO_IR 192", "Łukaszóva^Иван"),
        ("ISO_IR 101", "Łukaszóva^Ivan"),
        ("ISO_IR 100", "Lukaszóva^Ivan"),
        ("ISO_IR 144", "Lukaszova^Иван"),
        ("ISO_IR 6", "Lukaszova^Ivan"),
    ],
)
def test_each_device_gets_letters_that_it_can_read(server, character_set, expected):
    make_order(make_named(family_name="Łukaszóva", given_name="Иван"), status=OrderStatus.SCHEDULED)
    RemoteAE.objects.filter(ae_title="CEDAR_XR").update(character_set=character_set)
    wait_for(lambda: server.policy.character_set_of("CEDAR_XR") == character_set)

    (answer,) = ask(server, query(PatientName="LUKASZ*"))

    assert str(answer.PatientName) == expected
    assert answer.get("SpecificCharacterSet", "") == ("" if character_set == "ISO_IR 6" else character_set)


def test_japanese_and_korean_code_extensions(server):
    make_order(
        make_named(family_name="Yamada", given_name="Tarou", ideographic_name="山田^太郎"),
        status=OrderStatus.SCHEDULED,
    )
    RemoteAE.objects.filter(ae_title="CEDAR_XR").update(character_set="\\ISO 2022 IR 87")
    wait_for(lambda: server.policy.character_set_of("CEDAR_XR") == "\\ISO 2022 IR 87")

    (answer,) = ask(server, query())

    assert list(answer.SpecificCharacterSet) == ["", "ISO 2022 IR 87"]
    assert str(answer.PatientName) == "Yamada^Tarou=山田^太郎"


# --- DCMTK ------------------------------------------------------------------------------------------
@pytest.mark.needs_tool("findscu", package="dcmtk")
def test_findscu_gets_the_item(server, tmp_path):
    patient = make_named(family_name="Núñez", given_name="José", mrn="CVC-0042")
    station = make_station(ae_title="CEDAR_XR")
    order = make_order(patient, status=OrderStatus.SCHEDULED, station=station)
    make_order(status=OrderStatus.SCHEDULED)
    today = timezone.localtime(order.appointment.starts_at, zoneinfo.ZoneInfo(ClinicProfile.get().time_zone))

    result = subprocess.run(
        [
            *["findscu", "-W", "-X", "-od", tmp_path, "-aet", "CEDAR_XR", "-aec", "CEDAR"],
            *[
                "-k",
                "(0008,0005)=ISO_IR 192",
                "-k",
                "PatientName=NÚÑ*",
                "-k",
                "PatientID",
                "-k",
                "AccessionNumber",
            ],
            *[
                "-k",
                "StudyInstanceUID",
                "-k",
                "ScheduledProcedureStepSequence[0].ScheduledStationAETitle=CEDAR_XR",
            ],
            *["-k", f"ScheduledProcedureStepSequence[0].ScheduledProcedureStepStartDate={today:%Y%m%d}"],
            *["-k", "ScheduledProcedureStepSequence[0].Modality", "127.0.0.1", str(server.port)],
        ],
        capture_output=True,
        text=True,
    )

    files = list(tmp_path.glob("rsp*.dcm"))
    assert (result.returncode, len(files)) == (0, 1), result.stderr
    answer = dcmread(files[0], force=True)
    assert (answer.AccessionNumber, answer.PatientID, answer.StudyInstanceUID) == (
        order.accession_number,
        "CVC-0042",
        order.study_instance_uid,
    )
    assert (str(answer.PatientName), answer.SpecificCharacterSet) == ("Núñez^José", "ISO_IR 192")


@pytest.mark.needs_tool("findscu", package="dcmtk")
def test_findscu_gets_an_empty_answer(server, tmp_path):
    result = subprocess.run(
        [
            *[
                "findscu",
                "-W",
                "-X",
                "-od",
                tmp_path,
                "-aet",
                "CEDAR_XR",
                "-aec",
                "CEDAR",
                "-k",
                "PatientName",
            ],
            *["127.0.0.1", str(server.port)],
        ],
        capture_output=True,
    )

    assert (result.returncode, list(tmp_path.glob("rsp*.dcm"))) == (0, [])


def test_implicit_vr_serves_too(server):
    order = make_order(status=OrderStatus.SCHEDULED)

    with associated(server.port, (MWL, IMPLICIT), calling="CEDAR_XR") as association:
        (_status, answer), _final = association.send_c_find(query(), MWL)

    assert answer.AccessionNumber == order.accession_number


def test_one_query_for_any_number_of_items(db, django_assert_num_queries):
    station = make_station()
    start = timezone.now().replace(minute=0, second=0, microsecond=0)
    asked = worklist.Query(query())
    for count in (1, 3):
        while Patient.objects.count() < count:
            shift = dt.timedelta(hours=Patient.objects.count())
            make_order(status=OrderStatus.SCHEDULED, station=station, starts_at=start + shift)

        with django_assert_num_queries(4):  # the clinic's profile, the savepoint and the steps
            answers = list(worklist.find(asked, Encoder()))

        assert len(answers) == count
