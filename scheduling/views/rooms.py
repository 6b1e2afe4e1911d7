"""The first question of a new clinic: which machines it has."""

import datetime as dt
from typing import Any

from django import forms
from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.dates import WEEKDAYS
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods

from clinic.errors import InvalidInput
from clinic.http import StaffRequest, require
from clinic.permissions import Permission as P

from ..models import Modality, Station
from ..places import open_rooms
from .answers import left

ASKED = [Modality.DX, Modality.US, Modality.CT, Modality.MR, Modality.MG, Modality.RF]


class RoomsForm(forms.Form):
    opens_at = forms.TimeField(
        label=gettext_lazy("Opens at"),
        initial=dt.time(8),
        widget=forms.TimeInput(attrs={"type": "time"}, format="%H:%M"),
    )
    closes_at = forms.TimeField(
        label=gettext_lazy("Closes at"),
        initial=dt.time(17),
        widget=forms.TimeInput(attrs={"type": "time"}, format="%H:%M"),
    )
    weekdays = forms.TypedMultipleChoiceField(
        label=gettext_lazy("Days open"),
        choices=[(number + 1, name) for number, name in WEEKDAYS.items()],
        coerce=int,
        initial=[1, 2, 3, 4, 5],
        widget=forms.CheckboxSelectMultiple,
    )
    only_these = forms.BooleanField(
        label=gettext_lazy("Offer only the examinations that these machines do"), initial=True, required=False
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for modality in ASKED:
            label = _("X-ray") if modality == Modality.DX else modality.label
            self.fields[modality.value] = forms.IntegerField(label=label, min_value=0, max_value=9, initial=0)

    def machines(self) -> list[forms.BoundField]:
        return [self[modality.value] for modality in ASKED]

    def values(self) -> dict[str, Any]:
        """What ``open_rooms`` takes besides the machines."""
        return {name: self.cleaned_data[name] for name in ("opens_at", "closes_at", "weekdays", "only_these")}


@require(P.CONFIGURE)
@require_http_methods(["GET", "POST"])
def first_rooms(request: StaffRequest) -> HttpResponse:
    """So many machines of each kind: a room for each, to be named and changed in the settings afterwards."""
    form = RoomsForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        machines = {modality.value: form.cleaned_data[modality.value] or 0 for modality in ASKED}
        try:
            stations = open_rooms(machines, by=request.user, **form.values())
            words = _("Set up: %(rooms)s. Next: book somebody, or connect the machines under “Devices”.")
            names = ", ".join(str(station) for station in stations)
            return left(request, words % {"rooms": names}, reverse("scheduling:calendar"))
        except InvalidInput as error:
            form.add_error(error.field, error.message)
    context = {"form": form, "stations": list(Station.objects.all())}
    return render(request, "scheduling/first_rooms.html", context)
