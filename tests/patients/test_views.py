import datetime as dt

import pytest
from django.urls import reverse

from audit.models import Entry
from clinic.models import ClinicProfile
from clinic.permissions import Role
from patients.models import Patient
from patients.services import update_patient
from tests.factories import make_order, make_patient, make_user

HTMX = {"HX-Request": "true"}
LIVE = HTMX | {"X-Cedar-Background": "1"}
ANA = {"family_name": "Silva", "given_name": "Ana", "birth_date": "25 Feb 1985", "sex": "F"}


@pytest.fixture
def desk(client, db):
    """A receptionist who is signed in."""
    ClinicProfile.get()
    ClinicProfile.objects.update(country="KE", mrn_pattern="CVC-0001")
    user = make_user(Role.RECEPTIONIST, full_name="Rosa Delgado")
    client.force_login(user)
    return user


# --- list --------------------------------------------------------------------------------------------


def test_the_list_shows_recent_patients_when_nothing_is_asked(client, desk):
    make_patient(family_name="Moreno")

    response = client.get(reverse("patients:patient_list"))

    assert [patient.family_name for patient in response.context["recent"]] == ["Moreno"]


def test_an_empty_clinic_is_told_what_to_do(client, desk):
    response = client.get(reverse("patients:patient_list"))

    assert "Register the first patient" in response.text


def test_typing_fetches_only_the_results(client, desk):
    make_patient(family_name="Moreno")

    response = client.get(reverse("patients:patient_list"), {"q": "more"}, headers=HTMX)

    assert response.text.strip().startswith('<div id="results"')
    assert [hit.patient.family_name for hit in response.context["hits"]] == ["Moreno"]
    assert not Entry.objects.filter(action="patient.searched").exists()


def test_enter_with_one_hit_opens_the_patient_and_the_search_is_audited(client, desk):
    patient = make_patient(family_name="Moreno")

    response = client.get(reverse("patients:patient_list"), {"q": "moreno"})

    assert response.url == reverse("patients:patient_detail", args=[patient.pk])
    assert Entry.objects.get(action="patient.searched").changes == {"text": "moreno"}


def test_enter_with_an_accession_number_opens_its_order(client, desk):
    order = make_order()

    response = client.get(reverse("patients:patient_list"), {"q": order.accession_number.lower()})

    assert response.url == reverse("scheduling:order_detail", args=[order.pk])


def test_the_box_in_the_head_shows_the_first_hits_with_why(client, desk):
    patient = make_patient(family_name="Moreno", phone="+254712345678")

    response = client.get(reverse("patients:patient_quick"), {"q": "345678"}, headers=HTMX)

    assert [(hit.patient, str(hit.why)) for hit in response.context["hits"]] == [
        (patient, "part of the phone")
    ]
    assert f'href="{reverse("patients:patient_detail", args=[patient.pk])}"' in response.text


def test_the_box_in_the_head_shows_recent_patients_before_anything_is_typed(client, desk):
    patient = make_patient()

    response = client.get(reverse("patients:patient_quick"), headers=HTMX)

    assert [hit.patient for hit in response.context["hits"]] == [patient]


def test_every_page_has_the_box_but_the_one_that_is_a_search(client, desk):
    pages = [
        client.get(reverse(name)).text for name in ("patients:patient_register", "patients:patient_list")
    ]

    assert [page.count("data-finds=") for page in pages] == [1, 1]
    assert ['id="find-patient"' in page for page in pages] == [True, False]


def test_nobody_found_offers_to_register_with_what_was_typed(client, desk):
    response = client.get(reverse("patients:patient_list"), {"q": "Ana Moreno"})

    assert f"{reverse('patients:patient_register')}?q=Ana%20Moreno" in response.text


def test_going_back_in_the_browser_gets_the_whole_page(client, desk):
    response = client.get(
        reverse("patients:patient_list"), {"q": "x"}, headers=HTMX | {"HX-History-Restore-Request": "true"}
    )

    assert response.text.startswith("<!doctype html>")


def test_the_list_takes_the_same_queries_for_one_and_three(client, desk, django_assert_max_num_queries):
    make_patient(family_name="Moreno")
    url = reverse("patients:patient_list")
    client.get(url)
    with django_assert_max_num_queries(50) as one:
        client.get(url, {"q": "more"}, headers=HTMX)
    make_patient(family_name="Moreno")
    make_patient(family_name="Moreno")

    with django_assert_max_num_queries(50) as three:
        response = client.get(url, {"q": "more"}, headers=HTMX)

    assert len(response.context["hits"]) == 3
    assert len(three) == len(one)


