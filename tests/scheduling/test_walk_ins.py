import datetime as dt

import pytest
from django.utils import timezone

from clinic.errors import Conflict, InvalidInput
from patients.models import Patient
from scheduling import services
from scheduling.models import Appointment, Closure, Order
from tests.factories import make_everyone, make_patient, make_procedure, make_station, make_user

pytestmark = pytest.mark.django_db
NEW = {"family_name": "Okafor", "given_name": "Chidi", "sex": "M"}


def walk_in(**changes):
    fields = {
        "by": make_user("receptionist"),
        "procedure": make_procedure(),
        "indication": "Fell on the hand",
        "station": make_station(),
    }
    return services.walk_in_patient(**fields | changes)


def test_a_new_patient_is_registered_ordered_booked_now_and_waiting():
    before = timezone.now().replace(second=0, microsecond=0)

    appointment = walk_in(new_patient=NEW, priority="urgent")

    order = appointment.orders.get()
    assert (appointment.status, appointment.is_walk_in) == ("waiting", True)
    assert before <= appointment.starts_at <= timezone.now()
    assert (order.status, order.priority, order.patient.family_name) == ("scheduled", "urgent", "Okafor")


def test_a_known_patient_is_not_registered_again():
    patient = make_patient()

    appointment = walk_in(patient=patient)

    assert appointment.patient == patient
    assert Patient.objects.count() == 1


def test_the_first_free_time_is_taken():
    station, procedure = make_station(), make_procedure(minutes=20)
    first = walk_in(new_patient=NEW, station=station, procedure=procedure)

    second = walk_in(patient=make_patient(), station=station, procedure=procedure)

    assert second.starts_at == first.ends_at


@pytest.mark.parametrize("mistake", [{"indication": " "}, {"new_patient": {"family_name": ""}}])
def test_a_mistake_anywhere_leaves_nothing_behind(mistake):
    with pytest.raises(InvalidInput):
        walk_in(**{"new_patient": NEW} | mistake)

    assert (Patient.objects.count(), Order.objects.count(), Appointment.objects.count()) == (0, 0, 0)


def test_without_a_station_the_one_that_is_free_first_is_taken():
    busy, free = make_station(), make_station()
    make_station(modalities=["MR"])
    walk_in(new_patient=NEW, station=busy)

    appointment = walk_in(patient=make_patient(), station=None)

    assert appointment.station == free


def test_without_any_able_station_nothing_is_left_behind():
    with pytest.raises(Conflict, match="No station does MR"):
        walk_in(patient=make_patient(), procedure=make_procedure(modality="MR"), station=None)

    assert Order.objects.count() == 0


def test_a_full_station_says_so():
    station = make_station(name="CT")
    now = timezone.now()
    Closure.objects.create(
        station=station, starts_at=now - dt.timedelta(hours=1), ends_at=now + dt.timedelta(hours=30)
    )

    with pytest.raises(Conflict, match="CT: no free time is left today"):
        walk_in(patient=make_patient(created_by=make_everyone()), station=station)
