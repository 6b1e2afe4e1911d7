"""The queue of sending: what is tried, when, how often, and what people see of it."""

import datetime as dt

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone
from django_q.models import OrmQ

from audit.models import Entry
from clinic.errors import Conflict, InvalidInput, NotAllowed
from clinic.permissions import Role
from dicomserver import commitment_requests, transfers
from dicomserver.commitment_requests import ANSWER
from dicomserver.fetching import attempt_fetch, fetch_study, known_numbers
from dicomserver.models import CommitmentRequest, CommitmentState, Fetch, Send, TransferState
from dicomserver.sending import send_study
from dicomserver.transfers import (
    LONGEST_PAUSE,
    MOST_ATTEMPTS,
    cancel,
    pause_after,
    queue_again,
    transfer_waiting,
)
from patients.models import Patient, PatientIdentifier
from tests.dicomserver.archive import folders_of_images, make_node, make_study, receiver, uids_of
from tests.factories import make_everyone, make_patient, make_user

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def image_folders(tmp_path, settings):
    folders_of_images(tmp_path, settings)
    settings.DICOM_RETRY_SECONDS = 0


@pytest.fixture
def admin(client):
    user = make_user(Role.ADMINISTRATOR)
    client.force_login(user)
    return user


def queued(count: int = 1, port: int = 1) -> Send:
    """On its way to a port where nobody answers."""
    node = make_node("PACS", port)
    return send_study(make_study(count=count), by=make_everyone(), to=node)


# --- queueing -----------------------------------------------------------------------------------------
def test_a_send_waits_for_the_worker_and_is_in_the_trail():
    send = queued(count=2)

    assert (send.state, send.total, send.done) == (TransferState.WAITING, 2, 0)
    assert Entry.objects.get(action="study.queued").changes == {"destination": [None, "PACS"]}
    assert [job.task["func"] for job in OrmQ.objects.all()].count(transfers.TASK) == 1


@pytest.mark.parametrize("fields", [{"state": "refused"}, {"host": ""}, {"port": None}])
def test_only_who_can_be_called_gets_images(fields):
    node = make_node("PACS", **{"port": 104} | fields)

    with pytest.raises(InvalidInput):
        send_study(make_study(count=1), by=make_everyone(), to=node)


def test_held_images_are_not_sent():
    study = make_study(count=1)
    study.state = "held"

    with pytest.raises(InvalidInput):
        send_study(study, by=make_everyone(), to=make_node("PACS", 104))


def test_the_same_study_waits_once_for_each_device():
    send = queued()

    with pytest.raises(Conflict):
        send_study(send.study, by=make_everyone(), to=send.node)
    send_study(send.study, by=make_everyone(), to=make_node("OTHER", 104))

    assert Send.objects.open().count() == 2


def test_a_receptionist_sends_nothing():
    with pytest.raises(NotAllowed):
        send_study(make_study(count=1), by=make_user(Role.RECEPTIONIST), to=make_node("PACS", 104))


# --- trying -------------------------------------------------------------------------------------------
def test_what_leaves_carries_the_name_in_the_record():
    study = make_study(count=2)
    Patient.objects.filter(pk=study.patient_id).update(family_name="Newname")
    with receiver() as there:
        send = send_study(study, by=make_everyone(), to=there.node)
        transfer_waiting()

    send.refresh_from_db()
    assert (send.state, send.done, send.attempts) == (TransferState.DONE, 2, 1)
    assert {str(one.PatientName) for one in there.received} == {"Newname^Ada"}
    row = Entry.objects.get(action="study.sent")
    assert row.changes == {"images": [None, 2], "destination": [None, "RECEIVER"]}


def test_a_broken_connection_loses_and_repeats_nothing():
    study = make_study(count=4)
    with receiver() as there:
        there.hang_up_after = 2
        send = send_study(study, by=make_everyone(), to=there.node)
        transfer_waiting()
        send.refresh_from_db()
        meanwhile = (send.state, send.done, bool(send.last_error))
        there.hang_up_after = None
        transfer_waiting()
        send.refresh_from_db()

    assert meanwhile == (TransferState.WAITING, 2, True)
    assert (send.state, send.done) == (TransferState.DONE, 4)
    assert sorted(str(one.SOPInstanceUID) for one in there.received) == uids_of(study)
    assert Entry.objects.filter(action="study.sent").count() == 1


