"""The page of one patient: timeline, filter, what each role sees, records that were merged, the summary."""

import datetime as dt
import re

import pytest
from django.urls import reverse
from django.utils import timezone

from audit.models import Entry
from clinic.models import ClinicProfile
from clinic.permissions import Role
from imaging.models import Study
from patients.documents import add_documents
from patients.merging import merge_patients
from patients.models import Patient
from patients.services import update_patient
from patients.timeline import Kind, by_day, kinds_for, moments_of
from scheduling.statuses import OrderStatus
from tests.factories import make_order, make_patient, make_user
from tests.patients.test_documents import pdf
from tests.reporting.factories import make_key_image, make_reader, make_signed_report

pytestmark = pytest.mark.django_db
LIVE = {"HX-Request": "true", "X-Cedar-Background": "1"}
IMPRESSION = "Unchanged since the spring"


@pytest.fixture
def sign_in(client, db):
    ClinicProfile.get()

    def sign_in(role, **fields):
        user = make_user(role, **fields)
        client.force_login(user)
        return user

    return sign_in


def url_of(patient, name="patient_detail", query=""):
    return reverse(f"patients:{name}", args=[patient.pk]) + query


def with_everything(patient):
    """One of each kind."""
    order = make_order(patient, status=OrderStatus.READING, reader=make_reader())
    make_key_image(order)
    make_signed_report(order, content={"findings": "<p>x</p>", "impression": f"<p>{IMPRESSION}</p>"})
    add_documents(patient, by=make_user(Role.RECEPTIONIST), files=[pdf(str(order.pk))], kind="referral")
    patient.refresh_from_db()
    update_patient(patient, by=make_user(Role.RECEPTIONIST), version=patient.version, note=f"n{order.pk}")
    return order


def kinds_shown(response):
    return set(re.findall(r'class="moment" data-kind="(\w+)"', response.text))


# --- timeline -----------------------------------------------------------------------------------------


def test_everything_is_on_the_timeline_newest_first(sign_in):
    patient = make_patient()
    with_everything(patient)
    radiologist = sign_in(Role.RADIOLOGIST)

    moments, has_older = moments_of(patient, radiologist)

    assert {moment.kind for moment in moments} == set(Kind)
    assert moments == sorted(moments, key=lambda moment: moment.at, reverse=True)
    assert not has_older


@pytest.mark.parametrize(
    ("role", "unseen"),
    [
        (Role.RECEPTIONIST, {Kind.STUDIES}),
        (Role.TECHNICIAN, set()),
        (Role.RADIOLOGIST, set()),
        (Role.ADMINISTRATOR, set()),
    ],
)
def test_each_role_sees_its_kinds(client, sign_in, role, unseen):
    patient = make_patient()
    with_everything(patient)
    user = sign_in(role)

    response = client.get(url_of(patient))

    assert set(kinds_for(user)) == set(Kind) - unseen
    assert kinds_shown(response) == set(Kind) - unseen


@pytest.mark.parametrize(
    ("role", "reads"),
    [
        (Role.RECEPTIONIST, False),
        (Role.TECHNICIAN, False),
        (Role.RADIOLOGIST, True),
        (Role.ADMINISTRATOR, False),
    ],
)
@pytest.mark.parametrize("name", ["patient_detail", "patient_summary"])
def test_only_who_may_read_reports_sees_their_text(client, sign_in, role, reads, name):
    patient = make_patient()
    with_everything(patient)
    sign_in(role)

    response = client.get(url_of(patient, name))

    assert (IMPRESSION in response.text) is reads
    assert "Final" in response.text


def test_days_are_those_of_the_clinic(sign_in):
    patient = make_patient()
    user = sign_in(Role.TECHNICIAN)
    uid = "1.2.3"
    at = dt.datetime(2026, 3, 1, 22, 30, tzinfo=dt.UTC)
    Study.objects.create(
        study_instance_uid=uid, state="filed", patient=patient, performed_at=at, last_received_at=at
    )

    with timezone.override("Africa/Nairobi"):
        (day,) = by_day(moments_of(patient, user, kind=Kind.STUDIES)[0])

    assert day.date == dt.date(2026, 3, 2)


