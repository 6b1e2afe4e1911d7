"""C-FIND on the archive, asked by DCMTK's findscu and by pynetdicom; expectations are of PS3.4 Annex C."""

import datetime as dt
import subprocess

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from pydicom import Dataset, dcmread
from pynetdicom.pdu_primitives import SOPClassExtendedNegotiation

from dicomserver import query
from dicomserver.encoding import Encoder
from dicomserver.models import Association
from imaging.models import Instance, Study
from tests.dicomserver.archive import folders_of_images, keys, make_study
from tests.dicomserver.conftest import wait_for
from tests.dicomserver.peers import EXPLICIT, IMPLICIT, associated
from tests.factories import make_patient
from tests.imaging.sender import identity_of, receive, slices

PATIENT_FIND, STUDY_FIND = query.FIND_CLASSES


@pytest.fixture(autouse=True)
def image_folders(tmp_path, settings):
    folders_of_images(tmp_path, settings)


@pytest.fixture
def accepted_nodes() -> list[str]:
    return ["VIEWER"]


def asked(level: str, **values: object) -> Dataset:
    identifier = Dataset()
    identifier.SpecificCharacterSet = "ISO_IR 192"
    identifier.QueryRetrieveLevel = level
    for name, value in values.items():
        setattr(identifier, name, value)
    return identifier


def find(level: str, model: str = STUDY_FIND, **values: object) -> list[Dataset]:
    """Without an association: what would be answered."""
    encoder = Encoder()
    matches = query.find(query.Query(asked(level, **values), model), encoder)
    return [encoder.decoded(match) for match in matches]


def numbers(level: str = "STUDY", **values: object) -> list[str]:
    """Patient numbers of the matches."""
    return sorted(answer.PatientID for answer in find(level, **{"PatientID": ""} | values))


def filed(**fields: object) -> Study:
    """A study without an order, of a patient with these fields."""
    patient = make_patient(**fields)
    return receive(*slices(identity_of(patient), 1))


# --- matching -----------------------------------------------------------------------------------------
NAMES = {
    "Müller^Anna": ["A-1"],
    "MULLER*": ["A-1", "A-2"],
    "muller^a*": ["A-1"],
    "*ünther": ["A-2"],
    "M?LLER^Anna": ["A-1"],
    "yamada*": ["A-3"],
    "*山田*": ["A-3"],
    "Schmidt*": [],
    "*": ["A-1", "A-2", "A-3"],
}
DATES_AND_CODES = [
    ({"StudyDate": "20260301"}, ["B-1"]),
    ({"StudyDate": "20260301-20260302"}, ["B-1", "B-2"]),
    ({"StudyDate": "-20260301"}, ["B-1"]),
    ({"StudyDate": "20260302-", "StudyTime": "1200-"}, ["B-3"]),
    ({"StudyTime": "08"}, ["B-1", "B-2"]),
    ({"PatientBirthDate": "19700101-19791231"}, ["B-2"]),
    ({"PatientID": "b1"}, ["B-1"]),
    ({"PatientID": "B-?"}, ["B-1", "B-2", "B-3"]),
    ({"PatientID": "B-1\\B-2"}, ["B-1", "B-2"]),
    ({"PatientSex": "M"}, ["B-3"]),
    ({"ModalitiesInStudy": "CT"}, ["B-1", "B-2", "B-3"]),
    ({"ModalitiesInStudy": "MR"}, []),
]


@pytest.mark.django_db
def test_names_match_without_case_and_accents():
    filed(mrn="A-1", family_name="Müller", given_name="Anna")
    filed(mrn="A-2", family_name="Muller", given_name="Günther")
    filed(mrn="A-3", family_name="Yamada", given_name="Taro", ideographic_name="山田^太郎")

    found = {pattern: numbers(PatientName=pattern) for pattern in NAMES}

    assert found == NAMES


