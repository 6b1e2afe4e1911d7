"""Share links: a report outside the clinic, by an address and a PIN."""

import datetime as dt
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from audit.models import Entry
from clinic.errors import DomainError, InvalidInput, NotAllowed, NotFound
from clinic.models import User
from clinic.permissions import Role
from reporting.models import ReportVersion, ShareLink
from reporting.services import add_addendum, open_share, revoke_share, share_report
from reporting.services.sharing import NewShare
from reporting.tasks import render_report_pdf
from tests.factories import make_user
from tests.reporting.factories import PASSWORD, make_signed_report

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _documents(tmp_path: Any, settings: Any) -> None:
    settings.DOCUMENTS_DIR = tmp_path


@pytest.fixture
def desk() -> User:
    return make_user(Role.RECEPTIONIST)


@pytest.fixture
def version() -> ReportVersion:
    version = make_signed_report()
    render_report_pdf(version.pk)
    version.refresh_from_db()
    return version


@pytest.fixture
def share(version: ReportVersion, desk: User) -> NewShare:
    return share_report(version, by=desk, recipient="Dr Far", days=7)


def address(share: NewShare, part: str = "report", *args: Any) -> str:
    return reverse(f"reporting:shared_{part}", args=[share.token, *args])


def opened(share: NewShare) -> Client:
    client = Client()
    client.post(address(share), {"pin": share.pin})
    return client


def wrong(share: NewShare) -> str:
    return f"{(int(share.pin) + 1) % 10**6:06d}"


def test_making_a_link_hands_the_report_out(share: NewShare, version: ReportVersion) -> None:
    order = version.report.order
    order.refresh_from_db()

    assert order.status == "released"
    assert (share.link.release.method, share.link.release.recipient) == ("link", "Dr Far")
    assert share.link.expires_at - timezone.now() > dt.timedelta(days=6, hours=23)


def test_neither_address_nor_pin_can_be_read_from_the_database(share: NewShare) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT row_to_json(s)::text FROM reporting_sharelink s")
        row = cursor.fetchone()[0]

    assert share.token not in row
    assert f'"{share.pin}"' not in row


def test_without_the_pin_there_is_nothing_to_see(share: NewShare, version: ReportVersion) -> None:
    client = Client()

    page = client.get(address(share))

    assert page.status_code == 200
    assert version.content["patient"]["name"] not in page.content.decode()
    assert client.get(address(share, "pdf")).status_code == 404
    assert ShareLink.objects.get().views == 0


def test_with_the_pin_the_report_is_shown_and_counted(share: NewShare, version: ReportVersion) -> None:
    client = opened(share)

    page = client.get(address(share))

    assert "Clear lungs." in page.content.decode()
    assert client.get(address(share, "pdf")).content == version.pdf_path.read_bytes()
    assert page["Cache-Control"] == "max-age=0, no-cache, no-store, must-revalidate, private"
    assert ShareLink.objects.get().views == 1
    entry = Entry.objects.get(action="share.viewed")
    assert entry.changes == {"to": [None, "Dr Far"]}


def test_a_cookie_of_one_link_opens_no_other(share: NewShare, desk: User) -> None:
    other = make_signed_report()
    render_report_pdf(other.pk)
    other.refresh_from_db()
    second = share_report(other, by=desk, recipient="Dr Near", days=7)
    client = opened(share)
    client.cookies["cedar_share"]["path"] = "/"

    assert client.get(address(second, "pdf")).status_code == 404


def test_five_wrong_pins_close_the_link_for_the_right_one_too(share: NewShare) -> None:
    answers = [Client().post(address(share), {"pin": wrong(share)}) for _try in range(5)]

    assert [answer.status_code for answer in answers] == [422, 422, 422, 422, 404]
    assert "try 4 more times" in answers[0].content.decode()
    with pytest.raises(NotFound):
        open_share(share.token, share.pin)
    assert ShareLink.objects.get().state == "locked"
    assert Entry.objects.filter(action="share.pin_refused").count() == 5


def test_an_expired_link_shows_nothing_even_where_it_is_open(share: NewShare) -> None:
    client = opened(share)
    ShareLink.objects.update(expires_at=timezone.now() - dt.timedelta(seconds=1))

    assert client.get(address(share)).status_code == 404
    assert client.get(address(share, "pdf")).status_code == 404
    assert Client().post(address(share), {"pin": share.pin}).status_code == 404


def test_a_closed_link_stops_at_once(share: NewShare, desk: User) -> None:
    client = opened(share)

    revoke_share(share.link, by=desk)

    assert client.get(address(share)).status_code == 404
    share.link.refresh_from_db()
    assert (share.link.state, share.link.revoked_by) == ("revoked", desk)
    assert Entry.objects.filter(action="share.revoked").count() == 1


def test_an_addendum_is_shown_with_the_report(share: NewShare, version: ReportVersion) -> None:
    report = version.report
    addendum = add_addendum(report, by=report.signed_by, text="<p>Also a rib.</p>", password=PASSWORD)
    render_report_pdf(addendum.pk)

    page = opened(share).get(address(share)).content.decode()

    assert "Clear lungs." in page
    assert "Also a rib." in page


@pytest.mark.parametrize("days", [0, 91])
def test_a_link_works_for_some_days_only(version: ReportVersion, desk: User, days: int) -> None:
    with pytest.raises(InvalidInput, match="1 to 90"):
        share_report(version, by=desk, recipient="Dr Far", days=days)

    assert ShareLink.objects.count() == 0


def test_a_technician_shares_nothing(version: ReportVersion) -> None:
    with pytest.raises(NotAllowed):
        share_report(version, by=make_user(Role.TECHNICIAN), recipient="Dr Far", days=7)


def test_the_page_shows_address_and_pin_once(client: Client, version: ReportVersion, desk: User) -> None:
    client.force_login(desk, backend="django.contrib.auth.backends.ModelBackend")

    page = client.post(
        reverse("reporting:share_create", args=[version.pk]), {"recipient": "Dr Far", "days": "3"}
    )

    share = page.context["share"]
    assert page.context["address"] == f"http://testserver{address(share)}"
    assert share.pin in page.content.decode()
    assert share.link.with_images is False
    assert Client().get(page.context["address"]).status_code == 200


def test_unknown_addresses_are_refused_in_the_same_words(client: Client, share: NewShare) -> None:
    ShareLink.objects.update(expires_at=timezone.now())

    texts = {client.get(f"/shared/{token}/").context["text"] for token in (share.token, "no-such")}

    assert len(texts) == 1


@pytest.mark.django_db(transaction=True)
def test_wrong_pins_at_once_are_all_counted(share: NewShare) -> None:
    def attempt(_number: int) -> None:
        try:
            open_share(share.token, wrong(share))
        except DomainError:
            pass
        finally:
            connection.close()

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(attempt, range(8)))

    assert ShareLink.objects.get().wrong_pins == 5
