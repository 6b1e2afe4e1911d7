"""What a reader reads best, chosen by herself; the reading list can be narrowed to it."""

from django.db import transaction
from django.utils.translation import gettext as _

from audit.services import record
from clinic.errors import InvalidInput, NotAllowed
from clinic.models import User
from clinic.permissions import Permission
from scheduling.models import Modality, Procedure

from ..models import Subspecialty


@transaction.atomic
def choose_subspecialty(*, by: User, modalities: list[str], body_parts: list[str]) -> Subspecialty:
    """Nothing of either means: no subspecialty."""
    if not by.can(Permission.STUDY_READ):
        raise NotAllowed(_("Your role does not include reading studies."))
    unknown = sorted({*modalities} - {*Modality.values}) + sorted({*body_parts} - {*body_parts_offered()})
    if unknown:
        raise InvalidInput(
            _("Not in the catalogue: %(read)s. Choose among the modalities and body parts that it names.")
            % {"read": ", ".join(unknown)}
        )
    chosen, _made = Subspecialty.objects.select_for_update().get_or_create(reader=by)
    before = str(chosen)
    chosen.modalities, chosen.body_parts = sorted({*modalities}), sorted({*body_parts})
    chosen.save(update_fields=["modalities", "body_parts"])
    record(
        by=by, action="subspecialty.chosen", subject=chosen, changes={"subspecialty": [before, str(chosen)]}
    )
    return chosen


def modalities_offered() -> list[str]:
    """Those of the catalogue, in its order."""
    used = set(Procedure.objects.values_list("modality", flat=True))
    return [modality for modality in Modality.values if modality in used]


def body_parts_offered() -> list[str]:
    parts = Procedure.objects.exclude(body_part="").values_list("body_part", flat=True)
    return sorted(set(parts))
