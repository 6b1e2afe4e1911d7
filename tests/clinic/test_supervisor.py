"""The supervisor's pieces, with small programs in place of Cedar's parts."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from clinic.supervisor import checks, family, logs, options, ready
from clinic.supervisor.child import Child, Part, pause
from clinic.supervisor.lock import DataLock
from clinic.supervisor.options import Options, StartError
from clinic.supervisor.preparation import run as run_preparation

FOREVER = "import time; print('here', flush=True); time.sleep(600)"
STUBBORN = f"import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); {FOREVER}"
PARENT = (
    "import subprocess, sys, time\n"
    "child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)'])\n"
    "print(child.pid, flush=True)\n"
    "time.sleep(600)\n"
)


def until(condition: Callable[[], object], seconds: int = 30) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.02)


def make_child(folder: Path, code: str, **fields: object) -> Child:
    part = Part(name="part", title="part", command=[sys.executable, "-c", code], **fields)
    return Child(part, folder, {})


def is_gone(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


# --- a part ------------------------------------------------------------------------------------------


def test_what_a_part_says_is_in_a_private_log(tmp_path: Path) -> None:
    child = make_child(tmp_path, "print('hello')")

    child.start()
    child.process.wait()

    assert child.log.read_text() == "hello\n"
    assert child.log.stat().st_mode & 0o777 == 0o600


def test_a_stopped_part_takes_its_own_children_along(tmp_path: Path) -> None:
    child = make_child(tmp_path, PARENT)
    child.start()
    until(lambda: child.log.read_text().endswith("\n"))

    child.stop()

    until(lambda: is_gone(int(child.log.read_text())))
    assert child.process is None


def test_a_killed_part_takes_its_own_children_along(tmp_path: Path) -> None:
    child = make_child(tmp_path, PARENT)
    child.start()
    until(lambda: child.log.read_text().endswith("\n"))

    child.process.kill()
    until(lambda: not child.is_running)
    how = child.bury()

    until(lambda: is_gone(int(child.log.read_text())))
    assert how == "killed by signal 9"


def test_a_part_that_ignores_term_is_ended_all_the_same(tmp_path: Path) -> None:
    child = make_child(tmp_path, STUBBORN, patience=0.3)
    child.start()
    until(lambda: child.log.read_text() == "here\n")
    pid = child.process.pid

    child.stop()

    assert is_gone(pid)


def test_somebody_in_a_hurry_does_not_wait_for_patience(tmp_path: Path) -> None:
    child = make_child(tmp_path, STUBBORN, patience=600)
    child.start()
    until(lambda: child.log.read_text() == "here\n")
    pid = child.process.pid

    child.stop(in_a_hurry=lambda: True)

    assert is_gone(pid)


def test_a_first_death_is_made_good_at_once_and_a_lost_cause_is_not_hurried() -> None:
    pauses = [pause(deaths) for deaths in (1, 2, 6, 21)]

    assert pauses == [0.0, 0.2, 1.0, 15.0]


def test_deaths_soon_after_the_start_are_counted(tmp_path: Path) -> None:
    child = make_child(tmp_path, "raise SystemExit(7)")
    said = []

    for _time in range(2):
        child.start()
        child.process.wait()
        said.append(child.bury())

    assert said == ["exit code 7", "exit code 7"]
    assert child.deaths == 2


# --- the family --------------------------------------------------------------------------------------


def test_the_family_is_found_by_its_mark_though_the_parent_is_gone(tmp_path: Path) -> None:
    mark = family.new_mark(tmp_path)
    child = Child(Part("part", "part", [sys.executable, "-c", PARENT]), tmp_path, {family.MARK: mark})
    child.start()
    until(lambda: child.log.read_text().endswith("\n"))
    grandchild = int(child.log.read_text())
    child.process.kill()
    child.process.wait()

    found = [process.pid for process in family.members(mark)]
    ended = family.end(mark)

    assert found == [grandchild]
    assert ended == 1
    assert is_gone(grandchild)


def test_the_next_start_finds_what_any_earlier_supervisor_of_the_folder_left(tmp_path: Path) -> None:
    left = subprocess.Popen(
        [sys.executable, "-c", FOREVER], env={**os.environ, family.MARK: family.new_mark(tmp_path / "data")}
    )
    elsewhere = subprocess.Popen(
        [sys.executable, "-c", FOREVER], env={**os.environ, family.MARK: family.new_mark(tmp_path / "other")}
    )

    ended = family.end(f":{tmp_path / 'data'}")

    assert ended == 1
    assert left.wait() == -signal.SIGKILL
    assert elsewhere.poll() is None
    elsewhere.kill()
    elsewhere.wait()


def test_the_undertaker_ends_the_family_when_the_pipe_closes(tmp_path: Path) -> None:
    mark = family.new_mark(tmp_path)
    undertaker = subprocess.Popen(
        [sys.executable, "-m", "clinic.supervisor.undertaker", mark], cwd=options.ROOT, stdin=subprocess.PIPE
    )
    member = subprocess.Popen([sys.executable, "-c", FOREVER], env={**os.environ, family.MARK: mark})

    undertaker.stdin.close()

    assert member.wait(timeout=30) == -signal.SIGKILL
    assert undertaker.wait(timeout=30) == 0


# --- the data folder ---------------------------------------------------------------------------------


def test_the_data_folder_and_its_parts_are_private(tmp_path: Path) -> None:
    checks.make_data_folder(tmp_path / "clinic" / "data")

    parts = sorted((tmp_path / "clinic" / "data").iterdir())
    assert [part.name for part in parts] == sorted(checks.FOLDERS)
    assert {part.stat().st_mode & 0o777 for part in parts} == {0o700}


def test_a_folder_made_earlier_by_a_command_is_accepted_and_closed(tmp_path: Path) -> None:
    (tmp_path / "data" / "secrets").mkdir(parents=True, mode=0o755)

    checks.make_data_folder(tmp_path / "data")

    assert (tmp_path / "data").stat().st_mode & 0o777 == 0o700


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a folder to somebody else")
def test_the_data_of_another_user_is_left_alone(tmp_path: Path) -> None:
    checks.make_data_folder(tmp_path / "data")
    os.chown(tmp_path / "data", 65534, 65534)

    with pytest.raises(StartError, match=r"belongs to the user nobody; start Cedar as that user\."):
        checks.make_data_folder(tmp_path / "data")


def test_a_full_disk_while_making_the_folder_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_arguments: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", full)

    with pytest.raises(StartError, match=r"The disk with the data folder .* is full\."):
        checks.make_data_folder(tmp_path / "data")


def test_only_one_holds_the_lock(tmp_path: Path) -> None:
    (tmp_path / "run").mkdir()
    first = DataLock(tmp_path)
    first.take("http://127.0.0.1:8000/")

    with pytest.raises(StartError) as refused:
        DataLock(tmp_path).take("http://127.0.0.1:9000/")
    first.release()
    DataLock(tmp_path).take("http://127.0.0.1:9000/")

    assert str(refused.value) == (
        f"Cedar runs on this data folder already: http://127.0.0.1:8000/ (process {os.getpid()})."
    )


# --- logs --------------------------------------------------------------------------------------------


def test_a_large_log_is_moved_along_while_its_writer_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(logs, "LARGEST", 10)
    file = tmp_path / "part.log"
    with os.fdopen(logs.open_log(file), "w") as writer:
        for text in ("the first lines", "the second lines", "after"):
            logs.rotate(file)
            writer.write(text)
            writer.flush()

    assert file.read_text() == "after"
    assert Path(f"{file}.1").read_text() == "the second lines"
    assert Path(f"{file}.2").read_text() == "the first lines"


def test_no_more_old_logs_are_kept_than_wanted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(logs, "LARGEST", 1)
    file = tmp_path / "part.log"

    for number in range(12):
        file.write_text(f"content {number}")
        logs.rotate(file)

    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "part.log",
        *(f"part.log.{number}" for number in range(1, logs.KEPT + 1)),
    ]


def test_the_tail_shows_only_what_this_start_has_written(tmp_path: Path) -> None:
    file = tmp_path / "part.log"
    file.write_text("an old trouble\n")
    start = file.stat().st_size
    with file.open("a") as log:
        log.write("a new one\nand more\n")

    shown = logs.tail(file, start)

    assert shown == "    a new one\n    and more"


# --- options, preparation, last lines -----------------------------------------------------------------


def test_the_environment_gives_what_the_command_line_leaves_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CEDAR_PORT", "8100")
    monkeypatch.setenv("CEDAR_DICOM_PORT", "104")
    monkeypatch.setenv("CEDAR_HOST", "0.0.0.0")
    monkeypatch.setenv("CEDAR_DATA", "/srv/cedar")

    found = options.parse(["--dicom-port", "11113"])

    assert found == Options(data=Path("/srv/cedar"), host="0.0.0.0", port=8100, dicom_port=11113)
    assert found.url == "http://127.0.0.1:8100/"


@pytest.mark.parametrize(
    ("asked", "host", "url"),
    [
        ("localhost", "127.0.0.1", "http://127.0.0.1:8000/"),
        ("0.0.0.0", "0.0.0.0", "http://127.0.0.1:8000/"),
        ("::", "::", "http://[::1]:8000/"),
        ("192.0.2.7", "192.0.2.7", "http://192.0.2.7:8000/"),
    ],
)
def test_names_become_addresses(asked: str, host: str, url: str) -> None:
    found = options.parse(["--host", asked, "--port", "8000"])

    assert (found.host, found.url) == (host, url)


def test_an_unknown_name_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        options.parse(["--host", "no.such.machine.invalid"])

    assert "'no.such.machine.invalid' is no address that this machine knows" in capsys.readouterr().err


def test_two_equal_ports_are_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as refused:
        options.parse(["--port", "9000", "--dicom-port", "9000"])

    assert refused.value.code == 2
    assert "are both 9000; two different ports are needed" in capsys.readouterr().err


def prepare(folder: Path, code: str) -> tuple[object, list[str]]:
    child = make_child(folder, code)
    said: list[str] = []
    return run_preparation(child, until, said.append), said


def test_progress_of_the_preparation_is_passed_on_and_the_rest_stays_in_the_log(tmp_path: Path) -> None:
    prepared, said = prepare(
        tmp_path, "print('» Two steps …'); print('a detail'); print('= {\"has_administrator\": true}')"
    )

    assert said == ["Two steps …"]
    assert prepared.has_administrator


def test_a_refusal_of_the_preparation_is_what_the_user_reads(tmp_path: Path) -> None:
    with pytest.raises(StartError, match=r"^This is a real clinic\.$"):
        prepare(tmp_path, "print('! This is a real clinic.'); raise SystemExit(3)")


def test_a_failed_preparation_shows_its_last_words(tmp_path: Path) -> None:
    with pytest.raises(StartError, match=r"(?s)The preparation failed \(exit code 1\).*no such table"):
        prepare(tmp_path, "raise SystemExit('no such table')")


def test_the_last_lines_name_address_logins_and_dicom(tmp_path: Path) -> None:
    asked = Options(data=tmp_path, port=8000, dicom_port=11112)

    said = ready.announcement(asked, demo=True, has_administrator=True)

    assert "  Address   http://127.0.0.1:8000/\n" in said
    assert "reception, technician, radiologist, admin; the password of all is cedar-demo" in said
    assert "AE title CEDAR, port 11112" in said
    assert "first-administrator" not in said


def test_a_clinic_without_administrator_gets_a_one_time_address(tmp_path: Path) -> None:
    (tmp_path / "secrets").mkdir()

    said = ready.announcement(Options(data=tmp_path), demo=False, has_administrator=False)

    assert "http://127.0.0.1:8000/first-administrator/" in said
    assert "cedar-demo" not in said
