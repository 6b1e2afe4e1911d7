"""What other rooms know a patient by: each registers how it reads the text of the search box.

A room above registers in its ``AppConfig.ready``; the search itself knows none of them.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from django.utils.functional import Promise

from clinic.models import User


@dataclass(frozen=True)
class Finding:
    """The patient whom a number means, why, and the page of what bears the number."""

    patient_id: int
    why: str | Promise
    url: str = ""


Finder = Callable[[str, User], Iterable[Finding]]
_FINDERS: dict[str, Finder] = {}


def register(name: str, finder: Finder) -> None:
    """``finder(text, user)`` gives what ``user`` may see; few, by exact numbers or their beginning."""
    _FINDERS[name] = finder


def findings(text: str, user: User) -> Iterator[Finding]:
    """What every room finds, one room after the other."""
    for finder in _FINDERS.values():
        yield from finder(text, user)
