import datetime as dt

import pytest
from django.utils import timezone
from django_q.models import Schedule

from clinic.models import ClinicProfile
from imaging.completeness import mark_stable_studies
from imaging.models import Study
from tests.factories import make_order

from .sender import identity_for, receive, receive_for_order, slices

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
