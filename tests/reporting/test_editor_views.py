"""What the editor sends: saves, key images, signatures."""

import json
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from clinic.models import User
from reporting.models import Report
from tests.factories import make_order
from tests.reporting.factories import PASSWORD, make_key_image, make_reader, make_report, make_signed_report
from tests.reporting.pages import as_user, page

pytestmark = pytest.mark.django_db
HTMX = {"HTTP_HX_REQUEST": "true"}


@pytest.fixture
def reader() -> User:
    return make_reader(full_name="Dr Reader")


# --- saving -----------------------------------------------------------------------------------------
def save(client: Client, report: Report, body: object) -> Any:
    return client.post(
        reverse("reporting:report_save", args=[report.pk]),
        body if isinstance(body, str) else json.dumps(body),
        content_type="application/json",
    )


def test_save_answers_with_the_next_revision(reader: User) -> None:
    report = make_report(reader=reader)

    answer = save(as_user(reader), report, {"revision": 0, "content": {"findings": "<p>A</p>"}})

    assert answer.json()["revision"] == 1


def test_conflict_answers_with_the_saved_text(reader: User) -> None:
    report = make_report(reader=reader, content={"findings": "<p>Saved</p>"})

    answer = save(as_user(reader), report, {"revision": 0, "content": {"findings": "<p>Late</p>"}})

    assert answer.status_code == 409
    assert answer.json()["content"] == {"findings": "<p>Saved</p>"}
    assert answer.json()["writable"] is True
    assert report.set_aside.get().content == {"findings": "<p>Late</p>"}


@pytest.mark.parametrize(
    "body",
    ["", "[]", "{", '"x"', {"revision": "1"}, {"revision": 0, "content": []}, {"revision": 0, "content": 5}],
)
def test_what_is_no_report_is_refused_as_json(body: object, reader: User) -> None:
    answer = save(as_user(reader), make_report(reader=reader), body)

    assert answer.status_code == 400
    assert answer.json()["error"]


def test_autosave_of_somebody_else_is_a_conflict_not_an_overwrite(reader: User) -> None:
    report = make_report(content={"findings": "<p>Mine</p>"})

    answer = save(as_user(reader), report, {"revision": 1, "content": {"findings": "<p>Not yours</p>"}})

    report.refresh_from_db()
    assert (answer.status_code, answer.json()["writable"]) == (409, False)
    assert report.content == {"findings": "<p>Mine</p>"}


# --- key images -------------------------------------------------------------------------------------
def test_key_image_is_inserted_captioned_and_taken_out(reader: User) -> None:
    report = make_report(reader=reader)
    key_image = make_key_image(report.order, caption="Apex")
    client = as_user(reader)

    client.post(reverse("reporting:report_image_insert", args=[report.pk]), {"key_image": key_image.pk})
    image = report.images.get()
    change = reverse("reporting:report_image_change", args=[image.pk])
    client.post(change, {"do": "caption", "caption": "<i>Left</i> apex"})
    shown = client.post(change, {"do": "later"}).content.decode()
    client.post(change, {"do": "remove"})

    assert 'value="&lt;i&gt;Left&lt;/i&gt; apex"' in shown
    assert report.images.count() == 0


def test_image_that_does_not_exist_is_not_found(reader: User) -> None:
    report = make_report(reader=reader)

    answer = as_user(reader).post(
        reverse("reporting:report_image_insert", args=[report.pk]), {"key_image": "9999"}
    )

    assert answer.status_code == 404


# --- signing ----------------------------------------------------------------------------------------
def test_sign_dialog_shows_warnings_before_the_password(reader: User) -> None:
    report = make_report(reader=reader, content={"findings": "<p>Clear.</p>"})

    text = page(as_user(reader), reverse("reporting:report_sign", args=[report.pk]), **HTMX)

    assert "The impression is empty." in text
    assert "Sign anyway" in text
    assert "<html" not in text


def test_signing_leads_to_the_signed_report(reader: User) -> None:
    report = make_report(reader=reader, content={"impression": "<p>Normal.</p>"})

    answer = as_user(reader).post(
        reverse("reporting:report_sign", args=[report.pk]),
        {"password": PASSWORD, "revision": 1, "then": "view"},
        **HTMX,
    )

    assert answer["HX-Redirect"] == reverse("reporting:report_view", args=[report.pk])


def test_sign_and_next_opens_the_next_study(reader: User) -> None:
    report = make_report(reader=reader, content={"impression": "<p>Normal.</p>"})
    following = make_order(status="acquired")

    answer = as_user(reader).post(
        reverse("reporting:report_sign", args=[report.pk]),
        {"password": PASSWORD, "revision": 1, "then": "next"},
        **HTMX,
    )

    assert answer["HX-Redirect"] == reverse("reporting:read", args=[following.pk])


def test_wrong_password_stays_in_the_dialog(reader: User) -> None:
    report = make_report(reader=reader, content={"impression": "<p>Normal.</p>"})

    answer = as_user(reader).post(
        reverse("reporting:report_sign", args=[report.pk]), {"password": "no", "revision": 1}, **HTMX
    )

    assert "The password is wrong; nothing was signed." in answer.content.decode()


def test_addendum_with_a_wrong_password_leaves_the_page_alone(reader: User) -> None:
    version = make_signed_report(reader=reader)

    answer = as_user(reader).post(
        reverse("reporting:report_addendum", args=[version.report_id]),
        {"text": "More", "password": "no"},
        **HTMX,
    )

    assert answer["HX-Retarget"] == "#messages"
    assert version.report.versions.count() == 1