# --- registration ------------------------------------------------------------------------------------


def test_the_search_text_is_put_into_the_form(client, desk):
    response = client.get(reverse("patients:patient_register"), {"q": "Ana Maria Silva"})

    form = response.context["form"]
    assert (form["family_name"].value(), form["given_name"].value()) == ("Silva", "Ana Maria")


def test_registering_leads_to_the_patient_whose_next_step_is_an_order(client, desk):
    response = client.post(reverse("patients:patient_register"), ANA, follow=True)

    patient = Patient.objects.get()
    assert response.redirect_chain == [(reverse("patients:patient_detail", args=[patient.pk]), 302)]
    assert (patient.birth_date, patient.birth_precision) == (dt.date(1985, 2, 25), "day")
    assert reverse("scheduling:order_new", args=[patient.pk]) in response.text


def test_an_estimated_age_is_taken(client, desk):
    client.post(reverse("patients:patient_register"), ANA | {"birth_date": "about 45"})

    assert Patient.objects.get().birth_precision == "about"


@pytest.mark.parametrize(
    ("field", "typed"),
    [
        ("family_name", ""),
        ("family_name", "Sil^va"),
        ("sex", ""),
        ("birth_date", "someday"),
        ("birth_date", "1/1/2999"),
        ("birth_date", "03/04/1985"),
        ("phone", "12"),
        ("email", "ana@"),
        ("mrn", "№5"),
    ],
)
def test_a_wrong_value_is_told_beside_its_field_and_nothing_is_lost(client, desk, field, typed):
    response = client.post(reverse("patients:patient_register"), ANA | {"note": "Walks slowly", field: typed})

    form = response.context["form"]
    assert (response.status_code, list(form.errors)) == (422, [field])
    assert form["note"].value() == "Walks slowly"
    assert form.fields[field].widget.attrs["autofocus"] is True
    assert not Patient.objects.exists()


def test_an_ambiguous_date_offers_both_readings(client, desk):
    response = client.post(reverse("patients:patient_register"), ANA | {"birth_date": "03/04/1985"})

    assert [reading.text for reading in response.context["form"].readings] == ["3 Apr 1985", "4 Mar 1985"]
    assert 'data-value="1985-04-03"' in response.text


def test_who_is_surely_here_needs_a_reason(client, desk):
    client.post(reverse("patients:patient_register"), ANA)
    known = Patient.objects.get()

    refused = client.post(reverse("patients:patient_register"), ANA)
    saved = client.post(
        reverse("patients:patient_register"), ANA | {"duplicate_reason": "Cousin", "candidate": [known.pk]}
    )

    assert [candidate.patient for candidate in refused.context["candidates"]] == [known]
    assert (refused.status_code, saved.status_code) == (422, 302)
    assert Entry.objects.newest_first().first().reason == "Cousin"


def test_a_reason_typed_before_anybody_was_shown_is_not_enough(client, desk):
    client.post(reverse("patients:patient_register"), ANA)

    response = client.post(reverse("patients:patient_register"), ANA | {"duplicate_reason": "Cousin"})

    assert response.status_code == 422


def test_candidates_while_typing(client, desk):
    make_patient(family_name="Silva", given_name="Ana", birth_date=dt.date(1985, 2, 25), mrn="CVC-0042")

    response = client.post(
        reverse("patients:patient_candidates"),
        {"family_name": "silva", "given_name": "ana", "birth_date": "25/02/1985"},
        headers=HTMX,
    )

    (candidate,) = response.context["candidates"]
    assert (candidate.patient.mrn, candidate.level) == ("CVC-0042", "certain")
    assert "same name, same birth date" in response.text
    assert '<input type="hidden" name="candidate"' in response.text
    assert "25 Feb 1985 · " in response.text


def test_candidates_of_a_half_typed_form(client, desk):
    response = client.post(
        reverse("patients:patient_candidates"), {"family_name": "S", "phone": "07", "birth_date": "3/4/"}
    )

    assert (response.status_code, response.context["candidates"]) == (200, [])


def test_a_candidate_takes_along_what_was_typed(client, desk):
    patient = make_patient(family_name="Silva", given_name="Ana")

    response = client.post(
        reverse("patients:patient_candidates"), {"family_name": "Silva", "given_name": "Ana"}
    )

    assert f'formaction="{reverse("patients:patient_take", args=[patient.pk])}"' in response.text


