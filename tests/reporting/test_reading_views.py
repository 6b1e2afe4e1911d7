"""The reading list and the reading desk."""

import re
from typing import Any

import pytest
from django.urls import reverse

from audit.models import Entry
from clinic.models import User
from reporting import services
from reporting.models import Report, Subspecialty
from scheduling.services import claim_order
from tests.factories import make_order, make_patient, make_procedure
from tests.reporting.factories import make_key_image, make_reader, make_report, make_signed_report
from tests.reporting.pages import as_user, page

pytestmark = pytest.mark.django_db


@pytest.fixture
def reader() -> User:
    return make_reader(full_name="Dr Reader")


# --- reading list -----------------------------------------------------------------------------------
def test_list_is_ordered_by_priority_then_age(reader: User) -> None:
    orders = [
        make_order(status="acquired", priority=priority)
        for priority in ("routine", "urgent", "stat", "routine", "stat")
    ]

    text = page(as_user(reader), reverse("reporting:reading_list"))

    places = [text.index(f'id="order-{orders[place].pk}"') for place in (2, 4, 1, 0, 3)]
    assert places == sorted(places)


def test_list_holds_what_is_to_be_read_and_says_by_whom(reader: User) -> None:
    other = make_reader(full_name="Dr Other")
    make_order(status="reading", reader=other)
    for status in ("scheduled", "reported", "released", "cancelled"):
        make_order(status=status)

    text = page(as_user(reader), reverse("reporting:reading_list"))

    assert text.count('id="order-') == 1
    assert '<span class="chip" data-status="reading">Dr Other</span>' in text


def test_mine_shows_only_what_i_have_claimed(reader: User) -> None:
    mine = make_order(status="reading", reader=reader)
    make_order(status="acquired")

    text = page(as_user(reader), reverse("reporting:reading_list") + "?whose=mine")

    assert text.count('id="order-') == 1
    assert f'id="order-{mine.pk}"' in text


def test_my_subspecialty_is_of_my_modalities_or_my_body_parts(reader: User) -> None:
    by_modality = make_order(status="acquired", procedure=make_procedure(modality="CT", body_part="HEAD"))
    by_part = make_order(status="acquired", procedure=make_procedure(modality="US", body_part="KNEE"))
    make_order(status="acquired", procedure=make_procedure(modality="US", body_part="ABDOMEN"))
    client = as_user(reader)

    kept = client.post(reverse("reporting:subspecialty_choose"), {"modality": ["CT"], "body_part": ["KNEE"]})
    text = page(client, kept.url)

    assert re.findall(r'<tr id="order-(\d+)"', text) == [str(by_modality.pk), str(by_part.pk)]
    assert re.findall(r'id="whose-(\w+)"[^>]*>[^<]*<b class="num">(\d+)', text) == [
        ("all", "3"),
        ("subspecialty", "2"),
        ("mine", "0"),
    ]
    assert Entry.objects.get(action="subspecialty.chosen").changes == {"subspecialty": ["", "CT, KNEE"]}


def test_whoever_has_chosen_no_subspecialty_sees_everything(reader: User) -> None:
    order = make_order(status="acquired")

    text = page(as_user(reader), reverse("reporting:reading_list") + "?whose=subspecialty")

    assert f'id="order-{order.pk}"' in text


def test_a_subspecialty_that_is_not_in_the_catalogue_is_refused(reader: User) -> None:
    make_procedure(modality="CT", body_part="HEAD")

    answer = as_user(reader).post(reverse("reporting:subspecialty_choose"), {"body_part": ["TAIL"]})

    assert answer.status_code == 400
    assert "Not in the catalogue: TAIL." in answer.content.decode()
    assert not Subspecialty.objects.exists()


def test_next_of_my_subspecialty_leaves_the_others_to_others(reader: User) -> None:
    make_order(status="acquired", priority="stat", procedure=make_procedure(modality="US"))
    mine = make_order(status="acquired", procedure=make_procedure(modality="CT"))
    Subspecialty.objects.create(reader=reader, modalities=["CT"])

    answer = as_user(reader).post(reverse("reporting:reading_next"), {"whose": "subspecialty"})

    assert answer.url == reverse("reporting:read", args=[mine.pk])


def test_a_claim_that_comes_too_late_says_who_has_it_and_leaves_the_list(reader: User) -> None:
    order = make_order(status="acquired")
    claim_order(order, by=make_reader(full_name="Dr Quick"))

    answer = as_user(reader).post(
        reverse("reporting:order_claim", args=[order.pk]), headers={"HX-Request": "true"}
    )

    assert (answer.status_code, answer["HX-Retarget"]) == (409, "#messages")
    assert "Dr Quick is reading this study already. Choose another one." in answer.content.decode()


