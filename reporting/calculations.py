"""What report fields calculate, each from a published source.

Lengths come in millimetres, as ultrasound machines show them; every function says what it gives back.
"""

import datetime as dt
import math
from dataclasses import dataclass

PREGNANCY_DAYS = 280  # from the first day of the last menstrual period (Naegele)

# Outside these the regressions were not fitted, and their curves turn: nothing is better than a wrong age.
CRL_MM = (5, 84)
BPD_MM = (20, 100)
HC_MM = (70, 360)
AC_MM = (50, 400)
FL_MM = (7, 82)


class OutOfRange(ValueError):
    """A measurement for which the published formula does not hold."""

    def __init__(self, read: float, low: float, high: float, unit: str = "mm") -> None:
        super().__init__(f"{read:g} {unit}: {low:g}–{high:g} {unit}")
        self.read, self.low, self.high, self.unit = read, low, high, unit


def _within(value: float, limits: tuple[float, float]) -> float:
    if not limits[0] <= value <= limits[1]:
        raise OutOfRange(value, *limits)
    return value


# --- gestational age ---------------------------------------------------------------------------------


def gestational_days_by_crl(crl: float) -> float:
    """Days of gestation by the crown–rump length (mm).

    Robinson HP, Fleming JEE. Br J Obstet Gynaecol 1975;82:702–710.
    """
    return 8.052 * math.sqrt(1.037 * _within(crl, CRL_MM)) + 23.73


def gestational_days_by_bpd(bpd: float) -> float:
    """Days of gestation by the biparietal diameter (mm, outer to inner). Hadlock 1984, see below."""
    cm = _within(bpd, BPD_MM) / 10
    return 7 * (9.54 + 1.482 * cm + 0.1676 * cm**2)


def gestational_days_by_hc(hc: float) -> float:
    """Days of gestation by the head circumference (mm). Hadlock 1984, see below."""
    cm = _within(hc, HC_MM) / 10
    return 7 * (8.96 + 0.540 * cm + 0.0003 * cm**3)


def gestational_days_by_ac(ac: float) -> float:
    """Days of gestation by the abdominal circumference (mm). Hadlock 1984, see below."""
    cm = _within(ac, AC_MM) / 10
    return 7 * (8.14 + 0.753 * cm + 0.0036 * cm**2)


def gestational_days_by_fl(fl: float) -> float:
    """Days of gestation by the femur length (mm). Hadlock 1984, see below."""
    cm = _within(fl, FL_MM) / 10
    return 7 * (10.35 + 2.460 * cm + 0.170 * cm**2)


def gestational_days_by_biometry(bpd: float, hc: float, ac: float, fl: float) -> float:
    """Days of gestation by head, abdomen and femur together (mm).

    Hadlock FP, Deter RL, Harrist RB, Park SK. Radiology 1984;152:497–501.
    """
    for value, limits in [(bpd, BPD_MM), (hc, HC_MM), (ac, AC_MM), (fl, FL_MM)]:
        _within(value, limits)
    bpd, hc, ac, fl = bpd / 10, hc / 10, ac / 10, fl / 10
    return 7 * (10.85 + 0.060 * hc * fl + 0.6700 * bpd + 0.1680 * ac)


def gestational_days_by_lmp(lmp: dt.date, examined_on: dt.date) -> float:
    """Days since the first day of the last menstrual period; refused before it and after 44 weeks."""
    days = (examined_on - lmp).days
    if not 0 <= days <= 308:
        raise OutOfRange(days, 0, 308, "d")
    return days


def due_date(gestational_days: float, examined_on: dt.date) -> dt.date:
    """The expected date of delivery of a pregnancy ``gestational_days`` old on ``examined_on``."""
    return examined_on + dt.timedelta(days=PREGNANCY_DAYS - round(gestational_days))


def fetal_weight(bpd: float, hc: float, ac: float, fl: float) -> float:
    """Estimated fetal weight in grams by head, abdomen and femur (mm).

    Hadlock FP, Harrist RB, Sharman RS, Deter RL, Park SK. Am J Obstet Gynecol 1985;151:333–337.
    """
    for value, limits in [(bpd, BPD_MM), (hc, HC_MM), (ac, AC_MM), (fl, FL_MM)]:
        _within(value, limits)
    bpd, hc, ac, fl = bpd / 10, hc / 10, ac / 10, fl / 10
    return float(
        10 ** (1.3596 + 0.0064 * hc + 0.0424 * ac + 0.174 * fl + 0.00061 * bpd * ac - 0.00386 * ac * fl)
    )


# --- sizes -------------------------------------------------------------------------------------------


def ellipsoid_volume(length: float, width: float, depth: float) -> float:
    """Volume in millilitres of an ellipsoid with these diameters (mm): π/6 · a · b · c."""
    return math.pi / 6 * length * width * depth / 1000


def ratio_percent(part: float, whole: float) -> float:
    """``part`` in hundredths of ``whole``.

    As the cardiothoracic ratio: Danzer CS. Am J Med Sci 1919;157:513–554.
    """
    if whole <= 0:
        raise OutOfRange(whole, 1, math.inf)
    return 100 * part / whole


# --- ACR TI-RADS -------------------------------------------------------------------------------------


@dataclass(frozen=True)
class ThyroidLevel:
    """``level`` 1–5; the sizes (mm) from which on aspiration or follow-up is advised, None for never."""

    level: int
    points: int
    aspirate_from: float | None
    follow_from: float | None


_THYROID_SIZES: dict[int, tuple[float | None, float | None]] = {
    1: (None, None),
    2: (None, None),
    3: (25, 15),
    4: (15, 10),
    5: (10, 5),
}


def thyroid_level(points: int) -> ThyroidLevel:
    """The ACR TI-RADS level of a nodule with ``points``.

    Tessler FN, Middleton WD, Grant EG, et al. J Am Coll Radiol 2017;14:587–595. One point, which the paper
    does not list, counts as TR2: what is advised is the same.
    """
    level = 1 if points <= 0 else 2 if points <= 2 else 3 if points == 3 else 4 if points <= 6 else 5
    return ThyroidLevel(level, points, *_THYROID_SIZES[level])
