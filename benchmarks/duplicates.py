"""How well duplicates are found: pairs of which the truth is known, through the product's own search.

``python benchmarks/duplicates.py [--quick] [--pairs N]``, in the project's environment. Of each pair the one
is registered, among all the others; the other is typed at the desk. The table of signs in
``patients/duplicates.py`` was tuned on the first set; the second shows that this was not luck.
"""

import argparse
import os
import sys
import tempfile
from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

LEVELS = ("certain", "likely", "possible")


@dataclass
class Result:
    """Of the pairs of each kind, how many were called what; and how often strangers were called likely."""

    kinds: dict[tuple[bool, str], Counter] = field(default_factory=lambda: defaultdict(Counter))
    strangers: int = 0
    missed: list = field(default_factory=list)

    def count(self, same: bool, *levels: str) -> int:
        return sum(self.kinds[kind][level] for kind in self.kinds if kind[0] == same for level in levels)

    def pairs(self, same: bool) -> int:
        return sum(sum(found.values()) for kind, found in self.kinds.items() if kind[0] == same)

    @property
    def recall(self) -> float:
        """Of the pairs that are one person, the share that was called likely or certain."""
        return self.count(True, "certain", "likely") / self.pairs(True)

    @property
    def precision(self) -> float:
        """Of the pairs called likely or certain, the share that is one person."""
        right = self.count(True, "certain", "likely")
        return right / (right + self.count(False, "certain", "likely"))

    @property
    def false_certain(self) -> dict[str, int]:
        return {
            kind: found["certain"]
            for (same, kind), found in self.kinds.items()
            if not same and found["certain"]
        }


def register(pairs: Iterable, by: object) -> dict[int, int]:
    """Insert the records that are here; the patient's key of each pair."""
    from patients.models import Patient
    from patients.names import name_key

    pairs = list(pairs)
    patients = [
        Patient(
            mrn=f"P-{pair.number:06d}", name_key=name_key(pair.here.name), created_by=by, **pair.here.fields()
        )
        for pair in pairs
    ]
    made = Patient.objects.bulk_create(patients, batch_size=2000)
    return {pair.number: patient.pk for pair, patient in zip(pairs, made, strict=True)}


def measure(pairs: Iterable, by: object) -> Result:
    """Register one of each pair, type the other, and see what it is called."""
    from patients.duplicates import find_candidates

    pairs = list(pairs)
    keys = register(pairs, by)
    result = Result()
    for pair in pairs:
        found = {
            candidate.patient.pk: candidate.level for candidate in find_candidates(pair.typed.described())
        }
        level = found.pop(keys[pair.number], "not found")
        result.kinds[pair.same, pair.kind][level] += 1
        result.strangers += sum(level in {"certain", "likely"} for level in found.values())
        if pair.same != (level in {"certain", "likely"}):
            result.missed.append((pair, level))
    return result


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="a tenth of the pairs")
    parser.add_argument("--pairs", type=int, help="pairs in each set (default 10,000)")
    parser.add_argument("--missed", action="store_true", help="also show pairs that were called wrongly")
    options = parser.parse_args()
    count = options.pairs or (1000 if options.quick else 10_000)
    with tempfile.TemporaryDirectory(prefix="cedar-duplicates-") as place:
        from clinic.postgres import Cluster, RunningCluster

        os.environ |= {"CEDAR_DATA": place, "DJANGO_SETTINGS_MODULE": "clinic.settings"}
        with RunningCluster(Cluster(place, {"fsync": "off"}), Path(place) / "postgres.log") as cluster:
            cluster.make_database()
            os.environ["DATABASE_URL"] = cluster.url
            report({name: in_an_empty_clinic(name, count, options.missed) for name in ("tuning", "holdout")})


def in_an_empty_clinic(name: str, count: int, show_missed: bool) -> Result:
    import django

    django.setup()
    from django.core.management import call_command
    from django.db import transaction

    from benchmarks.people import HOLDOUT, TUNING, make_pairs
    from clinic.models import User

    call_command("migrate", verbosity=0)
    with transaction.atomic():
        by, _made = User.objects.get_or_create(
            username="bench", defaults={"full_name": "Bench", "password": "!"}
        )
        result = measure(make_pairs(count, {"tuning": TUNING, "holdout": HOLDOUT}[name]), by)
        transaction.set_rollback(True)
    for pair, level in result.missed if show_missed else []:
        print(name, pair.kind, level, pair.here, pair.typed, sep="\n  ", file=sys.stderr)
    return result


def report(results: dict[str, Result]) -> None:
    from benchmarks.report import last_line, table

    figures: dict[str, float] = {}
    for name, result in results.items():
        print(f"## {name.capitalize()} set, {result.pairs(True) + result.pairs(False)} pairs\n")
        rows = []
        for (same, kind), found in sorted(result.kinds.items(), key=lambda item: not item[0][0]):
            called = found["certain"] + found["likely"]
            share = called / sum(found.values())
            right = share if same else 1 - share
            rows.append(
                ["one person" if same else "two people", kind, sum(found.values())]
                + [found[level] for level in (*LEVELS, "not found")]
                + [f"{right:.3f}"]
            )
        table(["truth", "kind", "pairs", *LEVELS, "not shown", "right at likely"], rows)
        print(
            f"Likely: recall {result.recall:.3f}, precision {result.precision:.3f}; "
            f"falsely certain: {result.false_certain or 'none'}; "
            f"strangers called likely: {result.strangers}.\n"
        )
        figures |= {
            f"{name}_recall": result.recall,
            f"{name}_precision": result.precision,
            f"{name}_false_certain": sum(result.false_certain.values()),
        }
    last_line(figures, {})


if __name__ == "__main__":
    main()
