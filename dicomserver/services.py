"""Every write about DICOM nodes and their calls."""

import datetime
import ipaddress
import re
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from audit.models import Entry
from audit.services import record
from clinic.errors import Conflict, InvalidInput, NotAllowed
from clinic.live import announce
from clinic.models import User
from clinic.permissions import Permission
from scheduling.models import AE_TITLE, Station

from .certificates import BadCertificate, describe
from .character_sets import CHARACTER_SETS
from .models import REJECTIONS, Association, Outcome, RemoteAE, RemoteAEState, ServerSettings

if TYPE_CHECKING:
    from .calls import Call

MACHINE = "dicom"
# So that somebody who calls under ever new names fills neither the page nor the database.
WAITING_LIMIT = 100
CALLS_KEPT_FOR = datetime.timedelta(days=90)
CALLS_KEPT = 20_000
# A device that tries again and again within this time has one row.
_ONE_TROUBLE = datetime.timedelta(minutes=10)
_REJECTION_AUDITED_EVERY = datetime.timedelta(hours=1)
_NODE_FIELDS = [
    "description",
    "host",
    "port",
    "allowed_addresses",
    "character_set",
    "uses_tls",
    "trusted_certificate",
    "fetches_with_get",
]


@transaction.atomic
def record_calls(calls: Iterable["Call"]) -> None:
    """Write calls that were noted by the server: who was seen, who wants to connect, and the log."""
    known = {node.ae_title: node for node in RemoteAE.objects.all()}
    stations = dict(Station.objects.filter(is_active=True).values_list("ae_title", "name"))
    rows: dict[tuple[object, ...], Association] = {}
    for call in calls:
        node = known.get(call.calling_ae_title) or _list_caller(call, stations)
        if node is not None:
            known[node.ae_title] = node
            node.last_seen_at, node.last_address = call.at, call.address
        if call.outcome is not None:
            _add_row(rows, call)
        if call.outcome in REJECTIONS and node is not None:
            _audit_rejection(node, call)
    RemoteAE.objects.bulk_update(known.values(), ["last_seen_at", "last_address"])
    Association.objects.bulk_create(row for row in rows.values() if row.pk is None)
    Association.objects.bulk_update([row for row in rows.values() if row.pk], ["at", "times"])
    announce("nodes")


@transaction.atomic
def prune_calls() -> None:
    """Keep the log at a size that a person can read."""
    oldest = Association.objects.order_by("-pk").values_list("pk", flat=True)[CALLS_KEPT : CALLS_KEPT + 1]
    Association.objects.filter(pk__lte=next(iter(oldest), 0)).delete()
    Association.objects.filter(at__lt=timezone.now() - CALLS_KEPT_FOR).delete()


def accept_node(node: RemoteAE, *, by: User) -> RemoteAE:
    """From its next call on, the node may use all services."""
    return _move(node, RemoteAEState.ACCEPTED, by=by)


def refuse_node(node: RemoteAE, *, by: User) -> RemoteAE:
    """The node is rejected, and no longer listed among those who want to connect."""
    return _move(node, RemoteAEState.REFUSED, by=by)


@transaction.atomic
def add_node(ae_title: str, *, by: User, **fields: Any) -> RemoteAE:
    """Accept a node before it calls for the first time."""
    _require_configure(by)
    if RemoteAE.objects.filter(ae_title=ae_title).exists():
        raise Conflict(_("A device with the AE title %(title)s is listed already.") % {"title": ae_title})
    node = RemoteAE(ae_title=ae_title, state=RemoteAEState.ACCEPTED, **_checked(fields))
    node.full_clean()
    node.save()
    record(by=by, action="config.changed", subject=node, changes={"state": [None, node.state]})
    announce("nodes")
    return node


@transaction.atomic
def change_node(node: RemoteAE, *, by: User, **fields: Any) -> RemoteAE:
    """Change what is known about a node; ``fields`` are some of ``_NODE_FIELDS``."""
    _require_configure(by)
    node = RemoteAE.objects.select_for_update().get(pk=node.pk)
    changes = {}
    for name, value in _checked(fields).items():
        if getattr(node, name) != value:
            changes[name] = [_told(name, getattr(node, name)), _told(name, value)]
            setattr(node, name, value)
    if changes:
        node.full_clean()
        node.save(update_fields=list(changes))
        record(by=by, action="config.changed", subject=node, changes=changes)
        announce("nodes")
    return node


@transaction.atomic
def change_settings(*, by: User, private_classes: bool) -> ServerSettings:
    """Change what holds for the DICOM server as a whole; it takes a second until the server knows."""
    _require_configure(by)
    server = ServerSettings.get()
    if server.private_classes != private_classes:
        change = [server.private_classes, private_classes]
        server.private_classes = private_classes
        server.save()
        record(by=by, action="config.changed", subject=server, changes={"private_classes": change})
        announce("nodes")
    return server


