"""`manage.py sample_spreadsheet FILE`: an invented visit list to try the import with."""

from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils.translation import gettext as _

from clinic.spreadsheets.sample import write_sample


class Command(BaseCommand):
    help = "Write an invented visit list (.xlsx or .csv) to try import_spreadsheet with."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", type=Path)
        parser.add_argument("--rows", type=int, default=500, help="how many examinations (500)")
        parser.add_argument("--bad-every", type=int, default=40, help="each N-th row is wrong; 0 for none")

    def handle(self, *args: Any, file: Path, rows: int, bad_every: int, **options: Any) -> None:
        if file.suffix.lower() not in {".xlsx", ".csv"}:
            raise CommandError(_("The file's name ends with .xlsx or .csv."))
        if file.exists():
            raise CommandError(_("“%(file)s” is there already.") % {"file": file})
        write_sample(file, rows, bad_every=bad_every)
        self.stdout.write(_("%(rows)d rows are in %(file)s.") % {"rows": rows, "file": file})
