"""What is in quarantine: tried again on the normal way, discarded, brought back, removed; bytes are kept."""

import datetime as dt
import hashlib

import psycopg
import pytest
from django.db import connection
from django.utils import timezone

from audit.models import Entry
from clinic.errors import Conflict, InvalidInput
from imaging import filing, retrying
from imaging.decisions import resolve_held_study
from imaging.ingest import LOCK, ingest_spool
from imaging.models import Instance, Quarantined, Study
from imaging.quarantine import discard_object, preview_path, remove_discarded_files, restore_object
from imaging.retrying import kept_instance, preview, retry_object
from tests.factories import make_everyone, make_order, make_patient

from .sender import identity_for, identity_of, receive, send, send_bytes, slices

pytestmark = pytest.mark.django_db


@pytest.fixture
def by():
    return make_everyone()


@pytest.fixture
def order():
    return make_order(
        make_patient(mrn="A-1", family_name="Ahmed", given_name="Sara", sex="F"), status="scheduled"
    )


@pytest.fixture
def rubbish():
    """Bytes that are no DICOM."""
    (dataset,) = slices(identity_of(make_patient()), 1)
    send_bytes(b"rubbish!", dataset)
    ingest_spool()
    return Quarantined.objects.get()


@pytest.fixture
def of_another(order):
    """A good image that names somebody else than the others of its study."""
    made = slices(identity_for(order), 2)
    receive(made[0])
    made[1].PatientID, made[1].PatientName = "B-2", "Berg^Tor"
    receive(made[1])
    return Quarantined.objects.get()


def total() -> int:
    """How many received objects there are, wherever they are now."""
    images = sum(Instance.objects.values_list("times_received", flat=True))
    return images + Quarantined.objects.exclude(settled_as="filed").count()


# --- try again ----------------------------------------------------------------------------------------


def test_what_is_still_no_image_stays_the_entry_it_was(rubbish, by):
    item = retry_object(rubbish, by=by)

    assert Quarantined.objects.get() == item
    assert (item.settled_as, item.reason) == ("", rubbish.reason)
    assert item.tried_at is not None
    assert item.path.read_bytes().endswith(b"rubbish!")
    assert Entry.objects.get(action="image.retried").actor_id == by.pk


def test_what_can_be_filed_by_now_becomes_an_image(order, of_another, by):
    study = Study.objects.get()
    study.received_patient_id, study.received_patient_name = "B-2", "Berg^Tor"
    study.save()
    before = total()

    item = retry_object(of_another, by=by)

    assert (item.settled_as, item.settlement) == ("filed", f"Filed as an image of {order.patient}.")
    assert Study.objects.get().instance_count == 2
    assert Instance.objects.get(sop_instance_uid=item.sop_instance_uid).path.exists()
    assert total() == before


def test_the_same_bytes_again_are_counted_with_the_image(order, by, monkeypatch):
    def fail(*_args):
        raise ValueError("not foreseen")

    made = slices(identity_for(order), 1)
    with monkeypatch.context() as patch:
        patch.setattr(filing, "_instance", fail)
        send(*made)
        ingest_spool()
    receive(*made)
    before = total()

    item = retry_object(Quarantined.objects.get(), by=by)

    assert item.settled_as == "filed"
    assert Instance.objects.get().times_received == 2
    assert total() == before


def test_an_error_nobody_foresaw_leaves_the_entry_with_its_bytes(of_another, by, monkeypatch):
    def fail(*_args, **_kwargs):
        raise ValueError("not foreseen")

    monkeypatch.setattr(retrying, "file_objects", fail)

    item = retry_object(of_another, by=by)

    assert (item.settled_as, item.reason) == ("", "It could not be recorded: ValueError")
    assert hashlib.sha256(item.path.read_bytes()).hexdigest() == item.sha256


def test_other_bytes_under_a_known_uid_stay_and_both_are_kept(order, by):
    made = slices(identity_for(order), 1)
    receive(*made)
    made[0].ImageComments = "changed"
    receive(*made)

    item = retry_object(Quarantined.objects.get(), by=by)

    kept = kept_instance(item)
    assert (item.settled_as, kept) == ("", Instance.objects.get())
    assert hashlib.sha256(item.path.read_bytes()).hexdigest() == item.sha256
    assert hashlib.sha256(kept.path.read_bytes()).hexdigest() == kept.sha256


def test_an_image_of_a_held_study_is_filed_when_that_is_decided(order, by):
    other = make_patient(mrn="B-2", family_name="Berg", given_name="Tor", sex="M")
    made = slices(identity_of(other, study_instance_uid=order.study_instance_uid), 2)
    study = receive(made[0])
    made[1].PatientID, made[1].PatientName, made[1].PatientSex = "A-1", "Ahmed^Sara", "F"
    receive(made[1])
    resolve_held_study(study, by=by, order=order, reason="Wrong entry")

    item = retry_object(Quarantined.objects.get(), by=by)

    assert (item.settled_as, Study.objects.get().instance_count) == ("filed", 2)


