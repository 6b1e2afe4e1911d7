"""Storage Commitment through real associations; expectations are of PS3.4 Annex J."""

import datetime as dt
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from django.utils import timezone
from django_q.models import OrmQ
from pydicom import Dataset
from pydicom.sequence import Sequence
from pydicom.uid import generate_uid
from pynetdicom import AE, build_role, evt
from pynetdicom.sop_class import StorageCommitmentPushModel, StorageCommitmentPushModelInstance

from audit.models import Entry
from dicomserver import tasks
from dicomserver.commitment_requests import ANSWER, due_requests
from dicomserver.models import CommitmentRequest, CommitmentState, RemoteAE
from imaging import ingest
from imaging.models import Instance
from tests.dicomserver.archive import folders_of_images, make_study
from tests.dicomserver.conftest import KNOWN, wait_for
from tests.dicomserver.modality import reference
from tests.dicomserver.peers import EXPLICIT, associated
from tests.factories import make_order
from tests.imaging.sender import identity_for, send, send_bytes, slices

COMMITMENT, WELL_KNOWN = str(StorageCommitmentPushModel), str(StorageCommitmentPushModelInstance)


@pytest.fixture
def accepted_nodes() -> list[str]:
    return [KNOWN]


@pytest.fixture
def server(clinic_server, tmp_path, settings):
    folders_of_images(tmp_path, settings)
    return clinic_server


class Listener:
    """The modality's own port, where the reports arrive."""

    def __init__(self, status: int = 0x0000) -> None:
        self.reports: list[tuple[int, Dataset]] = []
        self.roles: list[tuple[bool | None, bool | None]] = []
        self.status = status

    def handle(self, event: evt.Event) -> tuple[int, None]:
        self.reports.append((event.event_type, event.event_information))
        (context,) = event.assoc.accepted_contexts
        self.roles.append((context.as_scu, context.as_scp))
        return self.status, None

    @contextmanager
    def listening(self, port: int = 0) -> Iterator[int]:
        ae = AE(ae_title=KNOWN)
        # The modality stays the SCU of the service on an association that we open.
        ae.add_supported_context(COMMITMENT, scu_role=False, scp_role=True)
        server = ae.start_server(
            ("127.0.0.1", port), block=False, evt_handlers=[(evt.EVT_N_EVENT_REPORT, self.handle)]
        )
        try:
            yield server.server_address[1]
        finally:
            server.shutdown()


def reachable_at(port: int | None) -> None:
    RemoteAE.objects.filter(ae_title=KNOWN).update(host="127.0.0.1", port=port)


def asking(*references: Dataset, transaction: str | None = None) -> Dataset:
    request = Dataset()
    request.TransactionUID = transaction or generate_uid()
    request.ReferencedSOPSequence = Sequence(references)
    return request


def ask(server: Any, *requests: Dataset, action: int = 1, instance: str = WELL_KNOWN) -> list[int]:
    role = build_role(COMMITMENT, scu_role=True, scp_role=False)
    with associated(server.port, (COMMITMENT, EXPLICIT), ext_neg=[role]) as association:
        return [
            association.send_n_action(request, action, COMMITMENT, instance)[0].Status for request in requests
        ]


def work() -> None:
    """What the worker does with the jobs in its queue."""
    for job in OrmQ.objects.filter(lock__lte=timezone.now()).order_by("pk"):
        task = job.task
        job.delete()
        if task["func"] == ANSWER:
            tasks.answer_commitment(*task["args"])


def make_due() -> None:
    CommitmentRequest.objects.update(next_try_at=timezone.now())


def uids(sequence: Sequence) -> list[str]:
    return [str(item.ReferencedSOPInstanceUID) for item in sequence]


