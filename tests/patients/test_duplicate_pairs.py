"""The table of signs on pairs of which the truth is known; ``benchmarks/duplicates.py`` takes more."""

import pytest

from benchmarks.duplicates import measure
from benchmarks.people import HOLDOUT, OTHERS, SAME, make_pairs
from tests.factories import make_everyone


@pytest.fixture
def result(db):
    return measure(make_pairs(260, HOLDOUT), make_everyone())


def test_likely_finds_nearly_all_and_is_nearly_always_right(result):
    assert result.recall >= 0.95, result.missed
    assert result.precision >= 0.90, result.missed
    assert result.false_certain == {}


def test_the_same_seed_makes_the_same_pairs_of_every_kind():
    pairs = make_pairs(100, HOLDOUT)

    assert pairs == make_pairs(100, HOLDOUT) != make_pairs(100, HOLDOUT + 1)
    assert {(pair.same, pair.kind) for pair in pairs} == {
        *((True, kind) for kind in SAME),
        *((False, kind) for kind in OTHERS),
    }
