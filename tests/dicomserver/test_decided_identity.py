"""What leaves after a person has decided: that identity by C-MOVE, C-GET and WADO, and what was before."""

import io

import pydicom
import pytest
from pydicom import Dataset
from pynetdicom import build_role, evt
from pynetdicom.sop_class import CTImageStorage

from imaging.decisions import discard_study, file_as_unknown, resolve_held_study
from imaging.models import Study, StudyDecision
from imaging.undoing import undo_decision
from tests.dicomserver.archive import folders_of_images, receiver
from tests.dicomserver.peers import EXPLICIT, IMPLICIT, associated
from tests.dicomserver.test_query import find
from tests.dicomserver.test_retrieve import GET, identifier, move
from tests.factories import make_everyone, make_order, make_patient, make_procedure
from tests.imaging.sender import identity_of, receive, slices


@pytest.fixture(autouse=True)
def image_folders(tmp_path, settings):
    folders_of_images(tmp_path, settings)


@pytest.fixture
def accepted_nodes() -> list[str]:
    return ["VIEWER"]


@pytest.fixture
def order():
    return make_order(make_patient(mrn="A-1", family_name="Ahmed", given_name="Sara"), status="scheduled")


@pytest.fixture
def held(order) -> Study:
    """Images under the order's Study UID that name somebody else."""
    other = make_patient(mrn="B-2", family_name="Berg", given_name="Tor", sex="M")
    return receive(*slices(identity_of(other, study_instance_uid=order.study_instance_uid), 1))


def by_move(server, study: Study) -> Dataset:
    with receiver() as there:
        move(server.port, identifier(StudyInstanceUID=study.study_instance_uid))
    return there.received[0]


def by_get(server, study: Study) -> Dataset:
    got: list[Dataset] = []

    def take(event: evt.Event) -> int:
        got.append(event.dataset)
        return 0x0000

    with associated(
        server.port,
        (GET, IMPLICIT),
        (CTImageStorage, EXPLICIT),
        calling="VIEWER",
        ext_neg=[build_role(CTImageStorage, scp_role=True)],
        evt_handlers=[(evt.EVT_C_STORE, take)],
    ) as association:
        list(association.send_c_get(identifier(StudyInstanceUID=study.study_instance_uid), GET))
    return got[0]


def by_wado(client, study: Study) -> Dataset:
    series = study.series.get()
    instance = series.instances.get()
    answer = client.get(
        f"/dicom-web/studies/{study.study_instance_uid}/series/{series.series_instance_uid}"
        f"/instances/{instance.sop_instance_uid}",
        headers={"accept": "application/dicom"},
    )
    return pydicom.dcmread(io.BytesIO(b"".join(answer) if answer.streaming else answer.content))


@pytest.mark.parametrize("way", ["move", "get", "wado"])
def test_the_decided_identity_leaves_with_what_was_before(way, clinic_server, client, held, order):
    study = resolve_held_study(held, by=make_everyone(), order=order, reason="Wrong entry chosen")
    client.force_login(make_everyone())

    ways = {"move": by_move, "get": by_get}
    left = by_wado(client, study) if way == "wado" else ways[way](clinic_server, study)

    (previous,) = left.OriginalAttributesSequence
    (modified,) = previous.ModifiedAttributesSequence
    assert (str(left.PatientID), str(left.PatientName), left.PatientSex) == ("A-1", "Ahmed^Sara", "F")
    assert left.AccessionNumber == order.accession_number
    assert (str(modified.PatientID), str(modified.PatientName)) == ("B-2", "Berg^Tor")
    assert previous.ReasonForTheAttributeModification == "CORRECT"


def test_an_unknown_patients_images_leave_under_the_placeholder(clinic_server, held):
    study = file_as_unknown(held, by=make_everyone(), procedure=make_procedure(modality="CT"))

    left = by_move(clinic_server, study)

    assert str(left.PatientID) == study.patient.mrn
    assert str(left.PatientName).startswith("Unknown^CT")
    assert (left.PatientBirthDate, left.PatientSex) == ("", "")
    assert left.AccessionNumber == study.order.accession_number


def test_what_is_taken_back_or_discarded_does_not_leave(clinic_server, held, order):
    by = make_everyone()
    study = resolve_held_study(held, by=by, order=order, reason="Wrong entry chosen")
    undo_decision(StudyDecision.objects.get(), by=by)
    discard_study(study, by=by, reason="Phantom")

    with receiver() as there:
        responses = move(clinic_server.port, identifier(StudyInstanceUID=study.study_instance_uid))
    found = find("STUDY", StudyInstanceUID=study.study_instance_uid)

    assert there.received == []
    assert responses[-1][0].Status == 0x0000
    assert found == []
