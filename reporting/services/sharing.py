"""Share links: a report for somebody outside the clinic, by an address and a PIN that travel apart."""

import datetime as dt
import hashlib
import secrets
from dataclasses import dataclass

from django.contrib.auth.hashers import check_password, make_password
from django.db import transaction
from django.db.models import F
from django.utils import timezone
from django.utils.translation import gettext as _

from audit.services import record
from clinic.errors import InvalidInput, NotAllowed, NotFound
from clinic.live import announce
from clinic.models import User
from clinic.permissions import Permission

from ..models import ReleaseMethod, ReportVersion, ShareLink
from .release import release_report

PIN_DIGITS = 6
MOST_DAYS = 90


@dataclass(frozen=True)
class NewShare:
    """A link with its secrets, which are nowhere else and are shown once."""

    link: ShareLink
    token: str
    pin: str


@transaction.atomic
def share_report(
    version: ReportVersion, *, by: User, recipient: str, days: int, with_images: bool = False
) -> NewShare:
    """Hand ``version`` out as a link that works for ``days``."""
    if not 1 <= days <= MOST_DAYS:
        raise InvalidInput(
            _("The link was to work for %(read)d days; 1 to %(most)d are accepted.")
            % {"read": days, "most": MOST_DAYS},
            field="days",
        )
    release = release_report(version, by=by, method=ReleaseMethod.LINK, recipient=recipient)
    token = secrets.token_urlsafe(24)
    pin = f"{secrets.randbelow(10**PIN_DIGITS):0{PIN_DIGITS}d}"
    link = ShareLink.objects.create(
        release=release,
        token_sha256=_digest(token),
        pin_hash=make_password(pin),
        with_images=with_images,
        expires_at=timezone.now() + dt.timedelta(days=days),
    )
    return NewShare(link, token, pin)


@transaction.atomic
def revoke_share(link: ShareLink, *, by: User) -> None:
    """The address stops working at once, for whoever has it open too."""
    if not by.can(Permission.REPORT_RELEASE):
        raise NotAllowed(_("Your role does not include handing out reports."))
    changed = ShareLink.objects.filter(pk=link.pk, revoked_at=None).update(
        revoked_at=timezone.now(), revoked_by=by
    )
    if changed:
        _note(link, by=by, action="share.revoked")


def find_share(token: str) -> ShareLink:
    """The link behind ``token`` while it works; one refusal for unknown, expired, revoked and locked ones."""
    link = (
        ShareLink.objects.active()
        .filter(token_sha256=_digest(token))
        .select_related(
            "release__version__report__order__patient", "release__version__report__order__procedure"
        )
        .first()
    )
    if link is None:
        raise NotFound(_("This link does not work any more. Ask the clinic for a new one."))
    return link


def open_share(token: str, pin: str) -> ShareLink:
    """The link behind ``token`` if ``pin`` is right. Wrong PINs are counted; the fifth one ends the link."""
    with transaction.atomic():
        link = find_share(token)
        ShareLink.objects.select_for_update().get(pk=link.pk)
        link.refresh_from_db(fields=["wrong_pins", "revoked_at", "pin_hash"])
        if link.state != "active":
            raise NotFound(_("This link does not work any more. Ask the clinic for a new one."))
        is_right = check_password(pin.strip(), link.pin_hash)
        if is_right:
            ShareLink.objects.filter(pk=link.pk).update(
                views=F("views") + 1, last_viewed_at=timezone.now(), wrong_pins=0
            )
            _note(link, by=outsider(), action="share.viewed")
        else:
            link.wrong_pins += 1
            link.save(update_fields=["wrong_pins"])
            _note(link, by=outsider(), action="share.pin_refused")
    if not is_right:
        left = ShareLink.WRONG_PINS - link.wrong_pins
        if left <= 0:
            raise NotFound(
                _("The PIN was wrong too often: this link is closed. Ask the clinic for a new one.")
            )
        raise InvalidInput(
            _("The PIN is wrong. It has %(digits)d digits; you can try %(left)d more times.")
            % {"digits": PIN_DIGITS, "left": left},
            field="pin",
        )
    return link


def newest_version(link: ShareLink) -> ReportVersion:
    """What is shown: with every addendum that was signed since, for an old text alone may do harm."""
    return link.release.version.report.versions.exclude(pdf="").order_by("-number")[0]


def outsider() -> User:
    """Who is noted in the audit trail for those who come by a link."""
    return User.objects.machine("share-link")


def _note(link: ShareLink, *, by: User, action: str) -> None:
    report = link.release.version.report
    record(
        by=by,
        action=action,
        subject=report,
        patient=report.order.patient,
        changes={"to": [None, link.release.recipient]},
    )
    announce(f"report.{report.pk}")


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
