"""The form of a patient, for registration, change and walk-in."""

from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as _lazy

from clinic.errors import InvalidInput
from clinic.models import ClinicProfile

from . import names
from .dates import AmbiguousDate, BirthDate, read_birth_date, written
from .duplicates import Description
from .models import Patient, Sex
from .numbers import read_mrn
from .phones import example, read_phone, shown_phone
from .values import BLANK, EDITABLE, clean_values


class PatientForm(forms.Form):
    """What a person at the desk types; ``values()`` is what the services take."""

    family_name = forms.CharField(
        label=_lazy("Family name"),
        max_length=64,
        error_messages={"required": _lazy("A name is needed. Who has only one name has it here.")},
    )
    given_name = forms.CharField(label=_lazy("Given name"), required=False, max_length=64)
    middle_name = forms.CharField(label=_lazy("Middle name"), required=False, max_length=64)
    name_prefix = forms.CharField(label=_lazy("Prefix (Dr, Rev)"), required=False, max_length=64)
    name_suffix = forms.CharField(label=_lazy("Suffix (Jr, III)"), required=False, max_length=64)
    birth_date = forms.CharField(label=_lazy("Birth date or age"), required=False, max_length=40)
    sex = forms.ChoiceField(label=_lazy("Sex"), choices=[("", "…"), *Sex.choices])
    phone = forms.CharField(label=_lazy("Phone"), required=False, max_length=40)
    national_id = forms.CharField(label=_lazy("National id"), required=False, max_length=64)
    address = forms.CharField(
        label=_lazy("Address"), required=False, max_length=1000, widget=forms.Textarea(attrs={"rows": 2})
    )
    alerts = forms.CharField(
        label=_lazy("Allergies and alerts"),
        required=False,
        max_length=2000,
        widget=forms.Textarea(attrs={"rows": 2}),
        help_text=_lazy("Shown in red wherever this patient appears."),
    )
    email = forms.CharField(label=_lazy("E-mail"), required=False, max_length=254)
    pregnancy_note = forms.CharField(label=_lazy("Pregnancy"), required=False, max_length=200)
    ideographic_name = forms.CharField(
        label=_lazy("Name in ideographs"),
        required=False,
        max_length=64,
        help_text=_lazy("Family and given name parted by ^, as in 山田^太郎."),
    )
    phonetic_name = forms.CharField(
        label=_lazy("Name in phonetic script"),
        required=False,
        max_length=64,
        help_text=_lazy("As in やまだ^たろう."),
    )
    note = forms.CharField(
        label=_lazy("Note"), required=False, max_length=4000, widget=forms.Textarea(attrs={"rows": 2})
    )
    mrn = forms.CharField(
        label=_lazy("Patient number"),
        required=False,
        max_length=64,
        help_text=_lazy("Leave it empty: the next number is given when you save."),
    )
    duplicate_reason = forms.CharField(
        label=_lazy("Why this is another person"), required=False, max_length=300
    )

    def __init__(self, *args: Any, patient: Patient | None = None, **kwargs: Any) -> None:
        if patient is not None:
            kwargs["initial"] = initial_of(patient) | kwargs.get("initial", {})
        super().__init__(*args, **kwargs)
        self.patient = patient
        self.clinic = ClinicProfile.get()
        self.readings: list[BirthDate] = []
        for name, field in self.fields.items():
            field.widget.attrs["autocomplete"] = "off"
            if name.endswith("name") or name.startswith("name"):
                field.widget.attrs["spellcheck"] = "false"
        day = "25/02/1985" if self.clinic.day_first else "02/25/1985"
        self.fields["birth_date"].widget.attrs["placeholder"] = _("%(day)s or about 45") % {"day": day}
        self.fields["phone"].widget.attrs |= {
            "inputmode": "tel",
            "placeholder": example(self.clinic.country, world=False),
        }
        self.fields["family_name"].required = patient is None or bool(patient.family_name)
        if patient is not None:
            del self.fields["mrn"], self.fields["duplicate_reason"]
            for field in self.fields.values():
                field.show_hidden_initial = True  # tells what this person changed from what others did

    def full_clean(self) -> None:
        """Also puts the cursor where it is wanted: on the first field that is wrong, else on the first."""
        super().full_clean()
        wanted = next((name for name in self.fields if name in self.errors), "family_name")
        self.fields[wanted].widget.attrs["autofocus"] = True

    def clean_birth_date(self) -> BirthDate | None:
        text = self.cleaned_data["birth_date"]
        if not text:
            return None
        try:
            return read_birth_date(text, today=timezone.localdate(), day_first=self.clinic.day_first)
        except AmbiguousDate as error:
            self.readings = [BirthDate(day) for day in error.readings]
            raise ValidationError(error.message) from error
        except InvalidInput as error:
            raise ValidationError(error.message) from error

    def clean_phone(self) -> str:
        return _or_refuse(read_phone, self.cleaned_data["phone"], country=self.clinic.country)

    def clean_mrn(self) -> str:
        return _or_refuse(read_mrn, self.cleaned_data["mrn"]) if self.cleaned_data["mrn"] else ""

    def clean(self) -> dict[str, Any]:
        """The same rules as the service's, so that each is shown beside its field."""
        if not self.errors:
            try:
                clean_values(BLANK | self.values())
            except InvalidInput as error:
                self.refuse(error)
        return self.cleaned_data

    def refuse(self, error: InvalidInput) -> None:
        """Show a refusal of the service beside the field it speaks of."""
        self.add_error(error.field if error.field in self.fields else None, error.message)

    def values(self) -> dict[str, Any]:
        """The patient's fields by name, as ``register_patient`` and ``update_patient`` take them."""
        values = {name: value for name, value in self.cleaned_data.items() if name in EDITABLE}
        born = values.get("birth_date")
        values["birth_date"] = born.date if born else None
        return values | ({"birth_precision": born.precision} if born else {})

    def changed_values(self) -> dict[str, Any]:
        """Only what was changed on the page."""
        changed = set(self.changed_data) | (
            {"birth_precision"} if "birth_date" in self.changed_data else set()
        )
        return {name: value for name, value in self.values().items() if name in changed}

    def on_top_of(self, patient: Patient) -> "PatientForm":
        """The form with what was typed, and elsewhere what the record says by now."""
        data: dict[str, Any] = {**self.data.dict()}  # type: ignore[attr-defined]
        current = initial_of(patient)
        for name in self.fields:
            if name not in self.changed_data:
                data[self.add_prefix(name)] = current[name]
            data[self.add_initial_prefix(name)] = current[name]
        return PatientForm(data, patient=patient)

    def described(self) -> Description:
        """Whatever can be read already of a form that is still being filled in."""
        self.is_valid()
        known = self.cleaned_data
        return Description(
            name=names.PersonName(
                family=known.get("family_name", ""),
                given=known.get("given_name", ""),
                middle=known.get("middle_name", ""),
                ideographic=known.get("ideographic_name", ""),
            ),
            born=known.get("birth_date"),
            sex=known.get("sex") or Sex.UNKNOWN,
            phone=known.get("phone", ""),
            national_id=known.get("national_id", ""),
        )

    @property
    def born(self) -> BirthDate | None:
        """The birth date as the form understands it."""
        if self.is_bound:
            return self.cleaned_data.get("birth_date") if hasattr(self, "cleaned_data") else None
        return self.patient.born if self.patient else None

    @property
    def further(self) -> list[forms.BoundField]:
        """The fields that are seldom needed."""
        wanted = (
            "middle_name", "name_prefix", "name_suffix", "email", "pregnancy_note", "ideographic_name",
            "phonetic_name", "mrn", "note",
        )  # fmt: skip
        return [self[name] for name in wanted if name in self.fields]

    @property
    def shows_further(self) -> bool:
        """Whether one of those holds something or is wrong, so that it must be seen."""
        return any(field.value() or field.errors for field in self.further)


def initial_of(patient: Patient) -> dict[str, Any]:
    """The form's texts of a record."""
    initial = {name: getattr(patient, name) for name in EDITABLE if name != "birth_precision"}
    initial["birth_date"] = written(patient.born) if patient.born else ""
    initial["phone"] = (
        shown_phone(patient.phone, country=ClinicProfile.get().country) if patient.phone else ""
    )
    return initial


def initial_from_search(text: str) -> dict[str, str]:
    """What was typed into the search box, put where it belongs in the form."""
    words = [word for word in text.replace(",", " , ").split() if not any(c.isdecimal() for c in word)]
    if "," in words:
        comma = words.index(",")
        family, given = words[:comma], [word for word in words[comma:] if word != ","]
    else:
        family, given = words[-1:], words[:-1]
    return {"family_name": " ".join(family)[:64], "given_name": " ".join(given)[:64]}


def _or_refuse(read: Any, text: str, **kwargs: str) -> str:
    try:
        return read(text, **kwargs)
    except InvalidInput as error:
        raise ValidationError(error.message) from error
