"""The worker's part: one PDF of each signed version, whatever is killed or run twice."""

import datetime as dt
import hashlib
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from django.conf import settings
from django.db import connection

from reporting import tasks
from reporting.pdf import render
from tests.reporting.factories import make_signed_report
from tests.reporting.test_drafts import at_once


def pdfs() -> list[Path]:
    return [
        path
        for path in Path(settings.DOCUMENTS_DIR, "reports").rglob("*")
        if path.suffix in {".pdf", ".part"}
    ]


@pytest.fixture(autouse=True)
def _own_documents(tmp_path: Path, settings: pytest.FixtureRequest) -> None:
    settings.DOCUMENTS_DIR = tmp_path / "documents"


@pytest.mark.django_db
def test_pdf_is_kept_with_its_hash() -> None:
    version = make_signed_report()

    tasks.render_report_pdf(version.pk)

    version.refresh_from_db()
    assert hashlib.sha256(version.pdf_path.read_bytes()).hexdigest() == version.pdf_sha256
    assert pdfs() == [version.pdf_path]
    assert version.pdf_path.stat().st_mode & 0o777 == 0o600


@pytest.mark.django_db
def test_job_run_again_leaves_the_first_pdf() -> None:
    version = make_signed_report()
    tasks.render_report_pdf(version.pk)
    version.refresh_from_db()
    before = version.pdf_path.stat().st_mtime_ns

    tasks.render_report_pdf(version.pk)

    assert version.pdf_path.stat().st_mtime_ns == before


@pytest.mark.django_db(transaction=True)
def test_same_job_in_two_workers_makes_one_pdf() -> None:
    version = make_signed_report()

    at_once(3, lambda _place: tasks.render_report_pdf(version.pk))

    version.refresh_from_db()
    assert hashlib.sha256(version.pdf_path.read_bytes()).hexdigest() == version.pdf_sha256
    assert pdfs() == [version.pdf_path]


@pytest.mark.django_db
def test_sweep_renders_what_a_killed_worker_left(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tasks, "OVERDUE", dt.timedelta(0))
    version = make_signed_report()

    tasks.render_missing_pdfs()

    version.refresh_from_db()
    assert version.pdf != ""


@pytest.mark.django_db
def test_problem_is_shown_and_tried_again_later(monkeypatch: pytest.MonkeyPatch) -> None:
    version = make_signed_report()
    with monkeypatch.context() as patch:
        patch.setattr(render, "FONTS", Path("/nowhere"))
        tasks.render_report_pdf(version.pk)
    version.refresh_from_db()
    assert version.pdf_problem == "the fonts are missing in /nowhere; manage.py up installs them"

    tasks.retry_failed_pdfs()

    version.refresh_from_db()
    assert (version.pdf != "", version.pdf_problem) == (True, "")


@pytest.mark.django_db
def test_left_overs_of_killed_renders_go_away(tmp_path: Path) -> None:
    old, new = (Path(settings.DOCUMENTS_DIR, "work", f"render-{age}") for age in ("old", "new"))
    for folder in (old, new):
        folder.mkdir(parents=True)
        (folder / "report.html").write_text("x")
    os.utime(old, (time.time() - 7200, time.time() - 7200))

    tasks.render_missing_pdfs()

    assert (old.exists(), new.exists()) == (False, True)


KILLED = """
import os, signal, sys
import django
django.setup()
from reporting import documents, tasks
where = sys.argv[2]
if where == "before the file":
    tasks.write_durably = lambda *_: os.kill(os.getpid(), signal.SIGKILL)
else:
    real = tasks.write_durably
    tasks.write_durably = lambda *args: (real(*args), os.kill(os.getpid(), signal.SIGKILL))
tasks.render_report_pdf(int(sys.argv[1]))
"""


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("where", ["before the file", "between file and row"])
def test_worker_killed_while_it_renders_leaves_one_pdf_after_recovery(
    where: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tasks, "OVERDUE", dt.timedelta(0))
    version = make_signed_report()
    database = connection.settings_dict
    environment = os.environ | {
        "DJANGO_SETTINGS_MODULE": "clinic.settings",
        "CEDAR_DATA": str(settings.DOCUMENTS_DIR.parent),
        "DATABASE_URL": f"host={database['HOST']} user={database['USER']} dbname={database['NAME']}",
    }

    killed = subprocess.run(
        [sys.executable, "-c", KILLED, str(version.pk), where],
        cwd=settings.BASE_DIR,
        env=environment,
        capture_output=True,
        check=False,
    )
    tasks.render_missing_pdfs()

    version.refresh_from_db()
    assert killed.returncode == -signal.SIGKILL, killed.stderr.decode()
    assert hashlib.sha256(version.pdf_path.read_bytes()).hexdigest() == version.pdf_sha256
    assert pdfs() == [version.pdf_path]


@pytest.mark.django_db
def test_render_that_takes_too_long_is_stopped(monkeypatch: pytest.MonkeyPatch) -> None:
    version = make_signed_report()
    monkeypatch.setattr(render, "SECONDS", 0.05)

    tasks.render_report_pdf(version.pk)

    version.refresh_from_db()
    assert version.pdf_problem == "xhtml2pdf was stopped after 0.05 seconds"
