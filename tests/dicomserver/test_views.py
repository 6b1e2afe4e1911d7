"""The page of devices, its forms and buttons."""

import socket

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from pynetdicom import AE
from pynetdicom.sop_class import Verification

from audit.models import Entry
from clinic.errors import NotAllowed
from clinic.permissions import Role
from dicomserver import services
from dicomserver.models import Association, Outcome, RemoteAE, RemoteAEState
from dicomserver.overview import own_addresses
from tests.factories import make_station, make_user

pytestmark = pytest.mark.django_db
LIST = "/dicom/"


@pytest.fixture
def admin(client):
    user = make_user(Role.ADMINISTRATOR)
    client.force_login(user)
    return user


def make_call(outcome: str = Outcome.RELEASED, **fields) -> Association:
    fields.setdefault("calling_ae_title", "XR1")
    fields.setdefault("called_ae_title", "CEDAR")
    return Association.objects.create(at="2026-11-20T10:00Z", address="10.0.0.9", outcome=outcome, **fields)


def texts_of(response) -> list[str]:
    return [text for _call, text in response.context["calls"]]


# --- the page ---------------------------------------------------------------------------------------
def test_the_page_says_what_to_enter_in_the_device(client, admin, settings):
    settings.DICOM_PORT, settings.DICOM_HOST = 11112, "0.0.0.0"

    response = client.get(LIST)

    assert response.status_code == 200
    assert (response.context["own"]["ae_title"], response.context["own"]["port"]) == ("CEDAR", 11112)


@pytest.mark.parametrize(
    ("host", "expected"), [("127.0.0.1", []), ("localhost", []), ("192.168.1.5", ["192.168.1.5"])]
)
def test_the_addresses_at_which_devices_reach_us(settings, host, expected):
    settings.DICOM_HOST = host

    assert own_addresses() == expected


def test_who_wants_to_connect_comes_first(client, admin):
    RemoteAE.objects.create(ae_title="A_REFUSED", state=RemoteAEState.REFUSED)
    RemoteAE.objects.create(ae_title="B_ACCEPTED", state=RemoteAEState.ACCEPTED)
    RemoteAE.objects.create(ae_title="C_NEW")
    make_station(ae_title="D_STATION", name="Room 4")

    response = client.get(LIST)

    assert [row.node.ae_title for row in response.context["nodes"]] == ["C_NEW", "B_ACCEPTED", "A_REFUSED"]
    assert response.context["silent_stations"] == [("D_STATION", "Room 4")]


def test_a_live_fetch_gets_the_lists_alone(client, admin):
    response = client.get(LIST, headers={"HX-Request": "true", "HX-Target": "nodes"})

    assert b"<html" not in response.content
    assert b"No device has called yet." in response.content


def test_the_number_of_queries_does_not_grow(client, admin):
    counts = []
    client.get(LIST)  # what is read once and kept does not count
    for number in range(1, 7):
        RemoteAE.objects.create(ae_title=f"XR{number}", state=RemoteAEState.ACCEPTED)
        make_call(calling_ae_title=f"XR{number}")
        if number in (1, 6):
            with CaptureQueriesContext(connection) as queries:
                client.get(LIST)
            counts.append(len(queries))

    assert counts[0] == counts[1]


# --- words ------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("call", "text"),
    [
        (
            {"outcome": Outcome.UNKNOWN_CALLER},
            "XR1 is not accepted yet. Accept it if it is one of your devices.",
        ),
        (
            {"outcome": Outcome.UNKNOWN_CALLER, "called_ae_title": "CLINIC1"},
            "XR1 is not accepted yet. Accept it if it is one of your devices. "
            "It also calls us CLINIC1; our AE title is CEDAR.",
        ),
        (
            {"outcome": Outcome.WRONG_TITLE, "called_ae_title": "CLINIC1"},
            "The device calls us CLINIC1; our AE title is CEDAR. Correct that in the device's settings.",
        ),
        (
            {"outcome": Outcome.WRONG_ADDRESS},
            "XR1 called from 10.0.0.9, which is not among the addresses it may call from.",
        ),
        ({"stored": 1}, "Sent 1 image."),
        (
            {"outcome": Outcome.ABORTED, "stored": 12},
            "Sent 12 images. The connection broke off before the device said goodbye.",
        ),
        (
            {"failed": 2, "problem": "The archive's disk is full"},
            "2 objects were not taken: The archive's disk is full.",
        ),
        ({"queried": 1, "matches": 3}, "Asked for the worklist and got 3 entries."),
        (
            {"queried": 1, "problem": "Modality=MR"},
            "Asked for the worklist and got nothing; it asked for: Modality=MR.",
        ),
        ({"echoed": 1}, "Tested the connection (echo)."),
        ({}, "Connected and asked for nothing."),
    ],
)
def test_the_log_speaks_plainly(client, admin, call, text):
    make_call(**call)

    assert texts_of(client.get(LIST)) == [text]


def test_trouble_of_an_accepted_device_stands_beside_it(client, admin):
    RemoteAE.objects.create(ae_title="XR1", state=RemoteAEState.ACCEPTED)
    make_call()
    make_call(Outcome.WRONG_TITLE, called_ae_title="CLINIC1")
    in_trouble = client.get(LIST).context["nodes"][0].trouble
    make_call(stored=3)

    assert in_trouble == (
        "The device calls us CLINIC1; our AE title is CEDAR. Correct that in the device's settings."
    )
    assert client.get(LIST).context["nodes"][0].trouble == ""


