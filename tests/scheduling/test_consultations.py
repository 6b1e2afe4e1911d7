"""A talk with a doctor: booked by hours, never twice at once, completed by hand."""

import datetime as dt

import pytest
from django.utils import timezone

from clinic.errors import Conflict, InvalidInput, NotAllowed
from clinic.models import User
from clinic.permissions import ROLE_PERMISSIONS, Role
from scheduling import services
from scheduling.models import Appointment, Consultant
from scheduling.moves import move_appointment
from scheduling.slots import free_slots
from scheduling.statuses import CONSULTATION_MOVES, AppointmentStatus
from tests.factories import make_everyone, make_patient, make_station, make_user
from tests.scheduling.pages import HTMX, sign_in, url

pytestmark = pytest.mark.django_db
TEN = dt.datetime(2027, 3, 1, 10, tzinfo=dt.UTC)
WAY = {
    "waiting": [services.check_in_appointment],
    "in_room": [services.check_in_appointment, services.call_in_appointment],
    "completed": [services.check_in_appointment, services.complete_appointment],
    "no_show": [services.mark_no_show],
}


@pytest.fixture
def doctor() -> User:
    user = make_user("radiologist", full_name="Dr Amara Diallo")
    Consultant.objects.create(doctor=user, minutes=20, opens_at=dt.time(9), closes_at=dt.time(12))
    return user


def consult(doctor: User, starts_at: dt.datetime = TEN, **fields: object) -> Appointment:
    by = fields.pop("by", None) or make_everyone()
    return services.book_consultation(make_patient(), by=by, doctor=doctor, starts_at=starts_at, **fields)


def in_status(doctor: User, status: str) -> Appointment:
    visit = consult(doctor)
    if status == "cancelled":
        return services.cancel_appointment(visit, by=make_everyone(), reason="Called off")
    for step in WAY.get(status, []):
        step(visit, by=make_everyone())
    return visit


def test_a_consultation_is_as_long_as_the_doctor_s_are(doctor):
    visit = consult(doctor, by=make_user("receptionist"), note="Biopsy result")

    assert (visit.kind, visit.station, visit.ends_at - visit.starts_at) == (
        "consultation",
        None,
        dt.timedelta(minutes=20),
    )
    assert visit.note == "Biopsy result"


def test_a_doctor_is_not_booked_twice_and_it_says_who_is_in_the_way(doctor):
    first = consult(doctor)

    with pytest.raises(Conflict) as refusal:
        consult(doctor, TEN + dt.timedelta(minutes=19))

    assert refusal.value.message == (
        f"That time is taken: {first.patient} is booked with Dr Amara Diallo on Mon 1 Mar, 10:00 to 10:20. "
        "Choose another time."
    )


def test_the_database_itself_forbids_it(doctor):
    from django.db import IntegrityError

    visit = consult(doctor)

    with pytest.raises(IntegrityError, match="appointment_no_double_booked_doctor"):
        Appointment.objects.create(
            kind="consultation",
            patient=visit.patient,
            doctor=doctor,
            starts_at=visit.starts_at,
            ends_at=visit.ends_at,
            created_by=make_everyone(),
        )


def test_overbooking_a_doctor_needs_permission_and_a_reason(doctor):
    consult(doctor)

    with pytest.raises(NotAllowed):
        consult(doctor, by=make_user("receptionist"), overbook_reason="Urgent result")
    second = consult(doctor, by=make_user("administrator"), overbook_reason="Urgent result")

    assert second.overbook_reason == "Urgent result"


def test_who_gives_no_consultations_is_not_booked():
    with pytest.raises(Conflict, match="gives no consultations"):
        consult(make_user("radiologist"))


def test_free_times_of_a_doctor_leave_out_the_break_and_what_is_booked(doctor):
    Consultant.objects.update(break_from=dt.time(10, 30), break_until=dt.time(11))
    consult(doctor)

    slots = free_slots(Consultant.objects.get(), TEN.date(), 20)

    assert [slot.strftime("%H:%M") for slot in slots] == [
        "09:00", "09:20", "09:40", "11:00", "11:20", "11:40",
    ]  # fmt: skip


