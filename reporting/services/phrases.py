"""A reader's own phrases."""

import re

from django.db import transaction
from django.utils.translation import gettext as _

from audit.services import record
from clinic.errors import InvalidInput, NotAllowed
from clinic.models import User
from clinic.permissions import Permission

from ..models import Phrase
from ..richtext import clean_html, plain_text

_SHORTCUT = re.compile(r"[^\W]([^\W]|-){0,19}")
MOST = 300


@transaction.atomic
def save_phrase(*, by: User, shortcut: str, html: str) -> Phrase:
    """Keep ``html`` under ``.shortcut`` for ``by``; what stood there before is replaced."""
    if not by.can(Permission.REPORT_WRITE):
        raise NotAllowed(_("Your role does not include writing reports."))
    shortcut = shortcut.strip().removeprefix(".").lower()
    if not _SHORTCUT.fullmatch(shortcut):
        raise InvalidInput(
            _("The short name was read as “%(read)s”; 1 to 20 letters, digits, _ or - are accepted.")
            % {"read": shortcut[:40]},
            field="shortcut",
        )
    html = clean_html(html)
    if not html:
        raise InvalidInput(_("Write the text that the short name stands for."), field="html")
    before = Phrase.objects.select_for_update().filter(owner=by, shortcut=shortcut).first()
    if before is None and by.phrases.count() >= MOST:
        raise InvalidInput(_("You have %(most)d phrases, which is the most there can be.") % {"most": MOST})
    phrase, _made = Phrase.objects.update_or_create(owner=by, shortcut=shortcut, defaults={"html": html})
    changes = {"text": [plain_text(before.html) if before else None, plain_text(html)]}
    record(by=by, action="phrase.saved", subject=phrase, changes=changes)
    return phrase


@transaction.atomic
def delete_phrase(phrase: Phrase, *, by: User) -> None:
    if phrase.owner != by:
        raise NotAllowed(_("This phrase is somebody else’s."))
    record(by=by, action="phrase.deleted", subject=phrase, changes={"text": [plain_text(phrase.html), None]})
    phrase.delete()
