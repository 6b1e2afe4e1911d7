"""Studies by their UID or the accession number they came with, for the search box of the patients."""

from collections.abc import Iterator

from django.db.models import Q
from django.utils.translation import gettext as _

from clinic.models import User
from patients.finders import Finding

from .models import Study

_SHORTEST_UID = 12
_AT_MOST = 5


def find_studies(text: str, user: User) -> Iterator[Finding]:
    """Studies of patients, also from elsewhere, for which there is no order here."""
    text = text.strip()
    if not any(letter.isdecimal() for letter in text) or len(text) < 4:
        return
    studies = Study.objects.exclude(patient=None).filter(order=None).order_by()
    if len(text) >= _SHORTEST_UID and not set(text) - set("0123456789."):
        found = studies.filter(study_instance_uid__startswith=text)
        why = _("Study Instance UID")
    else:
        found = studies.filter(Q(received_accession_number__in={text, text.upper()}))
        why = _("accession number of images from elsewhere")
    for patient_id in found.values_list("patient_id", flat=True)[:_AT_MOST]:
        if patient_id is not None:
            yield Finding(patient_id, why)