@pytest.mark.django_db
def test_dates_numbers_and_codes_match():
    for number, day, hour in [("B-1", 1, 8), ("B-2", 2, 8), ("B-3", 3, 13)]:
        born = dt.date(1975, 1, 1) if number == "B-2" else dt.date(1990, 5, 5)
        study = filed(mrn=number, birth_date=born, sex="M" if number == "B-3" else "F")
        at = dt.datetime(2026, 3, day, hour, 30, tzinfo=dt.UTC)
        Study.objects.filter(pk=study.pk).update(performed_at=at)

    found = [(values, numbers(**values)) for values, _expected in DATES_AND_CODES]

    assert found == DATES_AND_CODES


@pytest.mark.django_db
def test_a_list_of_uids_finds_each_of_them():
    studies = [make_study(count=1) for _ in range(3)]
    wanted = [studies[0].study_instance_uid, studies[2].study_instance_uid]

    found = find("STUDY", StudyInstanceUID=[*wanted, "1.2.3"])

    assert {answer.StudyInstanceUID for answer in found} == set(wanted)


@pytest.mark.django_db
def test_the_order_gives_the_accession_number_and_only_then_the_images():
    linked, loose = make_study(count=1), filed()
    Study.objects.filter(pk=loose.pk).update(received_accession_number="OUT-77")
    number = linked.order.accession_number

    found = {text: len(find("STUDY", AccessionNumber=text)) for text in (number, "OUT-77", "OUT-*", "NONE")}

    assert found == {number: 1, "OUT-77": 1, "OUT-*": 1, "NONE": 0}


@pytest.mark.django_db
def test_a_study_id_is_found_in_the_images():
    receive(*slices(identity_of(make_patient()), 1, StudyID="S-9"))
    make_study(count=1, StudyID="S-8")

    assert [answer.StudyID for answer in find("STUDY", StudyID="S-9")] == ["S-9"]


# --- levels -------------------------------------------------------------------------------------------
@pytest.mark.django_db
def test_every_level_answers_with_what_is_above_it():
    study = make_study(count=3)
    uid = study.study_instance_uid

    patients = find("PATIENT", PATIENT_FIND, PatientID=study.patient.mrn, NumberOfPatientRelatedInstances="")
    series = find("SERIES", StudyInstanceUID=uid, SeriesInstanceUID="", PatientName="", Modality="")
    images = find("IMAGE", StudyInstanceUID=uid, SOPInstanceUID="", InstanceNumber="", SliceThickness="")

    assert [answer.NumberOfPatientRelatedInstances for answer in patients] == [3]
    assert [(answer.Modality, answer.PatientName) for answer in series] == [("CT", study.patient.dicom_name)]
    assert sorted(answer.InstanceNumber for answer in images) == [1, 2, 3]
    assert all(answer.SliceThickness for answer in images)


@pytest.mark.django_db
def test_relational_queries_need_no_keys_of_the_levels_above():
    study = make_study(count=2)

    found = find("IMAGE", PatientID=study.patient.mrn, SOPInstanceUID="")

    assert len(found) == 2


@pytest.mark.django_db
def test_unknown_keys_come_back_empty():
    make_study(count=1)

    (answer,) = find("STUDY", NameOfPhysiciansReadingStudy="", ProcedureCodeSequence=[], StudyComments="x")

    assert [answer[name].is_empty for name in ("StudyComments", "ProcedureCodeSequence")] == [True, True]
    assert not answer.NameOfPhysiciansReadingStudy


@pytest.mark.django_db
def test_held_studies_are_not_offered():
    study = make_study(count=1)
    Study.objects.filter(pk=study.pk).update(
        state="held", order=None, patient=None, held_reason="The name differs."
    )

    found = [find(level, PATIENT_FIND) for level in query.LEVELS]

    assert found == [[], [], [], []]


@pytest.mark.django_db
def test_the_number_of_questions_to_the_database_does_not_grow():
    counts = []
    for _ in range(2):
        make_study(count=2)
        counts.append([number_of_questions(level) for level in query.LEVELS])

    assert counts[0] == counts[1]
    assert max(counts[0]) <= 4


def number_of_questions(level: str) -> int:
    """One for the matches, however many they are; the others are the savepoint and the clinic's profile."""
    with CaptureQueriesContext(connection) as captured:
        find(level, PATIENT_FIND, PatientID="", StudyID="", NumberOfPatientRelatedStudies="")
    return len(captured)


