from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext


class SpreadsheetsConfig(AppConfig):
    name = "clinic.spreadsheets"
    label = "spreadsheets"
    verbose_name = _("Spreadsheets")

    def ready(self) -> None:
        from patients import belongings

        belongings.register(
            belongings.Belonging(
                "spreadsheets.ImportedFile",
                lambda number: ngettext("%d imported file", "%d imported files", number) % number,
            )
        )
