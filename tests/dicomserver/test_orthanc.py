"""Orthanc as the neighbour, both ways: it asks and fetches from us, we send to it and fetch from it."""

import io

import pytest

from dicomserver.fetching import fetch_study, find_priors
from dicomserver.models import Fetch, RemoteAE, TransferState
from dicomserver.sending import send_study
from dicomserver.transfers import transfer_waiting
from imaging.ingest import ingest_spool
from imaging.models import Study
from patients.models import Patient
from tests.dicomserver.archive import folders_of_images, make_node, make_study, uids_of
from tests.dicomserver.orthanc import Orthanc
from tests.factories import make_everyone, make_patient
from tests.imaging.sender import identity_of, slices

pytestmark = pytest.mark.needs_tool("Orthanc", package="orthanc")


@pytest.fixture(autouse=True)
def image_folders(tmp_path, settings):
    folders_of_images(tmp_path, settings)
    settings.DICOM_RETRY_SECONDS = 0


@pytest.fixture(scope="module")
def running_orthanc(tmp_path_factory):
    orthanc = Orthanc(tmp_path_factory.mktemp("orthanc"))
    orthanc.start()
    yield orthanc
    orthanc.stop()


@pytest.fixture
def orthanc(running_orthanc, clinic_server):
    """It and we know each other."""
    make_node("ORTHANC", running_orthanc.port)
    clinic_server.policy.refresh()
    running_orthanc.knows("CEDAR", clinic_server.port)
    yield running_orthanc
    running_orthanc.forget_everything()


def test_it_asks_and_fetches_from_us(orthanc):
    study = make_study(make_patient(family_name="Ólafsdóttir"), count=3)
    Patient.objects.filter(pk=study.patient_id).update(given_name="Björk")
    orthanc.ask("/modalities/cedar/echo", {})

    asked = {"Level": "Study", "Query": {"PatientName": "olafs*", "StudyDate": "", "ModalitiesInStudy": ""}}
    query = orthanc.ask("/modalities/cedar/query", asked)["ID"]
    answers = orthanc.ask(f"/queries/{query}/answers?expand&simplify")
    orthanc.ask(f"/queries/{query}/retrieve", {"TargetAet": "ORTHANC", "Synchronous": True})

    assert [answer["StudyInstanceUID"] for answer in answers] == [study.study_instance_uid]
    assert answers[0]["ModalitiesInStudy"] == "CT"
    assert sorted(one["SOPInstanceUID"] for one in orthanc.instances()) == uids_of(study)
    (there,) = orthanc.ask("/patients?expand")
    assert there["MainDicomTags"]["PatientName"] == "Ólafsdóttir^Björk"


def test_nothing_is_lost_while_it_is_away(orthanc):
    study = make_study(count=3)
    orthanc.stop()

    send = send_study(study, by=make_everyone(), to=RemoteAE.objects.get(ae_title="ORTHANC"))
    transfer_waiting()
    send.refresh_from_db()
    meanwhile = (send.state, send.attempts, send.done)
    orthanc.start()
    transfer_waiting()
    send.refresh_from_db()

    assert meanwhile == (TransferState.WAITING, 1, 0)
    assert (send.state, send.done, send.last_error) == (TransferState.DONE, 3, "")
    assert sorted(one["SOPInstanceUID"] for one in orthanc.instances()) == uids_of(study)


def test_earlier_studies_come_from_it(orthanc):
    patient, by = make_patient(), make_everyone()
    upload(orthanc, patient, count=2)
    node = RemoteAE.objects.get(ae_title="ORTHANC")

    (prior,) = find_priors(patient, by=by, node=node)
    fetch_study(patient, prior.uid, by=by, node=node, description=prior.description)
    transfer_waiting()
    ingest_spool()

    assert (prior.images, prior.differences, prior.is_here) == ("2", {}, False)
    fetch = Fetch.objects.get()
    assert (fetch.state, fetch.done, fetch.last_error) == (TransferState.DONE, 2, "")
    study = Study.objects.get(study_instance_uid=prior.uid)
    assert (study.state, study.patient, study.instance_count) == ("filed", patient, 2)
    assert find_priors(patient, by=by, node=node)[0].is_here


def test_what_comes_under_another_name_is_held(orthanc):
    patient, by = make_patient(), make_everyone()
    upload(orthanc, patient, count=1, patient_name="Somebody^Else")
    node = RemoteAE.objects.get(ae_title="ORTHANC")

    (prior,) = find_priors(patient, by=by, node=node)
    fetch_study(patient, prior.uid, by=by, node=node)
    transfer_waiting()
    ingest_spool()

    assert set(prior.differences) == {"patient_name"}
    assert Study.objects.get(study_instance_uid=prior.uid).state == "held"


def upload(orthanc: Orthanc, patient: Patient, count: int, **changes: str) -> None:
    for dataset in slices(identity_of(patient, **changes), count):
        file = io.BytesIO()
        dataset.save_as(file, enforce_file_format=True)
        orthanc.ask("/instances", file.getvalue())
