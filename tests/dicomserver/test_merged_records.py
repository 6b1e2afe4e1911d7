"""Records that became one, as modalities and archives see them: old numbers still lead to the patient."""

import pytest
from pydicom import Dataset

from clinic.models import ClinicProfile
from clinic.permissions import Role
from dicomserver import query
from dicomserver.encoding import Encoder
from patients.merging import merge_patients
from tests.dicomserver import worklists
from tests.dicomserver.archive import folders_of_images, make_study
from tests.factories import make_order, make_patient, make_user

PATIENT_FIND, STUDY_FIND = query.FIND_CLASSES
OLD_NUMBERS = ["CVC-7", "cvc 7", "CVC-7*", "?VC-7"]


@pytest.fixture(autouse=True)
def image_folders(tmp_path, settings):
    folders_of_images(tmp_path, settings)


@pytest.fixture
def accepted_nodes() -> list[str]:
    return ["CEDAR_XR"]


@pytest.fixture
def records(db):
    ClinicProfile.get()
    survivor = make_patient(mrn="CVC-3", family_name="Silva", given_name="Ana")
    return survivor, make_patient(mrn="CVC-7", family_name="Moreno", given_name="Ana")


def merge(survivor, alias):
    by = make_user(Role.RECEPTIONIST)
    merge_patients(survivor, alias, by=by, choices={}, versions=(1, 1), reason="Registered twice")


def asked(level: str, **values: str) -> Dataset:
    identifier = Dataset()
    identifier.SpecificCharacterSet = "ISO_IR 192"
    identifier.QueryRetrieveLevel = level
    for name, value in values.items():
        setattr(identifier, name, value)
    return identifier


@pytest.mark.parametrize("number", OLD_NUMBERS)
@pytest.mark.parametrize(("level", "model"), [("STUDY", STUDY_FIND), ("PATIENT", PATIENT_FIND)])
def test_a_query_by_the_old_number_is_answered_under_the_survivors(records, number, level, model):
    study = make_study(records[1])
    merge(*records)
    wanted = asked(
        level, PatientID=number, PatientName="", **({"StudyInstanceUID": ""} if level == "STUDY" else {})
    )

    encoder = Encoder()
    answers = [encoder.decoded(match) for match in query.find(query.Query(wanted, model), encoder)]

    assert [(answer.PatientID, str(answer.PatientName)) for answer in answers] == [("CVC-3", "Silva^Ana")]
    if level == "STUDY":
        assert answers[0].StudyInstanceUID == study.study_instance_uid


def test_images_are_fetched_by_the_old_number(records):
    study = make_study(records[1])
    merge(*records)

    wanted = asked("PATIENT", PatientID="CVC-7")
    found = query.instances(query.Query(wanted, query.MOVE_CLASSES[0]))

    assert {instance.series.study for instance in found} == {study}


@pytest.mark.parametrize("number", ["CVC-7", "CVC-7*"])
def test_the_worklist_is_found_by_the_old_number(clinic_server, records, number):
    make_order(records[1], status="scheduled")
    merge(*records)

    answers = worklists.ask(clinic_server, worklists.query(PatientID=number, PatientName=""))

    assert [(answer.PatientID, str(answer.PatientName)) for answer in answers] == [("CVC-3", "Silva^Ana")]
