"""How fast a clinic's own list comes in, and how much memory that takes.

    .venv/bin/python -m benchmarks.spreadsheet [--quick]

A database of its own; 20,000 rows (2,000 with ``--quick``) of which 5 % are wrong in ten ways, as .xlsx: a
dry run, the import, the import again, the export, and the export imported again.
"""

import argparse
import os
import resource
import shutil
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from benchmarks.report import last_line, table


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="2,000 rows")
    rows = 2_000 if parser.parse_args().quick else 20_000
    folder = Path(tempfile.mkdtemp(prefix="cedar-benchmark-"))
    os.environ.update(CEDAR_DATA=str(folder), DJANGO_SETTINGS_MODULE="clinic.settings")
    os.environ.pop("DATABASE_URL", None)
    try:
        _measure(folder, rows)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _measure(folder: Path, rows: int) -> None:
    from clinic.postgres import Cluster, RunningCluster

    with RunningCluster(Cluster(folder), folder / "postgres.log") as cluster:
        cluster.make_database()
        import logging

        import django
        from django.core.management import call_command
        from django.db import connection

        django.setup()
        logging.getLogger().setLevel(logging.ERROR)
        call_command("migrate", verbosity=0)
        try:
            _run(folder, rows)
        finally:
            connection.close()


def _run(folder: Path, rows: int) -> None:
    from clinic.models import User
    from clinic.permissions import Role
    from clinic.spreadsheets.exporting import write_export
    from clinic.spreadsheets.sample import write_sample

    by = User.objects.create_user("benchmark", None, full_name="Benchmark", roles=[Role.ADMINISTRATOR])
    path, export = folder / "visits.xlsx", folder / "export.xlsx"
    write_sample(path, rows, bad_every=20)
    _import(path, by, dry=True, only=100)  # everything is loaded once
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    steps: list[tuple[str, Callable[[], Any]]] = [
        ("dry run", lambda: _import(path, by, dry=True)),
        ("import", lambda: _import(path, by)),
        ("import again", lambda: _import(path, by)),
        ("export", lambda: write_export(export, by=by)),
        ("import of the export", lambda: _import(export, by)),
    ]
    figures: dict[str, float] = {"rows": rows}
    lines = []
    for name, step in steps:
        begun = time.perf_counter()
        result = step()
        seconds = time.perf_counter() - begun
        figures[f"{name.replace(' ', '_')}_seconds"] = seconds
        is_import = hasattr(result, "here")
        counts = (result.examinations, result.here, result.refused) if is_import else (result, "", "")
        lines.append([name, f"{seconds:.1f}", f"{rows / seconds:,.0f}", *counts])
    figures["memory_growth_mb"] = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
    table(["step", "seconds", "rows/s", "taken", "here already", "refused"], lines)
    print(f"Memory at its highest, above that of 100 rows: {figures['memory_growth_mb']:.0f} MB\n")
    last_line(figures, {})


def _import(path: Path, by: Any, *, dry: bool = False, only: int = 0) -> Any:
    from clinic.spreadsheets.columns import find_layout
    from clinic.spreadsheets.fields import VISIT_FIELDS
    from clinic.spreadsheets.importing import VisitImport
    from clinic.spreadsheets.refused import RefusedRows, refused_path
    from clinic.spreadsheets.tables import open_table
    from clinic.spreadsheets.visits import Options, VisitReader

    opened = open_table(path)
    layout = find_layout(opened, VISIT_FIELDS)
    reader = VisitReader(opened, layout, Options())
    if only:
        for row, _number in zip(reader.rows(), range(only), strict=False):
            row.is_blank  # noqa: B018
        return None
    refused = None if dry else RefusedRows(refused_path(path), layout)
    return VisitImport(reader, by=by, dry=dry, refused=refused).run()[0]


if __name__ == "__main__":
    main()
