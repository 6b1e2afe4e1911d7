"""`manage.py import_spreadsheet FILE`: the clinic's own visit list, and its image log, into the records."""

import logging
import sys
import time
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils.translation import gettext as _

from clinic.errors import DomainError
from clinic.models import User
from clinic.permissions import Role
from clinic.spreadsheets.cells import ORDERS
from clinic.spreadsheets.columns import find_layout, read_map, require_columns
from clinic.spreadsheets.fields import IMAGE_FIELDS, VISIT_FIELDS
from clinic.spreadsheets.images import ImageImport
from clinic.spreadsheets.importing import Result, VisitImport
from clinic.spreadsheets.naming import FAMILY_FIRST, GIVEN_FIRST
from clinic.spreadsheets.refused import RefusedRows, refused_path
from clinic.spreadsheets.showing import columns_table, result_lines
from clinic.spreadsheets.tables import open_table
from clinic.spreadsheets.visits import Options, VisitReader


class Command(BaseCommand):
    help = (
        "Import the clinic's own visit list (.xlsx, .csv): patients, examinations, reports, billing states."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", type=Path, help="the visit list")
        parser.add_argument(
            "--images", type=Path, metavar="LOG", help="the image log, imported after the list"
        )
        parser.add_argument(
            "--image-root", type=Path, metavar="FOLDER", help="images are in here (folder of LOG)"
        )
        parser.add_argument("--dry-run", action="store_true", help="say what would happen, write nothing")
        parser.add_argument("--sheet", default="", help="which sheet, when the file has several")
        parser.add_argument(
            "--map",
            nargs="+",
            action="extend",
            default=[],
            metavar="COLUMN=FIELD",
            help="what a column holds",
        )
        parser.add_argument("--dates", choices=ORDERS, default="", help="how unclear dates are written")
        parser.add_argument(
            "--names",
            choices=[GIVEN_FIRST, FAMILY_FIRST],
            default=GIVEN_FIRST,
            help="what stands first in names",
        )
        parser.add_argument(
            "--unread", action="store_true", help="put examinations without findings on the reading list"
        )
        parser.add_argument("--by", default="", metavar="USER", help="the administrator who imports")

    def handle(self, *args: Any, file: Path, **options: Any) -> None:
        logging.getLogger("django").setLevel(logging.ERROR)
        try:
            self._import(file, options)
        except DomainError as error:
            raise CommandError(error.message) from error

    def _import(self, file: Path, options: dict[str, Any]) -> None:
        by, dry = administrator(options["by"]), options["dry_run"]
        table = open_table(file, sheet=options["sheet"])
        layout = find_layout(table, VISIT_FIELDS, chosen=read_map(options["map"], VISIT_FIELDS))
        self.stdout.write(columns_table(layout, VISIT_FIELDS))
        require_columns(layout, VISIT_FIELDS)
        reader = VisitReader(table, layout, Options(options["dates"], options["names"], options["unread"]))
        refused = None if dry else RefusedRows(refused_path(file), layout)
        result, written = VisitImport(reader, by=by, dry=dry, refused=refused).run(self._progress())
        self._say(result, written, dry=dry)
        if options["images"]:
            self._import_images(options["images"], options["image_root"], by, dry=dry)

    def _import_images(self, log: Path, root: Path | None, by: User, *, dry: bool) -> None:
        table = open_table(log)
        layout = find_layout(table, IMAGE_FIELDS)
        self.stdout.write("\n" + columns_table(layout, IMAGE_FIELDS))
        require_columns(layout, IMAGE_FIELDS)
        refused = None if dry else RefusedRows(refused_path(log), layout)
        job = ImageImport(table, layout, root or log.parent, by=by, dry=dry, refused=refused)
        result, written = job.run(self._progress())
        self._say(result, written, dry=dry)

    def _say(self, result: Result, written: Path | None, *, dry: bool) -> None:
        self.stdout.write("\n" + (_("What would happen:") if dry else _("What was done:")))
        for line in result_lines(result):
            self.stdout.write(line)
        if written is not None:
            self.stdout.write(
                self.style.WARNING(_("Refused rows, with reasons: %(file)s") % {"file": written})
            )

    def _progress(self) -> Any:
        """A bar in a terminal, nothing where the output goes into a file."""
        if not sys.stderr.isatty():
            return None
        begun = time.monotonic()

        def tell(done: int, total: int) -> None:
            share = done / total if total else 1.0
            left = (time.monotonic() - begun) * (1 - share) / share if share else 0
            bar = ("█" * round(share * 30)).ljust(30, "·")
            end = "\n" if done >= total else ""
            text = _("%(done)d of %(total)d rows, %(left)d s left") % {
                "done": done,
                "total": total,
                "left": left,
            }
            sys.stderr.write(f"\r{bar} {text}   {end}")
            sys.stderr.flush()

        return tell


def administrator(username: str) -> User:
    """Who imports: the one named, else the only administrator."""
    people = User.objects.people().filter(is_active=True, roles__contains=[Role.ADMINISTRATOR])
    if username:
        people = people.filter(username=username)
    found = list(people.order_by("username")[:20])
    if len(found) == 1:
        return found[0]
    if username:
        raise CommandError(_("“%(name)s” is no active administrator.") % {"name": username})
    if not found:
        raise CommandError(_("There is no administrator yet: start Cedar and make the first account."))
    names = ", ".join(user.username for user in found)
    raise CommandError(_("Say who imports with --by; administrators are: %(names)s.") % {"names": names})
