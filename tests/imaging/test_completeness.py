import datetime as dt

import pytest
from django.urls import reverse
from django.utils import timezone
from django_q.models import OrmQ, Schedule

from clinic.models import ClinicProfile
from imaging.completeness import CLOSE, mark_stable_studies
from imaging.decisions import file_as_unknown, resolve_held_study
from imaging.models import Study
from scheduling.services import claim_order, mark_reported
from tests.factories import make_everyone, make_order, make_patient, make_procedure, make_user

from .sender import identity_for, identity_of, receive, receive_for_order, slices

pytestmark = pytest.mark.django_db


def let_pass(study: Study, seconds: int) -> None:
    Study.objects.filter(pk=study.pk).update(last_received_at=timezone.now() - dt.timedelta(seconds=seconds))


def test_a_quiet_study_is_complete_and_its_order_acquired():
    study = receive_for_order(1)
    let_pass(study, 31)

    mark_stable_studies()

    study.refresh_from_db()
    assert study.stable_at is not None
    assert study.order.status == "acquired"
    assert study.order.appointment.status == "review"


def test_a_study_with_a_fresh_image_is_not():
    study = receive_for_order(1)
    let_pass(study, 20)

    mark_stable_studies()

    study.refresh_from_db()
    assert study.stable_at is None
    assert study.order.status == "scheduled"


def test_the_clinic_sets_the_quiet_time():
    ClinicProfile.objects.update_or_create(pk=1, defaults={"quiet_seconds": 10})
    study = receive_for_order(1)
    let_pass(study, 20)

    mark_stable_studies()

    study.refresh_from_db()
    assert study.stable_at is not None


def test_twice_is_as_once():
    study = receive_for_order(1)
    let_pass(study, 60)
    mark_stable_studies()
    first = Study.objects.get().stable_at

    mark_stable_studies()

    assert Study.objects.get().stable_at == first


def test_a_late_image_of_an_order_that_is_read_changes_nothing_of_the_order():
    order = make_order(status="scheduled")
    made = slices(identity_for(order), 2)
    let_pass(receive(made[0]), 60)
    mark_stable_studies()
    study = receive(made[1])
    let_pass(study, 60)

    mark_stable_studies()

    study.refresh_from_db()
    assert study.stable_at is not None
    assert study.order.status == "acquired"


def test_the_worker_looks_each_minute():
    scheduled = set(Schedule.objects.filter(func__startswith="imaging.").values_list("func", "minutes"))

    assert scheduled == {
        ("imaging.tasks.ingest_spool", 1),
        ("imaging.tasks.mark_stable_studies", 1),
        ("imaging.tasks.remove_discarded_files", 24 * 60),
    }


# --- when it looks ------------------------------------------------------------------------------------


def wake_ups() -> list[float]:
    """In how many seconds the worker is woken, rounded."""
    locks = [job.lock for job in OrmQ.objects.all() if job.task["func"] == CLOSE]
    return sorted(round((lock - timezone.now()).total_seconds()) for lock in locks)


def test_the_worker_is_woken_when_the_quiet_time_ends():
    receive_for_order(2)

    assert wake_ups() == [30]


def test_the_clinic_sets_when_that_is():
    ClinicProfile.objects.update_or_create(pk=1, defaults={"quiet_seconds": 10})

    receive_for_order(2)

    assert wake_ups() == [10]


def test_while_images_come_it_is_woken_again_and_sleeps_when_all_is_closed():
    study = receive_for_order(1)
    let_pass(study, 20)
    OrmQ.objects.all().delete()

    mark_stable_studies()
    again = wake_ups()
    OrmQ.objects.all().delete()
    let_pass(study, 31)
    mark_stable_studies()

    assert (again, wake_ups()) == ([10], [])


def test_a_decision_lets_it_look_again():
    study = receive(*slices(identity_of(make_patient(), patient_id="NOBODY"), 1))
    OrmQ.objects.all().delete()

    resolve_held_study(study, by=make_everyone(), order=make_order(status="scheduled"), reason="Seen")

    assert wake_ups() == [30]


# --- more than one study ------------------------------------------------------------------------------


def test_an_order_is_acquired_when_the_last_of_its_studies_is_complete():
    order = make_order(status="scheduled")
    first = receive(*slices(identity_for(order), 1))
    second = receive(*slices(identity_for(order, study_instance_uid="1.2.3"), 1))

    let_pass(first, 60)
    mark_stable_studies()
    order.refresh_from_db()
    between = order.status
    let_pass(second, 60)
    mark_stable_studies()

    order.refresh_from_db()
    assert (between, order.status) == ("scheduled", "acquired")


# --- late images --------------------------------------------------------------------------------------


@pytest.fixture
def reader(client):
    user = make_user("radiologist")
    client.force_login(user)
    return user


def arrivals(client, order, seen: int | None = None) -> str:
    query = {} if seen is None else {"seen": seen}
    answer = client.get(reverse("imaging:order_arrivals", args=[order.pk]), query)
    return " ".join(answer.content.decode().split())


def test_late_images_open_the_study_again_and_the_reader_is_told(client, reader):
    order = make_order(status="scheduled")
    made = slices(identity_for(order), 3)
    let_pass(receive(made[0]), 60)
    mark_stable_studies()
    before = arrivals(client, order, seen=1)

    study = receive(*made[1:])

    assert before == ""
    assert study.stable_at is None
    assert "2 more images have arrived" in arrivals(client, order, seen=1)
    assert "The examination is not complete yet." in arrivals(client, order, seen=3)


def test_the_reader_is_told_that_images_were_taken_away(client, reader):
    order = make_order(status="scheduled")
    receive(*slices(identity_for(order), 1))

    assert "2 images were taken away from this order" in arrivals(client, order, seen=3)


def test_images_after_the_signature_are_told_with_the_report(client, reader):
    order = make_order(status="scheduled")
    made = slices(identity_for(order), 2)
    let_pass(receive(made[0]), 60)
    mark_stable_studies()
    order.refresh_from_db()
    claim_order(order, by=reader)
    mark_reported(order, by=reader)
    before = arrivals(client, order)

    receive(made[1])

    assert "arrived after" not in before
    assert "1 image arrived after the report was signed." in arrivals(client, order)


def test_a_placeholder_is_named_as_such(client, reader):
    study = receive(*slices(identity_of(make_patient(), patient_id="NOBODY"), 1))
    study = file_as_unknown(study, by=reader, procedure=make_procedure(modality="CT"))

    assert "the patient is a placeholder" in arrivals(client, study.order, seen=1)


@pytest.mark.parametrize("seen", ["x", "-1", "9" * 30])
def test_a_count_that_is_none_is_passed_over(client, reader, seen):
    order = make_order(status="scheduled")

    assert arrivals(client, order, seen=seen) == ""