def test_a_consultation_moves_to_another_doctor_but_to_no_station(doctor):
    other = make_user("radiologist")
    Consultant.objects.create(doctor=other)
    visit = consult(doctor)

    services.reschedule_appointment(visit, by=make_everyone(), starts_at=TEN, doctor=other)

    assert Appointment.objects.get().doctor == other
    with pytest.raises(InvalidInput, match="held by a doctor"):
        services.reschedule_appointment(visit, by=make_everyone(), starts_at=TEN, station=make_station())


@pytest.mark.parametrize("role", Role.values)
@pytest.mark.parametrize("new", AppointmentStatus.values)
@pytest.mark.parametrize("old", ["booked", "waiting", "in_room", "completed", "no_show", "cancelled"])
def test_consultations_move_as_their_table_says(doctor, old, new, role):
    visit = in_status(doctor, old)
    permission = CONSULTATION_MOVES[old].get(new)
    fields = {"cancel_reason": "x"} if new == "cancelled" else {}
    expected = (
        Conflict if permission is None else None if permission in ROLE_PERMISSIONS[role] else NotAllowed
    )

    if expected is None:
        move_appointment(visit, new, by=make_user(role), action="test.moved", **fields)
    else:
        with pytest.raises(expected):
            move_appointment(visit, new, by=make_user(role), action="test.moved", **fields)

    assert Appointment.objects.get(pk=visit.pk).status == (old if expected else new)


def test_a_stale_completion_says_what_is_true_now(doctor):
    visit = in_status(doctor, "waiting")
    stale = Appointment.objects.get(pk=visit.pk)
    services.complete_appointment(visit, by=doctor)

    with pytest.raises(Conflict, match="is now “Completed”"):
        services.call_in_appointment(stale, by=doctor)


def test_the_pages_book_a_new_person_and_the_doctor_completes(doctor):
    desk = sign_in("receptionist")
    at = timezone.now().replace(second=0, microsecond=0) + dt.timedelta(days=1)
    address = f"{url('slot_book')}?doctor={doctor.pk}&at={at:%Y-%m-%dT%H:%M}"
    person = {"family_name": "Okafor", "given_name": "Chidi", "sex": "M", "birth_date": "1990"}

    assert "What it is about" in desk.get(address).content.decode()
    desk.post(address, person | {"note": "Results", "minutes": 30}, headers=HTMX)
    visit = Appointment.objects.get()
    desk.post(url("appointment_check_in", visit.pk), {"seen": "booked"}, headers=HTMX)
    doctors = sign_in("radiologist")
    board = doctors.get(url("board")).content.decode()
    doctors.post(url("appointment_complete", visit.pk), {"seen": "waiting"}, headers=HTMX)

    assert (visit.doctor, visit.note, visit.patient.family_name) == (doctor, "Results", "Okafor")
    assert url("appointment_complete", visit.pk) in board
    assert url("appointment_start", visit.pk) not in board
    assert Appointment.objects.get().status == "completed"


def test_booking_fails_whole(doctor):
    """Who cannot be booked is not registered either."""
    visit = consult(doctor, timezone.now().replace(second=0, microsecond=0) + dt.timedelta(days=1))
    address = f"{url('slot_book')}?doctor={doctor.pk}&at={visit.starts_at:%Y-%m-%dT%H:%M}"
    person = {"family_name": "Okafor", "given_name": "Chidi", "sex": "M", "birth_date": "1990"}

    response = sign_in("receptionist").post(address, person | {"note": "x", "minutes": 30}, headers=HTMX)

    assert (response.status_code, "That time is taken" in response.content.decode()) == (409, True)
    assert list(Appointment.objects.values_list("patient__family_name", flat=True)) == [
        visit.patient.family_name
    ]
