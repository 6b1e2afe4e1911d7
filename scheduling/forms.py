"""What is typed on the pages of this room, and how it is read."""

import datetime as dt
from collections.abc import Iterable
from typing import Any, TypeVar

from django import forms
from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from clinic.models import User

from .days import clinic_zone
from .models import Indication, Modality, Procedure, Referrer, Repeats, Station
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

    is_deliberate = forms.BooleanField(label=gettext_lazy("Order it nevertheless"), required=False)

    def __init__(self, *args: Any, at: Station | None = None, **kwargs: Any) -> None:
        """Only what the station ``at`` does is offered, when there is one."""
        super().__init__(*args, **kwargs)
        offered = Procedure.objects.filter(is_active=True)
        self.procedures = [each for each in offered if at is None or at.does(each)]
        self.referrers = list(Referrer.objects.filter(is_active=True))
        self.indications = list(Indication.objects.all())
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
        self._warn_of_modality()
        return data

    def _warn_of_modality(self) -> None:
        """A frequent reason that is usually examined otherwise: said once, and never in the way."""
        procedure, reason = self.cleaned_data.get("procedure"), self.cleaned_data.get("indication") or ""
        if procedure is None or self.cleaned_data.get("is_deliberate"):
            return
        usual = usual_modalities(reason, self.indications)
        if usual and procedure.modality not in usual:
            names = [str(Modality(modality).label) for modality in usual]
            self.add_error(
                "is_deliberate",
                _("“%(reason)s” is usually examined by %(usual)s, not by %(modality)s.")
                % {
                    "reason": reason,
                    "usual": _(" or ").join(names),
                    "modality": procedure.get_modality_display(),
                },
            )

    def values(self) -> dict[str, Any]:
        """What ``place_order`` takes."""
        names = ("procedure", "indication", "priority", "referrer")
        return {name: self.cleaned_data[name] or None for name in names}


def usual_modalities(reason: str, indications: Iterable[Indication]) -> list[str]:
    """With what the frequent reason that ``reason`` names is usually examined; else empty."""
    said = " ".join(reason.casefold().split())
    for indication in indications:
        if indication.modalities and " ".join(indication.text.casefold().split()) in said:
            return indication.modalities
    return []


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

    station = forms.ModelChoiceField(queryset=Station.objects.filter(is_active=True), required=False)
    doctor = forms.ModelChoiceField(queryset=User.objects.filter(consultant__is_active=True), required=False)
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
            starts_at = timezone.make_aware(starts_at, clinic_zone())
        if starts_at < timezone.now() - LATE:
            raise ValidationError(_("That time has passed. Choose a later one."))
        return starts_at


class ClosureForm(forms.Form):
    """From when to when who or what cannot be booked, and whether again."""

    place = forms.ChoiceField(label=gettext_lazy("Closed"))
    starts_at = forms.DateTimeField(
        label=gettext_lazy("From"), widget=forms.DateTimeInput(attrs={"type": "datetime-local"})
    )
    ends_at = forms.DateTimeField(
        label=gettext_lazy("Until"), widget=forms.DateTimeInput(attrs={"type": "datetime-local"})
    )
    reason = forms.CharField(label=gettext_lazy("Reason"), max_length=200)
    repeats = forms.ChoiceField(label=gettext_lazy("Repeats"), choices=Repeats.choices)
    repeats_until = forms.DateField(
        label=gettext_lazy("For the last time on"),
        required=False,
        widget=forms.DateInput(attrs={"type": "date"}),
    )
    despite_visits = forms.BooleanField(
        label=gettext_lazy("Close nevertheless: these visits will be moved"), required=False
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.stations = list(Station.objects.filter(is_active=True))
        self.doctors = list(User.objects.filter(consultant__is_active=True).order_by("full_name"))
        places = [("clinic", _("The whole clinic"))]
        places += [(f"station-{station.pk}", str(station)) for station in self.stations]
        places += [(f"doctor-{doctor.pk}", str(doctor)) for doctor in self.doctors]
        self.fields["place"].choices = places  # type: ignore[attr-defined]

    def values(self) -> dict[str, Any]:
        """What ``add_closure`` takes."""
        place = self.cleaned_data["place"]
        names = ("starts_at", "ends_at", "reason", "repeats", "repeats_until", "despite_visits")
        return {name: self.cleaned_data[name] for name in names} | {
            "station": next((each for each in self.stations if f"station-{each.pk}" == place), None),
            "doctor": next((each for each in self.doctors if f"doctor-{each.pk}" == place), None),
        }


class ConsultationForm(forms.Form):
    """What the talk is about, and how long it takes."""

    note = forms.CharField(
        label=gettext_lazy("What it is about"),
        max_length=300,
        widget=forms.TextInput(attrs={"autofocus": True}),
    )
    minutes = forms.IntegerField(label=gettext_lazy("Minutes"), min_value=1, max_value=480)


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
