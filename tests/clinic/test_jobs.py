"""Work that is put off: taken when it is due, asked for once however many ask."""

import datetime as dt

import pytest
from django.utils import timezone
from django_q.models import OrmQ

from clinic.broker import PostgresBroker
from clinic.jobs import wake_at

PATH = "imaging.tasks.mark_stable_studies"
pytestmark = pytest.mark.django_db


def seconds(number: float) -> dt.datetime:
    return timezone.now() + dt.timedelta(seconds=number)


def taken() -> list[int]:
    return [job for job, _payload in PostgresBroker()._claim()]


def test_nobody_takes_it_before_its_time():
    wake_at(PATH, seconds(30))
    early = taken()

    OrmQ.objects.update(lock=timezone.now())

    assert (early, len(taken())) == ([], 1)


def test_many_who_ask_for_about_the_same_time_get_one_job():
    wake_at(PATH, seconds(30))

    wake_at(PATH, seconds(31))
    wake_at(PATH, seconds(60))

    assert OrmQ.objects.count() == 1


def test_an_earlier_time_needs_a_job_of_its_own():
    wake_at(PATH, seconds(60))

    wake_at(PATH, seconds(30))

    assert OrmQ.objects.count() == 2


def test_one_that_is_about_to_run_may_miss_what_is_not_committed_yet():
    wake_at(PATH, seconds(2))

    wake_at(PATH, seconds(30))

    assert OrmQ.objects.count() == 2


def test_one_that_runs_now_does_not_count():
    wake_at(PATH, seconds(0))
    taken()  # its lock is now that of the time after which it is given up

    wake_at(PATH, seconds(30))

    assert OrmQ.objects.count() == 2


def test_another_job_does_not_count():
    wake_at("imaging.tasks.ingest_spool", seconds(10))

    wake_at(PATH, seconds(30))

    assert OrmQ.objects.count() == 2
