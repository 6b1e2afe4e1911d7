"""Audit entries in plain words: one line for each action, and what changed."""

from dataclasses import dataclass
from functools import cache
from typing import Any

from django.apps import apps
from django.core.exceptions import FieldDoesNotExist
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as _lazy

from .models import Entry

# {who} did it, {what} is the thing, {patient} whom it concerns.
SENTENCES: dict[str, Promise] = {
    "login": _lazy("{who} signed in"),
    "logout": _lazy("{who} signed out"),
    "login_failed": _lazy("Somebody tried to sign in as “{username}” and was refused"),
    "login_locked": _lazy("Sign-in as “{username}” was locked after too many attempts"),
    "login_unlocked": _lazy("{who} unlocked the sign-in as “{username}”"),
    "password.changed": _lazy("{who} changed their password"),
    "administrator.created": _lazy("{who} was made the first administrator"),
    "config.added": _lazy("{who} added {what} to the settings"),
    "config.changed": _lazy("{who} changed {what} in the settings"),
    "config.removed": _lazy("{who} removed {what} from the settings"),
    "spreadsheet.imported": _lazy("{who} imported the spreadsheet {what}"),
    "spreadsheet.uploaded": _lazy("{who} uploaded the spreadsheet {what}"),
    "spreadsheet.exported": _lazy("{who} exported the clinic's examinations as a spreadsheet"),
    "patient.imported": _lazy("{who} imported the patient {patient}"),
    "image.imported": _lazy("{who} imported the file {what} of {patient}"),
    "catalogue.shipped": _lazy("{who} brought the catalogue that comes with Cedar"),
    "patient.registered": _lazy("{who} registered the patient {patient}"),
    "patient.changed": _lazy("{who} changed the record of {patient}"),
    "patient.merged": _lazy("{who} merged {what} into {patient}"),
    "patient.merged_away": _lazy("{who} merged {patient} into {what}"),
    "patient.merge_undone": _lazy("{who} parted {what} from {patient} again"),
    "document.added": _lazy("{who} added the document “{what}” of {patient}"),
    "document.removed": _lazy("{who} removed the document “{what}” of {patient}"),
    "document.viewed": _lazy("{who} looked at the document “{what}” of {patient}"),
    "patient.viewed": _lazy("{who} opened the record of {patient}"),
    "patient.printed": _lazy("{who} printed a summary of {patient}"),
    "patient.searched": _lazy("{who} searched patients for “{text}”"),
    "referrer.added": _lazy("{who} added the referrer {what}"),
    "order.imported": _lazy("{who} imported the examination {what} of {patient}"),
    "order.billing_changed": _lazy("{who} changed the billing state of {what} of {patient}"),
    "safety.answered": _lazy("{who} noted the safety answers of {patient} for {what}"),
    "safety.overridden": _lazy("{who} let the examination of {patient} start as an emergency"),
    "order.signed": _lazy("{who} signed the order {what} of {patient}"),
    "order.placed": _lazy("{who} placed the order {what} for {patient}"),
    "order.changed": _lazy("{who} changed the order {what} of {patient}"),
    "order.scheduled": _lazy("{who} scheduled the order {what} of {patient}"),
    "order.unscheduled": _lazy("{who} took the order {what} of {patient} out of the schedule"),
    "order.cancelled": _lazy("{who} cancelled the order {what} of {patient}"),
    "order.acquired": _lazy("{who} marked the images of {what} of {patient} as taken"),
    "order.repeat_requested": _lazy("{who} asked for {what} of {patient} to be repeated"),
    "order.images_left": _lazy("{who} took the images of {what} of {patient} away: it waits again"),
    "order.reassigned": _lazy("{who} gave the order {what} to {patient}"),
    "order.discontinued": _lazy("{who} noted that {what} of {patient} was broken off at the machine"),
    "order.claimed": _lazy("{who} began to read {what} of {patient}"),
    "order.handed_back": _lazy("{who} handed {what} of {patient} back to the reading list"),
    "share.viewed": _lazy("{what} of {patient} was opened through a link"),
    "share.pin_refused": _lazy("Somebody entered a wrong PIN for the link to {what} of {patient}"),
    "share.revoked": _lazy("{who} closed a link to {what} of {patient}"),
    "phrase.saved": _lazy("{who} saved the phrase {what}"),
    "phrase.deleted": _lazy("{who} deleted the phrase {what}"),
    "subspecialty.chosen": _lazy("{who} chose what is listed as the own subspecialty"),
    "order.reported": _lazy("{who} reported {what} of {patient}"),
    "order.released": _lazy("{who} released {what} of {patient}"),
    "order.viewed": _lazy("{who} opened the order {what} of {patient}"),
    "appointment.booked": _lazy("{who} booked an appointment for {patient}"),
    "appointment.called": _lazy("{who} called {patient} about a visit"),
    "closure.added": _lazy("{who} closed {what}"),
    "closure.removed": _lazy("{who} opened again {what}"),
    "appointment.rescheduled": _lazy("{who} moved the appointment of {patient}"),
    "appointment.cancelled": _lazy("{who} cancelled the appointment of {patient}"),
    "appointment.checked_in": _lazy("{who} checked {patient} in"),
    "appointment.called_in": _lazy("{who} called {patient} into the room"),
    "appointment.started": _lazy("{who} started the examination of {patient}"),
    "appointment.finished": _lazy("{who} finished the examination of {patient}"),
    "appointment.completed": _lazy("{who} completed the visit of {patient}"),
    "appointment.no_show": _lazy("{who} noted that {patient} did not come"),
    "appointment.reopened": _lazy("{who} reopened the visit of {patient}"),
    "appointment.stepped_back": _lazy("{who} took back a step of the visit of {patient}"),
    "study.received": _lazy("{who} received images: {what} of {patient}"),
    "study.viewed": _lazy("{who} looked at the images {what} of {patient}"),
    "study.held": _lazy("{who} held images back: {what}"),
    "study.resolved": _lazy("{who} decided where held images belong: {what}"),
    "worklist.tried": _lazy("{who} looked at the worklist of the device {what}"),
    "test_image.sent": _lazy("{who} sent a test image to {what}"),
    "study.undone": _lazy("{who} took back a decision about images: {what}"),
    "study.unknown": _lazy("{who} gave the images {what} to be read before it is known whose they are"),
    "study.discarded": _lazy("{who} discarded held images: {what}"),
    "study.sent": _lazy("{who} sent the images {what} of {patient}"),
    "study.queued": _lazy("{who} asked to send the images {what} of {patient}"),
    "study.asked_for": _lazy("{who} asked an archive for an earlier study of {patient}"),
    "archive.searched": _lazy("{who} searched an archive for studies of {patient}"),
    "study.linked": _lazy("{who} linked the images {what} to {patient}"),
    "image.stored": _lazy("{who} stored images of {what} of {patient}"),
    "image.marked": _lazy("{who} marked a key image of {what} of {patient}"),
    "image.retried": _lazy("{who} tried again to file a file that was set aside: {what}"),
    "image.discarded": _lazy("{who} discarded a file that was set aside: {what}"),
    "image.restored": _lazy("{who} brought a discarded file back: {what}"),
    "image.removed": _lazy("{who} removed a discarded file from the disk: {what}"),
    "image.downloaded": _lazy("{who} downloaded a file that was set aside: {what}"),
    "image.quarantined": _lazy("{who} set aside a file that could not be read: {what}"),
    "key_image.created": _lazy("{who} kept a key image of {what} of {patient}"),
    "step.started": _lazy("{who} noted that a machine began an examination: {what}"),
    "step.completed": _lazy("{who} noted that a machine completed an examination: {what}"),
    "step.discontinued": _lazy("{who} noted that a machine broke off an examination: {what}"),
    "step.linked": _lazy("{who} linked the machine's examination {what} to {patient}"),
    "step.dismissed": _lazy("{who} decided that the machine's examination {what} belongs to no order"),
    "commitment.requested": _lazy("{who} took a request to confirm that images are stored: {what}"),
    "commitment.reported": _lazy("{who} told a device which of its images are stored: {what}"),
    "commitment.given_up": _lazy("{who} gave up telling a device which of its images are stored: {what}"),
    "report.imported": _lazy("{who} imported the report {what} of {patient}"),
    "report.opened": _lazy("{who} opened the report {what} of {patient}"),
    "report.viewed": _lazy("{who} read the report {what} of {patient}"),
    "report.signed": _lazy("{who} signed the report {what} of {patient}"),
    "report.sign_refused": _lazy("{who} could not sign the report {what} of {patient}: wrong password"),
    "report.addendum_signed": _lazy("{who} signed an addendum to the report {what} of {patient}"),
    "report.released": _lazy("{who} released the report {what} of {patient}"),
    "report.printed": _lazy("{who} printed the report {what} of {patient}"),
    "report.downloaded": _lazy("{who} downloaded the report {what} of {patient}"),
    "association.rejected": _lazy("{who} refused a DICOM connection"),
}

