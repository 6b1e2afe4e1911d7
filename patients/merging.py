"""Two records of one person become one, and are parted again exactly when that was wrong.

The survivor keeps its number. The other record keeps everything it said and becomes an alias: its number
still leads to the person (``patients.records``). What belonged to it changes hands; nothing is deleted.

Locks: both patients by id, then what belongs to them, kind by kind (``patients.belongings``).
"""

from collections.abc import Mapping
from typing import Any

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from audit.services import record
from clinic.errors import Conflict, InvalidInput, NotAllowed
from clinic.live import announce
from clinic.models import User
from clinic.permissions import Permission

from . import belongings, names
from .comparing import merged_values
from .models import OtherName, OtherNameKind, Patient, PatientMerge
from .values import EDITABLE, clean_values, limit_length, plain

REASON_LENGTH = 300
_NAMES = ("family_name", "given_name", "middle_name", "ideographic_name", "phonetic_name")


@transaction.atomic
def merge_patients(
    survivor: Patient,
    alias: Patient,
    *,
    by: User,
    choices: Mapping[str, str],
    versions: tuple[int, int],
    reason: str,
) -> PatientMerge:
    """Make ``alias`` a part of ``survivor``.

    ``choices`` says by field whose value is kept (``comparing``); ``versions`` are those of the two records
    that the person was looking at, survivor's first.
    """
    _require_merging(by)
    reason = _checked_reason(reason)
    survivor, alias = _lock(survivor.pk, alias.pk)
    _refuse_merge(survivor, alias, versions)
    before = {"survivor": image_of(survivor), "alias": image_of(alias)}
    moved = {kind.model: kind.of(alias.pk) for kind in belongings.kinds()}
    for kind in belongings.kinds():
        kind.hand_over(moved[kind.model], of=alias.pk, to=survivor.pk)
    # Behind the moves, which wait for whoever is at work on one of these things.
    if refusals := belongings.merge_refusals([survivor.pk, alias.pk]):
        raise Conflict(" ".join(refusals))
    _write(survivor, clean_values(merged_values(survivor, alias, choices)))
    alias.merged_into = survivor
    alias.version += 1
    alias.save(update_fields=["merged_into", "version", "updated_at"])
    merge = PatientMerge.objects.create(
        survivor=survivor,
        alias=alias,
        merged_by=by,
        reason=reason,
        before=before,
        after={"survivor": image_of(survivor), "alias": image_of(alias)},
        moved={model: pks for model, pks in moved.items() if pks},
        owned={},
        added_name=_keep_name(survivor, alias),
    )
    merge.owned = {kind.model: kind.of(survivor.pk) for kind in belongings.kinds()}
    merge.save(update_fields=["owned"])
    _note(merge, "patient.merged", "patient.merged_away", by=by, reason=reason, back=False)
    return merge


@transaction.atomic
def undo_merge(merge: PatientMerge, *, by: User, reason: str) -> PatientMerge:
    """Part two records again, exactly as they were. Refused when what came later belongs to both."""
    _require_merging(by)
    reason = _checked_reason(reason)
    survivor, alias = _lock(merge.survivor_id, merge.alias_id)
    merge = PatientMerge.objects.select_for_update(of=("self",)).get(pk=merge.pk)
    if refusals := undo_refusals(merge, survivor=survivor, alias=alias):
        raise Conflict(_("This merge cannot be undone.") + " " + " ".join(refusals))
    # First the name that the merge made, which would otherwise count as the survivor's.
    added, merge.added_name = merge.added_name, None
    if added is not None:
        added.delete()
    for kind in belongings.kinds():
        pks = merge.moved.get(kind.model, [])
        if kind.hand_over(pks, of=survivor.pk, to=alias.pk) != len(pks):
            raise Conflict(_("Something that was moved has just changed. Look at the record again."))
    _write(survivor, _values_of(merge.before["survivor"]))
    alias.merged_into = None
    alias.version += 1
    alias.save(update_fields=["merged_into", "version", "updated_at"])
    merge.undone_at, merge.undone_by, merge.undo_reason = timezone.now(), by, reason
    merge.save(update_fields=["added_name", "undone_at", "undone_by", "undo_reason"])
    _note(merge, "patient.merge_undone", "patient.merge_undone", by=by, reason=reason, back=True)
    return merge


def undo_refusals(merge: PatientMerge, *, survivor: Patient, alias: Patient) -> list[str]:
    """What has changed since, in words; empty when the merge can be undone."""
    if merge.undone_at is not None:
        return [_("It has been undone already.")]
    if survivor.merged_into is not None:
        return [
            _("%(survivor)s was merged into %(other)s since: undo that first.")
            % {"survivor": survivor, "other": survivor.merged_into}
        ]
    return [
        *_changed_fields(merge.after["survivor"], survivor),
        *_changed_fields(merge.after["alias"], alias),
        *_changed_belongings(merge, survivor),
        *belongings.undo_refusals(merge),
    ]


def image_of(patient: Patient) -> dict[str, Any]:
    """A record as it is kept with a merge."""
    return {"mrn": patient.mrn, **{name: plain(getattr(patient, name)) for name in EDITABLE}}