@pytest.mark.django_db
@pytest.mark.parametrize(
    "values", [{"StudyDate": "yesterday"}, {"StudyTime": "99"}, {"SeriesNumber": "many"}]
)
def test_keys_that_cannot_be_read_are_named(values):
    identifier = asked("SERIES")
    if "SeriesNumber" in values:
        identifier.add_new(0x00200011, "LO", "many")
        values = {}
    for name, value in values.items():
        setattr(identifier, name, value)

    with pytest.raises(query.BadQuery):
        list(query.find(query.Query(identifier, STUDY_FIND), Encoder()))


def test_a_level_of_another_model_is_refused():
    with pytest.raises(query.WrongLevel):
        query.Query(asked("PATIENT"), STUDY_FIND)


# --- over the network ---------------------------------------------------------------------------------
@pytest.mark.needs_tool("findscu", package="dcmtk")
@pytest.mark.parametrize(
    ("model", "level"), [("-P", "PATIENT"), ("-S", "STUDY"), ("-S", "SERIES"), ("-S", "IMAGE")]
)
def test_findscu_finds(clinic_server, tmp_path, model, level):
    study = make_study(make_patient(family_name="Ólafsdóttir"), count=2)
    (tmp_path / "found").mkdir()

    result = subprocess.run(
        [
            *["findscu", model, "-X", "-od", str(tmp_path / "found"), "-aet", "VIEWER", "-aec", "CEDAR"],
            *keys(level, PatientID=study.patient.mrn, PatientName="olafs*", StudyInstanceUID=""),
            *["127.0.0.1", str(clinic_server.port)],
        ],
        capture_output=True,
        text=True,
        check=False,
    )

    assert result.returncode == 0, result.stderr
    found = [dcmread(path, force=True) for path in (tmp_path / "found").iterdir()]
    assert len(found) == {"IMAGE": 2}.get(level, 1)
    assert {str(answer.PatientName) for answer in found} == {study.patient.dicom_name}


def test_a_cancel_is_heard(clinic_server):
    study = make_study(count=1)
    (image,) = Instance.objects.filter(series__study=study)
    for number in range(300):
        image.pk, image.sop_instance_uid, image.file = None, f"1.2.{number}", f"none/{number}"
        image.save()
    identifier = asked("IMAGE", SOPInstanceUID="")

    with associated(clinic_server.port, (STUDY_FIND, IMPLICIT), calling="VIEWER") as association:
        answers = association.send_c_find(identifier, STUDY_FIND, msg_id=7)
        first, _match = next(answers)
        association.send_c_cancel(7, query_model=STUDY_FIND)
        statuses = [status.Status for status, _match in answers]

    assert first.Status == 0xFF00
    assert statuses[-1] == 0xFE00
    assert len(statuses) < 300


def test_a_wrong_level_is_answered_with_a900(clinic_server):
    with associated(clinic_server.port, (STUDY_FIND, EXPLICIT), calling="VIEWER") as association:
        (status, _match) = next(association.send_c_find(asked("ROOM"), STUDY_FIND))

    assert status.Status == 0xA900


def test_relational_queries_are_negotiated(clinic_server):
    wish = SOPClassExtendedNegotiation()
    wish.sop_class_uid, wish.service_class_application_information = STUDY_FIND, b"\x01\x01\x01"

    with associated(
        clinic_server.port, (STUDY_FIND, EXPLICIT), calling="VIEWER", ext_neg=[wish]
    ) as association:
        answered = association.acceptor.sop_class_extended

    assert answered == {STUDY_FIND: b"\x01\x00\x00"}


def test_who_is_not_accepted_gets_nothing(clinic_server):
    with associated(clinic_server.port, (STUDY_FIND, EXPLICIT), calling="STRANGER") as association:
        assert association.is_rejected


def test_the_log_says_what_was_found(clinic_server):
    study = make_study(count=1)
    with associated(clinic_server.port, (STUDY_FIND, EXPLICIT), calling="VIEWER") as association:
        list(association.send_c_find(asked("STUDY", PatientID=study.patient.mrn), STUDY_FIND))

    call = wait_for(lambda: Association.objects.filter(searched=1).first())

    assert (call.found, call.at <= timezone.now()) == (1, True)
