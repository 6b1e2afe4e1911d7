"""Rows of an invented clinic, many of them, for ``benchmarks/query.py``. Runs inside Cedar's own shell."""

import datetime as dt

from django.db import connection
from django.utils import timezone

from benchmarks.query_names import STATIONS, accession, birth_date, day_of, mrn, name_parts, start_of, uid
from clinic.models import ClinicProfile, User
from imaging.models import Series, Study
from patients.models import Patient
from patients.names import PersonName, name_key
from scheduling.models import Appointment, Order, Procedure, Station

BATCH = 5000
STUDIES_A_PATIENT = 2


def fill(studies: int, steps: int) -> None:
    """``studies`` with a series each, of half as many patients; ``steps`` booked every half hour."""
    ClinicProfile.get()
    by = User.objects.create(username="bench", full_name="Bench", password="!")
    patients = _patients(max(studies // STUDIES_A_PATIENT, steps), by)
    _studies(patients, studies)
    _steps(patients, steps, by)
    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE")


def _patients(count: int, by: User) -> list[Patient]:
    rows = []
    for number in range(count):
        family, given = name_parts(number)
        rows.append(
            Patient(
                mrn=mrn(number),
                family_name=family,
                given_name=given,
                name_key=name_key(PersonName(family, given)),
                birth_date=birth_date(number),
                sex="F" if number % 2 else "M",
                created_by=by,
            )
        )
    return Patient.objects.bulk_create(rows, batch_size=BATCH)


def _studies(patients: list[Patient], count: int) -> None:
    rows = [
        Study(
            study_instance_uid=uid(number, "study"),
            state="filed",
            patient=patients[number // STUDIES_A_PATIENT],
            received_patient_id=mrn(number // STUDIES_A_PATIENT),
            received_accession_number=accession(number),
            description="CT head",
            modalities=["CT"],
            performed_at=dt.datetime.combine(day_of(number), dt.time(9, number % 60), dt.UTC),
            series_count=1,
            instance_count=1,
            last_received_at=timezone.now(),
        )
        for number in range(count)
    ]
    made = Study.objects.bulk_create(rows, batch_size=BATCH)
    Series.objects.bulk_create(
        [
            Series(study=study, series_instance_uid=f"{study.study_instance_uid}.1", modality="CT", number=1)
            for study in made
        ],
        batch_size=BATCH,
    )


def _steps(patients: list[Patient], count: int, by: User) -> None:
    procedure = Procedure.objects.create(code="BENCH", name="CT head", modality="CT")
    stations = [
        Station.objects.create(name=f"Bench {number}", ae_title=f"BENCH{number}", modalities=["CT"])
        for number in range(STATIONS)
    ]
    booked = []
    for number in range(count):
        starts_at = start_of(number)
        booked.append(
            Appointment(
                patient=patients[number],
                station=stations[number % STATIONS],
                starts_at=starts_at,
                ends_at=starts_at + dt.timedelta(minutes=30),
                created_by=by,
            )
        )
    appointments = Appointment.objects.bulk_create(booked, batch_size=BATCH)
    Order.objects.bulk_create(
        [
            Order(
                accession_number=f"W{number:08d}",
                study_instance_uid=uid(number, "order"),
                patient=patients[number],
                procedure=procedure,
                appointment=appointment,
                indication="Headache",
                ordered_by=by,
                status="scheduled",
            )
            for number, appointment in enumerate(appointments)
        ],
        batch_size=BATCH,
    )
