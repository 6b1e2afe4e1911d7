"""What keeps Cedar from starting is said in one sentence, with an exit code that is not 0."""

import os
import re
import shutil
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from tests.faults.running import ROOT, Clinic, environment


def sentence(answer: "subprocess.CompletedProcess[str]") -> str:
    """What was said on the error output; never a traceback, never success."""
    assert answer.returncode != 0
    assert "Traceback" not in answer.stderr
    return answer.stderr.strip()


def test_a_second_up_says_that_it_runs_and_where(clinic: Clinic) -> None:
    answer = clinic.refuse()

    where = f"http://127.0.0.1:{clinic.port}/ (process {clinic.process.pid})"
    assert sentence(answer) == f"Cedar runs on this data folder already: {where}."
    assert clinic.is_well()


@pytest.mark.parametrize(("purpose", "option"), [("web", "port"), ("DICOM", "dicom_port")])
def test_a_port_in_use_is_named(stopped_clinic: Clinic, purpose: str, option: str) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        setattr(stopped_clinic, option, other.getsockname()[1])

        said = sentence(stopped_clinic.refuse())

    port = getattr(stopped_clinic, option)
    assert re.fullmatch(
        rf"The {purpose} port {port} is in use already by process {os.getpid()} \(.*\)\. "
        rf"Stop that program or choose another port with --{option.replace('_', '-')}\.",
        said,
    )


def test_an_address_of_another_machine_is_refused(stopped_clinic: Clinic) -> None:
    said = sentence(stopped_clinic.refuse("--host", "192.0.2.1"))

    assert said == "--host 192.0.2.1 is not an address of this machine."


@pytest.mark.parametrize(("option", "value"), [("--port", "eighty"), ("--dicom-port", "70000")])
def test_a_port_that_is_none_is_refused(stopped_clinic: Clinic, option: str, value: str) -> None:
    said = sentence(stopped_clinic.refuse(option, value))

    assert said.endswith(
        f"argument {option}: '{value}' is no port; a whole number from 1 to 65535 is accepted"
    )


def test_an_unwritable_folder_is_refused(stopped_clinic: Clinic) -> None:
    stopped_clinic.data = Path("/proc/cedar")

    said = sentence(stopped_clinic.refuse())

    assert re.fullmatch(
        r"The data folder /proc/cedar cannot be written by this user \(.*\)\. "
        r"Choose another one with --data or correct its permissions\.",
        said,
    )


def test_a_file_in_place_of_the_folder_is_refused(stopped_clinic: Clinic) -> None:
    stopped_clinic.data.write_text("a file")

    said = sentence(stopped_clinic.refuse())

    assert said == f"{stopped_clinic.data} is a file; the data folder of Cedar has to be a folder."


def test_a_folder_with_other_files_is_not_taken_over(stopped_clinic: Clinic) -> None:
    stopped_clinic.data.mkdir(mode=0o755)
    (stopped_clinic.data / "holiday.jpg").write_text("a picture")

    said = sentence(stopped_clinic.refuse())

    assert said == (
        f"The folder {stopped_clinic.data} holds other files; give Cedar a new or empty folder with --data."
    )
    assert stopped_clinic.data.stat().st_mode & 0o777 == 0o755


def test_a_disk_without_room_is_refused(stopped_clinic: Clinic, monkeypatch: pytest.MonkeyPatch) -> None:
    free = shutil.disk_usage(stopped_clinic.data.parent).free // 1024 // 1024
    monkeypatch.setenv("CEDAR_DISK_RESERVE_MB", str(free + 10_000))

    said = sentence(stopped_clinic.refuse())

    assert re.fullmatch(
        rf"The disk with the data folder {stopped_clinic.data} has \d+ MB free; "
        rf"Cedar needs at least {free + 10_100} MB\. Make room or choose another folder with --data\.",
        said,
    )


def test_a_database_of_the_clinics_own_that_is_away_is_refused(
    stopped_clinic: Clinic, monkeypatch: pytest.MonkeyPatch
) -> None:
    command = stopped_clinic.command()
    away = {**environment(), "DATABASE_URL": f"postgresql://cedar@/cedar?host={stopped_clinic.data}/nowhere"}

    answer = subprocess.run(command, env=away, capture_output=True, text=True, timeout=60, check=False)

    assert sentence(answer).startswith("The database of DATABASE_URL cannot be reached: ")


def test_a_part_that_cannot_start_ends_the_start_with_its_words(
    stopped_clinic: Clinic, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CEDAR_DICOM_ASSOCIATIONS", "plenty")

    said = sentence(stopped_clinic.refuse())

    assert "CEDAR_DICOM_ASSOCIATIONS is 'plenty'; a whole number from 1 to 1000 is accepted." in said


def test_a_python_that_is_too_old_gets_one_sentence() -> None:
    code = (
        "import sys, runpy\n"
        "sys.version_info = (3, 9, 2, 'final', 0)\n"
        "sys.argv = ['manage.py', 'up']\n"
        "runpy.run_path('manage.py', run_name='__main__')\n"
    )

    answer = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=60, check=False
    )

    assert sentence(answer) == (
        "Cedar needs Python 3.11 or newer, and this is Python 3.9. Install a newer one and start again, for "
        "example with: python3.11 manage.py up"
    )