# --- buttons ----------------------------------------------------------------------------------------
def test_accept_and_refuse(client, admin):
    node = RemoteAE.objects.create(ae_title="XR1")

    client.post(reverse("dicomserver:node_accept", args=[node.pk]))
    node.refresh_from_db()
    accepted = node.state
    client.post(reverse("dicomserver:node_refuse", args=[node.pk]))
    node.refresh_from_db()

    assert (accepted, node.state) == (RemoteAEState.ACCEPTED, RemoteAEState.REFUSED)
    entries = Entry.objects.filter(action="config.changed", subject_label="XR1").order_by("pk")
    assert [entry.changes for entry in entries] == [
        {"state": ["wants_to_connect", "accepted"]},
        {"state": ["accepted", "refused"]},
    ]


def test_add_a_device_before_it_calls(client, admin):
    response = client.post(
        reverse("dicomserver:node_add"),
        {
            "ae_title": "CT1",
            "description": "CT scanner",
            "host": "10.0.0.20",
            "port": "104",
            "allowed_addresses": "10.0.0.20, 10.0.1.0/24",
            "character_set": "ISO_IR 100",
        },
    )

    node = RemoteAE.objects.get()
    assert (response.status_code, node.ae_title, node.state) == (302, "CT1", RemoteAEState.ACCEPTED)
    assert (node.port, node.allowed_addresses, node.character_set) == (
        104,
        ["10.0.0.20", "10.0.1.0/24"],
        "ISO_IR 100",
    )


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        (
            "allowed_addresses",
            "somewhere",
            "somewhere is no IP address; 192.168.1.20 or 192.168.1.0/24 is accepted.",
        ),
        ("port", "70000", "Ensure this value is less than or equal to 65535."),
        ("ae_title", "TOO LONG A TITLE HERE", "Ensure this value has at most 16 characters (it has 21)."),
        ("ae_title", "A\\B", "1 to 16 letters, digits, spaces or signs."),
        ("character_set", "EBCDIC", "Select a valid choice. EBCDIC is not one of the available choices."),
    ],
)
def test_bad_input_is_named_at_its_field(client, admin, field, value, message):
    data = {"ae_title": "CT1", "character_set": "ISO_IR 192", field: value}

    response = client.post(reverse("dicomserver:node_add"), data)

    assert response.context["form"].errors[field] == [message]
    assert RemoteAE.objects.count() == 0


def test_change_a_device(client, admin):
    node = RemoteAE.objects.create(ae_title="XR1", state=RemoteAEState.ACCEPTED)

    client.post(
        reverse("dicomserver:node_edit", args=[node.pk]),
        {"description": "Old X-ray", "port": "11113", "character_set": "ISO_IR 192", "allowed_addresses": ""},
    )

    node.refresh_from_db()
    entry = Entry.objects.get(action="config.changed", subject_label="XR1")
    assert (node.description, node.port) == ("Old X-ray", 11113)
    assert entry.changes == {"description": ["", "Old X-ray"], "port": [None, 11113]}


def test_only_an_administrator_changes_devices(db):
    node = RemoteAE.objects.create(ae_title="XR1")

    with pytest.raises(NotAllowed):
        services.accept_node(node, by=make_user(Role.TECHNICIAN))


# --- echo -------------------------------------------------------------------------------------------
def echo_message(client, node: RemoteAE) -> str:
    response = client.post(reverse("dicomserver:node_echo", args=[node.pk]), follow=True)
    return str(*response.context["messages"])


def make_node(port: int, **fields) -> RemoteAE:
    return RemoteAE.objects.create(
        ae_title="XR1", host="127.0.0.1", port=port, state=RemoteAEState.ACCEPTED, **fields
    )


@pytest.fixture
def device():
    """A modality that knows us and answers."""
    ae = AE(ae_title="XR1")
    ae.add_supported_context(Verification)
    ae.require_called_aet = True
    server = ae.start_server(("127.0.0.1", 0), block=False)
    yield ae, server.socket.getsockname()[1]
    server.shutdown()


def test_echo_of_a_device_that_answers(client, admin, device):
    _ae, port = device

    assert echo_message(client, make_node(port)) == f"XR1 at 127.0.0.1 port {port} answers."


def test_echo_of_a_device_that_does_not_know_us(client, admin, device):
    ae, port = device
    ae.require_calling_aet = ["OTHER"]

    assert echo_message(client, make_node(port)) == (
        "XR1 does not know us: enter the AE title CEDAR in its list of DICOM nodes."
    )


def test_echo_of_a_device_with_another_name(client, admin, device):
    _ae, port = device
    node = make_node(port)
    RemoteAE.objects.filter(pk=node.pk).update(ae_title="XR2")

    assert echo_message(client, node) == (
        "The device at 127.0.0.1 answers, but it is not called XR2. Look up its own AE title."
    )


def test_echo_where_nobody_answers(client, admin):
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]

    assert echo_message(client, make_node(port)) == (
        f"Nobody answers at 127.0.0.1 port {port}. Is the device switched on, is the address right, "
        "does a firewall stand between?"
    )
