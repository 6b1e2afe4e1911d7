import datetime as dt

import pytest
from django.utils import timezone

from audit.models import Entry
from audit.services import record
from clinic.models import ClinicProfile
from clinic.permissions import Role
from tests.factories import make_patient, make_user

URL = "/audit/"
ORDER = "B placed the order X for Ana Silva (CVC-1)"


@pytest.fixture
def administrator(client, db):
    ClinicProfile.get()
    ClinicProfile.objects.update(time_zone="Africa/Nairobi")
    user = make_user(Role.ADMINISTRATOR, full_name="Ingrid Haugen")
    client.force_login(user)
    return user


def make_entry(**fields) -> Entry:
    fields = {"actor_id": 1, "actor_label": "Rosa", "action": "order.placed"} | fields
    (entry,) = Entry.objects.bulk_create([Entry(**fields)])
    return entry


def texts(response) -> list[str]:
    return [line.text for line in response.context["lines"] if line.entry.action != "login"]


def test_newest_first_in_plain_words(client, administrator):
    rosa = make_user(full_name="Rosa Delgado")
    patient = make_patient(family_name="Silva", given_name="Ana", mrn="CVC-0001")
    record(by=rosa, action="patient.registered", subject=patient, patient=patient)
    record(by=rosa, action="patient.viewed", subject=patient, patient=patient)

    response = client.get(URL)

    assert texts(response)[:2] == [
        "Rosa Delgado opened the record of Ana Silva (CVC-0001)",
        "Rosa Delgado registered the patient Ana Silva (CVC-0001)",
    ]


def test_before_and_after_are_shown_with_the_names_of_the_page(client, administrator):
    patient = make_patient()
    record(
        by=administrator, action="patient.changed", subject=patient, changes={"given_name": ["Ana", "Anna"]}
    )

    line = client.get(URL).context["lines"][0]

    assert [(str(change.label), change.before, change.after) for change in line.changes] == [
        ("given name", "Ana", "Anna")
    ]


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ({"who": "7000001"}, ["A signed in"]),
        ({"kind": "log"}, ["A signed in"]),
        ({"kind": "order."}, [ORDER]),
        ({"patient": "silv cvc-1"}, [ORDER]),
        ({"id": "5"}, [ORDER]),
        ({"who": "x'--", "kind": "nonsense", "from": "yesterday", "id": "9" * 40}, None),
        ({"patient": "%"}, []),
    ],
)
def test_filters(client, administrator, asked, found):
    make_entry(actor_id=7_000_001, actor_label="A", action="login")
    make_entry(
        actor_id=7_000_002,
        actor_label="B",
        subject_label="X",
        patient_id=5,
        patient_label="Ana Silva (CVC-1)",
    )

    lines = client.get(URL, asked).context["lines"]

    shown = [line.text for line in lines if line.entry.actor_id > 7_000_000]
    assert shown == (
        found if found is not None else ["B placed the order X for Ana Silva (CVC-1)", "A signed in"]
    )


def test_days_are_days_of_the_clinic(client, administrator):
    """21:30 UTC is the next day in Nairobi."""
    entry = make_entry()
    today_in_nairobi = timezone.localtime(entry.at, dt.timezone(dt.timedelta(hours=3))).date()

    there = client.get(URL, {"from": today_in_nairobi, "to": today_in_nairobi, "kind": "order."})
    later = client.get(URL, {"from": today_in_nairobi + dt.timedelta(days=1), "kind": "order."})
    earlier = client.get(URL, {"to": today_in_nairobi - dt.timedelta(days=1), "kind": "order."})

    assert [len(response.context["lines"]) for response in (there, later, earlier)] == [1, 0, 0]


def test_older_pages_go_on_where_the_last_ended(client, administrator):
    Entry.objects.bulk_create(
        Entry(actor_id=1, actor_label=str(number), action="order.placed") for number in range(120)
    )

    labels, url = [], f"{URL}?kind=order."
    while url:
        response = client.get(url)
        labels += [line.entry.actor_label for line in response.context["lines"]]
        url = f"{URL}?{response.context['older']}" if response.context["older"] else ""

    assert labels == [str(number) for number in reversed(range(120))]


def test_the_page_takes_the_same_queries_for_one_and_three(
    client, administrator, django_assert_max_num_queries
):
    make_entry()
    client.get(URL)
    with django_assert_max_num_queries(30) as one:
        client.get(URL)
    make_entry(changes={"a": [1, 2]})
    make_entry()

    with django_assert_max_num_queries(30) as three:
        client.get(URL)

    assert len(three) == len(one)


def test_filtering_fetches_only_the_entries(client, administrator):
    response = client.get(URL, {"kind": "order."}, headers={"HX-Request": "true"})

    assert response.text.strip().startswith('<div id="entries"')


def test_nothing_in_an_entry_becomes_html(client, administrator):
    make_entry(subject_label="<script>alert(1)</script>", changes={"x": ["<b>", "<i>"]}, reason="<u>why</u>")

    text = client.get(URL).text

    assert [tag for tag in ("<script>alert", "<b>", "<i>", "<u>") if tag in text] == []
