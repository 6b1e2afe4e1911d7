"""MPPS through real associations; expectations are of PS3.4 Annex F and of the clinic's own flow."""

import pytest
from pydicom import Dataset
from pydicom.sequence import Sequence
from pydicom.uid import generate_uid

from audit.models import Entry
from dicomserver import mpps
from dicomserver.commitment import COMMITMENT, WELL_KNOWN
from imaging.completeness import settle_performed_steps
from imaging.models import Instance, PerformedStep, StepState
from scheduling.models import FlowEvent
from scheduling.statuses import AppointmentStatus, OrderStatus
from tests.dicomserver.archive import folders_of_images
from tests.dicomserver.conftest import KNOWN, NO_DATABASE, wait_for
from tests.dicomserver.modality import MPPS, code, final, in_progress, reference, scheduled, tell
from tests.dicomserver.peers import EXPLICIT, associated
from tests.factories import make_appointment, make_order, make_patient
from tests.imaging.sender import identity_for, receive, slices


@pytest.fixture
def accepted_nodes() -> list[str]:
    return [KNOWN]


@pytest.fixture
def server(clinic_server, tmp_path, settings):
    folders_of_images(tmp_path, settings)
    return clinic_server


@pytest.fixture
def order(server):
    return make_order(status=OrderStatus.SCHEDULED)


def appointment_status(order) -> str:
    order.refresh_from_db()
    order.appointment.refresh_from_db()
    return order.appointment.status


# --- protocol ---------------------------------------------------------------------------------------
def test_a_step_begins_goes_on_and_completes(server, order):
    uid = generate_uid()
    more = Dataset()
    more.PerformedProcedureStepDescription = "Chest and more"
    on_the_way = final("IN PROGRESS", [generate_uid()], PerformedProcedureStepEndDate="")

    statuses = tell(
        server,
        ("create", in_progress(order), uid),
        ("set", on_the_way, uid),
        ("set", more, uid),
        ("set", final(), uid),
    )

    step = PerformedStep.objects.get()
    assert statuses == [0x0000, 0x0000, 0x0000, 0x0000]
    assert (step.state, step.sop_instance_uid, step.source_ae_title) == (StepState.COMPLETED, uid, KNOWN)
    assert list(step.orders.all()) == [order]
    assert (step.description, step.modality, step.step_id) == ("Chest and more", "CT", "PPS1")
    assert f"{step.ended_at - step.started_at}" == "0:15:00"


def test_a_step_begins_only_in_progress(server, order):
    wrong = [
        in_progress(order, PerformedProcedureStepStatus=status)
        for status in ("COMPLETED", "DISCONTINUED", "SCHEDULED", "", "")
    ]
    del wrong[-1].PerformedProcedureStepStatus

    statuses = tell(server, *[("create", dataset, generate_uid()) for dataset in wrong])

    assert statuses == [0x0106, 0x0106, 0x0106, 0x0121, 0x0120]
    assert PerformedStep.objects.count() == 0
    assert appointment_status(order) == AppointmentStatus.BOOKED


def test_wrong_messages_change_nothing(server, order):
    uid, other = generate_uid(), generate_uid()

    statuses = tell(
        server,
        ("create", in_progress(order), uid),
        ("create", in_progress(order), uid),
        ("set", final(), other),
        ("set", final("PAUSED"), uid),
        ("set", final(PerformedProcedureStepEndDate=None), uid),
        ("set", final(PerformedProcedureStepEndTime=""), uid),
        ("set", final(PerformedSeriesSequence=None), uid),
        ("set", final("DISCONTINUED", PerformedSeriesSequence=Sequence()), uid),
    )

    assert statuses == [0x0000, 0x0111, 0x0112, 0x0106, 0x0121, 0x0121, 0x0121, 0x0121]
    assert PerformedStep.objects.get().state == StepState.IN_PROGRESS


def test_a_final_step_changes_no_more(server, order):
    completed, discontinued = generate_uid(), generate_uid()
    for uid, end in ((completed, "COMPLETED"), (discontinued, "DISCONTINUED")):
        tell(server, ("create", in_progress(order), uid), ("set", final(end), uid))

    again = tell(server, ("set", final("IN PROGRESS"), completed), ("set", final("COMPLETED"), discontinued))

    assert again == [0x0110, 0x0110]
    states = PerformedStep.objects.order_by("pk").values_list("state", flat=True)
    assert list(states) == [StepState.COMPLETED, StepState.DISCONTINUED]


