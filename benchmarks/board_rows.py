"""A full day of an invented clinic for ``benchmarks/board.py``. Runs inside Cedar's own shell."""

import datetime as dt
import json
import time
from importlib import import_module
from itertools import cycle

from django.conf import settings
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
from django.utils import timezone

from benchmarks.query_names import birth_date, mrn, name_parts
from clinic.models import ClinicProfile, User
from clinic.permissions import Role
from clinic.sessions import LAST_SEEN
from dicomserver.models import RemoteAE
from patients.models import Patient
from patients.names import PersonName, name_key
from scheduling.models import Appointment, Order, Procedure, Station
from scheduling.statuses import AppointmentKind
from scheduling.statuses import AppointmentStatus as A
from scheduling.statuses import OrderStatus as O

STATIONS = 8
# How a day stands at noon: state of the visit, state of its order, so many of a hundred.
NOON = [
    (A.COMPLETED, O.REPORTED, 40),
    (A.REVIEW, O.ACQUIRED, 8),
    (A.IN_SCAN, O.SCHEDULED, 2),
    (A.IN_ROOM, O.SCHEDULED, 2),
    (A.WAITING, O.SCHEDULED, 5),
    (A.NO_SHOW, O.ORDERED, 3),
    (A.BOOKED, O.SCHEDULED, 40),
]


def fill(visits: int, modalities: int, people: dict[str, int]) -> None:
    """Prints what the benchmark needs to know: sessions by role, who can be checked in, what is imaged."""
    ClinicProfile.objects.update_or_create(pk=1, defaults={"quiet_seconds": 600})
    users = {role: [_person(role, number) for number in range(count)] for role, count in people.items()}
    by = users[Role.RECEPTIONIST][0]
    stations = [
        Station.objects.create(name=f"Room {number}", ae_title=f"ROOM{number}", modalities=["CT"])
        for number in range(STATIONS)
    ]
    procedures = [
        Procedure.objects.create(code=f"B{number}", name=f"CT, protocol {number}", modality="CT", minutes=10)
        for number in range(20)
    ]
    for number in range(modalities):
        RemoteAE.objects.create(ae_title=f"BENCH{number}", state="accepted")
    states = [(visit, order) for visit, order, share in NOON for _ in range(share)]
    now = timezone.now().replace(second=0, microsecond=0)
    opens = now.replace(hour=8, minute=0)
    booked: list[int] = []
    imaged: list[dict[str, str]] = []
    for number, (state, order_state), station in zip(
        range(visits), cycle(states), cycle(stations), strict=False
    ):
        patient = _patient(number, by)
        visit = Appointment.objects.create(
            kind=AppointmentKind.IMAGING,
            patient=patient,
            station=station,
            starts_at=opens + dt.timedelta(minutes=10 * number / STATIONS),
            ends_at=opens + dt.timedelta(minutes=10 * number / STATIONS + 10),
            overbook_reason="benchmark",
            status=state,
            arrived_at=None if state in {A.BOOKED, A.NO_SHOW} else now,
            created_by=by,
        )
        order = Order.objects.create(
            accession_number=f"B{number:06d}",
            patient=patient,
            procedure=procedures[number % len(procedures)],
            appointment=visit,
            indication="Benchmark",
            priority="stat" if number % 50 == 0 else "urgent" if number % 10 == 0 else "routine",
            ordered_by=by,
            status=order_state,
            acquired_at=now if order_state in {O.ACQUIRED, O.REPORTED} else None,
            reported_at=now if order_state == O.REPORTED else None,
        )
        if state == A.BOOKED:
            booked.append(visit.pk)
        if state == A.IN_SCAN and len(imaged) < modalities:
            imaged.append(_identity(order))
    sessions = {role: [_session(user) for user in each] for role, each in users.items()}
    print(json.dumps({"sessions": sessions, "booked": booked, "imaged": imaged}))


def _person(role: str, number: int) -> User:
    return User.objects.create(
        username=f"{role}{number}", full_name=f"{role.title()} {number}", roles=[role], password="!"
    )


def _patient(number: int, by: User) -> Patient:
    family, given = name_parts(number)
    return Patient.objects.create(
        mrn=mrn(number),
        family_name=family,
        given_name=given,
        name_key=name_key(PersonName(family, given)),
        birth_date=birth_date(number),
        sex="F" if number % 2 else "M",
        created_by=by,
    )


def _identity(order: Order) -> dict[str, str]:
    patient = order.patient
    return {
        "patient_id": patient.mrn,
        "patient_name": patient.dicom_name,
        "birth_date": f"{patient.birth_date:%Y%m%d}",
        "sex": patient.sex,
        "study_instance_uid": order.study_instance_uid,
        "accession_number": order.accession_number,
    }


def _session(user: User) -> str:
    """The key of a session in which ``user`` is signed in, as after the sign-in page."""
    store = import_module(settings.SESSION_ENGINE).SessionStore()
    store[SESSION_KEY] = str(user.pk)
    store[BACKEND_SESSION_KEY] = "django.contrib.auth.backends.ModelBackend"
    store[HASH_SESSION_KEY] = user.get_session_auth_hash()
    store[LAST_SEEN] = time.time()
    store.create()
    return str(store.session_key)
