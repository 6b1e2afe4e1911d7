import pytest
from django.urls import reverse

from clinic.permissions import Role
from imaging.models import Study
from tests.factories import make_order, make_patient, make_user

from .sender import identity_for, identity_of, receive, receive_file, receive_for_order, slices

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
    assert reverse("imaging:held_study", args=[held.pk]) in shown


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

    with django_assert_num_queries(15):
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