def test_the_walk_in_page_says_what_it_is_for(client, desk):
    response = client.get(reverse("scheduling:walk_in"))

    assert '<input type="hidden" name="purpose" value="walk_in">' in response.text


# --- the record --------------------------------------------------------------------------------------


def test_opening_a_record_is_audited(client, desk):
    patient = make_patient()

    client.get(reverse("patients:patient_detail", args=[patient.pk]))

    entry = Entry.objects.get(action="patient.viewed")
    assert (entry.actor_id, entry.patient_id, entry.address) == (desk.pk, patient.pk, "127.0.0.1")


def test_a_page_that_refreshes_itself_is_no_new_view(client, desk):
    patient = make_patient()

    response = client.get(reverse("patients:patient_detail", args=[patient.pk]), headers=LIVE)

    assert response.text.strip().startswith('<section id="identity"')
    assert not Entry.objects.filter(action="patient.viewed").exists()


def test_the_record_follows_its_live_topic(client, desk):
    patient = make_patient()

    response = client.get(reverse("patients:patient_detail", args=[patient.pk]))

    assert f'data-live="patient.{patient.pk}"' in response.text


def test_alerts_are_shown(client, desk):
    patient = make_patient(alerts="Penicillin: rash")

    response = client.get(reverse("patients:patient_detail", args=[patient.pk]))

    assert "Penicillin: rash" in response.text


def test_nothing_typed_into_a_record_becomes_html(client, desk):
    patient = make_patient(family_name="<b>x</b>", alerts="<script>alert(1)</script>")

    response = client.get(reverse("patients:patient_detail", args=[patient.pk]))

    assert "<script>alert" not in response.text
    assert "<b>x</b>" not in response.text


# --- change ------------------------------------------------------------------------------------------


def fields_of(response) -> dict[str, str]:
    """What a browser would send of the form as it was shown."""
    form = response.context["form"]
    sent = {"version": str(response.context["version"])}
    for name in form.fields:
        value = form[name].value()
        sent[name] = sent[form.add_initial_prefix(name)] = "" if value is None else str(value)
    return sent


def test_changing_one_field_changes_only_that(client, desk):
    born = dt.date(1980, 1, 1)
    patient = make_patient(phone="+254712345678", birth_date=born, birth_precision="about")
    url = reverse("patients:patient_edit", args=[patient.pk])
    typed = fields_of(client.get(url)) | {"given_name": "Anna"}

    response = client.post(url, typed)

    assert response.status_code == 302
    assert Entry.objects.get(action="patient.changed").changes == {"given_name": ["Ada", "Anna"]}


def test_a_birth_date_can_be_taken_away(client, desk):
    patient = make_patient(birth_precision="year")
    url = reverse("patients:patient_edit", args=[patient.pk])
    typed = fields_of(client.get(url)) | {"birth_date": ""}

    client.post(url, typed)

    patient.refresh_from_db()
    assert (patient.birth_date, patient.birth_precision) == (None, "day")


def test_two_people_at_one_record_lose_nothing(client, desk):
    patient = make_patient(family_name="Silva", given_name="Ana")
    url = reverse("patients:patient_edit", args=[patient.pk])
    typed = fields_of(client.get(url)) | {"note": "Hard of hearing"}
    update_patient(patient, by=make_user(full_name="Tomasz"), version=1, given_name="Anna")

    refused = client.post(url, typed)
    again = fields_of(refused) | {"note": refused.context["form"]["note"].value(), "initial-note": ""}
    saved = client.post(url, again)

    assert refused.status_code == 422
    assert [line.entry.actor_label for line in refused.context["meanwhile"]] == ["Tomasz"]
    patient.refresh_from_db()
    assert saved.status_code == 302
    assert (patient.given_name, patient.note, patient.version) == ("Anna", "Hard of hearing", 3)


def test_a_change_seen_by_nobody_cannot_be_overwritten_after_a_typing_error(client, desk):
    """A refused value must not make the form forget which version it was opened with."""
    patient = make_patient(given_name="Ana")
    url = reverse("patients:patient_edit", args=[patient.pk])
    typed = fields_of(client.get(url)) | {"phone": "12"}
    update_patient(patient, by=make_user(), version=1, given_name="Anna")

    response = client.post(url, typed)

    assert (response.status_code, response.context["version"]) == (422, 1)
