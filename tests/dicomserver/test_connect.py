"""The page that connects a device, step by step, against real peers."""

import datetime as dt

import pytest
from django.urls import reverse
from django.utils import timezone
from pydicom.uid import ExplicitVRLittleEndian
from pynetdicom import AE, evt
from pynetdicom.sop_class import SecondaryCaptureImageStorage, Verification

from audit.models import Entry
from clinic.errors import NotAllowed
from clinic.permissions import Role
from dicomserver import connecting
from dicomserver.certificates import describe
from dicomserver.models import Association, Outcome, RemoteAE, ServerSettings
from imaging.connection_tests import TEST_PATIENT_ID
from imaging.ingest import ingest_spool
from imaging.models import Quarantined, Study
from patients.models import Patient
from tests.dicomserver.archive import folders_of_images, make_node
from tests.dicomserver.keys import make_pair
from tests.dicomserver.peers import sample, send
from tests.factories import book, make_order, make_procedure, make_station, make_user
from tests.imaging.sender import send as put_into_spool

pytestmark = pytest.mark.django_db


@pytest.fixture
def admin(client):
    user = make_user(Role.ADMINISTRATOR)
    client.force_login(user)
    return user


@pytest.fixture
def workstation():
    """A device that takes secondary captures, and remembers them."""
    received = []

    def take(event: evt.Event) -> int:
        received.append(event.dataset)
        return 0x0000

    ae = AE(ae_title="WORKSTATION")
    ae.add_supported_context(Verification)
    ae.add_supported_context(SecondaryCaptureImageStorage, [ExplicitVRLittleEndian])
    server = ae.start_server(("127.0.0.1", 0), block=False, evt_handlers=[(evt.EVT_C_STORE, take)])
    yield server.socket.getsockname()[1], received
    server.shutdown()


def press(client, node: RemoteAE, what: str, **data: str):
    return client.post(
        reverse("dicomserver:node_try", args=[node.pk, what]), data, headers={"HX-Request": "true"}
    )


# --- the worklist as that device --------------------------------------------------------------------
@pytest.fixture
def day() -> dt.datetime:
    """Noon of today: no appointment slips into another day."""
    return timezone.now().replace(hour=12, minute=0, second=0, microsecond=0)


def test_it_shows_what_the_device_gets_and_why_the_rest_is_not_there(client, admin, day):
    node = make_node("XR1")
    here, other = make_station(ae_title="XR1"), make_station(ae_title="CT1", name="CT room")
    x_ray, ct = make_procedure(modality="DX"), make_procedure(modality="CT")
    slots = [day + dt.timedelta(minutes=30 * number) for number in range(5)]
    mine = make_order(status="scheduled", procedure=x_ray, station=here, starts_at=slots[0])
    elsewhere = make_order(status="scheduled", procedure=x_ray, station=other, starts_at=slots[0])
    taken = make_order(status="acquired", procedure=x_ray, station=here, starts_at=slots[1])
    of_another_kind = make_order(status="scheduled", procedure=ct, station=here, starts_at=slots[2])
    unbooked = make_order(procedure=x_ray)
    make_order(status="scheduled", station=here, starts_at=day + dt.timedelta(days=1))

    trial = press(client, node, "worklist", modality="DX").context["trial"]

    assert [line["accession"] for line in trial.lines] == [mine.accession_number]
    assert trial.lines[0]["number"] == mine.patient.mrn
    assert {order.accession_number: why for order, why in trial.others} == {
        elsewhere.accession_number: "It is booked for CT room (AE title CT1).",
        of_another_kind.accession_number: "It is of the modality CT; DX was asked for.",
        unbooked.accession_number: "It is not booked for a time and a station yet.",
        taken.accession_number: "The images are taken already.",
    }
    assert Entry.objects.get(action="worklist.tried").changes == {"lines": [None, 1]}


def test_a_device_that_asks_for_every_station_sees_them_all(client, admin, day):
    node = make_node("VIEWER")
    orders = [make_order(status="scheduled", station=make_station(), starts_at=day) for _ in range(2)]

    own = press(client, node, "worklist")
    every = press(client, node, "worklist", station="any")

    assert (own.context["trial"].lines, own.context["trial"].station) == ([], None)
    assert "No station of the clinic has the AE title VIEWER." in own.content.decode()
    assert [line["accession"] for line in every.context["trial"].lines] == [
        order.accession_number for order in orders
    ]


