"""The list of held images and the page on which one study is decided upon."""

import pytest
from django.urls import reverse

from clinic.permissions import ROLE_PERMISSIONS, Permission, Role
from imaging.decisions import discard_study, file_as_unknown, resolve_held_study
from imaging.models import Study, StudyDecision
from patients.models import Patient
from tests.factories import make_everyone, make_order, make_patient, make_procedure, make_user

from .sender import identity_of, receive, slices

pytestmark = pytest.mark.django_db


@pytest.fixture
def technician(client):
    user = make_user(Role.TECHNICIAN)
    client.force_login(user)
    return user


@pytest.fixture
def order():
    patient = make_patient(mrn="A-1", family_name="Ahmed", given_name="Sara")
    return make_order(patient, status="scheduled")


@pytest.fixture
def other():
    return make_patient(mrn="B-2", family_name="Berg", given_name="Tor", sex="M")


@pytest.fixture
def procedure():
    return make_procedure(name="CT head", code="CTH", modality="CT", body_part="HEAD")


@pytest.fixture
def held(order, other, procedure):
    return receive(*slices(identity_of(other, study_instance_uid=order.study_instance_uid), 1))


def text_of(response) -> str:
    return " ".join(response.content.decode().split())


def page(client, study, **query) -> str:
    return text_of(client.get(reverse("imaging:held_study", args=[study.pk]), query))


def post(client, name, study, **values):
    return client.post(reverse(f"imaging:{name}", args=[study.pk]), values)


# --- the list -----------------------------------------------------------------------------------------


def test_the_list_says_why_and_what_differs(client, technician, order, held):
    shown = text_of(client.get(reverse("imaging:held_list")))

    assert f"The images name another patient than order {order.accession_number}." in shown
    assert shown.count('class="differs"') == 3
    assert "Berg, Tor" in shown
    assert "Ahmed, Sara" in shown
    assert reverse("imaging:held_study", args=[held.pk]) in shown


def test_nothing_held_says_so(client, technician):
    assert "Nothing is held" in text_of(client.get(reverse("imaging:held_list")))


def test_an_unknown_patient_stays_on_the_list(client, technician, held, procedure):
    study = file_as_unknown(held, by=technician, procedure=procedure)

    shown = text_of(client.get(reverse("imaging:held_list")))

    assert "Patient not known yet" in shown
    assert f"Read as {study.patient}, order {study.order.accession_number}" in shown


@pytest.mark.parametrize("count", [1, 3])
def test_the_list_costs_the_same_queries(client, technician, count, django_assert_num_queries):
    for number in range(count):
        patient = make_patient()
        made = slices(identity_of(patient, birth_date="19010101", study_instance_uid=f"1.2.{number}"), 1)
        receive(*made)
        gone = slices(identity_of(patient, birth_date="19010101", study_instance_uid=f"1.3.{number}"), 1)
        discard_study(receive(*gone), by=technician, reason="Test")
    url = reverse("imaging:held_list")
    client.get(url)

    with django_assert_num_queries(9):
        client.get(url)


def test_many_are_shown_page_by_page(client, technician):
    for number in range(21):
        receive(*slices(identity_of(make_patient(), patient_id=f"X-{number}"), 1))

    first = text_of(client.get(reverse("imaging:held_list")))
    second = text_of(client.get(reverse("imaging:held_list"), {"page": 2}))

    assert (first.count('class="card card--alert held"'), second.count('class="card card--alert held"')) == (
        20,
        1,
    )


@pytest.mark.parametrize("role", Role.values)
def test_only_who_may_decide_sees_held_images(client, held, role):
    client.force_login(make_user(role))

    listed = client.get(reverse("imaging:held_list")).status_code
    decided = post(client, "study_resolve", held).status_code

    allowed = Permission.STUDY_RECONCILE in ROLE_PERMISSIONS[role]
    assert (listed, decided) == ((200, 400) if allowed else (403, 403))


# --- one study ----------------------------------------------------------------------------------------


