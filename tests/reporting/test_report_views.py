"""Signed reports, results, and the parts that other pages show of reports."""

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from audit.models import Entry
from clinic.models import User
from clinic.permissions import Role
from reporting import services, tasks
from reporting.models import Release
from scheduling.models import Order
from tests.factories import make_order, make_patient, make_user
from tests.reporting.factories import PASSWORD, make_key_image, make_reader, make_report, make_signed_report
from tests.reporting.pages import as_user, page

pytestmark = pytest.mark.django_db
HTMX = {"HTTP_HX_REQUEST": "true"}


@pytest.fixture
def reader() -> User:
    return make_reader(full_name="Dr Reader")


# --- signed reports ---------------------------------------------------------------------------------
def test_signed_report_is_shown_with_its_versions(reader: User) -> None:
    version = make_signed_report(reader=reader)
    services.add_addendum(version.report, by=reader, text="<p>Also a nodule.</p>", password=PASSWORD)

    text = page(as_user(reader), reverse("reporting:report_view", args=[version.report_id]))

    for shown in [
        "Clear lungs.",
        "Also a nodule.",
        "Addendum 1",
        version.content_sha256,
        "The PDF is being made",
    ]:
        assert shown in text
    assert Entry.objects.filter(action="report.viewed").count() == 1


def test_looking_again_by_the_page_itself_is_no_second_view(reader: User) -> None:
    version = make_signed_report(reader=reader)

    as_user(reader).get(
        reverse("reporting:report_view", args=[version.report_id]), HTTP_X_CEDAR_BACKGROUND="1", **HTMX
    )

    assert Entry.objects.filter(action="report.viewed").count() == 0


@pytest.mark.parametrize(
    ("query", "how", "action"),
    [("", "inline", "report.printed"), ("?download", "attachment", "report.downloaded")],
)
def test_pdf_is_given_out_and_on_record(query: str, how: str, action: str, reader: User) -> None:
    version = make_signed_report(reader=reader)
    tasks.render_report_pdf(version.pk)

    answer = as_user(reader).get(reverse("reporting:report_pdf", args=[version.pk]) + query)

    assert answer.content.startswith(b"%PDF-")
    assert answer["Content-Disposition"].startswith(how)
    assert Entry.objects.filter(action=action, patient_id=version.report.order.patient_id).count() == 1


def test_pdf_that_is_not_there_yet_is_a_conflict_in_words(reader: User) -> None:
    version = make_signed_report(reader=reader)

    answer = as_user(reader).get(reverse("reporting:report_pdf", args=[version.pk]))

    assert answer.status_code == 409
    assert "still being made" in answer.content.decode()


def test_picture_comes_from_the_frozen_copy(reader: User) -> None:
    report = make_report(reader=reader, content={"impression": "<p>Normal.</p>"})
    services.insert_image(report, by=reader, key_image=make_key_image(report.order))
    version = services.sign_report(report, by=reader, password=PASSWORD)
    client = as_user(reader)

    there = client.get(reverse("reporting:report_picture", args=[version.pk, 1]))
    not_there = client.get(reverse("reporting:report_picture", args=[version.pk, 2]))

    assert there.content.startswith(b"\xff\xd8")
    assert not_there.status_code == 404


# --- results ----------------------------------------------------------------------------------------
def receptionist() -> Client:
    return as_user(make_user(Role.RECEPTIONIST))


def test_results_list_is_oldest_first_and_without_report_text(reader: User) -> None:
    versions = [make_signed_report(reader=reader) for _number in range(3)]

    text = page(receptionist(), reverse("reporting:release_list"))

    places = [text.index(f'id="result-{version.report_id}"') for version in versions]
    assert places == sorted(places)
    assert "Clear lungs" not in text
    assert "Normal chest" not in text


@pytest.mark.parametrize("count", [1, 3])
def test_results_list_asks_the_same_number_of_questions(
    count: int, reader: User, django_assert_num_queries: Any
) -> None:
    for _number in range(count):
        version = make_signed_report(reader=reader)
        tasks.render_report_pdf(version.pk)
    client = receptionist()
    client.get(reverse("reporting:release_list"))

    with django_assert_num_queries(8):
        client.get(reverse("reporting:release_list"))