# --- checks -------------------------------------------------------------------------------------------


def _require_merging(by: User) -> None:
    if not by.can(Permission.PATIENT_MERGE):
        raise NotAllowed(_("Your role does not include merging patients."))


def _checked_reason(reason: str) -> str:
    reason = names.clean(reason)
    if not reason:
        raise InvalidInput(_("Say in a few words why."), field="reason")
    limit_length(_("reason"), reason, REASON_LENGTH, "reason")
    return reason


def _lock(*pks: int) -> list[Patient]:
    """Both records in the order asked for, locked in the order of their ids."""
    # Nothing is joined: what a lock waited for is read afresh only in the row that it locks.
    rows = Patient.objects.select_for_update().filter(pk__in=pks).order_by("pk")
    locked = {patient.pk: patient for patient in rows}
    return [locked[pk] for pk in pks]


def _refuse_merge(survivor: Patient, alias: Patient, versions: tuple[int, int]) -> None:
    if survivor == alias:
        raise InvalidInput(_("This is the same record twice. Choose another one."))
    for patient in (survivor, alias):
        if patient.merged_into is not None:
            raise Conflict(
                _("%(patient)s was merged into %(other)s meanwhile. Nothing was merged now.")
                % {"patient": patient, "other": patient.merged_into}
            )
    if (survivor.version, alias.version) != tuple(versions):
        raise Conflict(
            _("Someone else changed one of these records meanwhile. Look at both, then merge again.")
        )


def _changed_fields(then: dict[str, Any], patient: Patient) -> list[str]:
    now = image_of(patient)
    changed = [name for name, value in then.items() if now[name] != value]
    labels = [str(Patient._meta.get_field(name).verbose_name) for name in changed]  # type: ignore[union-attr]
    if not labels:
        return []
    text = _("In the record of %(patient)s was changed since: %(fields)s.")
    return [text % {"patient": patient, "fields": ", ".join(labels)}]


def _changed_belongings(merge: PatientMerge, survivor: Patient) -> list[str]:
    """Nobody can say to which of the two persons belongs what came after the merge."""
    refusals = []
    for kind in reversed(belongings.kinds()):
        then, now = set(merge.owned.get(kind.model, [])), set(kind.of(survivor.pk))
        if new := now - then:
            things = ", ".join(str(thing) for thing in kind.rows().filter(pk__in=new).order_by("pk")[:3])
            text = _("New since then: %(counted)s (%(things)s).")
            refusals.append(text % {"counted": kind.counted(len(new)), "things": things})
        if gone := then - now:
            text = _("Taken away since then: %(counted)s.")
            refusals.append(text % {"counted": kind.counted(len(gone))})
    return refusals


# --- writing ------------------------------------------------------------------------------------------


def _write(patient: Patient, values: dict[str, Any]) -> None:
    for name, value in values.items():
        setattr(patient, name, value)
    patient.name_key = names.name_key(patient.person_name)
    patient.version += 1
    patient.save(update_fields=[*values, "name_key", "version", "updated_at"])
    patient.refresh_from_db()


def _values_of(image: dict[str, Any]) -> dict[str, Any]:
    read = Patient._meta.get_field("birth_date").to_python  # type: ignore[union-attr]
    return {name: image[name] for name in EDITABLE} | {"birth_date": read(image["birth_date"])}


def _keep_name(survivor: Patient, alias: Patient) -> OtherName | None:
    """The alias's name stays one by which the person is found, unless it is the survivor's."""
    key = names.name_key(alias.person_name)
    known = {survivor.name_key, *survivor.other_names.values_list("name_key", flat=True)}
    if key in known:
        return None
    kept = {name: getattr(alias, name) for name in _NAMES}
    return OtherName.objects.create(patient=survivor, kind=OtherNameKind.MERGED, name_key=key, **kept)


def _note(merge: PatientMerge, action: str, alias_action: str, *, by: User, reason: str, back: bool) -> None:
    """On both records: what changed, before and after; and all pages that show something of it."""
    survivor, alias = merge.survivor, merge.alias
    then, now = merge.before["survivor"], merge.after["survivor"]
    changes = {name: [then[name], now[name]] for name in EDITABLE if then[name] != now[name]}
    for kind in reversed(belongings.kinds()):
        if pks := merge.moved.get(kind.model):
            changes[str(kind.rows().model._meta.verbose_name_plural)] = [None, kind.counted(len(pks))]
    away = {"merged_into": [None, str(survivor)]}
    if back:
        changes = {name: pair[::-1] for name, pair in changes.items()}
        away = {name: pair[::-1] for name, pair in away.items()}
    record(by=by, action=action, subject=alias, patient=survivor, changes=changes, reason=reason)
    record(by=by, action=alias_action, subject=survivor, patient=alias, changes=away, reason=reason)
    topics = [f"patient.{survivor.pk}", f"patient.{alias.pk}", "board", "held"]
    for kind in belongings.kinds():
        if kind.topic:
            topics += [f"{kind.topic}.{pk}" for pk in merge.moved.get(kind.model, [])]
    announce(*topics)