def test_the_page_shows_both_sides_and_what_will_happen(client, technician, order, held):
    shown = page(client, held)

    assert f"Order {order.accession_number}" in shown
    assert shown.count('class="differs"') == 3
    assert shown.count('aria-label="Differs:"') == 3
    assert f"File with order {order.accession_number} of Sara Ahmed" in shown
    assert "All of these images become those of Sara Ahmed (A-1)" in shown
    assert "Why they belong together all the same" in shown


def test_another_record_is_compared_before_anything_is_decided(client, technician, held, other):
    right = make_order(other, status="scheduled")

    by_order = page(client, held, **{"as": "this", "order": right.pk})
    by_patient = page(client, held, **{"as": "this", "patient": other.pk})

    assert f"File with order {right.accession_number} of Tor Berg" in by_order
    assert "Why they belong together" not in by_order
    assert "File with Tor Berg (B-2), without an order" in by_patient
    held.refresh_from_db()
    assert held.state == "held"


def test_likely_orders_are_offered_before_anything_is_typed(client, technician, held, order, other):
    right = make_order(order.patient, status="scheduled", procedure=make_procedure(modality="CT"))

    shown = page(client, held, **{"as": "other"})

    assert right.accession_number in shown
    assert "Differs: Patient number, Name, Sex" in shown.replace("</span>", "")


def test_a_name_finds_the_patient(client, technician, held, other):
    shown = page(client, held, **{"as": "other", "text": "berg"})

    assert "Agrees with the images" in shown
    assert f"?as=this&amp;patient={other.pk}" in shown


def test_a_search_with_a_nul_character_is_an_ordinary_one(client, technician, held):
    assert "Agrees with the images" in page(client, held, **{"as": "other", "text": "be\0rg"})


def test_nobody_is_found(client, technician, held):
    assert "Nobody and no order was found for “zzz9”." in page(
        client, held, **{"as": "other", "text": "zzz9"}
    )


def test_the_new_patient_is_filled_in_from_the_images(client, technician, held, other):
    shown = page(client, held, **{"as": "new_patient"})

    assert 'name="family_name" value="Berg"' in shown
    assert 'name="given_name" value="Tor"' in shown
    assert 'name="birth_date" value="1980-05-17"' in shown
    assert "Is it one of these?" in shown
    assert 'data-level="certain"' in shown


def test_who_may_not_register_is_told_whom_to_ask(client, held):
    client.force_login(make_user(Role.RADIOLOGIST))

    assert "Ask the front desk" in page(client, held, **{"as": "new_patient"})


@pytest.mark.parametrize("choice", ["this", "other", "new_order", "new_patient", "unknown", "discard"])
@pytest.mark.parametrize("name", ["", "A" * 5000, "=" * 5000, "<script>alert(1)</script>^^^^", "\\\\^=^"])
def test_damaged_names_break_no_page(client, technician, choice, name):
    study = receive(*slices(identity_of(make_patient(), patient_id="?"), 1))
    Study.objects.filter(pk=study.pk).update(
        received_patient_name=name[:324], received_birth_date="99999999", received_sex="?", modalities=[]
    )

    response = client.get(reverse("imaging:held_study", args=[study.pk]), {"as": choice})

    assert response.status_code == 200
    assert "<script>alert" not in response.content.decode()


def test_what_others_decided_meanwhile_is_said(client, technician, held, other):
    resolve_held_study(held, by=make_everyone(), patient=other)

    state = text_of(client.get(reverse("imaging:held_state", args=[held.pk])))
    response = client.get(reverse("imaging:held_study", args=[held.pk]))

    assert "Somebody was quicker: User" in state
    assert response.headers["Location"] == reverse("imaging:held_list")


# --- decisions ----------------------------------------------------------------------------------------


def test_a_decision_files_the_study(client, technician, order, held):
    response = post(client, "study_resolve", held, order=order.pk, reason="Typed wrong")

    held.refresh_from_db()
    assert response.headers["Location"] == reverse("imaging:held_list")
    assert (held.state, held.order, held.resolved_by) == ("linked", order, technician)


def test_a_decision_without_the_needed_reason_changes_nothing(client, technician, order, held):
    response = client.post(
        reverse("imaging:study_resolve", args=[held.pk]), {"order": order.pk}, headers={"hx-request": "true"}
    )

    held.refresh_from_db()
    assert (response.status_code, held.state) == (400, "held")
    assert "Say in a few words why they belong here." in text_of(response)


