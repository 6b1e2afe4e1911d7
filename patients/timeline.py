"""Everything that happened with a patient, newest first, from every room that keeps something.

A room registers a source for each kind from its ``AppConfig.ready``, with the permission that it needs;
this room never imports the others. A source answers with at most ``limit`` moments in a constant number of
queries; what it needs beyond a line (thumbnails, buttons) is a template of its own room.
"""

import datetime as dt
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from django.db import models
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from clinic.models import User
from clinic.permissions import Permission

from .models import Patient

FIRST = 60


class Kind(models.TextChoices):
    VISITS = "visits", _("Visits")
    ORDERS = "orders", _("Orders")
    STUDIES = "studies", _("Images")
    REPORTS = "reports", _("Reports")
    DOCUMENTS = "documents", _("Documents")
    CHANGES = "changes", _("Changes")


@dataclass(frozen=True)
class Moment:
    """One line. ``status`` is the chip's colour and word; ``template`` gets ``thing`` and ``may``."""

    at: dt.datetime
    kind: Kind
    title: str | Promise
    detail: str | Promise = ""
    url: str = ""
    status: tuple[str, str | Promise] | None = None
    template: str = ""
    thing: Any = None

    @property
    def icon(self) -> str:
        return SIGNS[self.kind][0]

    @property
    def kind_name(self) -> str | Promise:
        return SIGNS[self.kind][1]


# The icon and the word of one of each kind.
SIGNS = {
    Kind.VISITS: ("calendar-check", _("Visit")),
    Kind.ORDERS: ("clipboard-list", _("Order")),
    Kind.STUDIES: ("images", _("Images")),
    Kind.REPORTS: ("file-text", _("Report")),
    Kind.DOCUMENTS: ("file-check", _("Document")),
    Kind.CHANGES: ("history", _("Change")),
}


@dataclass(frozen=True)
class Day:
    date: dt.date
    moments: list[Moment]


Source = Callable[[Patient, User, int], Iterable[Moment]]
_sources: dict[Kind, tuple[Permission, Source]] = {}


def register(kind: Kind, permission: Permission, source: Source) -> None:
    _sources[kind] = (permission, source)


def kinds_for(user: User) -> list[Kind]:
    """The kinds that ``user`` may see, in the order of their filters."""
    return [kind for kind in Kind if kind in _sources and user.can(_sources[kind][0])]


def moments_of(
    patient: Patient, user: User, *, kind: Kind | None = None, limit: int = FIRST
) -> tuple[list[Moment], bool]:
    """The newest moments that ``user`` may see, and whether there are older ones."""
    found: list[Moment] = []
    for each in kinds_for(user):
        if kind in (None, each):
            found += _sources[each][1](patient, user, limit + 1)
    found.sort(key=lambda moment: moment.at, reverse=True)
    return found[:limit], len(found) > limit


def by_day(moments: Iterable[Moment]) -> list[Day]:
    """The moments under the days of the clinic, as they come."""
    return [
        Day(date, list(group))
        for date, group in groupby(moments, key=lambda moment: timezone.localtime(moment.at).date())
    ]
