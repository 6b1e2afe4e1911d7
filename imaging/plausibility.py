"""What speaks against the images of an order being what was ordered: side, number of views, kind of machine.

For the technician while the patient is still on the table. Nothing is held up by it: she may know better.
"""

import re

from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from scheduling.models import Modality, Order
from scheduling.sides import LEFT, RIGHT, sides

from .models import Instance, Study

# Where an image says of which side it is (Image Laterality, PS3.3 C.7.6.16.2.14 and C.8.11.7).
_FILMS = {"CR", "DX", "MG", "IO", "PX"}
# One kind of machine under several names.
_ALIKE = [{"CR", "DX", "RG", "MG"}, {"XA", "RF"}, {"PT", "CT", "NM", "MR"}]
# Made from images, or of words: no machine of an examination.
_NO_MACHINE = {"SR", "PR", "KO", "DOC", "SEG", "REG", "OT", "SC", ""}
_SIDE_CODES = {"L": {LEFT}, "R": {RIGHT}, "B": {LEFT, RIGHT}}
_SIDE_NAMES: dict[str, str | Promise] = {LEFT: gettext_lazy("left"), RIGHT: gettext_lazy("right")}
_NUMBERS = {"one": 1, "two": 2, "three": 3, "four": 4, "five": 5, "six": 6}
_VIEWS = re.compile(rf"\b(\d|{'|'.join(_NUMBERS)})[\s-]+(?:views?|projections?|images?)\b", re.IGNORECASE)
_TWO_SIGHTS = re.compile(r"\b(?:PA|AP|CC)\s*(?:and|\+|/)\s*(?:lateral|MLO)\b", re.IGNORECASE)


def doubts_about(order: Order) -> list[str]:
    """What a technician should look at again, in words; in three queries, however many images there are."""
    studies = list(Study.objects.filter(order=order))
    if not studies:
        return []
    doubts = [_doubt_of_machine(order, studies), _doubt_of_side(order, studies)]
    if all(study.stable_at is not None for study in studies):
        doubts.append(_doubt_of_number(order, studies))
    return [doubt for doubt in doubts if doubt]


def views_ordered(name: str) -> int:
    """How many views the name of a procedure asks for; 0 where it does not say."""
    found = _VIEWS.search(name)
    if found:
        word = found[1].lower()
        return _NUMBERS.get(word) or int(word)
    return 2 if _TWO_SIGHTS.search(name) else 0


def _doubt_of_machine(order: Order, studies: list[Study]) -> str:
    wanted = order.procedure.modality
    made = {name for study in studies for name in study.modalities} - _NO_MACHINE
    fitting = {wanted}.union(*(group for group in _ALIKE if wanted in group))
    if wanted in _NO_MACHINE or not made or made & fitting:
        return ""
    names = dict(Modality.choices)
    return _("Ordered is %(ordered)s; the images are %(made)s.") % {
        "ordered": names.get(wanted, wanted),
        "made": ", ".join(sorted(str(names.get(name, name)) for name in made)),
    }


def _doubt_of_side(order: Order, studies: list[Study]) -> str:
    asked = sides(order.procedure.name) or sides(order.indication)
    seen = _sides_of_images(studies)
    if len(asked) != 1 or not seen or asked <= seen:
        return ""
    return _("The order says “%(asked)s”; the images are marked “%(seen)s”.") % {
        "asked": _SIDE_NAMES[next(iter(asked))],
        "seen": ", ".join(str(_SIDE_NAMES[side]) for side in sorted(seen)),
    }


def _sides_of_images(studies: list[Study]) -> set[str]:
    """From the series (0020,0060) and from each film (0020,0062)."""
    images = Instance.objects.filter(series__study__in=studies, series__modality__in=_FILMS)
    codes = set(images.values_list("metadata__00200062__Value__0", flat=True).distinct())
    for study in studies:
        codes |= set(study.series.values_list("laterality", flat=True))
    return set().union(*(_SIDE_CODES.get(code or "", set()) for code in codes))


def _doubt_of_number(order: Order, studies: list[Study]) -> str:
    wanted = views_ordered(order.procedure.name)
    here = sum(study.instance_count for study in studies)
    if here >= wanted:
        return ""
    return ngettext(
        "%(wanted)d view is ordered, and %(here)d is here.",
        "%(wanted)d views are ordered, and %(here)d is here.",
        wanted,
    ) % {"wanted": wanted, "here": here}
