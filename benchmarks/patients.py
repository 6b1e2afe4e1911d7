"""Finding people in a clinic that grew: the check for duplicates and every kind of search.

``python benchmarks/patients.py [--quick] [--sizes 10000,100000,1000000] [--rounds N]``, in the project's
environment. A cluster that is thrown away is filled with COPY: invented people (common names many times, rare
ones once) and three orders each. The product's own functions are asked, as its pages ask them; the time is
theirs, without the page around it. Every plan is looked at: none may read a whole table.
"""

import argparse
import json
import os
import random
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks.report import last_line, table

LIMITS = {"duplicates": 50, "search": 100}  # ms, at the 95th percentile


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="1,000 and 10,000 patients")
    parser.add_argument("--sizes", help="numbers of patients (default 10000,100000,1000000)")
    parser.add_argument("--rounds", type=int, help="questions of each kind (default 100)")
    parser.add_argument("--plans", action="store_true", help="show the plans of the largest clinic")
    options = parser.parse_args()
    sizes = [
        int(size) for size in (options.sizes or ("1000,10000" if options.quick else "")).split(",") if size
    ]
    sizes = sizes or [10_000, 100_000, 1_000_000]
    rounds = options.rounds or (20 if options.quick else 100)
    with tempfile.TemporaryDirectory(prefix="cedar-patients-") as place:
        from clinic.postgres import Cluster, RunningCluster

        os.environ |= {"CEDAR_DATA": place, "DJANGO_SETTINGS_MODULE": "clinic.settings"}
        settings = {"fsync": "off", "max_wal_size": "8GB"}  # only loading is faster by these
        with RunningCluster(Cluster(place, settings), Path(place) / "postgres.log") as cluster:
            cluster.make_database()
            os.environ["DATABASE_URL"] = cluster.url
            run(sizes, rounds, options.plans)


def run(sizes: list[int], rounds: int, show_plans: bool) -> None:
    import django

    django.setup()
    from django.core.management import call_command
    from django.db import connection

    call_command("migrate", verbosity=0)
    from benchmarks.patients_rows import Clinic

    clinic = Clinic()
    times: dict[str, dict[int, list[float]]] = {}
    hits: dict[str, float] = {}
    read_whole: dict[str, list[str]] = {}
    for size in sizes:
        started = time.perf_counter()
        clinic.grow(size)
        say(f"{size:,} patients, {3 * size:,} orders: loaded in {time.perf_counter() - started:.0f} s")
        for kind, ask in questions(clinic).items():
            rows = clinic.some(rounds + 3)
            measured, found = zip(*(timed(ask, row) for row in rows), strict=True)
            times.setdefault(kind, {})[size] = list(measured[3:])  # the first ones open connections and plan
            hits[kind] = sum(found[3:]) / rounds
            if size == sizes[-1]:
                read_whole[kind] = plans(connection, ask, rows[0], show=show_plans)
            say(f"  {kind}: p95 {p95(times[kind][size]):.1f} ms, {hits[kind]:.2f} of them found")
    tell(sizes, times, hits, read_whole)


# --- questions ----------------------------------------------------------------------------------------


def questions(clinic: Any) -> dict[str, Callable[[Any], bool]]:
    """Each asks for one patient as people do, and says whether that one was among the answers."""
    from benchmarks.people import typo
    from patients.duplicates import find_candidates
    from patients.search import search_patients

    rng = random.Random(3)

    def duplicates(make: Callable[[Any], Any]) -> Callable[[Any], bool]:
        return lambda row: row.number + 1 in [c.patient.pk for c in find_candidates(make(row))]

    def search(text: Callable[[Any], str]) -> Callable[[Any], bool]:
        return lambda row: row.number + 1 in [h.patient.pk for h in search_patients(text(row), clinic.by)]

    def misspelled(row: Any) -> Any:
        from dataclasses import replace

        return replace(row.person, family=typo(rng, row.person.family)).described()

    def named(row: Any) -> Any:
        from patients.duplicates import Description

        return Description(name=row.person.name)

    return {
        "duplicates: all fields": duplicates(lambda row: row.person.described()),
        "duplicates: name with a slip": duplicates(misspelled),
        "duplicates: only the name so far": duplicates(named),
        "search: name": search(lambda row: f"{row.person.given} {row.person.family}"),
        "search: family name": search(lambda row: row.person.family),
        "search: given name": search(lambda row: row.person.given),
        "search: part of a name": search(lambda row: f"{row.person.family[:4]} {row.person.given[:2]}"),
        "search: three letters": search(lambda row: row.person.family[:3]),
        "search: name with a slip": search(lambda row: f"{typo(rng, row.person.family)} {row.person.given}"),
        "search: family name with a slip": search(lambda row: typo(rng, row.person.family)),
        "search: patient number": search(lambda row: row.mrn),
        "search: digits of the number": search(lambda row: str(row.number)),
        "search: number of another clinic": search(lambda row: f"H-{row.number // 20 * 20:07d}"),
        "search: phone": search(lambda row: row.person.phone.replace("+254", "0") or "0712345678"),
        "search: end of the phone": search(lambda row: row.person.phone[-6:] or "345678"),
        "search: beginning of the phone": search(lambda row: row.person.phone[:9] or "+25471234"),
        "search: accession number": search(lambda row: row.accession),
        "search: Study Instance UID": search(lambda row: row.study_uid),
        "search: birth date": search(lambda row: row.person.born.date.isoformat()),
        "search: name and birth date": search(lambda row: f"{row.person.family} {row.person.born.date}"),
        "search: name and year": search(lambda row: f"{row.person.family} {row.person.born.date.year}"),
    }