@transaction.atomic
def _move(node: RemoteAE, state: RemoteAEState, *, by: User) -> RemoteAE:
    _require_configure(by)
    node = RemoteAE.objects.select_for_update().get(pk=node.pk)
    if node.state == state:
        return node
    record(by=by, action="config.changed", subject=node, changes={"state": [node.state, state]})
    node.state = state
    node.save(update_fields=["state"])
    announce("nodes")
    return node


def _require_configure(user: User) -> None:
    if not user.can(Permission.CONFIGURE):
        raise NotAllowed(_("Only an administrator may change the devices."))


def _checked(fields: dict[str, Any]) -> dict[str, Any]:
    unknown = set(fields) - set(_NODE_FIELDS)
    if unknown:
        raise TypeError(f"not fields of a node: {sorted(unknown)}")
    for text in fields.get("allowed_addresses", []):
        try:
            ipaddress.ip_network(text, strict=False)
        except ValueError:
            raise InvalidInput(
                _("%(text)s is no IP address; 192.168.1.20 or 192.168.1.0/24 is accepted.") % {"text": text},
                field="allowed_addresses",
            ) from None
    if pem := fields.get("trusted_certificate"):
        try:
            describe(pem)
        except BadCertificate as error:
            raise InvalidInput(str(error), field="trusted_certificate") from None
    character_set = fields.get("character_set")
    if character_set is not None and character_set not in CHARACTER_SETS:
        raise InvalidInput(
            _("%(text)s is not a character set that Cedar can write.") % {"text": character_set},
            field="character_set",
        )
    return fields


def _told(name: str, value: Any) -> Any:
    """A certificate is named in the trail by its fingerprint."""
    return describe(value).fingerprint if name == "trusted_certificate" and value else value


def _list_caller(call: "Call", stations: dict[str, str]) -> RemoteAE | None:
    """A row for somebody who calls for the first time, unless too many strangers did."""
    title = call.calling_ae_title
    if not re.fullmatch(AE_TITLE.regex, title):
        return None
    if title in stations:
        return RemoteAE.objects.create(
            ae_title=title, description=stations[title][:100], state=RemoteAEState.ACCEPTED
        )
    if RemoteAE.objects.filter(state=RemoteAEState.WANTS_TO_CONNECT).count() >= WAITING_LIMIT:
        return None
    return RemoteAE.objects.create(ae_title=title)


def _add_row(rows: dict[tuple[object, ...], Association], call: "Call") -> None:
    """Rejected calls that are alike share a row; others have one each."""
    alike: tuple[object, ...] = (call.calling_ae_title, call.called_ae_title, call.address, call.outcome)
    alike += (call.problem if call.outcome == Outcome.NOT_ENCRYPTED else "",)
    if call.outcome not in REJECTIONS:
        alike = (len(rows),)
    elif row := rows.get(alike) or _row_to_continue(call):
        row.at, row.times = call.at, row.times + call.times
        rows[alike] = row
        return
    rows[alike] = Association(
        at=call.at,
        calling_ae_title=call.calling_ae_title,
        called_ae_title=call.called_ae_title,
        address=call.address,
        outcome=call.outcome or Outcome.ABORTED,
        times=call.times,
        echoed=call.echoed,
        stored=call.stored,
        failed=call.failed,
        queried=call.queried,
        matches=call.matches,
        searched=call.searched,
        found=call.found,
        sent=call.sent,
        steps=call.steps,
        commitments=call.commitments,
        problem=call.problem,
        is_encrypted=call.is_encrypted,
    )


def _row_to_continue(call: "Call") -> Association | None:
    """The caller's newest row, if it tells of the same rejection not long ago."""
    newest = Association.objects.filter(calling_ae_title=call.calling_ae_title).order_by("-pk").first()
    is_alike = newest is not None and (
        (newest.called_ae_title, newest.address, newest.outcome)
        == (call.called_ae_title, call.address, call.outcome)
        and (newest.problem == call.problem or call.outcome != Outcome.NOT_ENCRYPTED)
    )
    return newest if newest and is_alike and call.at - newest.at < _ONE_TROUBLE else None


def _audit_rejection(node: RemoteAE, call: "Call") -> None:
    """Once an hour for each node: the trail is for ever, and a modality may try every ten seconds."""
    since = timezone.now() - _REJECTION_AUDITED_EVERY
    already = Entry.objects.filter(
        action="association.rejected", subject_type="remoteae", subject_id=str(node.pk), at__gte=since
    )
    if not already.exists():
        record(
            by=User.objects.machine(MACHINE),
            action="association.rejected",
            subject=node,
            reason=f"{call.outcome}: {call.calling_ae_title} → {call.called_ae_title}",
            address=call.address,
        )