# --- checked and told -------------------------------------------------------------------------------
def test_stored_images_are_confirmed_on_an_association_of_ours(server):
    kept = [item.sop_instance_uid for item in Instance.objects.filter(series__study=make_study(count=3))]
    listener, transaction = Listener(), generate_uid()

    with listener.listening() as port:
        reachable_at(port)
        answers = ask(server, asking(*map(reference, kept), transaction=transaction))
        work()

    ((event, report),) = listener.reports
    assert (answers, event, report.TransactionUID) == ([0x0000], 1, transaction)
    assert uids(report.ReferencedSOPSequence) == kept
    assert (report.RetrieveAETitle, "FailedSOPSequence" in report) == ("CEDAR", False)
    assert listener.roles == [(True, False)]  # the modality is the SCU although it did not open the call
    assert CommitmentRequest.objects.get().state == CommitmentState.REPORTED
    assert Entry.objects.get(action="commitment.reported").changes == {
        "images": [None, 3],
        "failed": [None, 0],
    }


def test_what_is_not_safe_is_reported_with_its_reason(server):
    good, damaged, gone, class_conflict = Instance.objects.filter(series__study=make_study(count=4))
    with damaged.path.open("r+b") as file:
        file.seek(-7, 2)
        file.write(b"\xff")
    gone.path.unlink()
    never = generate_uid()
    asked = [
        reference(good.sop_instance_uid),
        reference(damaged.sop_instance_uid),
        reference(gone.sop_instance_uid),
        reference(class_conflict.sop_instance_uid, "1.2.840.10008.5.1.4.1.1.4"),
        reference(never),
    ]
    listener = Listener()

    with listener.listening() as port:
        reachable_at(port)
        ask(server, asking(*asked))
        work()

    ((event, report),) = listener.reports
    reasons = {item.ReferencedSOPInstanceUID: item.FailureReason for item in report.FailedSOPSequence}
    assert (event, uids(report.ReferencedSOPSequence)) == (2, [good.sop_instance_uid])
    assert reasons == {
        damaged.sop_instance_uid: 0x0110,
        gone.sop_instance_uid: 0x0112,
        class_conflict.sop_instance_uid: 0x0119,
        never: 0x0112,
    }


def test_what_is_in_quarantine_is_not_confirmed(server):
    first, second = slices(identity_for(make_order(status="scheduled")), 2)
    send(first)
    second.SOPInstanceUID = first.SOPInstanceUID
    send(second)
    send_bytes(b"no data set", second, sop_instance_uid="1.2.3.4")
    ingest.ingest_spool()
    listener = Listener()

    with listener.listening() as port:
        reachable_at(port)
        ask(server, asking(reference(str(first.SOPInstanceUID)), reference("1.2.3.4")))
        work()

    ((event, report),) = listener.reports
    assert (event, [item.FailureReason for item in report.FailedSOPSequence]) == (2, [0x0110, 0x0110])


def test_what_is_still_in_the_spool_is_waited_for(server):
    (image,) = slices(identity_for(make_order(status="scheduled")), 1)
    send(image)
    listener = Listener()

    with listener.listening() as port:
        reachable_at(port)
        ask(server, asking(reference(str(image.SOPInstanceUID))))
        work()

    ((event, report),) = listener.reports
    assert (event, uids(report.ReferencedSOPSequence)) == (1, [str(image.SOPInstanceUID)])


def test_an_object_that_stays_in_the_spool_is_not_called_missing(server, monkeypatch):
    (image,) = slices(identity_for(make_order(status="scheduled")), 1)
    send(image)
    monkeypatch.setattr("dicomserver.commitment_requests.ingest_spool", lambda: None)
    monkeypatch.setattr("dicomserver.commitment_requests._LOOK_SECONDS", 0)

    ask(server, asking(reference(str(image.SOPInstanceUID))))
    work()

    request = CommitmentRequest.objects.get()
    assert (request.state, request.failures, due_requests()) == (CommitmentState.CHECKING, {}, [])