def timed(ask: Callable[[Any], bool], row: Any) -> tuple[float, bool]:
    """Milliseconds, and whether the patient was found."""
    started = time.perf_counter()
    found = ask(row)
    return 1000 * (time.perf_counter() - started), found


def p95(times: list[float]) -> float:
    return sorted(times)[max(0, -(-len(times) * 95 // 100) - 1)]


# --- plans --------------------------------------------------------------------------------------------


def plans(connection: Any, ask: Callable[[Any], bool], row: Any, *, show: bool) -> list[str]:
    """The tables that a question reads from end to end, by its plans. Small ones do not count."""
    asked: list[tuple[str, Any]] = []

    def note(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        asked.append((sql, params))
        return execute(sql, params, many, context)

    with connection.execute_wrapper(note):
        ask(row)
    whole: list[str] = []
    for sql, params in asked:
        if not sql.lstrip(" (").upper().startswith(("SELECT", "WITH")):
            continue
        with connection.cursor() as cursor:
            cursor.execute(f"EXPLAIN (ANALYZE, FORMAT JSON) {sql}", params)
            plan = cursor.fetchone()[0]
        plan = (json.loads(plan) if isinstance(plan, str) else plan)[0]["Plan"]
        if show:
            show_plan(plan)
        whole += [
            node["Relation Name"]
            for node in nodes(plan)
            if node["Node Type"] == "Seq Scan" and is_large(node)
        ]
    return whole


def nodes(plan: dict[str, Any]) -> list[dict[str, Any]]:
    return [plan, *(node for part in plan.get("Plans", []) for node in nodes(part))]


def is_large(node: dict[str, Any]) -> bool:
    return node["Relation Name"] in {
        "patients_patient",
        "scheduling_order",
        "patients_nameword",
        "imaging_study",
    }


def show_plan(plan: dict[str, Any], depth: int = 0) -> None:
    where = plan.get("Index Name") or plan.get("Relation Name") or ""
    cost = f"{plan['Actual Rows']} rows {plan['Actual Total Time']:.1f} ms"
    say(f"    {'  ' * depth}{plan['Node Type']} {where} {cost}")
    for part in plan.get("Plans", []):
        show_plan(part, depth + 1)


# --- telling ------------------------------------------------------------------------------------------


def tell(
    sizes: list[int],
    times: dict[str, dict[int, list[float]]],
    hits: dict[str, float],
    read_whole: dict[str, list[str]],
) -> None:
    """The growth table: p95 in milliseconds at each size, what is allowed, what was found and how."""
    rows = []
    figures: dict[str, float] = {"patients": sizes[-1], "orders": 3 * sizes[-1]}
    ratios: dict[str, float] = {}
    for kind, measured in times.items():
        limit = LIMITS[kind.partition(":")[0]]
        last = p95(measured[sizes[-1]])
        figures[f"{kind.replace(': ', '_').replace(' ', '_')}_p95_ms"] = last
        ratios[kind.replace(": ", "_").replace(" ", "_")] = limit / last
        plan = "reads " + ", ".join(sorted(set(read_whole[kind]))) if read_whole[kind] else "indexes only"
        rows.append(
            [kind, *(f"{p95(measured[size]):.1f}" for size in sizes), limit, f"{hits[kind]:.2f}", plan]
        )
    table(["p95 in ms", *(f"{size:,} patients" for size in sizes), "allowed", "found", "plan"], rows)
    figures["plans_reading_a_whole_table"] = sum(bool(found) for found in read_whole.values())
    last_line(figures, ratios)


def say(text: str) -> None:
    print(f"{time.strftime('%H:%M:%S')} {text}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
