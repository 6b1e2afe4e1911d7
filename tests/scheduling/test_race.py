"""Many who book at once, in real transactions."""

import datetime as dt
from concurrent.futures import ThreadPoolExecutor
from itertools import cycle

import pytest
from django.db import connection

from clinic.errors import Conflict
from scheduling import services
from scheduling.models import Appointment
from tests.factories import make_everyone, make_patient, make_station

EIGHT = dt.datetime(2027, 3, 1, 8, tzinfo=dt.UTC)
FREE, BOOKINGS, THREADS = 10, 200, 8


@pytest.mark.django_db(transaction=True)
def test_the_last_ten_times_are_booked_once_each_and_the_others_hear_who_has_them():
    by, station = make_everyone(), make_station()
    patients = [make_patient() for _ in range(BOOKINGS)]
    times = [EIGHT + dt.timedelta(minutes=15 * number) for number in range(FREE)]

    def attempt(patient, starts_at):
        try:
            services.book_appointment(patient, by=by, station=station, starts_at=starts_at, minutes=15)
            return "booked"
        except Conflict as refusal:
            return refusal.message
        finally:
            connection.close()

    with ThreadPoolExecutor(THREADS) as pool:
        outcomes = list(pool.map(attempt, patients, cycle(times)))

    booked = {visit.starts_at: visit for visit in Appointment.objects.select_related("patient")}
    refused = [words for words in outcomes if words != "booked"]
    in_the_way = {
        f"That time is taken: {visit.patient} is booked at {station} on Mon 1 Mar, {visit.starts_at:%H:%M} "
        f"to {visit.ends_at:%H:%M}. Choose another time."
        for visit in booked.values()
    }
    assert sorted(booked) == times
    assert (len(outcomes) - len(refused), len(refused)) == (FREE, BOOKINGS - FREE)
    assert set(refused) == in_the_way
