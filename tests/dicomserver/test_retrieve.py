"""C-MOVE and C-GET, asked by DCMTK's tools and by pynetdicom; expectations are of PS3.4 C.4.2 and C.4.3."""

import hashlib
import subprocess
from pathlib import Path
from typing import Any

import pydicom
import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from pydicom import Dataset
from pydicom.sequence import Sequence
from pydicom.uid import ExplicitVRLittleEndian, JPEG2000Lossless, RLELossless

from audit.models import Entry
from dicomserver import query
from dicomserver.sub_operations import loaded
from imaging.decisions import resolve_held_study
from imaging.models import Instance, Study
from imaging.outgoing import Corrector, outgoing_file
from patients.models import Patient
from tests.dicomserver.archive import (
    folders_of_images,
    keys,
    make_node,
    make_study,
    read_all,
    receiver,
    uids_of,
)
from tests.dicomserver.conftest import wait_for
from tests.dicomserver.peers import EXPLICIT, IMPLICIT, associated
from tests.factories import make_everyone, make_order, make_patient
from tests.imaging.sender import identity_for, receive, slices

MOVE, GET = query.MOVE_CLASSES[1], query.GET_CLASSES[1]


@pytest.fixture(autouse=True)
def image_folders(tmp_path, settings):
    folders_of_images(tmp_path, settings)


@pytest.fixture
def accepted_nodes() -> list[str]:
    return ["VIEWER"]


def identifier(level: str = "STUDY", **values: object) -> Dataset:
    asked = Dataset()
    asked.QueryRetrieveLevel = level
    for name, value in values.items():
        setattr(asked, name, value)
    return asked


def move(port: int, asked: Dataset, destination: str = "RECEIVER") -> list[tuple[Dataset, Dataset | None]]:
    """Every response of a C-MOVE."""
    with associated(port, (MOVE, IMPLICIT), calling="VIEWER") as association:
        return list(association.send_c_move(asked, destination, MOVE))


def resolved_study(
    patient: Patient, *, attributes: Any = None, stored: str = EXPLICIT, **differing: str
) -> Study:
    """A study that named somebody else and that a person gave to ``patient``'s order."""
    order = make_order(patient, status="scheduled")
    made = slices(identity_for(order, **differing), 1, OtherPatientIDs="OTHER-1", **attributes or {})
    if stored != EXPLICIT:
        made[0].compress(stored, generate_instance_uid=False)
    study = receive(*made)
    return resolve_held_study(study, by=make_everyone(), order=order, reason="Wrong entry chosen")


def files_of(study: Study) -> dict[str, str]:
    found = Instance.objects.filter(series__study=study)
    return {str(one.path): hashlib.sha256(one.path.read_bytes()).hexdigest() for one in found}


# --- C-MOVE -------------------------------------------------------------------------------------------
@pytest.mark.needs_tool("movescu", package="dcmtk")
def test_movescu_gets_the_stored_bytes(clinic_server, tmp_path):
    study = make_study(count=3)
    with receiver() as there:
        result = subprocess.run(
            [
                *["movescu", "-S", "-aet", "VIEWER", "-aec", "CEDAR", "-aem", "RECEIVER"],
                *keys("STUDY", StudyInstanceUID=study.study_instance_uid),
                *["127.0.0.1", str(clinic_server.port)],
            ],
            capture_output=True,
            text=True,
            check=False,
        )

    assert result.returncode == 0, result.stderr
    assert sorted(one.SOPInstanceUID for one in there.received) == uids_of(study)
    assert there.originators == {"VIEWER"}
    assert "OriginalAttributesSequence" not in there.received[0]


def test_pending_responses_count_and_the_trail_has_one_row_a_study(clinic_server):
    one, other = make_study(count=2), make_study(count=1)
    asked = identifier(StudyInstanceUID=[one.study_instance_uid, other.study_instance_uid])
    with receiver():
        responses = [status for status, _identifier in move(clinic_server.port, asked)]

    pending = [
        (status.NumberOfRemainingSuboperations, status.NumberOfCompletedSuboperations)
        for status in responses[:-1]
    ]
    assert pending == [(2, 1), (1, 2)]
    assert (responses[-1].Status, responses[-1].NumberOfCompletedSuboperations) == (0x0000, 3)
    rows = Entry.objects.filter(action="study.sent").order_by("pk")
    assert [(row.subject_id, row.changes["images"][1]) for row in rows] == [
        (str(one.pk), 2),
        (str(other.pk), 1),
    ]
    assert {row.changes["destination"][1] for row in rows} == {"RECEIVER"}


