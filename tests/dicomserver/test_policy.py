"""Who may call: real associations against what the administrator decided."""

import datetime
import socket
import subprocess
import time

import pytest
from django.db import OperationalError
from django.utils import timezone

from audit.models import Entry
from dicomserver import services
from dicomserver.calls import Call, CallLog
from dicomserver.models import Association, Outcome, RemoteAE, RemoteAEState
from dicomserver.policy import Policy
from imaging import spool
from tests.dicomserver.conftest import wait_for
from tests.dicomserver.peers import CT, EXPLICIT, IMPLICIT, VERIFICATION, RawPeer, associated, sample, send
from tests.factories import make_station, make_user


def try_to_echo(server, calling: str, called: str = "CEDAR") -> str:
    """``answered``, or the reason of the rejection as the peer sees it."""
    with associated(server.port, (VERIFICATION, IMPLICIT), calling=calling, called=called) as association:
        if association.is_established:
            return "answered" if association.send_c_echo().Status == 0 else "failed"
        return association.acceptor.primitive.reason_str if association.is_rejected else "aborted"


def logged(**fields) -> Association:
    return wait_for(lambda: Association.objects.filter(**fields).first())


# --- decisions --------------------------------------------------------------------------------------
def test_an_unknown_caller_is_rejected_and_listed(clinic_server):
    reason = try_to_echo(clinic_server, "NEWXRAY")

    assert reason == "Calling AE title not recognised"
    node = wait_for(lambda: RemoteAE.objects.filter(ae_title="NEWXRAY").first())
    assert (node.state, node.last_address) == (RemoteAEState.WANTS_TO_CONNECT, "127.0.0.1")
    assert logged(calling_ae_title="NEWXRAY").outcome == Outcome.UNKNOWN_CALLER
    assert Entry.objects.filter(action="association.rejected").count() == 1


def test_once_accepted_it_stores(clinic_server):
    try_to_echo(clinic_server, "NEWXRAY")
    node = wait_for(lambda: RemoteAE.objects.filter(ae_title="NEWXRAY").first())

    services.accept_node(node, by=make_user("administrator"))
    wait_for(lambda: clinic_server.policy.judge("NEWXRAY", "CEDAR", "127.0.0.1") is None)
    (answer,) = send(clinic_server.port, sample("CT_small.dcm"), calling="NEWXRAY")

    assert (answer.Status, len(spool.waiting())) == (0x0000, 1)
    assert logged(calling_ae_title="NEWXRAY", outcome=Outcome.RELEASED).stored == 1


def test_a_refused_node_is_rejected_at_its_next_call(clinic_server):
    node = RemoteAE.objects.create(ae_title="OLDXRAY", state=RemoteAEState.ACCEPTED)
    wait_for(lambda: clinic_server.policy.judge("OLDXRAY", "CEDAR", "127.0.0.1") is None)
    before = try_to_echo(clinic_server, "OLDXRAY")

    services.refuse_node(node, by=make_user("administrator"))
    wait_for(lambda: clinic_server.policy.judge("OLDXRAY", "CEDAR", "127.0.0.1"))

    assert (before, try_to_echo(clinic_server, "OLDXRAY")) == ("answered", "Calling AE title not recognised")


def test_a_station_of_the_clinic_is_accepted(clinic_server):
    make_station(name="Room 1", ae_title="CEDAR_XR")
    wait_for(lambda: clinic_server.policy.judge("CEDAR_XR", "CEDAR", "127.0.0.1") is None)

    assert try_to_echo(clinic_server, "CEDAR_XR") == "answered"
    node = wait_for(lambda: RemoteAE.objects.filter(ae_title="CEDAR_XR").first())
    assert (node.state, node.description) == (RemoteAEState.ACCEPTED, "Room 1")


def test_who_calls_us_by_another_name_is_told_so(clinic_server):
    RemoteAE.objects.create(ae_title="XR1", state=RemoteAEState.ACCEPTED)
    wait_for(lambda: clinic_server.policy.judge("XR1", "CEDAR", "127.0.0.1") is None)

    reason = try_to_echo(clinic_server, "XR1", called="CLINIC1")

    assert reason == "Called AE title not recognised"
    row = logged(calling_ae_title="XR1", outcome=Outcome.WRONG_TITLE)
    assert row.called_ae_title == "CLINIC1"


