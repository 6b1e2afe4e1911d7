"""Makes a data folder ready for the parts that serve: ``up`` runs this before it starts them."""

import hashlib
import json
import os
import sys
from pathlib import Path
from typing import Any, NoReturn

from django.conf import settings
from django.contrib.staticfiles.finders import get_finders
from django.core.management import call_command
from django.core.management.base import BaseCommand
from django.db import connection
from django.db.migrations.executor import MigrationExecutor

from clinic.models import User
from clinic.permissions import Role
from clinic.postgres import Cluster
from clinic.supervisor.checks import make_data_folder
from clinic.supervisor.options import StartError
from clinic.supervisor.preparation import DEMO_MARK, PROGRESS, REFUSAL, RESULT
from patients.models import Patient
from scheduling.shipped.ship import ship_catalogue


class Command(BaseCommand):
    help = "Brings database and static files up to date; with CEDAR_DEMO=1 fills a new clinic with demo data."
    requires_system_checks: list[str] = []

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            make_data_folder(settings.CEDAR_DATA)
        except StartError as error:
            self._refuse(str(error))
        if not os.environ.get("DATABASE_URL"):
            Cluster(settings.CEDAR_DATA).make_database()
        self._migrate()
        ship_catalogue()
        collect_static_files()
        if settings.CEDAR_DEMO:
            self._load_demo()
        self._tell(RESULT, json.dumps({"has_administrator": has_administrator()}))

    def _migrate(self) -> None:
        executor = MigrationExecutor(connection)
        steps = len(executor.migration_plan(executor.loader.graph.leaf_nodes()))
        if steps:
            self._tell(PROGRESS, f"Bringing the database up to date ({steps} steps) …")
        call_command("migrate", interactive=False, verbosity=0)

    def _load_demo(self) -> None:
        """Once, and never into a clinic that is in use. An interrupted loading is repeated."""
        mark = settings.CEDAR_DATA / DEMO_MARK
        if mark.exists() and mark.read_text() == "loaded":
            return
        if not mark.exists() and is_in_use():
            self._refuse(
                f"The data folder {settings.CEDAR_DATA} holds a real clinic: demo data is not put into it. "
                "Start without --demo, or give another folder with --data."
            )
        mark.write_text("loading")
        self._tell(PROGRESS, "Making the demo clinic (once; a minute or two) …")
        call_command("demo", sign=PROGRESS)
        mark.write_text("loaded")

    def _refuse(self, text: str) -> NoReturn:
        self._tell(REFUSAL, text)
        sys.exit(3)

    def _tell(self, sign: str, text: str) -> None:
        self.stdout.write(sign + text)
        self.stdout.flush()


def collect_static_files() -> None:
    """Copy them to where the web server reads them, unless they are there already."""
    found = hashlib.sha256()
    for finder in get_finders():
        for path, storage in finder.list([]):
            file = os.stat(storage.path(path))
            found.update(f"{storage.path(path)} {file.st_size} {file.st_mtime_ns}\n".encode())
    stamp = Path(settings.STATIC_ROOT) / ".collected"
    if stamp.exists() and stamp.read_text() == found.hexdigest():
        return
    stamp.unlink(missing_ok=True)
    call_command("collectstatic", interactive=False, verbosity=0)
    stamp.write_text(found.hexdigest())


def has_administrator() -> bool:
    return User.objects.people().filter(is_active=True, roles__contains=[Role.ADMINISTRATOR]).exists()


def is_in_use() -> bool:
    """Whether somebody has begun to work here."""
    return User.objects.people().exists() or Patient.objects.exists()
