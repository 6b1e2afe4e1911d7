"""Steps that machines told of: linked by a person or with their images, and what they do to completeness."""

import datetime as dt

import pytest
from django.urls import reverse
from django.utils import timezone

from audit.models import Entry
from clinic.errors import Conflict, InvalidInput, NotFound
from clinic.models import User
from clinic.permissions import Role
from imaging.completeness import mark_stable_studies, settle_performed_steps
from imaging.decisions import resolve_held_study
from imaging.models import PerformedStep, StepState, Study
from imaging.performed_steps import create_step, dismiss_step, link_step, unlinked_steps, update_step
from imaging.step_facts import Attributes
from scheduling.days import clinic_today
from scheduling.models import FlowEvent
from tests.factories import make_everyone, make_order, make_patient, make_procedure, make_user

from .sender import identity_for, receive, slices

pytestmark = pytest.mark.django_db


def told(order, *, study_uid: str = "", **values: str) -> Attributes:
    """An N-CREATE of a machine that knows the patient but, unless ``study_uid`` is given, no order."""
    patient = order.patient
    item = {"0020000D": {"vr": "UI", "Value": [study_uid]}} if study_uid else {}
    return {
        "00400270": {"vr": "SQ", "Value": [item]},
        "00100010": {"vr": "PN", "Value": [{"Alphabetic": values.get("name", patient.dicom_name)}]},
        "00100020": {"vr": "LO", "Value": [values.get("patient_id", patient.mrn)]},
        "00400252": {"vr": "CS", "Value": ["IN PROGRESS"]},
        "00400254": {"vr": "LO", "Value": ["Chest"]},
    }


def create(attributes: Attributes, uid: str = "1.2.3") -> PerformedStep:
    by = User.objects.machine("dicom")
    return create_step(uid, attributes, by=by, source="CT1", address="10.0.0.7")


def end(status: str, *uids: str, uid: str = "1.2.3") -> PerformedStep:
    images = [{"00081155": {"vr": "UI", "Value": [name]}} for name in uids]
    attributes = {
        "00400252": {"vr": "CS", "Value": [status]},
        "00400250": {"vr": "DA", "Value": ["20310715"]},
        "00400251": {"vr": "TM", "Value": ["100000"]},
        "00400340": {"vr": "SQ", "Value": [{"00081140": {"vr": "SQ", "Value": images}}]},
        "00400281": {"vr": "SQ", "Value": [{"00080104": {"vr": "LO", "Value": ["Patient refused"]}}]},
    }
    return update_step(uid, attributes, by=User.objects.machine("dicom"), address="10.0.0.7")


def let_pass(minutes: float) -> None:
    Study.objects.update(last_received_at=timezone.now() - dt.timedelta(minutes=minutes))


@pytest.fixture
def order():
    return make_order(status="scheduled")


@pytest.fixture
def technician(client):
    user = make_user(Role.TECHNICIAN)
    client.force_login(user)
    return user


def statuses(order) -> tuple[str, str]:
    order.refresh_from_db()
    order.appointment.refresh_from_db()
    return order.status, order.appointment.status


# --- linking ----------------------------------------------------------------------------------------
def test_a_person_links_an_unscheduled_step(order):
    step = create(told(order))

    link_step(step, by=make_everyone(), number=order.accession_number)

    assert statuses(order) == ("scheduled", "in_scan")
    assert unlinked_steps().count() == 0


def test_another_patients_name_needs_a_reason(order):
    step = create(told(order, name="Quite^Other"))
    number, by = order.accession_number, make_everyone()

    with pytest.raises(InvalidInput, match="names another patient"):
        link_step(step, by=by, number=number)
    before = unlinked_steps().count()
    link_step(step, by=by, number=number, reason="Name typed at the machine")

    assert (before, unlinked_steps().count()) == (1, 0)
    assert Entry.objects.get(action="step.linked").reason == "Name typed at the machine"


def test_decided_once_is_decided(order):
    step, by = create(told(order)), make_everyone()
    dismiss_step(step, by=by)

    with pytest.raises(Conflict):
        link_step(step, by=by, number=order.accession_number)
    with pytest.raises(NotFound):
        link_step(create(told(order), "1.2.4"), by=by, number="zzz")

    assert list(unlinked_steps()) == [PerformedStep.objects.get(sop_instance_uid="1.2.4")]