@pytest.mark.parametrize(
    ("allowed", "expected"),
    [
        ([], "answered"),
        (["127.0.0.1"], "answered"),
        (["10.0.0.0/8", "127.0.0.0/8"], "answered"),
        (["10.0.0.0/8"], "Calling AE title not recognised"),
    ],
)
def test_addresses_from_which_a_node_may_call(clinic_server, allowed, expected):
    RemoteAE.objects.create(ae_title="XR1", state=RemoteAEState.ACCEPTED, allowed_addresses=allowed)
    wait_for(lambda: "XR1" in clinic_server.policy._nodes)

    assert try_to_echo(clinic_server, "XR1") == expected


def test_the_health_check_may_echo_and_nothing_else(server):
    with associated(
        server.port, (VERIFICATION, IMPLICIT), (CT, EXPLICIT), calling="CEDAR-HEALTH"
    ) as association:
        accepted = [str(context.abstract_syntax) for context in association.accepted_contexts]
        status = association.send_c_echo().Status

    assert (accepted, status) == ([VERIFICATION], 0x0000)
    wait_for(lambda: not server._calls)
    assert list(server.call_log._notes) == []


def test_the_name_of_the_health_check_is_of_no_use_from_elsewhere():
    policy = Policy()

    assert policy.judge("CEDAR-HEALTH", "CEDAR", "192.168.1.9") == Outcome.UNKNOWN_CALLER


def test_no_more_associations_than_allowed(server, settings):
    settings.DICOM_MAX_ASSOCIATIONS = 2
    peers = [RawPeer(server.port) for _ in range(2)]

    reason = try_to_echo(server, "MODALITY")
    for peer in peers:
        peer.release()
        peer.close()
    wait_for(lambda: server.established == 0)

    assert [peer.accepted for peer in peers] == [True, True]
    assert (reason, try_to_echo(server, "MODALITY")) == ("Local limit exceeded", "answered")


def test_silent_connections_do_not_take_a_modalitys_place(server, settings):
    settings.DICOM_CONNECTIONS_PER_ADDRESS = 15
    silent = [socket.create_connection(("127.0.0.1", server.port)) for _ in range(40)]
    time.sleep(0.3)

    waiting = len(server.listeners.associations)
    for connection in silent:
        connection.close()
    wait_for(lambda: not server.listeners.associations)

    assert waiting == 10
    assert try_to_echo(server, "MODALITY") == "answered"


# --- without the database ---------------------------------------------------------------------------
def test_what_was_decided_outlives_a_restart_without_database(transactional_db, data_folder):
    RemoteAE.objects.create(
        ae_title="XR1",
        state=RemoteAEState.ACCEPTED,
        allowed_addresses=["10.0.0.0/8"],
        character_set="ISO_IR 100",
    )
    RemoteAE.objects.create(ae_title="BAD", state=RemoteAEState.REFUSED)
    RemoteAE.objects.create(ae_title="NEW")
    Policy().refresh()

    after = Policy()

    assert after.judge("XR1", "CEDAR", "10.1.1.1") is None
    assert after.judge("XR1", "CEDAR", "11.1.1.1") == Outcome.WRONG_ADDRESS
    assert after.judge("BAD", "CEDAR", "10.1.1.1") == Outcome.REFUSED_CALLER
    assert after.judge("NEW", "CEDAR", "10.1.1.1") == Outcome.UNKNOWN_CALLER
    assert after.character_set_of("XR1") == "ISO_IR 100"
    assert (data_folder / "run" / "dicom-nodes.json").stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("content", ["", "[]", '{"XR1": 5}', '{"XR1": {}}', "\x00"])
def test_a_damaged_file_accepts_nobody_and_harms_nothing(data_folder, content):
    (data_folder / "run" / "dicom-nodes.json").write_text(content)

    assert Policy().judge("XR1", "CEDAR", "10.1.1.1") == Outcome.UNKNOWN_CALLER