@pytest.mark.parametrize("kind", [Kind.VISITS, Kind.DOCUMENTS, Kind.CHANGES])
def test_a_kind_is_filtered_by_its_address(client, sign_in, kind):
    patient = make_patient()
    with_everything(patient)
    sign_in(Role.RECEPTIONIST)

    response = client.get(url_of(patient, query=f"?kind={kind}"))

    assert kinds_shown(response) == {kind}
    assert f'href="{url_of(patient)}?kind={kind}"' in response.text


@pytest.mark.parametrize(
    ("kind", "part"),
    [
        ("orders", "scheduling:patient_orders"),
        ("studies", "imaging:patient_studies"),
        ("reports", "reporting:patient_reports"),
    ],
)
def test_the_rooms_show_more_of_their_kinds_themselves(client, sign_in, kind, part):
    patient = make_patient()
    sign_in(Role.TECHNICIAN)

    response = client.get(url_of(patient, query=f"?kind={kind}"))

    assert response.context["part"] == reverse(part, args=[patient.pk])


@pytest.mark.parametrize("kind", ["studies", "nonsense"])
def test_a_kind_that_is_not_ones_own_shows_everything_else(client, sign_in, kind):
    patient = make_patient()
    sign_in(Role.RECEPTIONIST)

    response = client.get(url_of(patient, query=f"?kind={kind}"))

    assert (response.status_code, response.context["kind"], response.context["part"]) == (200, "", "")


def test_the_live_part_keeps_the_filter(client, sign_in):
    patient = make_patient()
    with_everything(patient)
    sign_in(Role.RECEPTIONIST)

    response = client.get(url_of(patient, query="?part=timeline&kind=visits"), headers=LIVE)

    assert response.text.strip().startswith('<section id="timeline"')
    assert kinds_shown(response) == {Kind.VISITS}
    assert not Entry.objects.filter(action="patient.viewed").exists()


def test_the_timeline_follows_the_patient_and_the_board(client, sign_in):
    patient = make_patient()
    sign_in(Role.RECEPTIONIST)

    response = client.get(url_of(patient, query="?kind=visits"))

    assert (
        f'data-live="patient.{patient.pk} board" hx-get="{url_of(patient)}?part=timeline&amp;kind=visits'
        in response.text
    )


def test_older_ones_come_when_asked_for(client, sign_in, monkeypatch):
    monkeypatch.setattr("patients.page_views.FIRST", 2)
    patient = make_patient()
    for _number in range(3):
        make_order(patient)
    sign_in(Role.RECEPTIONIST)

    first = client.get(url_of(patient))
    more = client.get(url_of(patient, query=f"?n={first.context['more']}"))

    assert [len(day.moments) for day in first.context["days"]] == [2]
    assert [len(day.moments) for day in more.context["days"]] == [3]
    assert more.context["more"] == 0


@pytest.mark.parametrize("n", ["x", "-1", "99999999"])
def test_a_senseless_number_of_lines_is_ignored(client, sign_in, n):
    sign_in(Role.RECEPTIONIST)

    assert client.get(url_of(make_patient(), query=f"?n={n}")).status_code == 200


@pytest.mark.parametrize("count", [1, 3])
def test_the_timeline_takes_the_same_queries_for_any_length(sign_in, django_assert_num_queries, count):
    patient = make_patient()
    for _number in range(count):
        with_everything(patient)
    radiologist = sign_in(Role.RADIOLOGIST)

    with django_assert_num_queries(10):
        moments, _has_older = moments_of(patient, radiologist)

    assert len(moments) >= 6 * count


def test_changes_are_told_in_words_with_before_and_after(client, sign_in):
    desk = sign_in(Role.RECEPTIONIST, full_name="Rosa Delgado")
    patient = make_patient(family_name="Silva", mrn="CVC-1")
    update_patient(patient, by=desk, version=1, family_name="Moreno")

    response = client.get(url_of(patient, query="?kind=changes"))

    assert "Rosa Delgado changed the record of Ada Moreno (CVC-1)" in response.text
    assert "Silva" in response.text


