"""The calculations that a report field may name, as words for the report.

A formula gets the values of its inputs in the order in which the template names them, and the day of the
examination. It says nothing while an input is missing, and why when one is outside the published table.
"""

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass

from django.utils.formats import date_format
from django.utils.translation import gettext as _

from . import calculations as calculate
from .calculations import OutOfRange

NUMBER, DATE, POINTS = "number", "date", "choice"  # kinds of inputs
Value = float | dt.date


@dataclass(frozen=True)
class Formula:
    """``takes`` are the kinds of its inputs; ``work`` turns their values into words."""

    takes: tuple[str, ...]
    work: Callable[..., str]


def _weeks(days: float) -> str:
    whole = round(days)
    return _("%(weeks)d w %(days)d d") % {"weeks": whole // 7, "days": whole % 7}


def _age_by(days_by: Callable[..., float]) -> Callable[..., str]:
    return lambda day, *values: _weeks(days_by(*values))


def _due_by(days_by: Callable[..., float]) -> Callable[..., str]:
    return lambda day, *values: date_format(calculate.due_date(days_by(*values), day), "j F Y")


def _volume(_day: dt.date, *diameters: float) -> str:
    return _("%(volume)s ml") % {"volume": f"{calculate.ellipsoid_volume(*diameters):.1f}"}


def _weight(_day: dt.date, *lengths: float) -> str:
    return _("%(grams)d g") % {"grams": round(calculate.fetal_weight(*lengths))}


def _ratio(_day: dt.date, part: float, whole: float) -> str:
    return f"{calculate.ratio_percent(part, whole):.0f} %"


def _thyroid_level(_day: dt.date, *points: float) -> str:
    found = calculate.thyroid_level(round(sum(points)))
    return _("TR%(level)d (%(points)d points)") % {"level": found.level, "points": found.points}


def _thyroid_advice(_day: dt.date, size: float, *points: float) -> str:
    found = calculate.thyroid_level(round(sum(points)))
    if found.aspirate_from is not None and size >= found.aspirate_from:
        return _("Fine-needle aspiration (TR%(level)d, %(from)d mm or more)") % {
            "level": found.level,
            "from": found.aspirate_from,
        }
    if found.follow_from is not None and size >= found.follow_from:
        return _("Follow-up by ultrasound (TR%(level)d, %(from)d mm or more)") % {
            "level": found.level,
            "from": found.follow_from,
        }
    return _("No aspiration, no follow-up")


def _lmp(day: dt.date, lmp: dt.date) -> str:
    return _weeks(calculate.gestational_days_by_lmp(lmp, day))


def _lmp_due(day: dt.date, lmp: dt.date) -> str:
    return date_format(calculate.due_date(calculate.gestational_days_by_lmp(lmp, day), day), "j F Y")


_FOUR = (NUMBER,) * 4
FORMULAS: dict[str, Formula] = {
    "gestational_age_lmp": Formula((DATE,), _lmp),
    "gestational_age_crl": Formula((NUMBER,), _age_by(calculate.gestational_days_by_crl)),
    "gestational_age_bpd": Formula((NUMBER,), _age_by(calculate.gestational_days_by_bpd)),
    "gestational_age_hc": Formula((NUMBER,), _age_by(calculate.gestational_days_by_hc)),
    "gestational_age_ac": Formula((NUMBER,), _age_by(calculate.gestational_days_by_ac)),
    "gestational_age_fl": Formula((NUMBER,), _age_by(calculate.gestational_days_by_fl)),
    "gestational_age_biometry": Formula(_FOUR, _age_by(calculate.gestational_days_by_biometry)),
    "due_date_lmp": Formula((DATE,), _lmp_due),
    "due_date_crl": Formula((NUMBER,), _due_by(calculate.gestational_days_by_crl)),
    "due_date_biometry": Formula(_FOUR, _due_by(calculate.gestational_days_by_biometry)),
    "fetal_weight": Formula(_FOUR, _weight),
    "ellipsoid_volume": Formula((NUMBER,) * 3, _volume),
    "cardiothoracic_ratio": Formula((NUMBER,) * 2, _ratio),
    "tirads_level": Formula((POINTS,) * 5, _thyroid_level),
    "tirads_advice": Formula((NUMBER, *(POINTS,) * 5), _thyroid_advice),
}


def work_out(name: str, values: list[Value | None], examined_on: dt.date) -> str:
    """What formula ``name`` makes of ``values``; empty while one is missing."""
    known = [value for value in values if value is not None]
    if len(known) < len(values):
        return ""
    try:
        return FORMULAS[name].work(examined_on, *known)
    except OutOfRange as refused:
        return _("cannot be calculated: %(refusal)s is what the table covers") % {
            "refusal": f"{refused.low:g}–{refused.high:g} {refused.unit}"
        }