def test_a_device_that_is_off_gets_its_report_later(server):
    study = make_study(count=1)
    kept = Instance.objects.get(series__study=study).sop_instance_uid
    listener = Listener()
    with listener.listening() as port:
        pass
    reachable_at(port)
    ask(server, asking(reference(kept)))
    work()
    while_off = CommitmentRequest.objects.get()

    tasks.answer_commitments()
    too_early = CommitmentRequest.objects.get().attempts
    with listener.listening(port):
        make_due()
        tasks.answer_commitments()
        make_due()
        tasks.answer_commitments()

    assert (while_off.state, while_off.attempts, too_early) == (CommitmentState.REPORTING, 1, 1)
    assert while_off.last_error.startswith("Nobody answers at 127.0.0.1")
    assert len(listener.reports) == 1
    assert CommitmentRequest.objects.get().state == CommitmentState.REPORTED


def test_a_refused_report_is_sent_again(server):
    kept = Instance.objects.get(series__study=make_study(count=1)).sop_instance_uid
    listener = Listener(status=0x0110)

    with listener.listening() as port:
        reachable_at(port)
        ask(server, asking(reference(kept)))
        work()
        refused = CommitmentRequest.objects.get()
        listener.status = 0x0000
        make_due()
        tasks.answer_commitments()

    assert refused.last_error == "The device refused the report (status 0110)."
    assert (len(listener.reports), CommitmentRequest.objects.get().state) == (2, CommitmentState.REPORTED)


def test_without_a_port_the_report_comes_on_the_open_association(server):
    kept = Instance.objects.get(series__study=make_study(count=1)).sop_instance_uid
    arrived, reports = threading.Event(), []

    def handle(event: evt.Event) -> tuple[int, None]:
        reports.append(event.event_information)
        arrived.set()
        return 0x0000, None

    with associated(
        server.port, (COMMITMENT, EXPLICIT), evt_handlers=[(evt.EVT_N_EVENT_REPORT, handle)]
    ) as association:
        association.send_n_action(asking(reference(kept)), 1, COMMITMENT, WELL_KNOWN)
        work()
        assert arrived.wait(20)
        wait_for(lambda: CommitmentRequest.objects.filter(state=CommitmentState.REPORTED).exists())
        again = association.send_n_action(asking(reference("1.2.3")), 1, COMMITMENT, WELL_KNOWN)

    assert uids(reports[0].ReferencedSOPSequence) == [kept]
    assert again[0].Status == 0x0000


def test_without_a_port_and_an_association_somebody_is_told_what_to_do_for_a_week(server):
    ask(server, asking(reference("1.2.3")))
    work()

    waiting = CommitmentRequest.objects.get()
    CommitmentRequest.objects.update(asked_at=timezone.now() - dt.timedelta(days=8))
    make_due()
    tasks.answer_commitments()
    assert waiting.state == CommitmentState.REPORTING
    assert waiting.last_error == "Nobody has entered the port of MODALITY yet."
    assert CommitmentRequest.objects.get().state == CommitmentState.GIVEN_UP
    assert Entry.objects.filter(action="commitment.given_up").count() == 1


# --- the request ------------------------------------------------------------------------------------
def test_the_same_request_again_is_answered_again_and_other_objects_are_refused(server):
    kept = Instance.objects.get(series__study=make_study(count=1)).sop_instance_uid
    transaction, listener = generate_uid(), Listener()
    same, other = (asking(reference(uid), transaction=transaction) for uid in (kept, "1.2.3"))

    with listener.listening() as port:
        reachable_at(port)
        first = ask(server, same)
        work()
        later = ask(server, same, other)
        work()

    assert (first, later) == ([0x0000], [0x0000, 0x0131])
    assert [report.TransactionUID for _event, report in listener.reports] == [transaction, transaction]
    assert CommitmentRequest.objects.count() == 1


def test_requests_that_make_no_sense(server):
    good = asking(reference("1.2.3"))
    without_uid, empty = asking(reference("1.2.3")), asking()
    del without_uid.TransactionUID

    assert ask(server, without_uid, empty) == [0x0115, 0x0115]
    assert ask(server, good, action=2) == [0x0123]
    assert ask(server, good, instance="1.2.3") == [0x0112]
    assert CommitmentRequest.objects.count() == 0
