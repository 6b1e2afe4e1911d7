from pathlib import Path

import pytest
from pytest_django import Settings

from clinic.management.commands import prepare
from clinic.models import User
from clinic.permissions import Role
from tests.factories import make_patient

pytestmark = pytest.mark.django_db


@pytest.fixture
def static_root(tmp_path: Path, settings: Settings) -> Path:
    source = tmp_path / "source"
    source.mkdir()
    (source / "one.css").write_text("body {}")
    settings.STATICFILES_DIRS = [source]
    settings.STATICFILES_FINDERS = ["django.contrib.staticfiles.finders.FileSystemFinder"]
    settings.STATIC_ROOT = tmp_path / "collected"
    return settings.STATIC_ROOT


def test_a_clinic_with_people_or_patients_is_in_use() -> None:
    before = prepare.is_in_use()
    make_patient()

    assert [before, prepare.is_in_use()] == [False, True]


def test_machines_do_not_make_a_clinic_used() -> None:
    User.objects.machine("dicom")

    assert not prepare.is_in_use()


@pytest.mark.parametrize(
    ("roles", "is_active", "expected"),
    [
        ([Role.ADMINISTRATOR], True, True),
        ([Role.ADMINISTRATOR], False, False),
        ([Role.TECHNICIAN], True, False),
    ],
)
def test_an_administrator_is_somebody_who_may_sign_in(
    roles: list[Role], is_active: bool, expected: bool
) -> None:
    User.objects.create_user(
        "somebody", "a long password", full_name="Some", roles=roles, is_active=is_active
    )

    assert prepare.has_administrator() == expected


def test_demo_data_is_refused_where_a_real_clinic_works(
    settings: Settings, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    settings.CEDAR_DEMO = True
    settings.CEDAR_DATA = tmp_path
    make_patient()

    with pytest.raises(SystemExit) as refused:
        prepare.Command()._load_demo()

    assert refused.value.code == 3
    assert capsys.readouterr().out == (
        f"! The data folder {tmp_path} holds a real clinic: demo data is not put into it. "
        "Start without --demo, or give another folder with --data.\n"
    )
    assert not (tmp_path / "demo").exists()


def test_loaded_demo_data_is_not_loaded_again(settings: Settings, tmp_path: Path) -> None:
    settings.CEDAR_DEMO = True
    settings.CEDAR_DATA = tmp_path
    (tmp_path / "demo").write_text("loaded")
    make_patient()

    prepare.Command()._load_demo()

    assert (tmp_path / "demo").read_text() == "loaded"


def test_static_files_are_copied_only_when_they_changed(static_root: Path, tmp_path: Path) -> None:
    prepare.collect_static_files()
    (static_root / "one.css").unlink()

    prepare.collect_static_files()
    was_left = not (static_root / "one.css").exists()
    (tmp_path / "source" / "two.css").write_text("p {}")
    prepare.collect_static_files()

    assert was_left
    assert (static_root / "one.css").exists()
    assert (static_root / "two.css").read_text() == "p {}"
