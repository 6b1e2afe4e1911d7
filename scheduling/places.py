"""What can be booked, and which of it an address names."""

import datetime as dt
from collections.abc import Mapping, Sequence

from django.db import transaction
from django.http import QueryDict
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from clinic.errors import InvalidInput, NotAllowed
from clinic.live import announce
from clinic.models import User
from clinic.permissions import Permission

from .models import Consultant, Modality, Place, Procedure, Station

_ROOM_NAMES = {"DX": gettext_lazy("X-ray")}


def bookable_places() -> list[Place]:
    """Stations in use, then the doctors who give consultations; in two queries."""
    stations = Station.objects.filter(is_active=True)
    doctors = Consultant.objects.filter(is_active=True, doctor__is_active=True).select_related("doctor")
    return [*stations, *doctors]


def named_place(address: QueryDict, places: Sequence[Place]) -> Place | None:
    """``station=3`` or ``doctor=5`` of an address; nothing and nonsense mean none."""
    station, doctor = address.get("station", ""), address.get("doctor", "")
    for place in places:
        if isinstance(place, Station) and str(place.pk) == station:
            return place
        if isinstance(place, Consultant) and str(place.doctor_id) == doctor:
            return place
    return None


@transaction.atomic
def open_rooms(
    machines: Mapping[str, int],
    *,
    by: User,
    opens_at: dt.time,
    closes_at: dt.time,
    weekdays: Sequence[int],
    only_these: bool,
) -> list[Station]:
    """The first rooms of a clinic: so many machines of each modality, all with the same hours.

    With ``only_these`` the examinations for which there is no machine are no longer offered.
    """
    if not by.can(Permission.CONFIGURE):
        raise NotAllowed(_("Only an administrator sets up rooms."))
    if not any(machines.values()):
        raise InvalidInput(_("Say for at least one kind of machine how many there are."))
    if closes_at <= opens_at:
        raise InvalidInput(_("The clinic has to close after it opens."), field="closes_at")
    stations = [
        _open_room(modality, number, count, opens_at=opens_at, closes_at=closes_at, weekdays=list(weekdays))
        for modality, count in machines.items()
        for number in range(1, count + 1)
    ]
    if only_these:
        done = {modality for station in stations for modality in station.modalities}
        for procedure in Procedure.objects.filter(is_active=True).exclude(modality__in=done):
            procedure.is_active = False
            procedure.save(update_fields=["is_active"])
    announce("board")
    return stations


def _open_room(modality: str, number: int, count: int, **hours: object) -> Station:
    """``X-ray 2`` with the AE title ``CEDAR_DX2``, unless there is one of that name; then the next number."""
    label = str(_ROOM_NAMES.get(modality) or Modality(modality).label)
    many = count > 1
    while True:
        name = f"{label} {number}" if many else label
        ae_title = f"CEDAR_{modality}{number if many else ''}"
        if (
            not Station.objects.filter(name=name).exists()
            and not Station.objects.filter(ae_title=ae_title).exists()
        ):
            break
        number, many = number + 1, True
    modalities = ["DX", "CR"] if modality == "DX" else [modality]
    return Station.objects.create(name=name, ae_title=ae_title, modalities=modalities, **hours)