@pytest.mark.parametrize("kind", ["nobody", "not accepted", "no port", "switched off"])
def test_an_unknown_destination_is_answered_with_a801(clinic_server, kind):
    study = make_study(count=1)
    if kind == "not accepted":
        make_node("RECEIVER", 104, state="wants_to_connect")
    elif kind == "no port":
        make_node("RECEIVER")
    elif kind == "switched off":
        make_node("RECEIVER", 1)

    responses = move(clinic_server.port, identifier(StudyInstanceUID=study.study_instance_uid))

    assert [status.Status for status, _identifier in responses] == [0xA801]


def test_refused_objects_are_listed(clinic_server):
    study = make_study(count=2)
    with receiver(status=0xA700):
        responses = move(clinic_server.port, identifier(StudyInstanceUID=study.study_instance_uid))

    status, failed = responses[-1]
    assert (status.Status, status.NumberOfFailedSuboperations) == (0xA702, 2)
    assert sorted(failed.FailedSOPInstanceUIDList) == uids_of(study)


def test_one_object_of_many_that_fails_is_a_warning(clinic_server):
    study = make_study(count=3)
    missing = Instance.objects.filter(series__study=study).order_by("-pk").first()
    missing.path.unlink()
    with receiver():
        status, failed = move(clinic_server.port, identifier(StudyInstanceUID=study.study_instance_uid))[-1]

    assert (status.Status, status.NumberOfCompletedSuboperations) == (0xB000, 2)
    assert failed.FailedSOPInstanceUIDList == missing.sop_instance_uid


def test_a_cancelled_move_stops(clinic_server):
    study = make_study(count=8)
    with receiver() as there:
        there.seconds = 0.2
        asked = identifier(StudyInstanceUID=study.study_instance_uid)
        with associated(clinic_server.port, (MOVE, IMPLICIT), calling="VIEWER") as association:
            responses = association.send_c_move(asked, "RECEIVER", MOVE, msg_id=5)
            next(responses)
            association.send_c_cancel(5, query_model=MOVE)
            statuses = [status for status, _identifier in responses]

    assert statuses[-1].Status == 0xFE00
    assert len(there.received) == statuses[-1].NumberOfCompletedSuboperations
    assert statuses[-1].NumberOfRemainingSuboperations == 8 - len(there.received)


def test_a_move_of_nothing_succeeds_and_one_without_a_key_does_not(clinic_server):
    make_node("RECEIVER", 104)

    nothing = move(clinic_server.port, identifier(StudyInstanceUID="1.2.3"))
    without = move(clinic_server.port, identifier(PatientID="T-1"))

    assert [status.Status for status, _identifier in (nothing[0], without[0])] == [0x0000, 0xA900]


def test_held_studies_are_not_sent(clinic_server):
    study = receive(*slices(identity_for(make_order(status="scheduled"), patient_id="OTHER"), 1))
    with receiver() as there:
        responses = move(clinic_server.port, identifier(StudyInstanceUID=study.study_instance_uid))

    assert (study.state, responses[0][0].Status, there.received) == ("held", 0x0000, [])


# --- C-GET --------------------------------------------------------------------------------------------
@pytest.mark.needs_tool("getscu", package="dcmtk")
def test_getscu_gets_what_the_requester_takes(clinic_server, tmp_path):
    study = make_study(make_patient(family_name="Ólafsdóttir"), count=3)
    (tmp_path / "got").mkdir()

    result = subprocess.run(
        [
            *["getscu", "-S", "-aet", "VIEWER", "-aec", "CEDAR", "-od", str(tmp_path / "got")],
            *keys("STUDY", StudyInstanceUID=study.study_instance_uid),
            *["127.0.0.1", str(clinic_server.port)],
        ],
        capture_output=True,
        text=True,
        check=False,
    )

    assert result.returncode == 0, result.stderr
    assert [one.SOPInstanceUID for one in read_all(tmp_path / "got")] == uids_of(study)
    row = Entry.objects.get(action="study.sent")
    assert row.changes == {"images": [None, 3], "destination": [None, "VIEWER"]}