def test_a_step_goes_with_the_images_of_its_study():
    order = make_order(status="scheduled", procedure=make_procedure(modality="CT"))
    identity = identity_for(order, study_instance_uid="1.2.840.1", accession_number="")
    receive(*slices(identity, 1, StudyDate=f"{clinic_today():%Y%m%d}"))
    create(told(order, study_uid="1.2.840.1"))

    settle_performed_steps()

    assert list(PerformedStep.objects.get().orders.all()) == [order]


def test_a_step_of_another_patient_follows_images_only_after_a_person_decided(order):
    other = make_patient(mrn="B-2", family_name="Berg", given_name="Tor", sex="M")
    written = {"patient_id": other.mrn, "patient_name": other.dicom_name, "sex": "M"}
    study = receive(*slices(identity_for(order, **written), 1))
    create(told(order, study_uid=order.study_instance_uid, name=other.dicom_name, patient_id=other.mrn))
    settle_performed_steps()
    before = PerformedStep.objects.get().orders.count()

    resolve_held_study(study, by=make_everyone(), order=order, reason="Wrong entry chosen")
    settle_performed_steps()

    assert (study.state, before) == ("held", 0)
    assert list(PerformedStep.objects.get().orders.all()) == [order]


# --- completeness -----------------------------------------------------------------------------------
def test_while_a_step_is_in_progress_the_quiet_time_waits(order):
    receive(*slices(identity_for(order), 1))
    create(told(order, study_uid=order.study_instance_uid))
    let_pass(minutes=20)

    mark_stable_studies()
    within = statuses(order)
    let_pass(minutes=31)
    mark_stable_studies()

    assert (within, statuses(order)) == (("scheduled", "in_scan"), ("acquired", "review"))


def test_what_was_only_broken_off_is_left_to_a_person(order):
    study = receive(*slices(identity_for(order), 1))
    create(told(order, study_uid=order.study_instance_uid))
    end("DISCONTINUED")
    let_pass(minutes=60)

    mark_stable_studies()

    study.refresh_from_db()
    assert (statuses(order), study.stable_at is None) == (("scheduled", "in_scan"), False)
    assert FlowEvent.objects.get(reason="Patient refused").order == order


def test_images_that_never_came_leave_it_to_the_quiet_time(order):
    (image,) = slices(identity_for(order), 1)
    receive(image)
    create(told(order, study_uid=order.study_instance_uid))
    end("COMPLETED", str(image.SOPInstanceUID), "1.2.9")
    settle_performed_steps()
    before = statuses(order)

    let_pass(minutes=1)
    mark_stable_studies()

    assert (before, statuses(order)) == (("scheduled", "in_scan"), ("acquired", "review"))


def test_held_images_do_not_count_as_here(order):
    other = make_patient(mrn="B-2", family_name="Berg", given_name="Tor", sex="M")
    (image,) = slices(identity_for(order, patient_id=other.mrn, patient_name=other.dicom_name), 1)
    receive(image)
    create(told(order, study_uid=order.study_instance_uid))
    end("COMPLETED", str(image.SOPInstanceUID))

    settle_performed_steps()

    assert statuses(order) == ("scheduled", "in_scan")


# --- pages ------------------------------------------------------------------------------------------
def test_the_held_page_lists_it_and_links_it(client, technician, order):
    step = create(told(order))
    page = client.get(reverse("imaging:held_list")).content.decode()

    response = client.post(reverse("imaging:step_link", args=[step.pk]), {"number": order.accession_number})

    assert ("Examinations without an order" in page, "The machine names no order" in page) == (True, True)
    assert response.headers["Location"] == reverse("imaging:held_list")
    assert "Examinations without" not in client.get(reverse("imaging:held_list")).content.decode()


def test_a_test_of_the_machine_is_taken_off_the_list(client, technician, order):
    step = create(told(order))

    client.post(reverse("imaging:step_dismiss", args=[step.pk]), {"number": ""})

    step.refresh_from_db()
    assert (step.dismissed_by, step.state) == (technician, StepState.IN_PROGRESS)


def test_the_technician_sees_what_the_machine_says(client, technician, order):
    (image,) = slices(identity_for(order), 1)
    receive(image)
    url = reverse("imaging:order_images", args=[order.pk])
    create(told(order, study_uid=order.study_instance_uid))
    begun = client.get(url).content.decode()
    end("COMPLETED", str(image.SOPInstanceUID), "1.2.9", "1.2.10")
    done = client.get(url).content.decode()
    create(told(order, study_uid=order.study_instance_uid), "1.2.5")
    end("DISCONTINUED", uid="1.2.5")

    assert "CT1 began at" in begun
    assert "CT1 is done, but 2 images that it made are not here." in done
    assert "Patient refused." in client.get(url).content.decode()