# --- the log ----------------------------------------------------------------------------------------
def call(**fields) -> Call:
    fields.setdefault("outcome", Outcome.RELEASED)
    return Call(calling_ae_title="XR1", called_ae_title="CEDAR", address="10.0.0.9", **fields)


def test_alike_rejections_share_a_row_and_one_audit_entry(transactional_db):
    log = CallLog()
    for _ in range(30):
        log.note(call(outcome=Outcome.UNKNOWN_CALLER))

    log.flush()

    assert [row.times for row in Association.objects.all()] == [30]
    assert Entry.objects.filter(action="association.rejected").count() == 1


def test_a_device_that_tries_again_and_again_has_one_row(transactional_db):
    start = timezone.now()
    for minutes in (0, 5, 10, 30):
        at = start + datetime.timedelta(minutes=minutes)
        services.record_calls([call(outcome=Outcome.UNKNOWN_CALLER, at=at)])
    services.record_calls([call(at=start + datetime.timedelta(minutes=31))])
    services.record_calls([call(outcome=Outcome.UNKNOWN_CALLER, at=start + datetime.timedelta(minutes=32))])

    rows = Association.objects.order_by("pk")

    assert [(row.outcome, row.times) for row in rows] == [
        (Outcome.UNKNOWN_CALLER, 3),
        (Outcome.UNKNOWN_CALLER, 1),
        (Outcome.RELEASED, 1),
        (Outcome.UNKNOWN_CALLER, 1),
    ]


def test_the_audit_speaks_of_a_node_again_after_a_while(transactional_db, monkeypatch):
    services.record_calls([call(outcome=Outcome.UNKNOWN_CALLER)])
    services.record_calls([call(outcome=Outcome.UNKNOWN_CALLER)])
    monkeypatch.setattr(services, "_REJECTION_AUDITED_EVERY", datetime.timedelta())

    services.record_calls([call(outcome=Outcome.UNKNOWN_CALLER)])

    assert Entry.objects.filter(action="association.rejected").count() == 2


def test_while_the_database_is_away_notes_wait_up_to_a_bound(monkeypatch):
    log = CallLog()
    monkeypatch.setattr(services, "record_calls", lambda calls: (_ for _ in ()).throw(OperationalError()))
    for number in range(3000):
        log.note(call(stored=number))

    with pytest.raises(OperationalError):
        log.flush()
    written = []
    monkeypatch.setattr(services, "record_calls", written.extend)
    log.flush()

    assert [note.stored for note in written] == list(range(1000, 3000))


def test_a_flood_of_new_names_is_listed_only_so_far(transactional_db):
    services.record_calls(
        [Call(f"NOISE{n}", "CEDAR", "10.0.0.9", outcome=Outcome.UNKNOWN_CALLER) for n in range(150)]
    )

    assert RemoteAE.objects.count() == services.WAITING_LIMIT
    assert Association.objects.count() == 150


def test_the_log_is_kept_at_a_readable_size(transactional_db, monkeypatch):
    monkeypatch.setattr(services, "CALLS_KEPT", 5)
    services.record_calls([call(stored=n) for n in range(9)])

    services.prune_calls()

    assert sorted(Association.objects.values_list("stored", flat=True)) == [4, 5, 6, 7, 8]


def test_text_of_a_peer_is_cleaned_before_it_is_kept(server):
    peer = RawPeer(server.port, calling="MODALITY")
    association = server.listeners.associations[0]
    association.requestor.primitive._calling_ae_title = "EVIL\x00\x1b[31m TITLE OF MANY LETTERS"

    noted = server.open_call(association)
    peer.close()

    assert noted.calling_ae_title == "EVIL[31m TITLE O"


# --- DCMTK ------------------------------------------------------------------------------------------
@pytest.mark.needs_tool("echoscu", package="dcmtk")
def test_echoscu(server):
    command = ["echoscu", "-aec", "CEDAR", "127.0.0.1", str(server.port)]

    known = subprocess.run([*command, "-aet", "MODALITY"], capture_output=True)
    unknown = subprocess.run([*command, "-aet", "STRANGER"], capture_output=True, text=True)

    assert (known.returncode, unknown.returncode) == (0, 1)
    assert "Reason: Calling AE Title Not Recognized" in unknown.stderr
