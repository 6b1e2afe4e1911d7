import pytest
from django.urls import reverse

from clinic.permissions import ROLE_PERMISSIONS, Permission, Role
from imaging.ingest import ingest_spool
from imaging.models import Quarantined, Study
from tests.factories import make_order, make_patient, make_user

from .sender import identity_for, identity_of, receive, receive_file, receive_for_order, send_bytes, slices

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
def held(order):
    other = make_patient(mrn="B-2", family_name="Berg", given_name="Tor", sex="M")
    return receive(*slices(identity_of(other, study_instance_uid=order.study_instance_uid), 1))


def text_of(response) -> str:
    return " ".join(response.content.decode().split())


# --- images of an order -------------------------------------------------------------------------------


def test_an_order_without_images_says_that_they_will_come(client, technician, order):
    response = client.get(reverse("imaging:order_images", args=[order.pk]))

    assert "No images yet." in text_of(response)


def test_the_count_and_the_thumbnails_grow_as_images_arrive(client, technician, order):
    made = slices(identity_for(order), 10)
    url = reverse("imaging:order_images", args=[order.pk])
    receive(*made[:2])
    first = text_of(client.get(url))
    receive(*made[2:])
    second = text_of(client.get(url))

    assert ("2 images" in first, first.count("<img")) == (True, 2)
    assert ("10 images" in second, second.count("<img"), "+7" in second) == (True, 3, True)
    assert "Arriving" in second


def test_a_complete_study_says_so(client, technician, order):
    study = receive(*slices(identity_for(order), 1))
    Study.objects.update(stable_at=study.last_received_at)

    response = client.get(reverse("imaging:order_images", args=[order.pk]))

    assert "Complete" in text_of(response)


def test_images_that_were_held_are_told_at_the_order_they_point_at(client, technician, order, held):
    shown = text_of(client.get(reverse("imaging:order_images", args=[order.pk])))

    assert "1 image was held." in shown
    assert "In the images: Berg, Tor B-2." in shown
    assert f"{reverse('imaging:held_list')}#study-{held.pk}" in shown


def test_objects_that_were_set_aside_are_told_too(client, technician, order):
    made = slices(identity_for(order), 2)
    receive(made[0])
    made[1].PatientID = "B-2"
    receive(made[1])

    shown = text_of(client.get(reverse("imaging:order_images", args=[order.pk])))

    assert "1 received object was not filed with these images." in shown


def test_what_has_no_picture_shows_why(client, technician):
    instance = receive_file("test_files/JPGExtended.dcm")
    order = make_order(status="scheduled")
    Study.objects.update(state="linked", order=order, patient=order.patient)

    shown = text_of(client.get(reverse("imaging:order_images", args=[order.pk])))

    assert "No preview, the image data could not be decoded" in shown
    assert instance.thumbnail == ""


@pytest.mark.parametrize("count", [1, 12])
def test_the_part_of_an_order_costs_the_same_queries_however_many_images(
    client, technician, count, django_assert_num_queries
):
    study = receive_for_order(count)
    url = reverse("imaging:order_images", args=[study.order_id])
    client.get(url)

    with django_assert_num_queries(12):
        client.get(url)


# --- a patient's studies ------------------------------------------------------------------------------


def test_a_patients_studies_are_listed_and_held_ones_are_not_among_them(client, technician, order, held):
    study = receive(*slices(identity_of(order.patient, study_instance_uid="1.2.3", description="Old CT"), 1))

    shown = text_of(client.get(reverse("imaging:patient_studies", args=[order.patient_id])))

    assert ("Old CT" in shown, reverse("imaging:study_viewer", args=[study.pk]) in shown) == (True, True)
    assert reverse("imaging:study_viewer", args=[held.pk]) not in shown


@pytest.mark.parametrize("count", [1, 3])
def test_a_patients_studies_cost_the_same_queries(client, technician, count, django_assert_num_queries):
    patient = make_patient()
    for number in range(count):
        receive(*slices(identity_of(patient, study_instance_uid=f"1.2.{number}"), 1))
    url = reverse("imaging:patient_studies", args=[patient.pk])
    client.get(url)

    with django_assert_num_queries(7):
        client.get(url)