# What a sentence says is not repeated below it.
_SAID = {
    "login_failed": "username",
    "login_locked": "username",
    "login_unlocked": "username",
    "patient.searched": "text",
}


@dataclass(frozen=True)
class Change:
    """One field before and after."""

    label: str
    before: str
    after: str


def sentence(entry: Entry) -> str:
    """What happened, in one line."""
    words = {
        "who": entry.actor_label,
        "what": entry.subject_label or _("something"),
        "patient": entry.patient_label or _("a patient"),
        "username": _after(entry, "username"),
        "text": _after(entry, "text"),
    }
    template = SENTENCES.get(entry.action)
    if template is None:
        return f"{entry.actor_label}: {entry.action} {entry.subject_label}".strip()
    return str(template).format(**words)


def changes_of(entry: Entry) -> list[Change]:
    """The fields that changed, with the names they have on the pages."""
    return [
        Change(str(_field_label(entry.subject_type, field)), _shown(before), _shown(after))
        for field, (before, after) in _pairs(entry)
        if field != _SAID.get(entry.action)
    ]


def action_groups() -> list[tuple[str, str]]:
    """Kinds of actions to choose from: ``("patient.", "Patients")``."""
    return [
        ("patient.", _("Patients")),
        ("document.", _("Documents")),
        ("order.", _("Orders")),
        ("appointment.", _("Appointments")),
        ("safety.", _("Safety questions")),
        ("study.", _("Images")),
        ("report.", _("Reports")),
        ("log", _("Sign-ins")),
        ("config.", _("Settings")),
        ("association.", _("DICOM connections")),
    ]


def _pairs(entry: Entry) -> list[tuple[str, tuple[Any, Any]]]:
    """Changes as pairs, whatever else was noted with the entry shown as it is."""
    return [
        (field, (value[0], value[1]) if isinstance(value, list) and len(value) == 2 else (None, value))
        for field, value in entry.changes.items()
    ]


def _after(entry: Entry, field: str) -> str:
    value = entry.changes.get(field)
    return _shown(value[1]) if isinstance(value, list) and len(value) == 2 else _shown(value)


def _shown(value: Any) -> str:
    if value is None or value == "":
        return ""
    if isinstance(value, bool):
        return _("yes") if value else _("no")
    if isinstance(value, list):
        return ", ".join(_shown(part) for part in value)
    return str(value)


@cache
def _field_label(subject_type: str, field: str) -> str | Promise:
    for model in apps.get_models():
        if model._meta.model_name == subject_type:
            try:
                return model._meta.get_field(field).verbose_name  # type: ignore[union-attr]
            except (FieldDoesNotExist, AttributeError):
                break
    return field.replace("_", " ")
