"""Examinations of the past: orders that are over, with their place in a list and its billing state."""

import datetime as dt
from typing import Any

import pytest
from django.test import Client

from audit.models import Entry
from clinic.errors import Conflict, NotAllowed
from clinic.models import User
from clinic.permissions import Role
from scheduling.importing import PastVisit, change_billing, import_visits, procedure_for_import
from scheduling.models import ImportedVisit, Order
from scheduling.services import claim_order
from scheduling.timeline import timeline_of
from tests.factories import make_order, make_patient, make_procedure, make_user

pytestmark = pytest.mark.django_db


@pytest.fixture
def admin() -> User:
    return make_user(Role.ADMINISTRATOR, full_name="Ada Admin")


def visit(key: str = "a", **fields: Any) -> PastVisit:
    values: dict[str, Any] = {
        "patient": make_patient(),
        "procedure": make_procedure(),
        "visited_on": dt.date(2019, 5, 3),
        "indication": "Cough",
        "referrer": None,
        "billing": "pending",
        "is_reported": True,
        "visit_key": key,
        "row_key": key,
        "source": "visits.xlsx, row 2",
        "original": {"Name": "ROE, Jane"},
    }
    return PastVisit(**values | fields)


def test_an_examination_of_the_past_is_released_on_its_day(admin: User) -> None:
    (order,) = import_visits([visit()], by=admin)

    order.refresh_from_db()
    assert order.status == "released"
    noon = dt.datetime(2019, 5, 3, 12, tzinfo=dt.UTC)
    assert {order.ordered_at, order.acquired_at, order.reported_at, order.released_at} == {noon}
    assert order.status_changed_at == noon


def test_one_without_a_report_can_be_read_and_its_timeline_begins_with_the_import(admin: User) -> None:
    (order,) = import_visits([visit(is_reported=False)], by=admin)
    reader = make_user(Role.RADIOLOGIST)

    claim_order(order, by=reader)

    moments = timeline_of(order)
    assert [str(moment.text) for moment in moments] == ["Imported from a list", "Claimed for reading"]
    assert moments[0].reason == "visits.xlsx, row 2"


def test_accession_numbers_in_use_are_passed_over(admin: User) -> None:
    first = make_order().accession_number
    taken = make_order()
    Order.objects.filter(pk=taken.pk).update(accession_number=f"A{int(first[1:]) + 3:06d}")

    made = import_visits([visit("a"), visit("b")], by=admin)

    assert len({order.accession_number for order in Order.objects.all()}) == 4
    assert len({order.accession_number for order in made}) == 2


def test_the_billing_state_follows_the_list_and_is_on_record(admin: User) -> None:
    import_visits([visit()], by=admin)
    imported = ImportedVisit.objects.select_related("order__patient").get()

    change_billing(imported, by=admin, billing="paid")

    assert ImportedVisit.objects.get().billing == "paid"
    assert Entry.objects.get(action="order.billing_changed").changes == {"billing": ["pending", "paid"]}
    stale = ImportedVisit.objects.select_related("order__patient").get()
    stale.billing = "pending"
    with pytest.raises(Conflict):
        change_billing(stale, by=admin, billing="not_paid")


def test_what_the_catalogue_does_not_know_is_one_procedure_a_modality(admin: User) -> None:
    assert procedure_for_import("US") == procedure_for_import("US")
    assert str(procedure_for_import("US")) == "Earlier examination, Ultrasound"
    assert procedure_for_import("??").modality == "OT"


def test_only_who_may_import_imports(admin: User) -> None:
    with pytest.raises(NotAllowed):
        import_visits([visit()], by=make_user(Role.RECEPTIONIST))


def test_the_order_says_where_it_came_from(admin: User, client: Client) -> None:
    (order,) = import_visits([visit()], by=admin)
    client.force_login(make_user(Role.RECEPTIONIST))

    page = client.get(f"/orders/{order.pk}/").content.decode()

    assert "imported from visits.xlsx, row 2" in page
    assert "ROE, Jane" in page
    assert "Pending" in page