@pytest.mark.django_db(transaction=True)
def test_while_images_are_being_filed_it_waits_and_says_so(rubbish, by, monkeypatch):
    monkeypatch.setattr(retrying, "LOCK_SECONDS", 1)
    known = connection.settings_dict
    with psycopg.connect(
        host=known["HOST"], user=known["USER"], dbname=known["NAME"], port=known["PORT"] or 5432
    ) as sweeper:
        sweeper.execute("SELECT pg_advisory_xact_lock(%s)", [LOCK])

        with pytest.raises(Conflict, match="being filed right now"):
            retry_object(rubbish, by=by)

    assert retry_object(rubbish, by=by).tried_at is not None


# --- discard, bring back, remove ----------------------------------------------------------------------


def test_discarded_it_leaves_the_list_and_its_bytes_stay(rubbish, by):
    item = discard_object(rubbish, by=by, reason="  Broken   sender ")

    assert (item.settled_as, item.settlement, item.settled_by) == ("discarded", "Broken sender", by)
    assert (Quarantined.objects.open().count(), item.path.exists()) == (0, True)
    assert Entry.objects.get(action="image.discarded").reason == "Broken sender"


def test_it_can_be_brought_back(rubbish, by):
    discard_object(rubbish, by=by, reason="Broken sender")

    item = restore_object(rubbish, by=by)

    assert list(Quarantined.objects.open()) == [item]
    assert Entry.objects.get(action="image.restored").changes == {"discarded": ["Broken sender", None]}


@pytest.mark.parametrize(("reason", "words"), [("", "Say why"), ("x" * 301, "Shorten it")])
def test_discarding_needs_a_reason(rubbish, by, reason, words):
    with pytest.raises(InvalidInput, match=words):
        discard_object(rubbish, by=by, reason=reason)


@pytest.mark.parametrize("again", [lambda item, by: discard_object(item, by=by, reason="x"), retry_object])
def test_what_is_dealt_with_is_dealt_with_once(rubbish, by, again):
    discard_object(rubbish, by=by, reason="Broken sender")

    with pytest.raises(Conflict, match="Broken sender"):
        again(rubbish, by=by) if again is retry_object else again(rubbish, by)


def test_what_is_not_discarded_cannot_be_brought_back(rubbish, by):
    with pytest.raises(Conflict, match="not discarded"):
        restore_object(rubbish, by=by)


def discarded_long_ago(item: Quarantined, by, days: int) -> Quarantined:
    discard_object(item, by=by, reason="Broken sender")
    Quarantined.objects.update(settled_at=timezone.now() - dt.timedelta(days=days))
    return Quarantined.objects.get()


def test_without_a_setting_the_bytes_stay_for_ever(rubbish, by):
    item = discarded_long_ago(rubbish, by, 4000)

    assert remove_discarded_files() == 0
    assert item.path.exists()


def test_after_the_clinics_days_the_bytes_go_and_the_entry_stays(
    rubbish, by, settings, django_capture_on_commit_callbacks
):
    settings.DISCARDED_DAYS = 30
    item = discarded_long_ago(rubbish, by, 31)
    preview(item)

    with django_capture_on_commit_callbacks(execute=True):
        assert remove_discarded_files() == 1

    item.refresh_from_db()
    assert (item.path.exists(), preview_path(item).exists()) == (False, False)
    assert item.removed_at is not None
    assert Entry.objects.get(action="image.removed").actor_label == "Cedar worker"
    with pytest.raises(Conflict, match="cannot be brought back"):
        restore_object(item, by=by)


def test_before_that_day_nothing_goes(rubbish, by, settings):
    settings.DISCARDED_DAYS = 30
    item = discarded_long_ago(rubbish, by, 29)

    assert remove_discarded_files() == 0
    assert item.path.exists()


# --- how it looks -------------------------------------------------------------------------------------


def test_a_good_image_has_a_preview_that_is_drawn_once(of_another, monkeypatch):
    first = preview(of_another)
    monkeypatch.setattr(retrying, "_drawn", lambda _item: pytest.fail("drawn twice"))

    assert first[:2] == b"\xff\xd8"
    assert preview(of_another) == first


def test_rubbish_has_none_and_that_is_remembered(rubbish, monkeypatch):
    assert preview(rubbish) is None
    monkeypatch.setattr(retrying, "_drawn", lambda _item: pytest.fail("tried twice"))
    assert preview(rubbish) is None
