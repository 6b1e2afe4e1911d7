"""Which scheduled steps match which keys of a worklist query (PS3.4 C.2.2.2)."""

import datetime as dt
from io import BytesIO

import pytest
from django.utils import timezone
from pynetdicom.dsutils import decode, encode

from clinic.models import ClinicProfile
from dicomserver import worklist
from dicomserver.encoding import Encoder
from scheduling.statuses import OrderStatus
from tests.dicomserver.worklists import make_named, numbers, query
from tests.factories import make_order, make_procedure, make_station


@pytest.fixture
def booked(db):
    """Four examinations: accession number by a short name."""
    day = timezone.now().astimezone(dt.UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    day += dt.timedelta(days=30)
    xr, us = make_station(ae_title="CEDAR_XR"), make_station(ae_title="CEDAR_US")
    dx, sono = make_procedure(modality="DX"), make_procedure(modality="US")
    people = {
        "muller": make_named(family_name="Müller", given_name="Anna", mrn="CVC-0001"),
        "miller": make_named(family_name="Miller", given_name="Ann", mrn="CVC-0002"),
        "wang": make_named(
            family_name="Wang", given_name="Xiaoming", ideographic_name="王^小明", mrn="CVC-0003"
        ),
        "ivanov": make_named(family_name="Иванов", given_name="Иван", mrn="CVC-0014"),
    }
    visits = {
        "muller": (dx, xr, day.replace(hour=8)),
        "miller": (dx, xr, day.replace(hour=23, minute=30)),
        "wang": (sono, us, day + dt.timedelta(days=1, hours=9)),
        "ivanov": (sono, us, day + dt.timedelta(days=2, hours=9, minutes=15)),
    }
    orders = {
        name: make_order(
            people[name],
            status=OrderStatus.SCHEDULED,
            procedure=procedure,
            station=station,
            starts_at=starts_at,
        )
        for name, (procedure, station, starts_at) in visits.items()
    }
    return day, orders


def found(orders, **keys) -> list[str]:
    """Who matches, after the query went through its encoding as on the network."""
    asked = decode(BytesIO(encode(query(**keys), False, True)), False, True)
    names = {order.accession_number: name for name, order in orders.items()}
    encoder = Encoder()
    answers = [encoder.decoded(match) for match in worklist.find(worklist.Query(asked), encoder)]
    return [names[number] for number in numbers(answers)]


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("", ["muller", "miller", "wang", "ivanov"]),
        ("*", ["muller", "miller", "wang", "ivanov"]),
        ("Müller^Anna", ["muller"]),
        ("MULLER^ANNA", ["muller"]),
        ("mül*", ["muller"]),
        ("M?ller^*", ["muller", "miller"]),
        ("*^Ann*", ["muller", "miller"]),
        ("Muller", []),
        ("Muller*", ["muller"]),
        ("Wang^*", ["wang"]),
        ("王*", ["wang"]),
        ("ИВАНОВ*", ["ivanov"]),
        ("Ivanov^*", ["ivanov"]),
        ("Nobody*", []),
        ("Mul[l]er*", []),
        ("*" * 900 + "x", []),
    ],
)
def test_names_match_whatever_their_case_accents_and_script(booked, name, expected):
    _day, orders = booked

    assert found(orders, PatientName=name) == expected


@pytest.mark.parametrize(
    ("keys", "expected"),
    [
        ({"step": {"ScheduledStationAETitle": "CEDAR_XR"}}, ["muller", "miller"]),
        ({"step": {"ScheduledStationAETitle": "CEDAR_*"}}, ["muller", "miller", "wang", "ivanov"]),
        ({"step": {"ScheduledStationAETitle": "OTHER"}}, []),
        ({"step": {"Modality": "US"}}, ["wang", "ivanov"]),
        ({"step": {"Modality": "US", "ScheduledStationAETitle": "CEDAR_XR"}}, []),
        ({"PatientID": "CVC-0003"}, ["wang"]),
        ({"PatientID": "cvc-0003"}, ["wang"]),
        ({"PatientID": "CVC-00?4"}, ["ivanov"]),
        ({"PatientID": "CVC-000"}, []),
        ({"step": {"ScheduledPerformingPhysicianName": "*"}}, ["muller", "miller", "wang", "ivanov"]),
        ({"step": {"ScheduledPerformingPhysicianName": "House^Gregory"}}, []),
    ],
)
def test_other_keys(booked, keys, expected):
    _day, orders = booked

    assert found(orders, **keys) == expected


def test_accession_number_and_study_uid(booked):
    _day, orders = booked
    uids = [orders["muller"].study_instance_uid, orders["wang"].study_instance_uid]

    assert found(orders, AccessionNumber=orders["miller"].accession_number) == ["miller"]
    assert found(orders, StudyInstanceUID=uids) == ["muller", "wang"]


@pytest.mark.parametrize(
    ("date", "expected"),
    [
        ("{0}", ["muller", "miller"]),
        ("{0}-{1}", ["muller", "miller", "wang"]),
        ("{1}-", ["wang", "ivanov"]),
        ("-{0}", ["muller", "miller"]),
        ("{3}", []),
    ],
)
def test_dates_and_ranges(booked, date, expected):
    day, orders = booked
    days = [(day + dt.timedelta(days=n)).strftime("%Y%m%d") for n in range(4)]

    assert found(orders, step={"ScheduledProcedureStepStartDate": date.format(*days)}) == expected


@pytest.mark.parametrize(
    ("time_key", "expected"),
    [
        ("0800-0900", ["muller", "wang"]),
        ("0901-", ["miller", "ivanov"]),
        ("08", ["muller"]),
        ("091500", ["ivanov"]),
        ("-0759", []),
    ],
)
def test_times_of_the_day(booked, time_key, expected):
    _day, orders = booked

    assert found(orders, step={"ScheduledProcedureStepStartTime": time_key}) == expected


def test_a_day_is_a_day_of_the_clinic(booked):
    day, orders = booked
    ClinicProfile.objects.update_or_create(pk=1, defaults={"time_zone": "Asia/Kathmandu"})
    next_day = (day + dt.timedelta(days=1)).strftime("%Y%m%d")

    same_night = found(orders, step={"ScheduledProcedureStepStartDate": next_day})

    assert same_night == ["miller", "wang"]