@pytest.mark.parametrize("posted", [{}, {"order": "x"}, {"patient": "-1"}, {"patient": "9" * 30}])
def test_a_decision_for_nothing_is_refused(client, technician, held, posted):
    assert post(client, "study_resolve", held, **posted).status_code == 400


def test_a_new_order_needs_no_more_than_one_button(client, technician, held, other, procedure):
    shown = page(client, held, **{"as": "new_order"})
    post(
        client,
        "study_new_order",
        held,
        patient=other.pk,
        procedure="CTH",
        priority="routine",
        referrer="Dr Who",
        referrer_is_new="on",
    )

    held.refresh_from_db()
    assert "Place the order for Tor Berg and file the images" in shown
    assert held.order.referrer.name == "Dr Who"
    assert 'value="CT head · ' in shown
    assert (held.state, held.patient, held.order.procedure) == ("linked", other, procedure)


def test_an_order_that_cannot_be_read_keeps_what_was_typed(client, technician, held, other):
    response = post(
        client, "study_new_order", held, patient=other.pk, procedure="no such", priority="routine"
    )

    assert response.status_code == 422
    assert "Nothing in the list is called “no such”." in text_of(response)
    assert Study.objects.get().state == "held"


def test_a_new_order_for_somebody_else_asks_for_the_reason(client, technician, held, order, procedure):
    response = post(
        client, "study_new_order", held, patient=order.patient_id, procedure="CTH", priority="routine"
    )

    assert (response.status_code, Study.objects.get().state) == (422, "held")
    assert "Say in a few words why they belong here." in text_of(response)


def test_a_new_patient_with_an_order(client, technician, procedure):
    identity = identity_of(make_patient(), patient_id="X-9", patient_name="Novak^Jan", sex="M")
    study = receive(*slices(identity, 1))

    post(
        client,
        "study_new_patient",
        study,
        family_name="Novak",
        given_name="Jan",
        sex="M",
        birth_date="1980-05-17",
        procedure="CTH",
        priority="routine",
    )

    study.refresh_from_db()
    assert (study.patient.given_name, study.order.procedure, study.order.patient) == (
        "Jan",
        procedure,
        study.patient,
    )


def test_who_is_surely_here_is_shown_instead_of_registered_twice(client, technician, held, other):
    before = Patient.objects.count()

    response = post(
        client,
        "study_new_patient",
        held,
        family_name="Berg",
        given_name="Tor",
        sex="M",
        birth_date="1980-05-17",
        procedure="CTH",
        priority="routine",
    )

    assert (response.status_code, Patient.objects.count()) == (422, before)
    assert f"?as=this&amp;patient={other.pk}" in text_of(response)


def test_unknown_for_now(client, technician, held, procedure):
    post(client, "study_unknown", held, procedure="CTH", priority="stat")

    held.refresh_from_db()
    assert (held.state, held.order.priority) == ("unknown", "stat")


def test_discard_and_undo(client, technician, held):
    post(client, "study_discard", held, reason="Phantom")
    listed = text_of(client.get(reverse("imaging:held_list")))
    decision = StudyDecision.objects.get()
    client.post(reverse("imaging:decision_undo", args=[decision.pk]))

    held.refresh_from_db()
    assert "Phantom" in listed
    assert reverse("imaging:decision_undo", args=[decision.pk]) in listed
    assert held.state == "held"
    assert "taken back by" in text_of(client.get(reverse("imaging:held_list")))


def test_discarded_images_have_no_page_and_no_picture(client, technician, held):
    discard_study(held, by=technician, reason="Phantom")
    instance = held.series.get().instances.get()

    answers = [
        client.get(reverse("imaging:study_viewer", args=[held.pk])),
        client.get(reverse("imaging:instance_thumbnail", args=[instance.pk])),
        client.get(f"/dicom-web/studies/{held.study_instance_uid}/metadata"),
    ]

    assert [answer.status_code for answer in answers] == [404, 404, 404]
