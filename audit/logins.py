"""Sign-ins, sign-outs and refused attempts in the audit trail."""

from typing import Any

from django.http import HttpRequest

from clinic.models import User

from .services import record


def note_login(sender: object, request: HttpRequest, user: User, **kwargs: object) -> None:
    record(by=user, action="login", subject=user)


def note_logout(sender: object, request: HttpRequest, user: User | None, **kwargs: object) -> None:
    """Also sent when nobody was signed in any more: then there is nothing to note."""
    if isinstance(user, User):
        record(by=user, action="logout", subject=user, reason=getattr(request, "logout_reason", ""))


def note_failure(
    sender: object, credentials: dict[str, Any], request: HttpRequest | None = None, **kwargs: object
) -> None:
    """Nobody knows who it was: the web server notes the user name that was tried."""
    _note_refused("login_failed", str(credentials.get("username", "")))


def note_lockout(sender: object, request: HttpRequest, username: str, **kwargs: object) -> None:
    _note_refused("login_locked", username)


def _note_refused(action: str, username: str) -> None:
    entry_user = User.objects.filter(username=username).first()
    record(
        by=User.objects.machine("web"),
        action=action,
        subject=entry_user,
        changes={"username": [None, username[:150].replace("\x00", "")]},
    )
