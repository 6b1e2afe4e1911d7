"""The pages of orders."""

import pytest

from scheduling.models import Indication, Order, Referrer
from tests.factories import (
    make_appointment,
    make_order,
    make_patient,
    make_procedure,
)
from tests.scheduling.pages import HTMX, order_form, sign_in, url

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    "typed", ["xr-c", "chest x-ray, 2 VIEWS", "views", "Chest X-ray, 2 views · X-ray (DX) (XR-C)"]
)
def test_an_order_is_placed_with_what_was_typed(typed):
    patient = make_patient()

    response = sign_in("receptionist").post(
        url("order_new", patient.pk), order_form(procedure=typed), headers=HTMX
    )

    order = Order.objects.get()
    assert (order.patient, order.procedure.code, order.indication) == (patient, "XR-C", "Cough")
    assert response["HX-Redirect"] == url("appointment_book", order.pk)


def test_who_does_not_book_goes_on_to_the_order():
    patient = make_patient()

    response = sign_in("radiologist").post(url("order_new", patient.pk), order_form())

    assert response["Location"] == url("order_detail", Order.objects.get().pk)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"procedure": "knee"}, "Nothing in the list is called “knee”."),
        ({"procedure": "chest"}, "can be Chest X-ray, 1 view"),
        ({"indication": ""}, "This field is required."),
        ({"referrer": "Dr Nobody"}, "Or tick “New referrer” below to add this one."),
    ],
)
def test_the_order_form_says_what_is_wrong_and_keeps_what_was_typed(change, words):
    make_procedure(code="XR-1", name="Chest X-ray, 1 view")
    patient = make_patient()

    response = sign_in().post(url("order_new", patient.pk), order_form(**change), headers=HTMX)

    assert words in response.content.decode().replace("&quot;", '"')
    assert Order.objects.count() == 0


def test_a_new_referrer_is_added_when_said_so():
    form = order_form(referrer="Dr Nyoka", referrer_is_new="on", referrer_clinic="East", referrer_phone="123")

    sign_in("receptionist").post(url("order_new", make_patient().pk), form)

    referrer = Referrer.objects.get()
    assert (referrer.name, referrer.clinic) == ("Dr Nyoka", "East")
    assert Order.objects.get().referrer == referrer


def test_the_page_of_an_order_shows_its_way():
    order = make_order(status="acquired", indication="Cough for three weeks")

    response = sign_in("technician").get(url("order_detail", order.pk))

    text = response.content.decode()
    assert order.accession_number in text
    assert "Cough for three weeks" in text
    assert [str(moment.text) for moment in response.context["timeline"]] == [
        "Ordered",
        "Visit booked",
        "Scheduled",
        "Images taken",
        "Examination started",
        "Ready for review",
    ]


def test_an_order_that_nobody_booked_offers_a_time():
    order = make_order()

    text = sign_in("receptionist").get(url("order_detail", order.pk)).content.decode()

    assert url("appointment_book", order.pk) in text


def test_an_order_is_cancelled_with_a_reason():
    order = make_order()
    client = sign_in("receptionist")

    assert client.get(url("order_cancel", order.pk)).status_code == 200
    client.post(url("order_cancel", order.pk), {"reason": "Ordered twice", "seen": "ordered"})

    assert Order.objects.get(pk=order.pk).cancel_reason == "Ordered twice"


def test_an_order_that_moved_on_meanwhile_is_not_cancelled():
    order = make_order(status="reading")

    response = sign_in().post(
        url("order_cancel", order.pk), {"reason": "Ordered twice", "seen": "ordered"}, headers=HTMX
    )

    assert response.status_code == 409
    assert "is now “Being read”" in response.content.decode()
    assert Order.objects.get(pk=order.pk).status == "reading"


def test_an_order_is_taken_off_its_visit():
    order = make_order(status="scheduled")
    client = sign_in("technician")

    assert client.get(url("order_unschedule", order.pk)).status_code == 200
    client.post(url("order_unschedule", order.pk), {"reason": "No time today", "seen": "scheduled"})

    assert Order.objects.get(pk=order.pk).status == "ordered"


def test_a_repeat_is_asked_for_with_its_kind_of_reason():
    order = make_order(status="acquired")
    client = sign_in("technician")

    assert client.get(url("order_repeat", order.pk)).status_code == 200
    client.post(url("order_repeat", order.pk), {"reason_code": "motion", "reason": "", "seen": "acquired"})

    order.refresh_from_db()
    assert (order.status, order.appointment.status) == ("scheduled", "in_room")


def test_the_orders_of_a_patient():
    order = make_order(status="scheduled")
    make_order()

    response = sign_in("receptionist").get(url("patient_orders", order.patient.pk))

    assert response.context["orders"] == [order]


@pytest.mark.parametrize("typed", ["accession_number", "study_instance_uid"])
def test_an_order_is_found_by_its_number(typed):
    order = make_order()
    make_order()

    response = sign_in().get(url("order_search"), {"q": f" {getattr(order, typed).lower()} "})

    assert response.context["orders"] == [order]


@pytest.mark.parametrize(
    ("reason", "modality", "warned"),
    [
        ("Headache", "DX", True),
        ("headache  since Monday", "DX", True),
        ("Headache", "MR", False),
        ("Cough", "DX", False),
        ("Fall", "CR", False),
    ],
)
def test_another_modality_than_usual_is_warned_about(reason, modality, warned):
    Indication.objects.create(text="Headache", modalities=["CT", "MR"])
    Indication.objects.create(text="Fall", modalities=["DX", "CR"])
    Indication.objects.create(text="Cough")
    procedure = make_procedure(code="X1", modality=modality)
    patient = make_patient()
    form = order_form(of=procedure, indication=reason)

    text = sign_in("receptionist").post(url("order_new", patient.pk), form, headers=HTMX).content.decode()

    assert ("is usually examined by CT or MR, not by X-ray (DX)." in text) == warned
    assert Order.objects.exists() != warned


def test_a_warning_is_not_in_the_way_of_who_means_it():
    Indication.objects.create(text="Headache", modalities=["CT", "MR"])
    form = order_form(indication="Headache", is_deliberate="on")

    sign_in("receptionist").post(url("order_new", make_patient().pk), form, headers=HTMX)

    assert Order.objects.get().indication == "Headache"


def test_the_sheet_speaks_the_patients_language():
    procedure = make_procedure(preparation="Do not eat.")
    procedure.preparations.create(language="fr", text="Restez à jeun.")
    visit = make_appointment(make_order(procedure=procedure))
    client = sign_in("receptionist")

    clinics = client.get(url("appointment_sheet", visit.pk)).content.decode()
    french = client.get(url("appointment_sheet", visit.pk), {"language": "fr"}).content.decode()

    assert ("Do not eat." in clinics, "français" in clinics) == (True, True)
    assert ('lang="fr">Restez à jeun.' in french, "Do not eat." in french) == (True, False)