# --- the clinic's identity ----------------------------------------------------------------------------
def test_a_resolved_study_leaves_under_the_right_name(clinic_server):
    patient = make_patient(family_name="Grün", given_name="Ida", sex="F")
    study = resolved_study(patient, patient_name="Other^Name", patient_id="X-99", sex="M")
    before = files_of(study)
    with receiver() as there:
        responses = move(clinic_server.port, identifier(StudyInstanceUID=study.study_instance_uid))

    assert responses[-1][0].Status == 0x0000
    (sent,) = there.received
    assert (sent.PatientName, sent.PatientID, sent.PatientSex) == ("Grün^Ida", patient.mrn, "F")
    assert sent.SpecificCharacterSet == "ISO_IR 192"
    assert "OtherPatientIDs" not in sent
    (note,) = sent.OriginalAttributesSequence
    (previous,) = note.ModifiedAttributesSequence
    assert (previous.PatientName, previous.PatientID, previous.PatientSex) == ("Other^Name", "X-99", "M")
    assert (note.ReasonForTheAttributeModification, note.ModifyingSystem) == ("CORRECT", "CEDAR")
    assert files_of(study) == before


def test_a_name_that_was_corrected_later_is_corrected_in_what_leaves(clinic_server):
    study = make_study(count=2)
    Patient.objects.filter(pk=study.patient_id).update(family_name="Newname")
    with receiver() as there:
        move(clinic_server.port, identifier(StudyInstanceUID=study.study_instance_uid))

    assert {str(one.PatientName) for one in there.received} == {"Newname^Ada"}
    assert {one.PixelData for one in there.received} == {
        pydicom.dcmread(path).PixelData for path in files_of(study)
    }


def test_the_numbers_of_another_persons_order_leave_with_neither_header_nor_request(db):
    """The worklist entry of somebody else was chosen at the machine; a person put the images right."""
    wrong, second = make_order(status="scheduled"), make_order(status="scheduled")
    patient = second.patient
    of_wrong, of_second = request(wrong.accession_number), request(second.accession_number)
    from_elsewhere = Dataset()
    from_elsewhere.AccessionNumber = "EXT-7"
    study = resolved_study(
        patient,
        patient_id="X-99",
        accession_number=wrong.accession_number,
        attributes={"RequestAttributesSequence": Sequence([of_wrong, of_second, from_elsewhere])},
    )
    instance = next(loaded([Instance.objects.get(series__study=study).pk]))

    with outgoing_file(instance, {EXPLICIT}, Corrector()) as path:
        sent = pydicom.dcmread(path)

    names = ("AccessionNumber", "RequestedProcedureID", "ScheduledProcedureStepID")
    asked = [[item.get(name, "") for name in names] for item in sent.RequestAttributesSequence]
    number = sent.AccessionNumber
    assert number != wrong.accession_number
    assert asked == [[number] * 3, [second.accession_number] * 3, ["EXT-7", "", ""]]
    previous = sent.OriginalAttributesSequence[0].ModifiedAttributesSequence[0]
    assert previous.RequestAttributesSequence[0].AccessionNumber == wrong.accession_number
    stored = pydicom.dcmread(instance.path)
    assert stored.RequestAttributesSequence[0].AccessionNumber == wrong.accession_number


def request(number: str) -> Dataset:
    """An item of the Request Attributes Sequence as a machine fills it from our worklist."""
    item = Dataset()
    item.AccessionNumber = item.RequestedProcedureID = item.ScheduledProcedureStepID = number
    return item


@pytest.mark.needs_tool("dciodvfy", package="dicom3tools")
@pytest.mark.parametrize("stored", [EXPLICIT, RLELossless, JPEG2000Lossless])
def test_correcting_and_decompressing_bring_no_new_error(db, stored):
    patient, wrong = make_patient(family_name="Grün", given_name="Ida"), make_order(status="scheduled")
    study = resolved_study(
        patient,
        patient_name="Other^Name",
        patient_id="X-99",
        accession_number=wrong.accession_number,
        attributes={"RequestAttributesSequence": Sequence([request(wrong.accession_number)])},
        stored=stored,
    )
    instance = next(loaded([Instance.objects.get(series__study=study).pk]))

    with outgoing_file(instance, {EXPLICIT}, Corrector()) as path:
        after = complaints(path)

    assert path != instance.path
    assert after - complaints(instance.path) == set()


