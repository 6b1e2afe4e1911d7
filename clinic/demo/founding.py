"""The clinic before its week begins: who works here, what it offers, its rooms and its patients."""

import datetime as dt
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from clinic.demo.catalogue import DONE_ELSEWHERE, ELSEWHERE, PRICES, STATIONS
from clinic.demo.clock import living_at
from clinic.demo.people import PASSWORD, PATIENTS, REFERRERS, USERS, DemoPatient
from clinic.demo.timetable import opening_hours
from clinic.models import ClinicProfile, User
from dicomserver.models import RemoteAE
from dicomserver.services import add_node
from patients.models import Patient
from patients.services import register_patient
from scheduling.models import Consultant, Procedure, Referrer, Station
from scheduling.shipped.ship import ship_catalogue

NAME = "Cedar Village"
ADDRESS = "1 Cedar Square\nCedar Village"


@dataclass(frozen=True)
class Clinic:
    """What the week needs, by the names that it uses."""

    users: dict[str, User]
    patients: dict[str, Patient]
    procedures: dict[str, Procedure]
    stations: dict[str, Station]
    referrers: list[Referrer]


def found_staff() -> dict[str, User]:
    return {user.username: _user(user) for user in USERS}


def _user(demo: Any) -> User:
    known = User.objects.filter(username=demo.username).first()
    return known or User.objects.create_user(
        demo.username, PASSWORD, full_name=demo.full_name, title=demo.title, roles=list(demo.roles)
    )


def write_profile(zone: str) -> None:
    profile = ClinicProfile.get()
    profile.name, profile.address, profile.time_zone = NAME, ADDRESS, zone
    profile.phone, profile.email = "+44 7700 900000", "desk@cedar-village.example"
    profile.save(update_fields=["name", "address", "time_zone", "phone", "email"])


def found_clinic(users: dict[str, User], now: dt.datetime) -> Clinic:
    """Catalogue, rooms, devices, referrers and patients; what is there already stays as it is."""
    ship_catalogue()
    _consultants(users, now)
    return Clinic(
        users=users,
        procedures=_procedures(),
        stations=_stations(users["admin"], now),
        referrers=[
            Referrer.objects.get_or_create(name=demo.name, defaults=vars(demo) | {"is_active": True})[0]
            for demo in REFERRERS
        ],
        patients=_patients(users["reception"], now),
    )


def _procedures() -> dict[str, Procedure]:
    """The shipped ones at the village's prices; what it has no room for is offered only as done elsewhere."""
    for code, price in PRICES.items():
        Procedure.objects.filter(code=code, price=None).update(price=Decimal(price))
    Procedure.objects.filter(code__in=DONE_ELSEWHERE).update(protocol_notes=ELSEWHERE)
    Procedure.objects.exclude(code__in=PRICES).update(is_active=False)
    return {procedure.code: procedure for procedure in Procedure.objects.all()}


def _stations(admin: User, now: dt.datetime) -> dict[str, Station]:
    opens, closes = opening_hours(now)
    stations = {}
    for demo in STATIONS:
        stations[demo.ae_title], _made = Station.objects.get_or_create(
            ae_title=demo.ae_title,
            defaults={
                "name": demo.name,
                "room": demo.room,
                "modalities": list(demo.modalities),
                "opens_at": opens,
                "closes_at": closes,
            },
        )
        if not RemoteAE.objects.filter(ae_title=demo.ae_title).exists():
            add_node(demo.ae_title, by=admin, description=demo.name)
    return stations


def _consultants(users: dict[str, User], now: dt.datetime) -> None:
    """The first radiologist also talks with patients."""
    opens, closes = opening_hours(now)
    hours = {"opens_at": opens, "closes_at": closes, "room": "Room 3"}
    Consultant.objects.get_or_create(doctor=users["radiologist"], defaults=hours)


def _patients(desk: User, now: dt.datetime) -> dict[str, Patient]:
    """Registered one after the other in the weeks before, so that their numbers follow the list."""
    first = now - dt.timedelta(days=60)
    found = {}
    for number, demo in enumerate(PATIENTS):
        at = first + dt.timedelta(days=number, minutes=37 * number % 300)
        found[demo.key] = Patient.objects.filter(created_at=at).first() or _register(demo, at, desk)
    return found


def _register(demo: DemoPatient, at: dt.datetime, desk: User) -> Patient:
    with living_at(at):
        return register_patient(
            by=desk,
            duplicate_reason=demo.same_name_reason,
            family_name=demo.family,
            given_name=demo.given,
            middle_name=demo.middle,
            name_prefix=demo.prefix,
            ideographic_name=demo.ideographic,
            phonetic_name=demo.phonetic,
            birth_date=demo.born,
            birth_precision=demo.known_to,
            sex=demo.sex,
            phone=demo.phone,
            address=demo.address,
            alerts=demo.alerts,
            pregnancy_note=demo.pregnancy,
            note=demo.note,
        )
