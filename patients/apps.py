from django.apps import AppConfig
from django.utils.translation import ngettext


class PatientsConfig(AppConfig):
    name = "patients"

    def ready(self) -> None:
        from . import belongings, own_moments
        from .belongings import Belonging

        belongings.register(
            Belonging(
                "patients.Patient",
                lambda number: ngettext("%d merged record", "%d merged records", number) % number,
                field="merged_into",
            ),
            Belonging(
                "patients.PatientIdentifier",
                lambda number: ngettext("%d further number", "%d further numbers", number) % number,
            ),
            Belonging(
                "patients.OtherName",
                lambda number: ngettext("%d other name", "%d other names", number) % number,
            ),
            Belonging(
                "patients.PatientDocument",
                lambda number: ngettext("%d document", "%d documents", number) % number,
            ),
        )
        own_moments.add_sources()