# --- held images --------------------------------------------------------------------------------------


def test_the_list_shows_both_sides_and_marks_what_differs(client, technician, order, held):
    shown = text_of(client.get(reverse("imaging:held_list")))

    assert f"Order {order.accession_number}" in shown
    assert shown.count('class="differs"') == 3
    assert shown.count('aria-label="Differs:"') == 3
    assert "Ahmed, Sara" in shown
    assert f"File with order {order.accession_number} of Sara Ahmed" in shown


def test_nothing_held_says_so(client, technician):
    assert "Nothing is held" in text_of(client.get(reverse("imaging:held_list")))


def test_quarantine_is_on_the_same_page(client, technician):
    (dataset,) = slices(identity_of(make_patient()), 1)
    send_bytes(b"rubbish!", dataset)
    ingest_spool()

    shown = text_of(client.get(reverse("imaging:held_list")))

    assert Quarantined.objects.get().reason in shown
    assert "10.0.0.7" in shown


@pytest.mark.parametrize("count", [1, 3])
def test_the_list_costs_the_same_queries(client, technician, count, django_assert_num_queries):
    for number in range(count):
        patient = make_patient()
        made = slices(identity_of(patient, birth_date="19010101", study_instance_uid=f"1.2.{number}"), 1)
        receive(*made)
        made[0].ImageComments = "other bytes"
        receive(*made)
    url = reverse("imaging:held_list")
    client.get(url)

    with django_assert_num_queries(10):
        client.get(url)


def test_another_number_is_compared_before_anything_is_decided(client, technician, held):
    other = make_order(make_patient(mrn="C-3", family_name="Cole", given_name="Ann"), status="scheduled")
    url = reverse("imaging:held_target", args=[held.pk])

    by_order = text_of(client.get(url, {"number": other.accession_number}, headers={"hx-request": "true"}))
    by_patient = text_of(client.get(url, {"number": "b2"}))

    assert f"File with order {other.accession_number} of Ann Cole" in by_order
    assert "<html" not in by_order
    assert ("File with Tor Berg (B-2), without an order" in by_patient, "<html" in by_patient) == (True, True)
    held.refresh_from_db()
    assert held.state == "held"


def test_a_number_that_nobody_has(client, technician, held):
    response = client.get(
        reverse("imaging:held_target", args=[held.pk]), {"number": "zzz"}, headers={"hx-request": "true"}
    )

    assert response.status_code == 404
    assert "“zzz” is neither an accession number nor a patient number." in text_of(response)


def test_a_decision_files_the_study(client, technician, order, held):
    response = client.post(
        reverse("imaging:study_resolve", args=[held.pk]), {"order": order.pk, "reason": "Typed wrong"}
    )

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
    response = client.post(reverse("imaging:study_resolve", args=[held.pk]), posted)

    assert response.status_code == 400


@pytest.mark.parametrize("role", Role.values)
def test_only_who_may_decide_sees_held_images(client, held, role):
    client.force_login(make_user(role))

    listed = client.get(reverse("imaging:held_list")).status_code
    decided = client.post(reverse("imaging:study_resolve", args=[held.pk]), {}).status_code

    allowed = Permission.STUDY_RECONCILE in ROLE_PERMISSIONS[role]
    assert (listed, decided) == ((200, 400) if allowed else (403, 403))


# --- the viewer's page --------------------------------------------------------------------------------


def test_the_viewer_is_told_the_study_and_where_key_images_go(client):
    client.force_login(make_user(Role.RADIOLOGIST))
    study = receive_for_order(1)

    response = client.get(reverse("imaging:study_viewer", args=[study.pk]))

    assert response.context["viewer_options"] == {
        "key_image_url": reverse("imaging:key_image_create", args=[study.pk]),
        "standalone_url": reverse("imaging:study_viewer", args=[study.pk]),
    }


def test_a_technician_marks_no_key_images(client, technician):
    study = receive_for_order(1)

    response = client.get(reverse("imaging:study_viewer", args=[study.pk]))

    assert response.context["viewer_options"]["key_image_url"] == ""