@pytest.mark.parametrize("method", ["print", "download"])
def test_receptionist_hands_out_a_result(method: str, reader: User) -> None:
    version = make_signed_report(reader=reader)
    tasks.render_report_pdf(version.pk)
    client = receptionist()

    answer = client.post(
        reverse("reporting:report_release", args=[version.pk]),
        {"recipient": "Dr Fraser", "method": method},
        follow=True,
    )

    assert answer.content.startswith(b"%PDF-")
    assert Order.objects.get(pk=version.report.order_id).status == "released"
    assert (Release.objects.get().recipient, Release.objects.get().method) == ("Dr Fraser", method)
    assert "Dr Fraser" in page(client, reverse("reporting:release_list"))


@pytest.mark.parametrize(
    "sent",
    [{"recipient": "", "method": "print"}, {"recipient": "X", "method": "pigeon"}, {"method": "print"}],
)
def test_result_is_not_handed_out_to_nobody_or_somehow(sent: dict, reader: User) -> None:
    version = make_signed_report(reader=reader)
    tasks.render_report_pdf(version.pk)

    answer = receptionist().post(reverse("reporting:report_release", args=[version.pk]), sent)

    assert answer.status_code == 400
    assert Release.objects.count() == 0


def test_older_version_is_not_handed_out(reader: User) -> None:
    version = make_signed_report(reader=reader)
    tasks.render_report_pdf(version.pk)
    services.add_addendum(version.report, by=reader, text="<p>Nodule</p>", password=PASSWORD)

    answer = receptionist().post(
        reverse("reporting:report_release", args=[version.pk]), {"recipient": "X", "method": "print"}
    )

    assert answer.status_code == 409


# --- parts of other pages ---------------------------------------------------------------------------
def test_receptionist_sees_the_state_of_reports_but_no_text(reader: User) -> None:
    version = make_signed_report(reader=reader)
    order = version.report.order
    client = receptionist()

    parts = page(client, reverse("reporting:patient_reports", args=[order.patient_id]), **HTMX) + page(
        client, reverse("reporting:order_report", args=[order.pk]), **HTMX
    )

    assert "Final" in parts
    assert "Signed by Dr Reader" in parts
    assert "Normal chest" not in parts
    assert reverse("reporting:report_view", args=[version.report_id]) not in parts


def test_radiologist_sees_the_impression_and_the_way_to_the_report(reader: User) -> None:
    version = make_signed_report(
        reader=reader, content={"impression": "<p>&lt;script&gt;alert(1)&lt;/script&gt; nodule</p>"}
    )
    order = version.report.order

    text = page(as_user(reader), reverse("reporting:patient_reports", args=[order.patient_id]), **HTMX)

    assert "&lt;script&gt;alert(1)&lt;/script&gt; nodule" in text
    assert reverse("reporting:report_view", args=[version.report_id]) in text


def test_unsigned_text_is_not_in_the_patients_list(reader: User) -> None:
    report = make_report(reader=reader, content={"impression": "<p>Perhaps a nodule</p>"})

    text = page(as_user(reader), reverse("reporting:patient_reports", args=[report.order.patient_id]), **HTMX)

    assert "Perhaps a nodule" not in text
    assert "not signed yet" in text


@pytest.mark.parametrize("count", [1, 3])
def test_patients_reports_ask_the_same_number_of_questions(
    count: int, reader: User, django_assert_num_queries: Any
) -> None:
    patient = make_patient()
    for _number in range(count):
        make_signed_report(make_order(patient, status="reading", reader=reader))
    client = as_user(reader)
    url = reverse("reporting:patient_reports", args=[patient.pk])
    client.get(url)

    with django_assert_num_queries(7):
        client.get(url)


@pytest.mark.parametrize("name", ["report_view", "report_text", "report_sign"])
@pytest.mark.parametrize("role", [Role.RECEPTIONIST, Role.TECHNICIAN, Role.ADMINISTRATOR])
def test_report_text_is_only_for_those_who_may_read_it(name: str, role: str, reader: User) -> None:
    version = make_signed_report(reader=reader)

    answer = as_user(make_user(role)).get(reverse(f"reporting:{name}", args=[version.report_id]))

    assert answer.status_code == 403
    assert "Clear lungs" not in answer.content.decode()