def test_it_shows_names_in_the_letters_of_the_device(client, admin, day):
    node = make_node("XR1", character_set="ISO_IR 6")
    order = make_order(status="scheduled", station=make_station(ae_title="XR1"), starts_at=day)
    Patient.objects.filter(pk=order.patient_id).update(family_name="Müller")

    (line,) = press(client, node, "worklist").context["trial"].lines

    assert line["name"] == "Muller^Ada"


def test_the_number_of_queries_does_not_grow_with_the_day(client, admin, day, django_assert_max_num_queries):
    node = make_node("XR1")
    for number in range(6):
        book(make_order(), starts_at=day + dt.timedelta(minutes=30 * number))

    with django_assert_max_num_queries(20):
        connecting.try_worklist(node, by=admin)


# --- echo and images --------------------------------------------------------------------------------
def test_echo_says_at_the_button_whether_it_answers(client, admin, workstation):
    port, _received = workstation
    node = make_node("WORKSTATION", port)

    response = press(client, node, "echo")

    assert response.context["result"].text == f"WORKSTATION at 127.0.0.1 port {port} answers."
    assert b"<html" not in response.content


def test_without_javascript_the_whole_page_comes_with_the_answer(client, admin):
    node = make_node("XR1", None)

    response = client.post(reverse("dicomserver:node_try", args=[node.pk, "echo"]))

    assert b"<html" in response.content
    assert "Enter its address and port first." in response.content.decode()


def test_a_test_image_names_no_patient_of_the_clinic(client, admin, workstation):
    port, received = workstation

    result = press(client, make_node("WORKSTATION", port), "image").context["result"]

    assert (result.is_success, len(received)) == (True, 1)
    assert (received[0].PatientID, received[0].Rows) == (TEST_PATIENT_ID, 256)
    assert Entry.objects.get(action="test_image.sent").changes == {"status": [None, "0000"]}


def test_a_modality_that_takes_no_images_is_no_alarm(client, admin):
    ae = AE(ae_title="XR1")
    ae.add_supported_context(Verification)
    server = ae.start_server(("127.0.0.1", 0), block=False)
    try:
        result = press(client, make_node("XR1", server.socket.getsockname()[1]), "image").context["result"]
    finally:
        server.shutdown()

    assert result.text == ("XR1 answers but takes no images. That is usual for a machine that makes them.")


@pytest.mark.needs_tool("dciodvfy", package="dicom3tools")
def test_the_test_image_is_valid_dicom(tmp_path):
    import subprocess

    connecting.make_test_image().save_as(tmp_path / "test.dcm", enforce_file_format=True)

    told = subprocess.run(["dciodvfy", tmp_path / "test.dcm"], capture_output=True, text=True).stderr

    assert [line for line in told.splitlines() if line.startswith("Error")] == []


def test_a_test_image_from_the_device_shows_on_the_page_and_is_filed_with_nobody(
    client, admin, tmp_path, settings
):
    folders_of_images(tmp_path, settings)
    node = make_node("CEDAR_CT")
    image = connecting.make_test_image()
    put_into_spool(image, calling_ae_title="CEDAR_CT")

    ingest_spool()
    page = client.get(reverse("dicomserver:node_connect", args=[node.pk]))

    assert (Study.objects.count(), Quarantined.objects.open().count()) == (0, 0)
    kept = Quarantined.objects.get()
    assert (kept.path.is_file(), kept.sop_instance_uid) == (True, image.SOPInstanceUID)
    assert page.context["test_images"] == {"count": 1, "newest": kept}


# --- the page ---------------------------------------------------------------------------------------
def test_its_faults_stand_there_in_plain_words(client, admin):
    node = make_node("XR1", host="10.0.0.9")
    at = timezone.now()
    values = {"address": "10.0.0.9", "called_ae_title": "CLINIC1", "at": at}
    Association.objects.create(calling_ae_title="XR1", outcome=Outcome.WRONG_TITLE, **values)
    Association.objects.create(calling_ae_title="CT1", outcome=Outcome.WRONG_TITLE, **values)
    Association.objects.create(
        calling_ae_title="",
        outcome=Outcome.NOT_ENCRYPTED,
        problem="It showed no certificate; we ask for one.",
        **values | {"called_ae_title": "", "at": at - dt.timedelta(seconds=5)},
    )

    response = client.get(reverse("dicomserver:node_connect", args=[node.pk]), headers={"HX-Target": "live"})

    assert [text for _call, text in response.context["calls"]] == [
        "The device calls us CLINIC1; our AE title is CEDAR. Correct that in the device's settings.",
        "Somebody at 10.0.0.9 called the encrypted port. It showed no certificate; we ask for one.",
    ]
    assert b"<html" not in response.content