def complaints(path: Path) -> set[str]:
    found = subprocess.run(["dciodvfy", str(path)], capture_output=True, text=True, check=False).stderr
    return {line for line in found.splitlines() if line.startswith("Error")}


@pytest.mark.django_db
@pytest.mark.parametrize("syntax", ["1.2.840.10008.1.2", "1.2.840.10008.1.2.2", "1.2.840.10008.1.2.1.99"])
def test_every_encoding_can_be_corrected(syntax):
    made = slices(identity_for(make_order(status="scheduled")), 1, StudyDescription="Schädel")
    made[0].SpecificCharacterSet = "ISO_IR 100"
    study = receive(*[reencoded(one, syntax) for one in made])
    Patient.objects.filter(pk=study.patient_id).update(family_name="Łoś")
    instance = next(loaded([Instance.objects.get(series__study=study).pk]))

    with outgoing_file(instance, {syntax}, Corrector()) as path:
        sent = pydicom.dcmread(path)
        stored = pydicom.dcmread(instance.path)

    assert (str(sent.PatientName), sent.file_meta.TransferSyntaxUID) == ("Łoś^Ada", syntax)
    changed = {element.keyword for element in sent if element != stored.get(element.tag)}
    assert changed == {"PatientName", "SpecificCharacterSet", "OriginalAttributesSequence"}


def reencoded(dataset: Dataset, syntax: str) -> Dataset:
    if syntax == "1.2.840.10008.1.2.2":
        dataset.PixelData = dataset.pixel_array.astype(">i2").tobytes()
    dataset.file_meta.TransferSyntaxUID = syntax
    return dataset


# --- transfer syntaxes --------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("stored", "accepted", "sent_as"),
    [
        (RLELossless, (RLELossless, EXPLICIT), RLELossless),
        (RLELossless, (EXPLICIT, IMPLICIT), EXPLICIT),
        (JPEG2000Lossless, (IMPLICIT,), IMPLICIT),
        (EXPLICIT, (IMPLICIT,), IMPLICIT),
    ],
)
def test_what_the_receiver_cannot_read_is_decompressed(clinic_server, stored, accepted, sent_as):
    made = slices(identity_for(make_order(status="scheduled")), 1)
    pixels = made[0].pixel_array
    if stored != EXPLICIT:
        made[0].compress(stored, generate_instance_uid=False)
    study = receive(*made)
    with receiver(*accepted) as there:
        responses = move(clinic_server.port, identifier(StudyInstanceUID=study.study_instance_uid))

    assert responses[-1][0].Status == 0x0000
    (sent,) = there.received
    assert sent.file_meta.TransferSyntaxUID == sent_as
    assert (sent.pixel_array == pixels).all()


def test_what_nobody_can_read_there_is_reported(clinic_server):
    study = make_study(count=1)
    with receiver(RLELossless) as there:
        responses = move(clinic_server.port, identifier(StudyInstanceUID=study.study_instance_uid))

    assert (responses[-1][0].Status, there.received) == (0xA702, [])


# --- cost ---------------------------------------------------------------------------------------------
@pytest.mark.django_db
def test_images_are_prepared_with_a_constant_number_of_questions():
    counts = []
    for count in (1, 4):
        study = make_study(count=count)
        Patient.objects.filter(pk=study.patient_id).update(family_name="Newname")
        pks = list(Instance.objects.filter(series__study=study).values_list("pk", flat=True))
        corrector = Corrector()
        with CaptureQueriesContext(connection) as captured:
            for instance in loaded(pks):
                with outgoing_file(instance, {str(ExplicitVRLittleEndian)}, corrector):
                    pass
        counts.append(len(captured))

    assert counts[0] == counts[1]


def test_the_requester_that_hangs_up_stops_the_move(clinic_server):
    study = make_study(count=8)
    with receiver() as there:
        there.seconds = 0.2
        asked = identifier(StudyInstanceUID=study.study_instance_uid)
        with associated(clinic_server.port, (MOVE, IMPLICIT), calling="VIEWER") as association:
            next(association.send_c_move(asked, "RECEIVER", MOVE))
            association.abort()
        wait_for(lambda: not clinic_server.established)

    assert len(there.received) < 8
