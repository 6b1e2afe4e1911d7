"""What is typed where somebody decides whose images these are, and what is filled in beforehand."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy

from patients.dates import BirthDate, BirthPrecision, written
from patients.names import PersonName
from scheduling.forms import OrderForm, procedure_label
from scheduling.models import Procedure

from .decisions import default_indication
from .held import likely_procedure
from .identity import Identity, span_of
from .models import Study

REASON_LENGTH = 300


class HeldOrderForm(OrderForm):
    """The order that is placed for images which are here already: filled in as far as they tell."""

    reason = forms.CharField(
        label=gettext_lazy("Why they belong together all the same"), max_length=REASON_LENGTH, required=False
    )

    def __init__(self, *args: Any, study: Study, is_optional: bool = False, **kwargs: Any) -> None:
        likely = likely_procedure(study)
        initial = {
            "procedure": procedure_label(likely) if likely else "",
            "indication": default_indication(study),
        }
        super().__init__(*args, initial=initial | kwargs.pop("initial", {}), **kwargs)
        self.is_optional = is_optional
        self.fields["indication"].required = False
        if is_optional:
            self.fields["procedure"].required = False
            self.fields["procedure"].help_text = gettext_lazy("Empty: the images are filed without an order.")
            del self.fields["procedure"].widget.attrs["autofocus"]

    def clean_procedure(self) -> Procedure | None:  # type: ignore[override]
        if self.is_optional and not self.cleaned_data["procedure"]:
            return None
        return super().clean_procedure()

    def order_values(self) -> dict[str, Any]:
        """What the decisions take for the order."""
        values = {name: self.cleaned_data[name] for name in ("procedure", "indication", "priority")}
        return values | {"referrer": self.cleaned_data.get("referrer") or None}


def initial_from_images(study: Study) -> dict[str, str]:
    """The registration form as the images fill it in."""
    told = Identity.of_study(study)
    name = PersonName.from_dicom(told.name)
    span = span_of(told.birth_date)
    born = BirthDate(span[0], BirthPrecision.DAY) if span is not None and span[0] == span[1] else None
    return {
        "family_name": name.family[:64],
        "given_name": name.given[:64],
        "middle_name": name.middle[:64],
        "name_prefix": name.prefix[:64],
        "name_suffix": name.suffix[:64],
        "ideographic_name": name.ideographic[:64],
        "phonetic_name": name.phonetic[:64],
        "birth_date": written(born) if born else told.birth_date[:40],
        "sex": told.sex.strip().upper() if told.sex.strip().upper() in {"M", "F", "O"} else "",
    }
