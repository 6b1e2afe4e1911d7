"""What is typed on the pages of this room, and how it is read."""

import datetime as dt
from typing import Any, TypeVar

from django import forms
from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from .models import Indication, Procedure, Referrer, Station
from .orders import NewReferrer
from .statuses import Priority

Entry = TypeVar("Entry")
LATE = dt.timedelta(minutes=5)  # how long after its beginning a time may still be booked


class OfferedField(forms.CharField):
    """A text box that offers the entries of a list; what is typed must mean exactly one of them."""

    def __init__(self, *, list_id: str, placeholder: object, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.widget.attrs |= {
            "list": list_id,
            "placeholder": placeholder,
            "autocomplete": "off",
            "spellcheck": "false",
        }


class OrderForm(forms.Form):
    """One examination: which, how urgent, why, and who sends the patient."""

    procedure = OfferedField(
        label=gettext_lazy("Examination"),
        list_id="procedures",
        max_length=200,
        placeholder=gettext_lazy("A part of the name, or the code"),
    )
    indication = forms.CharField(
        label=gettext_lazy("Reason for the examination"),
        max_length=500,
        widget=forms.TextInput(
            attrs={
                "list": "indications",
                "autocomplete": "off",
                "placeholder": gettext_lazy("Complaint and question; frequent ones are offered"),
            }
        ),
    )
    priority = forms.ChoiceField(
        label=gettext_lazy("Priority"),
        choices=[*reversed(Priority.choices)],
        initial=Priority.ROUTINE,
        widget=forms.RadioSelect,
    )
    referrer = OfferedField(
        label=gettext_lazy("Referred by"),
        list_id="referrers",
        max_length=300,
        required=False,
        placeholder=gettext_lazy("Empty when the patient comes on their own account"),
    )
    referrer_is_new = forms.BooleanField(label=gettext_lazy("New referrer: add to the list"), required=False)
    referrer_clinic = forms.CharField(label=gettext_lazy("Their clinic"), max_length=200, required=False)
    referrer_phone = forms.CharField(label=gettext_lazy("Their phone"), max_length=20, required=False)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.procedures = list(Procedure.objects.filter(is_active=True))
        self.referrers = list(Referrer.objects.filter(is_active=True))
        self.indications = Indication.objects.all()
        self.fields["procedure"].widget.attrs["autofocus"] = True

    @property
    def procedure_labels(self) -> list[str]:
        return [procedure_label(procedure) for procedure in self.procedures]

    @property
    def referrer_labels(self) -> list[str]:
        return [referrer_label(referrer) for referrer in self.referrers]

    def clean_procedure(self) -> Procedure:
        text = self.cleaned_data["procedure"]
        by_label = {procedure_label(each): each for each in self.procedures}
        found = (
            _meant(text, by_label)
            or _meant(text, {each.code: each for each in self.procedures})
            or _meant(text, {each.name: each for each in self.procedures})
            or _containing(text, by_label)
        )
        if len(found) == 1:
            return found[0]
        raise ValidationError(_unclear(text, [procedure_label(each) for each in found]))

    def clean(self) -> dict[str, Any]:
        """A referrer is one of the list, or said to be new: a slip of the pen makes no doctor."""
        data = self.cleaned_data
        text = data.get("referrer") or ""
        if text and data.get("referrer_is_new"):
            data["referrer"] = NewReferrer(text, data["referrer_clinic"], data["referrer_phone"])
        elif text:
            known = {referrer_label(each): each for each in self.referrers}
            found = _meant(text, known) or _containing(text, known)
            if len(found) == 1:
                data["referrer"] = found[0]
            else:
                words = _unclear(text, [referrer_label(each) for each in found])
                hint = _("Or tick “New referrer” below to add this one.")
                self.add_error("referrer", f"{words} {hint}")
        return data

    def values(self) -> dict[str, Any]:
        """What ``place_order`` takes."""
        names = ("procedure", "indication", "priority", "referrer")
        return {name: self.cleaned_data[name] or None for name in names}


def procedure_label(procedure: Procedure) -> str:
    return f"{procedure.name} · {procedure.get_modality_display()} ({procedure.code})"


def referrer_label(referrer: Referrer) -> str:
    return f"{referrer.name}, {referrer.clinic}" if referrer.clinic else referrer.name


class WalkInForm(OrderForm):
    """An order that is done now, at a station that is free."""

    station = forms.ModelChoiceField(
        label=gettext_lazy("Station"),
        queryset=Station.objects.filter(is_active=True),
        required=False,
        empty_label=gettext_lazy("The first that is free"),
    )

    def clean(self) -> dict[str, Any]:
        data = super().clean()
        procedure, station = data.get("procedure"), data.get("station")
        if procedure and station and not station.does(procedure):
            self.add_error(
                "station",
                _("%(station)s does not do %(modality)s. Choose another station.")
                % {"station": station, "modality": procedure.get_modality_display()},
            )
        return data


class SlotForm(forms.Form):
    """The free time that was chosen, or another one for those who may overbook."""

    station = forms.ModelChoiceField(queryset=Station.objects.filter(is_active=True))
    starts_at = forms.CharField(max_length=40)
    overbook_reason = forms.CharField(max_length=200, required=False)

    def clean_starts_at(self) -> dt.datetime:
        text = self.cleaned_data["starts_at"]
        try:
            starts_at = dt.datetime.fromisoformat(text)
        except ValueError:
            raise ValidationError(
                _("The time was read as “%(text)s”; accepted is 2026-11-21T10:15.") % {"text": text}
            ) from None
        if timezone.is_naive(starts_at):
            starts_at = timezone.make_aware(starts_at)
        if starts_at < timezone.now() - LATE:
            raise ValidationError(_("That time has passed. Choose a later one."))
        return starts_at


def bookable_stations(procedures: list[Procedure]) -> list[Station]:
    """The stations in use at which all of ``procedures`` can be done."""
    stations: QuerySet[Station] = Station.objects.filter(is_active=True)
    return [station for station in stations if all(station.does(procedure) for procedure in procedures)]


def _meant(text: str, entries: dict[str, Entry]) -> list[Entry]:
    return [entry for label, entry in entries.items() if label.casefold() == text.casefold()]


def _containing(text: str, entries: dict[str, Entry]) -> list[Entry]:
    words = text.casefold().split()
    return [entry for label, entry in entries.items() if all(word in label.casefold() for word in words)]


def _unclear(text: str, labels: list[str]) -> str:
    if not labels:
        return _("Nothing in the list is called “%(text)s”.") % {"text": text}
    return _("“%(text)s” can be %(entries)s. Choose one.") % {
        "text": text,
        "entries": _(" or ").join(labels[:3]) + ("…" if len(labels) > 3 else ""),
    }
