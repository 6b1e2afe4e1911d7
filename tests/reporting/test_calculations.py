"""Calculated values against the published tables that their docstrings name."""

import datetime as dt

import pytest

from reporting.calculations import (
    OutOfRange,
    due_date,
    ellipsoid_volume,
    fetal_weight,
    gestational_days_by_ac,
    gestational_days_by_biometry,
    gestational_days_by_bpd,
    gestational_days_by_crl,
    gestational_days_by_fl,
    gestational_days_by_hc,
    gestational_days_by_lmp,
    ratio_percent,
    thyroid_level,
)


# Robinson and Fleming's curve as tabulated for screening in the United Kingdom (NHS Fetal Anomaly Screening
# Programme, crown–rump length 45–84 mm; BMUS 2009 below that): millimetres, weeks, days.
@pytest.mark.parametrize(
    ("crl", "weeks", "days"),
    [(10, 7, 1), (20, 8, 4), (30, 9, 6), (45, 11, 2), (55, 12, 1), (60, 12, 3), (65, 12, 6), (84, 14, 1)],
)
def test_gestational_age_by_crown_rump_length(crl: float, weeks: int, days: int) -> None:
    found = round(gestational_days_by_crl(crl))

    assert abs(found - (7 * weeks + days)) <= 1


# Hadlock 1984, tables 2 to 5: millimetres and weeks.
@pytest.mark.parametrize(("bpd", "weeks"), [(30, 15.5), (50, 21.1), (70, 28.1), (90, 36.5)])
def test_gestational_age_by_biparietal_diameter(bpd: float, weeks: float) -> None:
    assert gestational_days_by_bpd(bpd) / 7 == pytest.approx(weeks, abs=0.15)


@pytest.mark.parametrize(("hc", "weeks"), [(100, 14.7), (200, 22.1), (300, 33.3)])
def test_gestational_age_by_head_circumference(hc: float, weeks: float) -> None:
    assert gestational_days_by_hc(hc) / 7 == pytest.approx(weeks, abs=0.15)


@pytest.mark.parametrize(("ac", "weeks"), [(100, 16.0), (200, 24.6), (300, 34.0)])
def test_gestational_age_by_abdominal_circumference(ac: float, weeks: float) -> None:
    assert gestational_days_by_ac(ac) / 7 == pytest.approx(weeks, abs=0.15)


@pytest.mark.parametrize(("fl", "weeks"), [(20, 16.0), (30, 19.3), (50, 26.9), (70, 35.9)])
def test_gestational_age_by_femur_length(fl: float, weeks: float) -> None:
    assert gestational_days_by_fl(fl) / 7 == pytest.approx(weeks, abs=0.15)


def test_all_four_measurements_agree_on_a_fetus_of_twenty_weeks() -> None:
    assert gestational_days_by_biometry(47, 175, 150, 33) / 7 == pytest.approx(20.0, abs=0.4)


# Hadlock 1985, and the growth curve of Hadlock 1991 (Radiology 181:129): the median fetus of 20 weeks weighs
# 331 g, of 30 weeks 1,559 g, of 40 weeks 3,619 g; the measurements are the median ones of Hadlock 1984.
@pytest.mark.parametrize(
    ("bpd", "hc", "ac", "fl", "grams"),
    [(47, 175, 150, 33, 331), (75, 279, 259, 58, 1559), (95, 343, 354, 77, 3619)],
)
def test_fetal_weight_of_the_median_fetus(bpd: float, hc: float, ac: float, fl: float, grams: float) -> None:
    assert fetal_weight(bpd, hc, ac, fl) == pytest.approx(grams, rel=0.08)


@pytest.mark.parametrize("crl", [4.9, 84.1, 0, -3])
def test_a_length_outside_the_table_gives_no_age(crl: float) -> None:
    with pytest.raises(OutOfRange) as refused:
        gestational_days_by_crl(crl)

    assert (refused.value.read, refused.value.low, refused.value.high) == (crl, 5, 84)


def test_due_date_by_naegele() -> None:
    examined = dt.date(2026, 3, 31)

    days = gestational_days_by_lmp(dt.date(2026, 1, 1), examined)

    assert days == 89
    assert due_date(days, examined) == dt.date(2026, 10, 8)


@pytest.mark.parametrize("lmp", [dt.date(2026, 4, 1), dt.date(2025, 5, 26)])
def test_a_last_period_that_cannot_be_gives_no_age(lmp: dt.date) -> None:
    with pytest.raises(OutOfRange):
        gestational_days_by_lmp(lmp, dt.date(2026, 3, 31))


def test_a_ball_of_two_centimetres_has_four_millilitres() -> None:
    assert ellipsoid_volume(20, 20, 20) == pytest.approx(4.18879, abs=1e-5)


def test_cardiothoracic_ratio() -> None:
    assert ratio_percent(140, 280) == 50.0


# Tessler 2017, figure 1.
@pytest.mark.parametrize(
    ("points", "level", "aspirate", "follow"),
    [
        (0, 1, None, None),
        (2, 2, None, None),
        (3, 3, 25, 15),
        (4, 4, 15, 10),
        (6, 4, 15, 10),
        (7, 5, 10, 5),
        (14, 5, 10, 5),
    ],
)
def test_thyroid_levels(points: int, level: int, aspirate: float | None, follow: float | None) -> None:
    found = thyroid_level(points)

    assert (found.level, found.aspirate_from, found.follow_from) == (level, aspirate, follow)