@pytest.mark.parametrize("count", [1, 3])
def test_list_asks_the_database_the_same_number_of_questions(
    count: int, reader: User, django_assert_num_queries: Any
) -> None:
    for _number in range(count):
        order = make_order(status="reading", reader=make_reader())
        make_key_image(order)
        services.open_report(order, by=order.reader)
    client = as_user(reader)
    client.get(reverse("reporting:reading_list"))

    with django_assert_num_queries(9):
        client.get(reverse("reporting:reading_list"))


def test_next_opens_the_most_urgent_and_claims_it(reader: User) -> None:
    make_order(status="acquired")
    stat = make_order(status="acquired", priority="stat")

    answer = as_user(reader).post(reverse("reporting:reading_next"))

    stat.refresh_from_db()
    assert answer.url == reverse("reporting:read", args=[stat.pk])
    assert stat.reader == reader


def test_next_leaves_out_what_others_read_and_what_one_comes_from(reader: User) -> None:
    make_order(status="reading", reader=make_reader(), priority="stat")
    here = make_order(status="reading", reader=reader, priority="urgent")
    free = make_order(status="acquired")

    answer = as_user(reader).post(reverse("reporting:reading_next"), {"skip": here.pk})

    assert answer.url == reverse("reporting:read", args=[free.pk])


def test_next_without_work_says_so(reader: User) -> None:
    answer = as_user(reader).post(reverse("reporting:reading_next"), follow=True)

    assert "No study waits for a reader now." in answer.content.decode()


# --- desk -------------------------------------------------------------------------------------------
def test_desk_shows_who_and_why_beside_the_editor(reader: User) -> None:
    patient = make_patient(family_name="<b>Ólafsdóttir</b>", mrn="CVC-9", alerts="Iodine allergy")
    order = make_order(patient, status="reading", reader=reader, indication="Fever & <cough>")

    text = page(as_user(reader), reverse("reporting:read", args=[order.pk]))

    for shown in [
        "&lt;b&gt;Ólafsdóttir&lt;/b&gt;",
        "CVC-9",
        "Iodine allergy",
        "Fever &amp; &lt;cough&gt;",
        'data-section="findings"',
    ]:
        assert shown in text
    assert Report.objects.get(order=order).author == reader


def test_desk_is_for_looking_on_until_the_study_is_claimed(reader: User) -> None:
    order = make_order(status="acquired")
    client = as_user(reader)

    before = page(client, reverse("reporting:read", args=[order.pk]))
    answer = client.post(reverse("reporting:order_claim", args=[order.pk]), follow=True)

    assert "Nobody reads this study yet." in before
    assert 'data-section="findings"' not in before
    assert 'data-section="findings"' in answer.content.decode()


def test_desk_of_another_reader_says_who_and_shows_the_text(reader: User) -> None:
    report = make_report(
        reader=make_reader(full_name="Dr Other"), content={"findings": "<p>Half a sentence</p>"}
    )

    text = page(as_user(reader), reverse("reporting:read", args=[report.order_id]))

    assert "Dr Other is reading this study. You can look on." in text
    assert "<p>Half a sentence</p>" in text
    assert "report-form" not in text


def test_claim_of_two_readers_is_refused_with_words(reader: User) -> None:
    order = make_order(status="reading", reader=make_reader(full_name="Dr Other"))

    answer = as_user(reader).post(reverse("reporting:order_claim", args=[order.pk]))

    assert answer.status_code == 409
    assert "Dr Other is reading this study already." in answer.content.decode()


def test_study_is_handed_back_with_a_reason(reader: User) -> None:
    report = make_report(reader=reader, content={"findings": "<p>Begun</p>"})

    as_user(reader).post(
        reverse("reporting:order_hand_back", args=[report.order_id]), {"reason": "Second opinion"}
    )

    report.order.refresh_from_db()
    report.refresh_from_db()
    assert (report.order.status, report.order.reader) == ("acquired", None)
    assert report.content == {"findings": "<p>Begun</p>"}
    assert Entry.objects.get(action="order.handed_back").reason == "Second opinion"


def test_signed_report_is_not_opened_for_writing(reader: User) -> None:
    version = make_signed_report()

    answer = as_user(reader).get(reverse("reporting:read", args=[version.report.order_id]))

    assert answer.url == reverse("reporting:report_view", args=[version.report_id])


@pytest.mark.parametrize("count", [1, 3])
def test_desk_asks_the_same_number_of_questions(
    count: int, reader: User, django_assert_num_queries: Any
) -> None:
    patient = make_patient()
    for _number in range(count):
        make_signed_report(make_order(patient, status="reading", reader=reader))
    order = make_order(patient, status="reading", reader=reader)
    report = make_report(order)
    for _number in range(count):
        services.insert_image(report, by=reader, key_image=make_key_image(order))
    client = as_user(reader)
    client.get(reverse("reporting:read", args=[order.pk]))

    with django_assert_num_queries(23):
        client.get(reverse("reporting:read", args=[order.pk]))
