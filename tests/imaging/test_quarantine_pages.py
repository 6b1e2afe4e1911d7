import hashlib

import pytest
from django.urls import reverse
from django.utils import timezone

from audit.models import Entry
from clinic.permissions import Role
from imaging.ingest import ingest_spool
from imaging.models import Instance, Quarantined
from tests.factories import make_order, make_patient, make_user

from .sender import identity_for, identity_of, receive, send_bytes, slices

pytestmark = pytest.mark.django_db


@pytest.fixture
def technician(client):
    user = make_user(Role.TECHNICIAN)
    client.force_login(user)
    return user


@pytest.fixture
def rubbish():
    (dataset,) = slices(identity_of(make_patient()), 1)
    send_bytes(b"rubbish!", dataset)
    ingest_spool()
    return Quarantined.objects.get()


@pytest.fixture
def changed():
    """Other bytes under the UID of an image that is here."""
    made = slices(identity_for(make_order(status="scheduled")), 1)
    receive(*made)
    made[0].ImageComments = "changed"
    receive(*made)
    return Quarantined.objects.get()


def make_item(number: int, **fields) -> Quarantined:
    values = {
        "file": f"2026-11/{number}.dcm",
        "size": 8,
        "sha256": "0" * 64,
        "reason": "It has no content.",
        "source_ae_title": "CT1",
        "received_at": timezone.now(),
    }
    return Quarantined.objects.create(**values | fields)


def text_of(response) -> str:
    return " ".join(response.content.decode().split())


def listed(client, **query) -> str:
    return text_of(client.get(reverse("imaging:quarantine_list"), query))


def test_the_list_says_why_from_where_and_how_large(client, technician, rubbish):
    shown = listed(client)

    assert rubbish.reason in shown
    assert "10.0.0.7" in shown
    assert reverse("imaging:quarantine_item", args=[rubbish.pk]) in shown


def test_nothing_in_quarantine_says_so(client, technician):
    assert "Nothing is in quarantine." in listed(client)


def test_it_is_filtered_by_machine_and_text(client, technician):
    make_item(1, source_ae_title="CT1", reason="It has no content.")
    make_item(2, source_ae_title="XR2", reason="It cannot be read")

    assert listed(client, sender="XR2").count('name="item"') == 1
    assert listed(client, text="no CONTENT").count('name="item"') == 1
    assert "Nothing fits this filter." in listed(client, text="\0nothing")
    assert "Nothing fits this filter." in listed(client, sender="\0nobody")


@pytest.mark.parametrize("count", [1, 60])
def test_the_list_costs_the_same_queries(client, technician, count, django_assert_num_queries):
    study = receive(*slices(identity_for(make_order(status="scheduled")), 1))
    for number in range(count):
        make_item(number, study=study)
    url = reverse("imaging:quarantine_list")
    client.get(url)

    with django_assert_num_queries(7):
        response = client.get(url)

    assert text_of(response).count('name="item"') == min(count, 50)


def test_an_item_shows_what_it_disagrees_with_and_both_files(client, technician, changed):
    instance = Instance.objects.get()

    shown = text_of(client.get(reverse("imaging:quarantine_item", args=[changed.pk])))
    file = client.get(reverse("imaging:quarantine_file", args=[changed.pk]))
    kept = client.get(reverse("imaging:quarantine_kept", args=[changed.pk]))

    assert "The image that came first under the same UID" in shown
    assert hashlib.sha256(file.content).hexdigest() == changed.sha256
    assert hashlib.sha256(kept.content).hexdigest() == instance.sha256
    assert file.headers["Content-Disposition"] == f'attachment; filename="quarantine-{changed.pk}.dcm"'
    assert Entry.objects.filter(action="image.downloaded").count() == 2


def test_a_preview_where_there_can_be_one(client, technician, changed):
    answer = client.get(reverse("imaging:quarantine_preview", args=[changed.pk]))

    assert (answer.headers["Content-Type"], answer.content[:2]) == ("image/jpeg", b"\xff\xd8")


def test_no_preview_of_rubbish(client, technician, rubbish):
    assert client.get(reverse("imaging:quarantine_preview", args=[rubbish.pk])).status_code == 404


@pytest.mark.parametrize("text", ["A" * 5000, "<script>alert(1)</script>", "\u202e\u0001x", ""])
def test_damaged_texts_break_no_page(client, technician, text):
    item = make_item(1, reason=text[:500], sop_instance_uid=text[:200], source_address=text[:64])

    answers = [listed(client), text_of(client.get(reverse("imaging:quarantine_item", args=[item.pk])))]

    assert ["<script>alert" in answer for answer in answers] == [False, False]
    assert "The file is no longer there" in answers[1]


def test_try_again_says_the_result(client, technician, rubbish):
    url = reverse("imaging:quarantine_retry")

    answer = client.post(url, {"item": rubbish.pk, "on": rubbish.pk}, follow=True)

    assert answer.redirect_chain[0][0] == reverse("imaging:quarantine_item", args=[rubbish.pk])
    assert f"It stays: {rubbish.reason}" in text_of(answer)


def test_several_are_tried_and_discarded_at_once(client, technician, rubbish):
    (dataset,) = slices(identity_of(make_patient()), 1)
    send_bytes(b"more rubbish", dataset)
    ingest_spool()
    chosen = {"item": [item.pk for item in Quarantined.objects.all()]}

    tried = client.post(reverse("imaging:quarantine_retry"), chosen, follow=True)
    gone = client.post(
        reverse("imaging:quarantine_discard"), chosen | {"reason": "Broken sender"}, follow=True
    )

    assert "0 filed, 2 stay, 0 not tried yet." in text_of(tried)
    assert "Discarded: 2 objects." in text_of(gone)
    assert listed(client, show="discarded").count("Broken sender") == 2


def test_discarding_without_a_reason_changes_nothing(client, technician, rubbish):
    answer = client.post(reverse("imaging:quarantine_discard"), {"item": rubbish.pk})

    assert (answer.status_code, Quarantined.objects.open().count()) == (400, 1)


def test_nothing_chosen_is_said(client, technician):
    answer = client.post(reverse("imaging:quarantine_retry"), {"item": ["x", "9" * 30]})

    assert "Choose at least one object first." in text_of(answer)


def test_a_discarded_object_is_brought_back(client, technician, rubbish):
    client.post(reverse("imaging:quarantine_discard"), {"item": rubbish.pk, "reason": "Broken"})

    client.post(reverse("imaging:quarantine_restore", args=[rubbish.pk]))

    assert Quarantined.objects.open().count() == 1
