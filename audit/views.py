"""The audit page: who did what, newest first."""

import datetime
from dataclasses import dataclass

from django.db.models import Q
from django.http import HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_GET

from clinic.http import StaffRequest, require
from clinic.models import User
from clinic.permissions import Permission

from .models import Entry
from .sentences import Change, action_groups, changes_of, sentence

PAGE = 50
FILTERS = ("who", "kind", "patient", "id", "from", "to")


@dataclass(frozen=True)
class Line:
    """An entry as the page shows it."""

    entry: Entry
    text: str
    changes: list[Change]


@require_GET
@require(Permission.AUDIT_VIEW)
def entry_list(request: StaffRequest) -> HttpResponse:
    """Filtered by person, kind, patient and days; older pages by the id of the last entry shown."""
    asked = {
        name: request.GET.get(name, "").strip() for name in ("who", "kind", "patient", "id", "from", "to")
    }
    entries = Entry.objects.filter(_wanted(asked)).newest_first()
    before = request.GET.get("before", "")
    if before.isdecimal() and len(before) < 19:
        entries = entries.filter(pk__lt=int(before))
    found = list(entries[: PAGE + 1])
    query = request.GET.copy()
    query["before"] = str(found[PAGE - 1].pk) if len(found) > PAGE else ""
    context = {
        "lines": lines_of(found[:PAGE]),
        "asked": asked,
        "is_filtered": any(asked.values()),
        "is_first": not before,
        "older": query.urlencode() if query["before"] else "",
        "people": User.objects.order_by("is_machine", "full_name"),
        "kinds": action_groups(),
    }
    return render(
        request, "audit/entry_list.html#entries" if request.htmx else "audit/entry_list.html", context
    )


def lines_of(entries: list[Entry]) -> list[Line]:
    """Entries in plain words, for this page and for the history on other pages."""
    return [Line(entry, sentence(entry), changes_of(entry)) for entry in entries]


def _wanted(asked: dict[str, str]) -> Q:
    wanted = Q()
    if asked["who"].isdecimal() and len(asked["who"]) < 19:
        wanted &= Q(actor_id=int(asked["who"]))
    if asked["kind"] in dict(action_groups()):
        wanted &= Q(action__startswith=asked["kind"])
    if asked["id"].isdecimal() and len(asked["id"]) < 19:
        wanted &= Q(patient_id=int(asked["id"]))
    for word in asked["patient"].split():
        wanted &= Q(patient_label__icontains=word)
    first, last = _day(asked["from"]), _day(asked["to"])
    if first:
        wanted &= Q(at__gte=_midnight(first))
    if last:
        wanted &= Q(at__lt=_midnight(last + datetime.timedelta(days=1)))
    return wanted


def _day(text: str) -> datetime.date | None:
    try:
        return datetime.date.fromisoformat(text)
    except ValueError:
        return None


def _midnight(day: datetime.date) -> datetime.datetime:
    return timezone.make_aware(datetime.datetime.combine(day, datetime.time.min))
