import hashlib
import os
from pathlib import Path

import psycopg
import pytest
from django.db import OperationalError, connection

from audit.models import Entry
from imaging import filing, ingest, spool, stored_files
from imaging.ingest import ingest_spool
from imaging.models import Instance, Quarantined, Series, SettledSpoolFile, Study
from tests.factories import make_order, make_patient

from .sender import ADDRESS, AE, encoded, identity_for, identity_of, receive, send, send_bytes, slices


def hash_of(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def everything() -> dict[str, object]:
    """What the archive holds, in a form that two runs can be compared by."""
    return {
        "instances": sorted(Instance.objects.values_list("sop_instance_uid", "times_received")),
        "quarantine": sorted(Quarantined.objects.values_list("sop_instance_uid", "size")),
        "studies": sorted(Study.objects.values_list("state", "series_count", "instance_count")),
        "series": sorted(Series.objects.values_list("instance_count", flat=True)),
        "files are there": all(hash_of(row.path) == row.sha256 for row in Instance.objects.all()),
        "bytes are kept": all(hash_of(row.path) == row.sha256 for row in Quarantined.objects.all()),
        "spool": [path.name for path in spool.waiting()],
        "settled": list(SettledSpoolFile.objects.values_list("name", flat=True)),
        "stored for": sum(
            after - before
            for before, after in (
                entry.changes["images"] for entry in Entry.objects.filter(action="image.stored")
            )
        ),
    }


def send_mixture() -> None:
    """Three images, one of them twice, other bytes under the UID of another, and rubbish."""
    made = slices(identity_of(make_patient(mrn="MIX-1", family_name="Mixture")), 3)
    send(*made, made[0])
    made[1].ImageComments = "not the same"
    send(made[1])
    send_bytes(b"rubbish", made[2], sop_instance_uid="1.2.3.4")


# --- what becomes of an object ------------------------------------------------------------------------


@pytest.mark.django_db
def test_an_object_becomes_a_row_and_a_file_with_the_same_bytes():
    order = make_order(status="scheduled")
    (dataset,) = slices(identity_for(order), 1)
    (path,) = send(dataset)
    received = path.read_bytes()

    ingest_spool()

    instance = Instance.objects.get()
    assert instance.path.read_bytes() == received
    assert instance.sha256 == hashlib.sha256(received).hexdigest()
    assert instance.data_sha256 == hashlib.sha256(encoded(dataset)).hexdigest()
    assert (instance.sop_instance_uid, instance.rows, instance.columns, instance.frames) == (
        dataset.SOPInstanceUID,
        32,
        32,
        1,
    )
    assert (instance.source_ae_title, instance.source_address) == (AE, ADDRESS)
    assert instance.series.study.order == order
    assert stored_files.studies_path(instance.thumbnail).read_bytes()[:2] == b"\xff\xd8"
    assert oct(instance.path.stat().st_mode & 0o777) == "0o600"
    assert oct(instance.path.parent.stat().st_mode & 0o777) == "0o700"
    assert spool.waiting() == []
    assert SettledSpoolFile.objects.count() == 0


@pytest.mark.django_db
def test_the_study_counts_what_came_and_what_it_is(settings):
    order = make_order(status="scheduled")

    study = receive(*slices(identity_for(order, description="Chest"), 3))

    assert (study.series_count, study.instance_count, study.modalities) == (1, 3, ["CT"])
    assert (study.description, study.source_ae_title) == ("Chest", AE)
    assert f"{study.performed_at:%Y%m%d%H%M%S}" == "20260105093000"
    assert Series.objects.get().instance_count == 3
    assert list(
        Entry.objects.filter(subject_type="study").order_by("pk").values_list("action", flat=True)
    ) == [
        "study.received",
        "image.stored",
    ]


@pytest.mark.django_db
def test_the_same_object_again_is_counted_and_dropped():
    order = make_order(status="scheduled")
    made = slices(identity_for(order), 2)
    receive(*made)

    receive(made[0], made[0], made[1])

    assert sorted(Instance.objects.values_list("times_received", flat=True)) == [2, 3]
    assert Quarantined.objects.count() == 0
    assert len(list(stored_files.studies_path("").rglob("*.dcm"))) == 2


@pytest.mark.django_db
def test_other_bytes_under_the_same_uid_go_to_quarantine_and_the_first_stay():
    order = make_order(status="scheduled")
    made = slices(identity_for(order), 1)
    study = receive(*made)
    first = Instance.objects.get().path.read_bytes()
    made[0].ImageComments = "changed"

    (path,) = send(*made)
    second = path.read_bytes()
    ingest_spool()

    item = Quarantined.objects.get()
    assert Instance.objects.get().path.read_bytes() == first
    assert item.path.read_bytes() == second
    assert item.reason == (
        "Another object with the same SOP Instance UID is here already; that one was kept."
    )
    assert (item.study, item.source_ae_title, item.source_address) == (study, AE, ADDRESS)
    assert item.sop_instance_uid == made[0].SOPInstanceUID


@pytest.mark.django_db
def test_other_bytes_in_the_same_batch_go_to_quarantine_too():
    made = slices(identity_for(make_order(status="scheduled")), 1)
    send(*made)
    made[0].ImageComments = "changed"
    send(*made)

    ingest_spool()

    assert Instance.objects.count() == 1
    assert Quarantined.objects.count() == 1


@pytest.mark.django_db
def test_more_than_a_batch_is_swept_in_one_go(monkeypatch):
    monkeypatch.setattr(ingest, "BATCH", 4)
    order = make_order(status="scheduled")

    study = receive(*slices(identity_for(order), 10))

    assert study.instance_count == 10
    assert [
        entry.changes["images"] for entry in Entry.objects.filter(action="image.stored").order_by("pk")
    ] == [
        [0, 4],
        [4, 8],
        [8, 10],
    ]


@pytest.mark.django_db
def test_a_late_image_opens_the_study_again():
    order = make_order(status="scheduled")
    made = slices(identity_for(order), 2)
    study = receive(made[0])
    Study.objects.update(stable_at=study.last_received_at)

    study = receive(made[1])

    assert study.stable_at is None


@pytest.mark.django_db
def test_a_copy_is_made_when_the_spool_is_on_another_file_system(monkeypatch):
    def cross_device(*_names):
        raise OSError(18, "Invalid cross-device link")

    monkeypatch.setattr(os, "link", cross_device)

    receive(*slices(identity_for(make_order(status="scheduled")), 2))

    assert everything()["files are there"]
    assert spool.waiting() == []
    assert list(stored_files.studies_path("").rglob(".*.dcm.*")) == []


# --- when something else is wrong ---------------------------------------------------------------------


@pytest.mark.django_db
def test_one_object_that_cannot_be_recorded_does_not_keep_the_others_out(monkeypatch):
    made = slices(identity_for(make_order(status="scheduled")), 3)
    original = filing._instance

    def fail(one, *args):
        if one.facts["sop_instance_uid"] == made[1].SOPInstanceUID:
            raise ValueError("not foreseen")
        return original(one, *args)

    monkeypatch.setattr(filing, "_instance", fail)

    study = receive(*made)

    assert study.instance_count == 2
    assert Quarantined.objects.get().reason == "It could not be recorded: ValueError"
    assert spool.waiting() == []


@pytest.mark.django_db
def test_without_the_database_everything_stays(monkeypatch):
    def away(*_args, **_kwargs):
        raise OperationalError("the connection is lost")

    send(*slices(identity_of(make_patient()), 2))
    with monkeypatch.context() as patch:
        patch.setattr(ingest, "file_objects", away)

        with pytest.raises(OperationalError):
            ingest_spool()

    assert len(spool.waiting()) == 2
    ingest_spool()
    assert Instance.objects.count() == 2


@pytest.mark.django_db
def test_a_file_that_cannot_be_placed_stays_and_the_others_go_on(monkeypatch):
    made = slices(identity_of(make_patient()), 3)
    paths = send(*made)
    original = filing.link_file

    def fail(source, target):
        if source == paths[1]:
            raise OSError(28, "No space left on device")
        original(source, target)

    with monkeypatch.context() as patch:
        patch.setattr(filing, "link_file", fail)

        ingest_spool()

    assert spool.waiting() == [paths[1]]
    assert Instance.objects.count() == 2
    ingest_spool()
    assert Instance.objects.count() == 3


# --- open pages ---------------------------------------------------------------------------------------


@pytest.mark.django_db(transaction=True)
def test_open_pages_hear_of_the_study_its_order_and_the_board():
    order = make_order(status="scheduled")
    known = connection.settings_dict
    with psycopg.connect(
        host=known["HOST"],
        user=known["USER"],
        dbname=known["NAME"],
        port=known["PORT"] or 5432,
        autocommit=True,
    ) as listener:
        listener.execute("LISTEN cedar_live")

        study = receive(*slices(identity_for(order), 1))

        heard = {notice.payload for notice in listener.notifies(timeout=1)}
    assert {f"study.{study.pk}", f"order.{order.pk}", "board", f"patient.{order.patient_id}"} <= heard


@pytest.mark.django_db(transaction=True)
def test_the_first_image_moves_the_appointment_to_being_examined():
    order = make_order(status="scheduled")

    receive(*slices(identity_for(order), 1))

    order.appointment.refresh_from_db()
    assert order.appointment.status == "in_scan"
