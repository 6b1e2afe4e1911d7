"""Orders that a clinician has to sign, by the clinic's policy."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from audit.models import Entry
from clinic.errors import Conflict, NotAllowed
from scheduling import services
from scheduling.models import Order, SignedModality
from tests.factories import make_appointment, make_everyone, make_order, make_procedure, make_user
from tests.scheduling.pages import HTMX, sign_in, url

pytestmark = pytest.mark.django_db


def unsigned(**fields: object) -> Order:
    procedure = make_procedure(signature="always")
    return make_order(procedure=procedure, by=make_user("receptionist"), **fields)


@pytest.mark.parametrize(
    ("rule", "signed", "needed"),
    [
        ("by_modality", [], False),
        ("by_modality", ["CT"], False),
        ("by_modality", ["DX"], True),
        ("always", [], True),
        ("never", ["DX"], False),
    ],
)
def test_the_policy_of_procedure_and_modality(rule, signed, needed):
    for modality in signed:
        SignedModality.objects.create(modality=modality)

    order = make_order(procedure=make_procedure(modality="DX", signature=rule), by=make_user("receptionist"))

    assert (order.needs_signature, order.waits_for_signature) == (needed, needed)


def test_staff_may_place_and_a_clinician_signs():
    order = unsigned()
    doctor = make_user("radiologist")

    services.sign_order(order, by=doctor)

    order.refresh_from_db()
    assert (order.signed_by, order.waits_for_signature) == (doctor, False)
    assert Entry.objects.get(action="order.signed").patient_id == order.patient_id


def test_a_clinician_who_orders_signs_by_that():
    doctor = make_user("radiologist")

    order = make_order(procedure=make_procedure(signature="always"), by=doctor)

    assert order.signed_by == doctor


@pytest.mark.parametrize("role", ["receptionist", "technician", "administrator"])
def test_nobody_else_signs(role):
    order = unsigned()

    with pytest.raises(NotAllowed):
        services.sign_order(order, by=make_user(role))

    assert Order.objects.to_sign().get() == order


def test_signing_twice_keeps_the_first_signature():
    order = unsigned()
    first = make_user("radiologist")
    services.sign_order(order, by=first)

    services.sign_order(Order.objects.get(pk=order.pk), by=make_user("radiologist"))

    assert Order.objects.get(pk=order.pk).signed_by == first
    assert Entry.objects.filter(action="order.signed").count() == 1


def test_a_cancelled_order_is_signed_by_nobody():
    order = unsigned()
    stale = Order.objects.get(pk=order.pk)
    services.cancel_order(order, by=make_everyone(), reason="Ordered twice")

    with pytest.raises(Conflict, match="is now “Cancelled”"):
        services.sign_order(stale, by=make_user("radiologist"))


def test_an_unsigned_order_does_not_start_and_a_signed_one_does():
    visit = make_appointment(unsigned(), status="in_room")

    with pytest.raises(Conflict, match="waits for a clinician's signature"):
        services.start_examination(visit, by=make_user("technician"))
    services.sign_order(visit.orders.get(), by=make_user("radiologist"))
    services.start_examination(visit, by=make_user("technician"))

    assert visit.status == "in_scan"


def test_the_list_shows_the_urgent_ones_first_and_signs():
    routine, stat = unsigned(), unsigned(priority="stat")
    make_order()
    client = sign_in("radiologist")

    listed = client.get(url("orders_to_sign")).context["orders"]
    answer = client.post(url("order_sign", stat.pk), headers=HTMX)

    assert listed == [stat, routine]
    assert (answer.status_code, answer["HX-Trigger"]) == (200, "moved")
    assert client.get(url("orders_to_sign")).context["orders"] == [routine]


def test_the_list_asks_as_often_for_three_as_for_one(django_assert_num_queries):
    client = sign_in("radiologist")
    unsigned()
    client.get(url("orders_to_sign"))
    with CaptureQueriesContext(connection) as one:
        client.get(url("orders_to_sign"))
    unsigned(), unsigned()

    with django_assert_num_queries(len(one)):
        client.get(url("orders_to_sign"))


def test_the_order_page_signs_too():
    order = unsigned()

    page = sign_in("radiologist").get(url("order_detail", order.pk)).content.decode()

    assert url("order_sign", order.pk) in page
    assert "waits for a clinician" in page


def test_the_board_says_that_a_signature_is_missing():
    visit = make_appointment(unsigned(), status="waiting")
    client = sign_in("technician")

    before = client.get(url("board")).content.decode()
    services.sign_order(visit.orders.get(), by=make_user("radiologist"))
    after = client.get(url("board")).content.decode()

    assert ("not signed" in before, "not signed" in after) == (True, False)