def test_what_a_killed_worker_had_under_way_is_taken_up():
    study = make_study(count=2)
    with receiver() as there:
        send = send_study(study, by=make_everyone(), to=there.node)
        first = study.series.get().instances.first()
        Send.objects.filter(pk=send.pk).update(state=TransferState.RUNNING, acknowledged=[first.pk])
        transfer_waiting()

    send.refresh_from_db()
    assert (send.state, len(there.received)) == (TransferState.DONE, 1)


def test_nobody_there_is_said_in_plain_words():
    send = queued()

    transfer_waiting()

    send.refresh_from_db()
    assert (send.state, send.attempts) == (TransferState.WAITING, 1)
    assert send.last_error == (
        "Nobody answers at 127.0.0.1 port 1. Is the device switched on, is the address right, "
        "does a firewall stand between?"
    )


def test_pauses_double_up_to_a_day(settings):
    settings.DICOM_RETRY_SECONDS = 60

    pauses = [pause_after(attempts) for attempts in (1, 2, 3, 11, 12, 400)]

    minutes = [pause / dt.timedelta(minutes=1) for pause in pauses]
    assert minutes == [1, 2, 4, 1024, 1440, 1440]
    assert pauses[-1] == LONGEST_PAUSE


def test_what_is_not_due_waits(settings):
    settings.DICOM_RETRY_SECONDS = 3600
    send = queued()

    transfer_waiting()
    transfer_waiting()

    send.refresh_from_db()
    assert send.attempts == 1
    assert send.next_try_at > timezone.now() + dt.timedelta(minutes=50)


def test_after_many_attempts_it_fails_and_can_be_tried_again():
    send = queued()
    Send.objects.filter(pk=send.pk).update(attempts=MOST_ATTEMPTS - 1)

    transfer_waiting()

    send.refresh_from_db()
    assert send.state == TransferState.FAILED
    queue_again(send, by=make_everyone())
    send.refresh_from_db()
    assert (send.state, send.attempts) == (TransferState.WAITING, 0)


def test_what_is_cancelled_is_not_sent():
    study = make_study(count=1)
    with receiver() as there:
        send = send_study(study, by=make_everyone(), to=there.node)
        cancel(send, by=make_everyone())
        transfer_waiting()

    send.refresh_from_db()
    assert (send.state, there.received) == (TransferState.CANCELLED, [])
    with pytest.raises(Conflict):
        cancel(send, by=make_everyone())


def test_an_archive_that_is_away_is_asked_again():
    patient, node = make_patient(), make_node("PACS", 1)
    fetch = fetch_study(patient, "1.2.3", by=make_everyone(), node=node)

    attempt_fetch(fetch)

    fetch.refresh_from_db()
    assert (fetch.state, fetch.attempts) == (TransferState.WAITING, 1)


def test_what_is_no_uid_is_not_asked_for():
    with pytest.raises(InvalidInput):
        fetch_study(make_patient(), "1.2.*", by=make_everyone(), node=make_node("PACS", 104))


# --- pages --------------------------------------------------------------------------------------------
def test_the_queue_is_shown_with_its_troubles(client, admin):
    send = queued()
    transfer_waiting()

    page = client.get(reverse("dicomserver:send_list"))

    assert page.context["sends"] == [send]
    assert "Nobody answers at 127.0.0.1 port 1." in page.content.decode()


def test_the_queue_takes_a_constant_number_of_queries(client, admin):
    client.get(reverse("dicomserver:send_list"))  # what a session and a cache cost once
    counts = []
    for number in range(2):
        node = make_node(f"PACS{number}", 104)
        send_study(make_study(count=1), by=make_everyone(), to=node)
        fetch_study(make_patient(), "1.2.3", by=make_everyone(), node=node)
        with CaptureQueriesContext(connection) as captured:
            client.get(reverse("dicomserver:send_list"))
        counts.append(len(captured))

    assert counts[0] == counts[1]


