"""Orthanc as the neighbour, both ways: it asks and fetches from us, we send to it and fetch from it."""

import io

import pytest
from django.urls import reverse

from clinic.permissions import Role
from dicomserver.fetching import fetch_study, find_priors
from dicomserver.models import Fetch, RemoteAE, TransferState
from dicomserver.sending import send_study
from dicomserver.sub_operations import Storing
from dicomserver.transfers import transfer_waiting
from imaging.ingest import ingest_spool
from imaging.models import Instance, Study
from patients.models import Patient, PatientIdentifier
from tests.dicomserver.archive import folders_of_images, make_node, make_study, uids_of
from tests.dicomserver.orthanc import Orthanc
from tests.dicomserver.peers import EXPLICIT
from tests.factories import make_everyone, make_patient, make_user
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


def test_it_goes_down_in_the_middle_and_nothing_is_lost(orthanc, monkeypatch, client):
    study = make_study(count=12)
    store = Storing.store

    def store_until_it_is_gone(storing: Storing, instance: Instance) -> bool:
        if storing.completed == 5:
            orthanc.stop()
        return store(storing, instance)

    monkeypatch.setattr(Storing, "store", store_until_it_is_gone)
    send = send_study(study, by=make_everyone(), to=RemoteAE.objects.get(ae_title="ORTHANC"))
    transfer_waiting()
    monkeypatch.setattr(Storing, "store", store)
    send.refresh_from_db()
    meanwhile = (send.state, send.done)
    client.force_login(make_user(Role.ADMINISTRATOR))
    page = client.get(reverse("dicomserver:send_list")).content.decode()
    orthanc.start()
    transfer_waiting()
    send.refresh_from_db()

    assert meanwhile == (TransferState.WAITING, 5)
    assert ("5 of 12 images" in page, "Attempts so far: 1." in page) == (True, True)
    assert (send.state, send.done, send.attempts) == (TransferState.DONE, 12, 2)
    assert sorted(one["SOPInstanceUID"] for one in orthanc.instances()) == uids_of(study)


def test_an_archive_that_cannot_call_back_sends_on_our_connection(orthanc):
    """C-GET: it knows us under a port where nobody listens."""
    patient, by = make_patient(), make_everyone()
    upload(orthanc, patient, count=3)
    orthanc.knows("CEDAR", 1)
    RemoteAE.objects.update(fetches_with_get=True)
    node = RemoteAE.objects.get(ae_title="ORTHANC")

    (prior,) = find_priors(patient, by=by, node=node)
    fetch_study(patient, prior.uid, by=by, node=node)
    transfer_waiting()
    ingest_spool()

    fetch = Fetch.objects.get()
    assert (fetch.state, fetch.done, fetch.last_error) == (TransferState.DONE, 3, "")
    study = Study.objects.get(study_instance_uid=prior.uid)
    assert (study.state, study.patient, study.instance_count) == ("filed", patient, 3)
    assert sorted(one["SOPInstanceUID"] for one in orthanc.instances()) == uids_of(study)
    origin = Instance.objects.filter(series__study=study).first()
    assert (origin.source_ae_title, origin.transfer_syntax_uid) == ("ORTHANC", EXPLICIT)


def test_without_that_it_is_said_where_we_are_unknown(orthanc):
    patient, by = make_patient(), make_everyone()
    upload(orthanc, patient, count=1)
    orthanc.ask("/modalities/cedar", method="DELETE")
    orthanc.ask("/modalities/else", {"AET": "ELSE", "Host": "127.0.0.1", "Port": 1}, "PUT")
    node = RemoteAE.objects.get(ae_title="ORTHANC")

    fetch = fetch_study(patient, "1.2.3", by=by, node=node)
    transfer_waiting()

    fetch.refresh_from_db()
    assert (fetch.state, fetch.attempts, bool(fetch.last_error)) == (TransferState.WAITING, 1, True)


def test_studies_under_the_other_numbers_of_a_patient_are_found(orthanc):
    patient, by = make_patient(), make_everyone()
    PatientIdentifier.objects.create(patient=patient, issuer="Other clinic", value="OLD-77")
    upload(orthanc, patient, count=1)
    upload(orthanc, patient, count=1, patient_id="OLD-77", study_instance_uid="1.2.3.77")
    node = RemoteAE.objects.get(ae_title="ORTHANC")

    found = find_priors(patient, by=by, node=node)

    assert {study.uid: set(study.differences) for study in found if study.uid == "1.2.3.77"} == {
        "1.2.3.77": {"patient_id"}
    }
    assert len(found) == 2


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