def test_a_step_without_a_uid_gets_one(server, order):
    with associated(server.port, (MPPS, EXPLICIT)) as association:
        status, _answer = association.send_n_create(in_progress(order), MPPS, None)

    assert status.Status == 0x0000
    assert PerformedStep.objects.get().sop_instance_uid.startswith("2.25.")


def test_without_the_database_the_modality_is_told_at_once(start_process):
    process = start_process(DATABASE_URL=NO_DATABASE)
    nothing = in_progress()
    request = Dataset()
    request.TransactionUID, request.ReferencedSOPSequence = "1.2.3", Sequence([reference("1.2.3")])

    statuses = tell(process, ("create", nothing, generate_uid()), ("set", final(), generate_uid()))
    with associated(process.port, (COMMITMENT, EXPLICIT)) as association:
        taken, _reply = association.send_n_action(request, 1, COMMITMENT, WELL_KNOWN)

    assert (statuses, taken.Status) == ([0x0213, 0x0213], 0x0213)


def test_a_lock_is_not_waited_for_long(server, order, monkeypatch):
    monkeypatch.setattr(mpps, "PATIENCE", "200ms")
    uid = generate_uid()
    tell(server, ("create", in_progress(order), uid))

    with mpps.transaction.atomic():
        PerformedStep.objects.select_for_update().get()
        answer = tell(server, ("set", final(), uid))

    assert answer == [0x0213]


# --- the clinic's flow ------------------------------------------------------------------------------
def test_the_visit_follows(server, order):
    tell(server, ("create", in_progress(order), generate_uid()))

    assert appointment_status(order) == AppointmentStatus.IN_SCAN
    assert FlowEvent.objects.filter(to_status=AppointmentStatus.IN_SCAN).get().by.is_machine
    assert Entry.objects.filter(action="step.started").get().patient_label


def test_two_orders_done_in_one_go(server, order):
    other = make_order(order.patient, status=OrderStatus.SCHEDULED)

    tell(server, ("create", in_progress(order, other), generate_uid()))

    assert set(PerformedStep.objects.get().orders.all()) == {order, other}
    assert (appointment_status(order), appointment_status(other)) == ("in_scan", "in_scan")


def test_any_of_the_three_numbers_finds_the_order(server, order):
    keys = ["StudyInstanceUID", "AccessionNumber", "ScheduledProcedureStepID"]
    messages = []
    for key in keys:
        item = scheduled(order)
        for name in set(keys) - {key}:
            setattr(item, name, generate_uid() if name == "StudyInstanceUID" else "")
        step = in_progress(order, ScheduledStepAttributesSequence=Sequence([item]))
        messages.append(("create", step, generate_uid()))

    tell(server, *messages)

    assert order.performed_steps.count() == 3


def test_an_order_of_another_patient_is_not_touched(server, order):
    other = make_patient(family_name="Quite", given_name="Other")
    step = in_progress(order, PatientName=other.dicom_name, PatientID=other.mrn)

    assert tell(server, ("create", step, generate_uid())) == [0x0000]

    kept = PerformedStep.objects.get()
    assert (kept.orders.count(), kept.patient_name) == (0, other.dicom_name)
    assert kept.unlinked_reason == f"The machine names another patient than order {order.accession_number}."
    assert appointment_status(order) == AppointmentStatus.BOOKED


def test_two_numbers_of_two_orders_are_followed_by_none(server, order):
    other = make_order(order.patient, status=OrderStatus.SCHEDULED)
    item = scheduled(order)
    item.AccessionNumber = other.accession_number

    step = in_progress(order, ScheduledStepAttributesSequence=Sequence([item]))
    tell(server, ("create", step, generate_uid()))

    assert PerformedStep.objects.get().orders.count() == 0


def test_what_the_clinic_does_not_allow_is_noted_and_answered_with_success(server):
    orders = []
    for state in (AppointmentStatus.CANCELLED, AppointmentStatus.NO_SHOW, AppointmentStatus.REVIEW):
        orders.append(make_order())
        make_appointment(orders[-1], status=state)
        orders[-1].refresh_from_db()
    before = [order.status for order in orders]

    answers = tell(server, *[("create", in_progress(order), generate_uid()) for order in orders])

    for order in orders:
        order.refresh_from_db()
    notes = PerformedStep.objects.values_list("note", flat=True)
    assert answers == [0x0000, 0x0000, 0x0000]
    assert [order.status for order in orders] == before
    assert [note.startswith("Nothing was changed") for note in notes] == [True, True, True]


