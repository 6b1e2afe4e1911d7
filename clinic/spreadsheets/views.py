"""The administrator's page for lists: upload, agree upon columns, check, import."""

from typing import Any

from django.http import FileResponse, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from clinic.errors import DomainError, InvalidInput, NotFound
from clinic.http import StaffRequest, require
from clinic.permissions import Permission as P

from . import runs
from .columns import IGNORED
from .fields import VISIT_FIELDS
from .models import RunState, SpreadsheetRun
from .showing import counts, field_label

SHOWN = 50
OPEN = {RunState.UPLOADED, RunState.CHECKED, RunState.FAILED}


@require(P.RECORDS_IMPORT)
@require_GET
def run_list(request: StaffRequest) -> HttpResponse:
    """Upload a list; those that were uploaded before."""
    latest = SpreadsheetRun.objects.newest_first().select_related("created_by").defer("columns")[:20]
    return render(request, "spreadsheets/run_list.html", {"runs": latest})


@require(P.RECORDS_IMPORT)
@require_POST
def run_upload(request: StaffRequest) -> HttpResponse:
    file = request.FILES.get("file")
    if file is None:
        raise InvalidInput(_("Choose a file first."), field="file")
    run = runs.upload_list(file, by=request.user)
    return redirect("spreadsheets:run", run.pk)


@require(P.RECORDS_IMPORT)
@require_GET
def run_detail(request: StaffRequest, pk: int) -> HttpResponse:
    """One list, whatever state it is in; its progress by itself."""
    run = get_object_or_404(SpreadsheetRun, pk=pk)
    context = {"run": run, **_result(run)}
    if request.htmx:
        return render(request, "spreadsheets/run_detail.html#state", context)
    return render(request, "spreadsheets/run_detail.html", context | _columns(run))


def _result(run: SpreadsheetRun) -> dict[str, Any]:
    """What the check or the import found."""
    if not run.result:
        return {}
    result = run.result
    about = sorted(result["about"].items(), key=lambda item: -item[1])
    return {
        "result": result,
        "counts": counts(result),
        "about": [(field_label(key), count) for key, count in about],
        "problems": [
            {**problem, "label": field_label(problem["about"])} for problem in result["problems"][:SHOWN]
        ],
        "more_problems": max(0, result["refused"] - SHOWN),
        "duplicates": result["duplicates"][:SHOWN],
    }


def _columns(run: SpreadsheetRun) -> dict[str, Any]:
    """The form in which columns are agreed upon, while that makes sense."""
    if run.state not in OPEN:
        return {}
    try:
        table, layout = runs.layout_of(run)
    except DomainError as error:
        return {"unreadable": error.message}
    return {
        "table": table,
        "layout": layout,
        "columns": [column for column in layout.columns if column.heading],
        "fields": VISIT_FIELDS,
        "ignored": IGNORED,
    }


@require(P.RECORDS_IMPORT)
@require_POST
def run_check(request: StaffRequest, pk: int) -> HttpResponse:
    run = get_object_or_404(SpreadsheetRun, pk=pk)
    headings, fields = request.POST.getlist("heading"), request.POST.getlist("field")
    runs.check_list(
        run,
        by=request.user,
        columns=dict(zip(headings, fields, strict=False)),
        sheet=request.POST.get("sheet", run.sheet),
        dates=request.POST.get("dates", ""),
        names=request.POST.get("names", "given"),
        takes_unread="takes_unread" in request.POST,
    )
    return redirect("spreadsheets:run", run.pk)


@require(P.RECORDS_IMPORT)
@require_POST
def run_start(request: StaffRequest, pk: int) -> HttpResponse:
    run = get_object_or_404(SpreadsheetRun, pk=pk)
    runs.start_import(run, by=request.user)
    return redirect("spreadsheets:run", run.pk)


@require(P.RECORDS_IMPORT)
@require_GET
def run_refused(request: StaffRequest, pk: int) -> HttpResponse | FileResponse:
    """The refused rows, with reasons, to be mended and uploaded again."""
    run = get_object_or_404(SpreadsheetRun, pk=pk)
    if not run.refused_file or not run.refused_path.is_file():
        raise NotFound(_("No row of this list was refused."))
    name = run.name.rpartition(".")[0] or run.name
    return FileResponse(
        run.refused_path.open("rb"),
        as_attachment=True,
        filename=f"{name}-refused.xlsx",
        headers={"Cache-Control": "private, no-store"},
    )
