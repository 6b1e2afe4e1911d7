"""What this room adds to a patient's timeline: documents, and every change of the record in words."""

from django.db.models import Q
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from audit.models import Entry
from audit.views import lines_of
from clinic.models import User
from clinic.permissions import Permission

from .models import Patient
from .timeline import Kind, Moment, register

SEEING = ("patient.viewed", "patient.searched", "patient.printed", "document.viewed")


def add_sources() -> None:
    register(Kind.DOCUMENTS, Permission.DOCUMENT_VIEW, _documents)
    register(Kind.CHANGES, Permission.PATIENT_VIEW, _changes)


def _documents(patient: Patient, user: User, limit: int) -> list[Moment]:
    kept = patient.documents.kept().select_related("added_by")  # type: ignore[attr-defined]
    return [
        Moment(
            at=document.added_at,
            kind=Kind.DOCUMENTS,
            title=document.title,
            detail=_("%(kind)s, added by %(who)s")
            % {"kind": document.get_kind_display(), "who": document.added_by},
            url=reverse("patients:document_file", args=[document.pk]),
            template="patients/_document_moment.html",
            thing=document,
        )
        for document in kept[:limit]
    ]


def _changes(patient: Patient, user: User, limit: int) -> list[Moment]:
    """Of the record itself and of those that were merged into it; what happened to orders is told there."""
    entries = Entry.objects.filter(
        patient_id__in=[patient.pk, *patient.aliases.values_list("pk", flat=True)],
        action__regex=r"^(patient|document)\.",
    ).exclude(Q(action__in=SEEING) | Q(action="patient.merged_away") & ~Q(patient_id=patient.pk))
    return [
        Moment(
            at=line.entry.at,
            kind=Kind.CHANGES,
            title=line.text,
            detail=_("Reason: %(reason)s") % {"reason": line.entry.reason} if line.entry.reason else "",
            template="patients/_change_moment.html",
            thing=line,
        )
        for line in lines_of(list(entries.newest_first()[:limit]))
    ]
