"""`manage.py export_spreadsheet FILE`: all examinations as a list, in the shape that is imported."""

from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils.translation import gettext as _

from clinic.spreadsheets.exporting import write_export
from clinic.spreadsheets.management.commands.import_spreadsheet import administrator


class Command(BaseCommand):
    help = "Write all examinations with patients, reports and billing states as .xlsx or .csv."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", type=Path)
        parser.add_argument("--without-reports", action="store_true", help="leave the report texts out")
        parser.add_argument("--by", default="", metavar="USER", help="the administrator who exports")

    def handle(self, *args: Any, file: Path, without_reports: bool, by: str, **options: Any) -> None:
        if file.suffix.lower() not in {".xlsx", ".csv"}:
            raise CommandError(_("The file's name ends with .xlsx or .csv."))
        if file.exists():
            raise CommandError(_("“%(file)s” is there already.") % {"file": file})
        try:
            count = write_export(file, by=administrator(by), with_reports=not without_reports)
        except OSError as error:
            raise CommandError(
                _("“%(file)s” cannot be written: %(why)s") % {"file": file, "why": error}
            ) from error
        self.stdout.write(_("%(count)d examinations are in %(file)s.") % {"count": count, "file": file})