def test_complete_with_all_images_is_acquired(server, order):
    made = slices(identity_for(order), 3)
    study = receive(*made)
    uid = generate_uid()

    tell(
        server,
        ("create", in_progress(order), uid),
        ("set", final(uids=[str(one.SOPInstanceUID) for one in made]), uid),
    )
    settle_performed_steps()

    study.refresh_from_db()
    assert study.stable_at is not None
    assert (appointment_status(order), order.status) == ("review", "acquired")


def test_complete_before_the_last_image_waits_for_it(server, order):
    made = slices(identity_for(order), 3)
    receive(*made[:2])
    uid = generate_uid()
    tell(
        server,
        ("create", in_progress(order), uid),
        ("set", final(uids=[str(one.SOPInstanceUID) for one in made]), uid),
    )
    settle_performed_steps()
    before = appointment_status(order)

    receive(made[2])
    settle_performed_steps()

    assert (before, appointment_status(order)) == ("in_scan", "review")
    assert Instance.objects.count() == 3


def test_an_order_waits_for_its_other_step(server, order):
    made = slices(identity_for(order), 1)
    receive(*made)
    first, second = generate_uid(), generate_uid()
    tell(
        server,
        ("create", in_progress(order), first),
        ("create", in_progress(order), second),
        ("set", final(uids=[str(made[0].SOPInstanceUID)]), first),
    )
    settle_performed_steps()
    before = appointment_status(order)

    tell(server, ("set", final("DISCONTINUED"), second))
    settle_performed_steps()

    assert (before, appointment_status(order)) == ("in_scan", "review")


def test_why_it_was_broken_off_is_kept(server, order):
    reasons = [
        code("110518", "Patient Movement"),
        code("110514", "Incorrect worklist entry selected"),
        code("110507", "Patient did not arrive"),
        Sequence(),
    ]
    for reason in reasons:
        uid = generate_uid()
        told = final("DISCONTINUED", PerformedProcedureStepDiscontinuationReasonCodeSequence=reason)
        tell(server, ("create", in_progress(order), uid), ("set", told, uid))

    events = FlowEvent.objects.filter(order=order, from_status="scheduled", to_status="scheduled")
    assert list(events.order_by("pk").values_list("reason", "reason_code")) == [
        ("Patient Movement", "motion"),
        ("Incorrect worklist entry selected", "wrong_patient_or_side"),
        ("Patient did not arrive", "DCM-110507"),
        ("The machine gave no reason.", ""),
    ]
    assert appointment_status(order) == AppointmentStatus.IN_SCAN
    assert Entry.objects.filter(action="order.discontinued").count() == 4


def test_dose_is_kept(server, order):
    exposure, uid = Dataset(), generate_uid()
    exposure.KVP, exposure.CTDIvol, exposure.ExposureTime = "120", 12.5, "800"
    told = final(
        ExposureDoseSequence=Sequence([exposure]), TotalNumberOfExposures=1, CommentsOnRadiationDose="DLP=310"
    )

    tell(server, ("create", in_progress(order), uid), ("set", told, uid))

    assert PerformedStep.objects.get().dose == {
        "TotalNumberOfExposures": [1],
        "ExposureDoseSequence": [{"ExposureTime": [800], "KVP": [120.0], "CTDIvol": [12.5]}],
        "CommentsOnRadiationDose": ["DLP=310"],
    }


def test_unreadable_values_do_not_refuse_the_modality(server, order):
    step = in_progress(order, PerformedProcedureStepDescription="nul\0inside")
    step.add_new(0x00400244, "DA", "yesterday")
    uid = generate_uid()

    statuses = tell(server, ("create", step, uid))

    assert statuses == [0x0000]
    assert PerformedStep.objects.get().started_at is not None


def test_the_call_is_in_the_log(server, order):
    from dicomserver.models import Association
    from dicomserver.words import explain

    tell(server, ("create", in_progress(order), generate_uid()), ("set", final(), "1.2.3"))

    call = wait_for(lambda: Association.objects.filter(steps=1).first())
    assert explain(call) == (
        "Sent 1 message about an examination. "
        "Something it told could not be taken: MPPS 0112: No such performed procedure step."
    )
