"""When the demo is not loaded, how an interrupted load goes on, and the clock it lives by."""

import datetime as dt
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from clinic.demo import filming
from clinic.demo.clock import living_at, local_zone
from clinic.demo.load import load_demo
from clinic.demo.people import PATIENTS
from clinic.demo.week import WEEK, WITH_IMAGES
from clinic.models import User
from imaging.models import Study
from patients.models import Patient
from patients.services import register_patient
from scheduling.models import Order
from scheduling.statuses import OrderStatus


@pytest.mark.django_db
def test_refuses_without_demo_mode(settings: object) -> None:
    settings.CEDAR_DEMO = False

    with pytest.raises(CommandError, match="Demo mode is off"):
        call_command("demo")


@pytest.mark.django_db
def test_refuses_a_clinic_with_patients_of_its_own(demo_folders: None) -> None:
    desk = User.objects.create_user("desk", "x", full_name="Desk", roles=["receptionist"])
    register_patient(by=desk, family_name="Real", given_name="Rita")

    with pytest.raises(CommandError, match="1 patients of its own"):
        call_command("demo")

    assert User.objects.people().count() == 1


@pytest.mark.django_db(transaction=True)
def test_interrupted_load_goes_on_where_it_stopped(
    demo_folders: None, small_images: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, sent = filming.send_images, []

    def power_cut(images: list, **how: object) -> None:
        if len(sent) == 4:
            raise KeyboardInterrupt
        sent.append(1)
        real(images, **how)

    monkeypatch.setattr("clinic.demo.living.send_images", power_cut)
    with pytest.raises(KeyboardInterrupt):
        load_demo(lambda text: None)
    halfway = Study.objects.count()
    monkeypatch.setattr("clinic.demo.living.send_images", real)

    loaded = load_demo(lambda text: None)

    assert (loaded, halfway) == (True, 4)
    assert Order.objects.count() == len(WEEK)
    assert Patient.objects.count() == len(PATIENTS)
    assert set(Order.objects.values_list("status", flat=True)) == set(OrderStatus.values)
    assert Study.objects.count() == sum(1 for visit in WEEK if visit.goal in WITH_IMAGES)


def test_clock_goes_back_to_now_also_after_a_mistake() -> None:
    moment = dt.datetime(2026, 1, 2, 3, 4, tzinfo=dt.UTC)
    seen = []

    def stumble() -> None:
        with living_at(moment):
            seen.append(timezone.now())
            raise RuntimeError

    with pytest.raises(RuntimeError):
        stumble()

    assert seen == [moment]
    assert timezone.now() > moment


def test_time_zone_of_the_machine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("clinic.demo.clock.LOCALTIME", tmp_path / "none")
    monkeypatch.setenv("TZ", "Asia/Kathmandu")
    named = local_zone()
    monkeypatch.setenv("TZ", "Etc/UTC")
    without_place = local_zone()
    monkeypatch.setenv("TZ", "nonsense")

    assert [str(zone) for zone in (named, without_place, local_zone())] == ["Asia/Kathmandu", "UTC", "UTC"]
