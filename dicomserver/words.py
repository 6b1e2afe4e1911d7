"""The association log in plain words: what happened, and what to do about it."""

from django.conf import settings
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop, ngettext

from .models import Association, Outcome


def explain(call: Association) -> str:
    """One or two sentences that an administrator without DICOM knowledge can act upon."""
    names = {
        "device": call.calling_ae_title,
        "called": call.called_ae_title,
        "us": settings.DICOM_AE_TITLE,
        "address": call.address,
    }
    if call.is_rejection:
        return " ".join(str(reason) % names for reason in _reasons(call))
    done = _what_was_done(call)
    if call.outcome == Outcome.ABORTED:
        done.append(_("The connection broke off before the device said goodbye."))
    return " ".join(done) or _("Connected and asked for nothing.")


def _reasons(call: Association) -> list[str]:
    if call.outcome == Outcome.NOT_ENCRYPTED:
        return [_("Somebody at %(address)s called the encrypted port."), _(call.problem)]
    reasons = [_(_REASONS[Outcome(call.outcome)])]
    if call.outcome != Outcome.WRONG_TITLE and call.called_ae_title != settings.DICOM_AE_TITLE:
        reasons.append(_("It also calls us %(called)s; our AE title is %(us)s."))
    return reasons


def _what_was_done(call: Association) -> list[str]:
    done = []
    if call.stored:
        done.append(ngettext("Sent %(n)d image.", "Sent %(n)d images.", call.stored) % {"n": call.stored})
    if call.failed:
        done.append(
            ngettext(
                "%(n)d object was not taken: %(why)s.", "%(n)d objects were not taken: %(why)s.", call.failed
            )
            % {"n": call.failed, "why": call.problem}
        )
    if call.queried and call.matches:
        done.append(
            ngettext(
                "Asked for the worklist and got %(n)d entry.",
                "Asked for the worklist and got %(n)d entries.",
                call.matches,
            )
            % {"n": call.matches}
        )
    elif call.queried:
        asked = call.problem or _("everything")
        done.append(_("Asked for the worklist and got nothing; it asked for: %(asked)s.") % {"asked": asked})
    if call.searched:
        done.append(
            ngettext(
                "Searched the archive and found %(n)d entry.",
                "Searched the archive and found %(n)d entries.",
                call.found,
            )
            % {"n": call.found}
        )
    if call.sent:
        done.append(ngettext("Got %(n)d image.", "Got %(n)d images.", call.sent) % {"n": call.sent})
    if call.steps:
        done.append(
            ngettext(
                "Sent %(n)d message about an examination.",
                "Sent %(n)d messages about an examination.",
                call.steps,
            )
            % {"n": call.steps}
        )
    if call.commitments:
        done.append(_("Asked whether its images are stored."))
    if call.problem.startswith(("MPPS", "Storage Commitment")):
        done.append(_("Something it told could not be taken: %(why)s.") % {"why": call.problem})
    if call.echoed:
        done.append(_("Tested the connection (echo)."))
    return done


_REASONS = {
    Outcome.UNKNOWN_CALLER: gettext_noop(
        "%(device)s is not accepted yet. Accept it if it is one of your devices."
    ),
    Outcome.REFUSED_CALLER: gettext_noop("%(device)s was refused by an administrator."),
    Outcome.WRONG_ADDRESS: gettext_noop(
        "%(device)s called from %(address)s, which is not among the addresses it may call from."
    ),
    Outcome.WRONG_TITLE: gettext_noop(
        "The device calls us %(called)s; our AE title is %(us)s. Correct that in the device's settings."
    ),
    Outcome.TOO_MANY: gettext_noop("Too many devices are connected at once. It will try again by itself."),
}