def test_devices_that_were_not_told_are_listed_and_told_again(client, admin):
    values = {"objects_asked": [["1.2", "1.2.3"]], "next_try_at": timezone.now(), "ae_title": "XR1"}
    told = {"state": CommitmentState.REPORTED, "reported_at": timezone.now()}
    CommitmentRequest.objects.create(transaction_uid="1.1", **values | told)
    given_up = CommitmentRequest.objects.create(
        transaction_uid="1.2", state=CommitmentState.GIVEN_UP, last_error="Nobody answers.", **values
    )

    page = client.get(reverse("dicomserver:send_list"))
    client.post(reverse("dicomserver:commitment_retry", args=[given_up.pk]))

    given_up.refresh_from_db()
    assert list(page.context["commitments"]) == [given_up]
    assert (given_up.state, given_up.attempts) == (CommitmentState.CHECKING, 0)
    assert Entry.objects.get(action="config.changed").changes == {"state": ["given_up", "checking"]}
    assert [job.task["func"] for job in OrmQ.objects.all()].count(ANSWER) == 1


def test_what_was_told_is_not_told_again_by_hand(client, admin):
    request = CommitmentRequest.objects.create(
        transaction_uid="1.1",
        ae_title="XR1",
        state=CommitmentState.REPORTED,
        reported_at=timezone.now(),
        next_try_at=timezone.now(),
    )

    with pytest.raises(Conflict):
        commitment_requests.queue_again(request, by=admin)


def test_the_numbers_by_which_an_archive_may_know_a_patient():
    patient = make_patient(mrn="T-1")
    make_patient(mrn="T-0", merged_into=patient)
    for value in ("t 1", "OLD-77", "OLD-77 "):
        PatientIdentifier.objects.create(patient=patient, issuer=f"Clinic {value}", value=value)

    assert known_numbers(patient) == ["T-1", "T-0", "OLD-77"]


def test_the_buttons_of_the_queue(client, admin):
    send, node = queued(), make_node("ARCHIVE", 104)
    fetch = fetch_study(make_patient(), "1.2.3", by=make_everyone(), node=node)

    for kind, transfer in (("send", send), ("fetch", fetch)):
        client.post(reverse(f"dicomserver:{kind}_cancel", args=[transfer.pk]))
        transfer.refresh_from_db()
        assert transfer.state == TransferState.CANCELLED
        client.post(reverse(f"dicomserver:{kind}_retry", args=[transfer.pk]))
        transfer.refresh_from_db()
        assert transfer.state == TransferState.WAITING


def test_a_technician_sends_from_the_page_of_the_study(client):
    client.force_login(make_user(Role.TECHNICIAN))
    study, node = make_study(count=1), make_node("PACS", 104)
    url = reverse("dicomserver:study_send", args=[study.pk])

    client.post(url, {"node": str(node.pk)})
    page = client.get(url)

    assert [send.node for send in page.context["sends"]] == [node]
    assert client.post(url, {"node": "x"}).status_code == 400


def test_an_archive_that_does_not_answer_is_said_on_the_page(client):
    client.force_login(make_user(Role.RADIOLOGIST))
    patient, node = make_patient(), make_node("PACS", 1)
    url = reverse("dicomserver:prior_list", args=[patient.pk])

    first, asked = client.get(url), client.get(url, {"node": str(node.pk)})

    assert "priors" not in first.context
    assert asked.context["problem"][:30] == "Nobody answers at 127.0.0.1 po"


def test_a_prior_is_asked_for_from_the_page(client):
    client.force_login(make_user(Role.RADIOLOGIST))
    patient, node = make_patient(), make_node("PACS", 104)

    client.post(
        reverse("dicomserver:prior_fetch", args=[patient.pk]),
        {"node": str(node.pk), "study": "1.2.3", "description": "CT head"},
    )

    fetch = Fetch.objects.get()
    assert (fetch.patient, fetch.study_instance_uid, fetch.description) == (patient, "1.2.3", "CT head")