def test_what_was_looked_at_is_no_change(client, sign_in):
    sign_in(Role.RECEPTIONIST)
    patient = make_patient()

    client.get(url_of(patient))
    client.get(url_of(patient, "patient_summary"))
    response = client.get(url_of(patient, query="?kind=changes"))

    assert response.context["days"] == []


def test_the_history_of_a_merged_record_goes_with_it(sign_in):
    desk = sign_in(Role.RECEPTIONIST)
    survivor, alias = make_patient(), make_patient()
    update_patient(alias, by=desk, version=1, note="She called")
    alias.refresh_from_db()
    merge_patients(survivor, alias, by=desk, choices={}, versions=(1, 2), reason="Twice")

    moments, _has_older = moments_of(survivor, desk, kind=Kind.CHANGES)

    assert [moment.thing.entry.action for moment in moments] == [
        "patient.merged",
        "patient.changed",
    ]


# --- merged records -----------------------------------------------------------------------------------


@pytest.fixture
def merged():
    return make_patient(mrn="CVC-7", family_name="Moreno", merged_into=make_patient(mrn="CVC-3"))


def test_an_old_link_leads_to_the_survivor_and_says_so(client, sign_in, merged):
    sign_in(Role.RECEPTIONIST)

    response = client.get(url_of(merged), follow=True)

    assert response.redirect_chain == [(url_of(merged.merged_into), 302)]
    assert "Ada Moreno (CVC-7) was merged into" in response.text


def test_a_page_that_was_open_goes_to_the_survivor(client, sign_in, merged):
    sign_in(Role.RECEPTIONIST)

    response = client.get(url_of(merged), headers=LIVE)

    assert (response.status_code, response["HX-Redirect"]) == (204, url_of(merged.merged_into))


def test_a_form_that_was_open_is_offered_again_for_the_survivor(client, sign_in, merged):
    """What was typed is not lost; the survivor's other fields are not overwritten with the old record's."""
    sign_in(Role.RECEPTIONIST)
    survivor = merged.merged_into
    Patient.objects.filter(pk=survivor.pk).update(note="Deaf")
    Patient.objects.filter(pk=merged.pk).update(merged_into=None)
    form = client.get(url_of(merged, "patient_edit")).context["form"]
    sent = {"version": "1"}
    for name in form.fields:
        value = form[name].value()
        sent[name] = sent[form.add_initial_prefix(name)] = "" if value is None else str(value)
    Patient.objects.filter(pk=merged.pk).update(merged_into=survivor)

    response = client.post(url_of(merged, "patient_edit"), sent | {"phone": "+254712345678"})

    offered = response.context["form"]
    assert (response.status_code, response.context["patient"]) == (422, survivor)
    assert (offered["phone"].value(), offered["note"].value()) == ("+254712345678", "Deaf")
    assert offered["family_name"].value() == survivor.family_name
    assert f'action="{url_of(survivor, "patient_edit")}"' in response.text


@pytest.mark.parametrize("name", ["patient_detail", "patient_edit", "patient_summary", "document_add"])
def test_a_missing_record_is_not_found(client, sign_in, name):
    sign_in(Role.RECEPTIONIST)

    assert client.get(reverse(f"patients:{name}", args=[999999])).status_code == 404


# --- summary ------------------------------------------------------------------------------------------


def test_the_summary_says_who_it_is_and_what_was_last(client, sign_in):
    patient = make_patient(alerts="Penicillin", note="Deaf")
    order = with_everything(patient)
    user = sign_in(Role.RECEPTIONIST)

    response = client.get(url_of(patient, "patient_summary"))

    assert all(word in response.text for word in ["Penicillin", patient.mrn, str(order.procedure)])
    assert Entry.objects.get(action="patient.printed").actor_id == user.pk


def test_a_long_history_stays_on_one_page(client, sign_in, monkeypatch):
    monkeypatch.setattr("patients.page_views.SUMMARY_LINES", 2)
    patient = make_patient()
    for _number in range(3):
        make_order(patient, status=OrderStatus.SCHEDULED)
    sign_in(Role.RECEPTIONIST)

    response = client.get(url_of(patient, "patient_summary"))

    assert (len(response.context["moments"]), response.context["has_older"]) == (2, True)