def test_address_and_port_are_entered_there(client, admin):
    node = make_node("XR1", None, host="")
    url = reverse("dicomserver:node_reach", args=[node.pk])

    wrong = client.post(url, {"host": "10.0.0.9", "port": "99999"})
    client.post(url, {"host": "10.0.0.9", "port": "104"})

    node.refresh_from_db()
    assert wrong.context["form"].errors["port"] == ["Ensure this value is less than or equal to 65535."]
    assert (wrong.status_code, node.host, node.port) == (400, "10.0.0.9", 104)


def test_a_compared_certificate_is_trusted(client, admin, tmp_path):
    node, pair = make_node("XR1", 2762), make_pair(tmp_path, "XR1")
    url = reverse("dicomserver:node_trust", args=[node.pk])

    client.post(url, {"certificate": pair.pem})
    bad = client.post(url, {"certificate": "-----BEGIN nothing"})

    node.refresh_from_db()
    entry = Entry.objects.get(action="config.changed", subject_id=str(node.pk))
    assert (node.uses_tls, node.trusted_certificate, bad.status_code) == (True, pair.pem, 400)
    assert entry.changes["trusted_certificate"] == ["", describe(pair.pem).fingerprint]


def test_an_unknown_test_is_refused(client, admin):
    assert press(client, make_node("XR1", 104), "anything").status_code == 404
    assert press(client, make_node("XR2", 104), "worklist", modality="ZZ").status_code == 400


def test_our_certificate_is_given_without_its_key(client, admin, tmp_path, settings):
    before = client.get(reverse("dicomserver:own_certificate_file"))
    pair = make_pair(tmp_path, "ours")
    settings.DICOM_TLS_CERT, settings.DICOM_TLS_KEY = str(pair.certificate), str(pair.key)

    given = client.get(reverse("dicomserver:own_certificate_file"))

    assert (before.status_code, given.content.decode()) == (404, pair.pem)
    assert b"PRIVATE" not in given.content


def test_only_an_administrator_tries(db):
    with pytest.raises(NotAllowed):
        connecting.try_worklist(make_node("XR1"), by=make_user(Role.TECHNICIAN))


# --- private kinds of objects -----------------------------------------------------------------------
PRIVATE = "1.3.46.670589.2.5.1.1"


@pytest.fixture
def private_object(tmp_path):
    import pydicom

    image = pydicom.dcmread(sample("CT_small.dcm"))
    image.SOPClassUID = image.file_meta.MediaStorageSOPClassUID = PRIVATE
    image.save_as(tmp_path / "private.dcm")
    return tmp_path / "private.dcm"


@pytest.mark.parametrize("accepted_nodes", [["MODALITY"]])
def test_private_classes_are_taken_once_they_are_enabled(
    transactional_db, clinic_server, way, client, private_object
):
    client.force_login(make_user(Role.ADMINISTRATOR))

    with pytest.raises(AssertionError):
        send(clinic_server.port, private_object)
    client.post(reverse("dicomserver:settings_change"), {"private_classes": "on"})
    clinic_server.policy.refresh()
    (answer,) = send(clinic_server.port, private_object)
    client.post(reverse("dicomserver:settings_change"), {})
    clinic_server.policy.refresh()
    with pytest.raises(AssertionError):
        send(clinic_server.port, private_object)

    assert answer.Status == 0x0000
    assert not ServerSettings.get().private_classes
    changes = [entry.changes for entry in Entry.objects.filter(subject_type="serversettings").order_by("pk")]
    assert changes == [{"private_classes": [False, True]}, {"private_classes": [True, False]}]


def test_what_was_enabled_holds_also_while_the_database_is_away(server, private_object, data_folder):
    (data_folder / "run" / "dicom-private-classes").touch()
    from dicomserver.policy import Policy

    server.policy = Policy()

    (answer,) = send(server.port, private_object)

    assert answer.Status == 0x0000


def test_an_image_of_a_private_class_is_kept_and_shown_as_far_as_possible(tmp_path, settings, private_object):
    import pydicom

    folders_of_images(tmp_path, settings)
    put_into_spool(pydicom.dcmread(private_object))

    ingest_spool()

    study = Study.objects.get()
    assert (study.state, study.instance_count, Quarantined.objects.count()) == ("held", 1, 0)
