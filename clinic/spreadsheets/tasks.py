"""Work of the background worker on uploaded lists."""

from clinic.models import User

from .models import RunState, SpreadsheetRun
from .runs import work_through


def check_run(run_id: int) -> None:
    run = SpreadsheetRun.objects.select_related("created_by").get(pk=run_id)
    if run.state == RunState.CHECKING:
        work_through(run, by=run.created_by, dry=True)


def import_run(run_id: int, by_id: int) -> None:
    run = SpreadsheetRun.objects.get(pk=run_id)
    if run.state == RunState.IMPORTING:
        work_through(run, by=User.objects.get(pk=by_id), dry=False)
