"""A list on the page: uploaded, its columns agreed upon, checked, imported by the worker."""

import json
import logging
import secrets
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.files.uploadedfile import UploadedFile
from django.db import InterfaceError, OperationalError, transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from audit.services import record
from clinic.errors import Conflict, DomainError, InvalidInput, NotAllowed
from clinic.jobs import enqueue
from clinic.live import announce
from clinic.models import User
from clinic.permissions import Permission

from .cells import ORDERS
from .columns import IGNORED, Layout, find_layout, require_columns
from .fields import VISIT_FIELDS
from .importing import VisitImport
from .models import RUN_MOVES, RunState, SpreadsheetRun
from .naming import FAMILY_FIRST, GIVEN_FIRST
from .refused import RefusedRows
from .tables import Table, open_table
from .visits import Options, VisitReader

FOLDER = "lists"
LARGEST = 200 * 1024 * 1024
CHECK, IMPORT = "clinic.spreadsheets.tasks.check_run", "clinic.spreadsheets.tasks.import_run"
log = logging.getLogger(__name__)


def upload_list(file: UploadedFile, *, by: User) -> SpreadsheetRun:
    """Keep an uploaded list; refused at once when it is no table."""
    _require(by)
    name = Path(file.name or "").name[:200]
    if not file.size or file.size > LARGEST:
        raise InvalidInput(
            _("“%(name)s” has %(size)d MB; at most %(most)d are taken.")
            % {"name": name, "size": (file.size or 0) >> 20, "most": LARGEST >> 20},
            field="file",
        )
    ending = ".xlsx" if name.lower().endswith((".xlsx", ".xlsm")) else ".csv"
    kept = f"{FOLDER}/{secrets.token_hex(8)}/list{ending}"
    path = Path(settings.DOCUMENTS_DIR) / kept
    path.parent.mkdir(mode=0o700, parents=True)
    with path.open("wb") as target:
        path.chmod(0o600)
        for chunk in file.chunks():
            target.write(chunk)
    try:
        table = open_table(path)
        find_layout(table, VISIT_FIELDS)
    except DomainError as error:
        path.unlink()
        path.parent.rmdir()
        raise InvalidInput(error.message.replace(path.name, name), field="file") from error
    run = SpreadsheetRun.objects.create(name=name, file=kept, sheet=table.sheet, created_by=by)
    record(by=by, action="spreadsheet.uploaded", subject=run)
    return run


def layout_of(run: SpreadsheetRun) -> tuple[Table, Layout]:
    """The table of a list and what its columns are taken for."""
    table = open_table(run.path, sheet=run.sheet)
    return table, find_layout(table, VISIT_FIELDS, chosen=run.columns)


@transaction.atomic
def check_list(
    run: SpreadsheetRun, *, by: User, columns: dict[str, str], sheet: str, **options: Any
) -> SpreadsheetRun:
    """Agree upon the columns and let the worker try the list without writing."""
    _require(by)
    dates, names = options.get("dates", ""), options.get("names", GIVEN_FIRST)
    if dates not in ("", *ORDERS) or names not in (GIVEN_FIRST, FAMILY_FIRST):
        raise InvalidInput(_("This choice is not offered."))
    keys = {field.key for field in VISIT_FIELDS} | {IGNORED}
    if not set(columns.values()) <= keys:
        raise InvalidInput(_("This choice is not offered."))
    chosen = [field for field in columns.values() if field != IGNORED]
    twice = next((field for field in chosen if chosen.count(field) > 1), None)
    if twice is not None:
        label = next(field.label for field in VISIT_FIELDS if field.key == twice)
        raise InvalidInput(_("Two columns are chosen as “%(field)s”. Choose one.") % {"field": label})
    if sheet != run.sheet:
        columns = {}
    table = open_table(run.path, sheet=sheet)
    layout = find_layout(table, VISIT_FIELDS, chosen=columns)
    require_columns(layout, VISIT_FIELDS)
    _move(
        run,
        RunState.CHECKING,
        columns=columns,
        sheet=sheet,
        dates=dates,
        names=names,
        takes_unread=bool(options.get("takes_unread")),
        done=0,
        total=0,
        result={},
        problem="",
    )
    enqueue(CHECK, run.pk)
    return run


@transaction.atomic
def start_import(run: SpreadsheetRun, *, by: User) -> SpreadsheetRun:
    """What the check showed is wanted: the worker begins."""
    _require(by)
    _move(run, RunState.IMPORTING, done=0, problem="")
    enqueue(IMPORT, run.pk, by.pk)
    return run


def work_through(run: SpreadsheetRun, *, by: User, dry: bool) -> None:
    """Check or import the list, telling how far it is. Run twice, the second time finds nothing to do."""
    final = RunState.CHECKED if dry else RunState.DONE
    try:
        table, layout = layout_of(run)
        require_columns(layout, VISIT_FIELDS)
        table.name = run.name  # as people know it
        reader = VisitReader(table, layout, Options(run.dates, run.names, run.takes_unread))
        refused = RefusedRows(run.path.with_name("refused.xlsx"), layout)
        result, written = VisitImport(reader, by=by, dry=dry, refused=refused).run(
            lambda done, total: _tell(run, done, total)
        )
    except (OperationalError, InterfaceError):
        raise
    except DomainError as error:
        _move(run, RunState.FAILED, problem=error.message[:1000])
        return
    except Exception:
        log.exception("list %s could not be worked through", run.pk)
        _move(run, RunState.FAILED, problem=_("Something went wrong; the log of the worker says what."))
        raise
    _move(
        run,
        final,
        result=json.loads(json.dumps(result.as_json())),
        refused_file=str(written.relative_to(settings.DOCUMENTS_DIR)) if written else "",
        done=result.rows,
        total=result.rows,
        finished_at=timezone.now(),
    )


def _tell(run: SpreadsheetRun, done: int, total: int) -> None:
    SpreadsheetRun.objects.filter(pk=run.pk).update(done=done, total=total)
    announce(f"spreadsheet.{run.pk}")


def _move(run: SpreadsheetRun, to: str, **changes: Any) -> None:
    """Compare-and-set of the state."""
    if to not in RUN_MOVES[run.state]:
        raise _moved_on(run)
    changes = {"state": to, **changes}
    if not SpreadsheetRun.objects.filter(pk=run.pk, state=run.state).update(**changes):
        run.refresh_from_db()
        raise _moved_on(run)
    for name, value in changes.items():
        setattr(run, name, value)
    announce(f"spreadsheet.{run.pk}")


def _moved_on(run: SpreadsheetRun) -> Conflict:
    return Conflict(_("Nothing was changed: this list is “%(state)s”.") % {"state": run.get_state_display()})


def _require(by: User) -> None:
    if not by.can(Permission.RECORDS_IMPORT):
        raise NotAllowed(_("Your role does not include importing lists."))
