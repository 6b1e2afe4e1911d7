import io
import json

import numpy
import pytest
from asgiref.sync import async_to_sync
from django.test import AsyncClient, RequestFactory
from django.urls import reverse
from PIL import Image
from pydicom import dcmread

from audit.models import Entry
from clinic.permissions import ROLE_PERMISSIONS, Permission, Role
from imaging import accept
from imaging.decisions import resolve_held_study
from imaging.models import Instance, Study
from tests.factories import make_everyone, make_order, make_patient, make_user

from .sender import PYDICOM_FILES, identity_of, receive, receive_file, receive_for_order, slices

pytestmark = pytest.mark.django_db


@pytest.fixture
def study():
    return receive_for_order(3)


@pytest.fixture
def reader(client):
    user = make_user(Role.RADIOLOGIST)
    client.force_login(user)
    return user


def address(instance: Instance, *rest: str) -> str:
    study, series = instance.series.study.study_instance_uid, instance.series.series_instance_uid
    parts = ["/dicom-web/studies", study, "series", series, "instances", instance.sop_instance_uid, *rest]
    return "/".join(parts)


def body(response) -> bytes:
    return b"".join(response.streaming_content) if response.streaming else response.content


def parts_of(response) -> list[tuple[str, bytes]]:
    """Content type and bytes of each part of a multipart answer."""
    boundary = response["Content-Type"].partition("boundary=")[2].encode()
    found = []
    for part in body(response).split(b"--" + boundary)[1:-1]:
        head, _blank, data = part.strip(b"\r\n").partition(b"\r\n\r\n")
        found.append((head.split(b"\r\n")[0].decode(), data))
    return found


# --- metadata -----------------------------------------------------------------------------------------


def test_metadata_of_a_study_are_those_of_its_files(client, reader, study):
    response = client.get(f"/dicom-web/studies/{study.study_instance_uid}/metadata")

    models = response.json()
    assert response["Content-Type"] == "application/dicom+json"
    assert [model["00200013"]["Value"] for model in models] == [[1], [2], [3]]
    for model, instance in zip(models, Instance.objects.order_by("number"), strict=True):
        dataset = dcmread(instance.path, stop_before_pixels=True)
        expected = json.loads(dataset.to_json())
        assert model["00083002"] == {"vr": "UI", "Value": ["1.2.840.10008.1.2.1"]}
        assert model["00100010"] == expected["00100010"]
        assert {tag for tag in expected if tag not in model} == set()
        assert list(model) == sorted(model)


def test_metadata_of_a_series_and_of_one_instance(client, reader, study):
    instance = Instance.objects.order_by("number").first()
    series = f"/dicom-web/studies/{study.study_instance_uid}/series/{instance.series.series_instance_uid}"

    assert len(client.get(f"{series}/metadata").json()) == 3
    assert client.get(address(instance, "metadata")).json()[0]["00080018"]["Value"] == [
        instance.sop_instance_uid
    ]


@pytest.mark.parametrize("count", [1, 12])
def test_metadata_cost_the_same_queries_for_one_and_for_many(
    client, reader, count, django_assert_num_queries
):
    study = receive_for_order(count)
    url = f"/dicom-web/studies/{study.study_instance_uid}/metadata"
    client.get(url)

    with django_assert_num_queries(6):
        response = client.get(url)

    assert len(response.json()) == count


def test_opening_a_study_is_one_entry_in_the_trail(client, reader, study):
    instance = Instance.objects.first()

    for _ in range(3):
        client.get(f"/dicom-web/studies/{study.study_instance_uid}/metadata")
        client.get(address(instance, "frames", "1"))

    entry = Entry.objects.get(action="study.viewed")
    assert (entry.actor_id, entry.patient_id, entry.subject_id) == (
        reader.pk,
        study.patient_id,
        str(study.pk),
    )


def test_frames_alone_are_a_look_too(client, reader, study):
    client.get(address(Instance.objects.first(), "frames", "1"))

    assert Entry.objects.filter(action="study.viewed").count() == 1


def test_a_decision_against_the_images_shows_in_their_metadata(client, reader):
    order = make_order(make_patient(mrn="A-1", family_name="Ahmed", given_name="Sara"), status="scheduled")
    other = make_patient(mrn="B-2", family_name="Berg", given_name="Tor", sex="M")
    study = receive(*slices(identity_of(other, study_instance_uid=order.study_instance_uid), 1))
    resolve_held_study(study, by=make_everyone(), order=order, reason="Typed wrong")

    (model,) = client.get(f"/dicom-web/studies/{study.study_instance_uid}/metadata").json()

    assert model["00100010"]["Value"] == [{"Alphabetic": "Ahmed^Sara"}]
    assert model["00100020"]["Value"] == ["A-1"]
    assert model["00100040"]["Value"] == ["F"]
    assert model["00080050"]["Value"] == [order.accession_number]
    whole = dcmread(io.BytesIO(body(client.get(address(Instance.objects.get())))))
    assert (whole.PatientID, whole.PatientName) == ("A-1", "Ahmed^Sara")
    assert dcmread(Instance.objects.get().path, stop_before_pixels=True).PatientID == "B-2"


def test_held_objects_do_not_leave(client, reader):
    receive(*slices(identity_of(make_patient(), patient_id="X"), 1))

    response = client.get(address(Instance.objects.get()))

    assert response.status_code == 409
    assert response.json()["error"] == "These images are held: first say whose they are."


# --- frames -------------------------------------------------------------------------------------------


def test_a_frame_is_the_stored_bytes(client, reader, study):
    instance = Instance.objects.first()

    response = client.get(
        address(instance, "frames", "1"), headers={"accept": "application/octet-stream; transfer-syntax=*"}
    )

    assert body(response) == dcmread(instance.path).PixelData
    assert response["Content-Type"] == "application/octet-stream; transfer-syntax=1.2.840.10008.1.2.1"
    assert response["Cache-Control"] == "private, max-age=31536000, immutable"
    assert response["Content-Length"] == str(32 * 32 * 2)


def test_frames_in_parts(client, reader):
    instance = receive_file("test_files/SC_rgb_rle_2frame.dcm")

    response = client.get(
        address(instance, "frames", "2,1"),
        headers={"accept": 'multipart/related; type="application/octet-stream"; transfer-syntax=*'},
    )

    from pydicom.encaps import generate_frames

    dataset = dcmread(PYDICOM_FILES / "test_files/SC_rgb_rle_2frame.dcm")
    first, second = generate_frames(dataset.PixelData, number_of_frames=2)
    described = "Content-Type: application/octet-stream; transfer-syntax=1.2.840.10008.1.2.5"
    assert parts_of(response) == [(described, second), (described, first)]
    assert response["Content-Type"].startswith(
        'multipart/related; type="application/octet-stream"; boundary='
    )


def test_a_frame_that_the_browser_has_is_not_sent_again(client, reader, study):
    url = address(Instance.objects.first(), "frames", "1")
    etag = client.get(url)["ETag"]

    response = client.get(url, headers={"if-none-match": etag})

    assert (response.status_code, response.content) == (304, b"")
    assert response["Cache-Control"] == "private, max-age=31536000, immutable"


@pytest.mark.parametrize("text", ["0", "2", "1,5", "999999999"])
def test_a_frame_that_is_not_there(client, reader, study, text):
    response = client.get(address(Instance.objects.first(), "frames", text))

    assert response.status_code == 404
    assert response.json()["error"] == f"Frame {text} is not there; the image has 1."


@pytest.mark.parametrize("text", ["x", "1,", "-1", "1;2"])
def test_a_frame_number_that_is_none(client, reader, study, text):
    response = client.get(address(Instance.objects.first(), "frames", text))

    assert response.status_code == 400


def test_a_large_frame_is_streamed_in_blocks(client, reader):
    made = slices(identity_of(make_patient()), 1)
    pixels = numpy.random.default_rng(1).integers(0, 4096, (1500, 1500), dtype=numpy.uint16)
    made[0].Rows, made[0].Columns, made[0].PixelData = *pixels.shape, pixels.tobytes()
    receive(*made)

    response = client.get(address(Instance.objects.get(), "frames", "1"))

    blocks = list(response.streaming_content)
    assert b"".join(blocks) == pixels.tobytes()
    assert {len(block) for block in blocks[:-1]} == {1024 * 1024}


@pytest.mark.django_db(transaction=True)
def test_a_large_frame_is_streamed_under_asgi_too():
    made = slices(identity_of(make_patient()), 1)
    pixels = numpy.arange(1500 * 1500, dtype=numpy.uint16).tobytes()
    made[0].Rows = made[0].Columns = 1500
    made[0].PixelData = pixels
    receive(*made)
    url = address(Instance.objects.get(), "frames", "1")
    client = AsyncClient()
    client.force_login(make_user(Role.RADIOLOGIST))

    async def fetch() -> tuple[bool, bytes]:
        response = await client.get(url)
        return response.is_async, b"".join([block async for block in response.streaming_content])

    assert async_to_sync(fetch)() == (True, pixels)


def test_a_missing_file_is_said_in_words(client, reader, study):
    instance = Instance.objects.first()
    instance.path.unlink()

    response = client.get(address(instance, "frames", "1"))

    assert response.status_code == 404
    assert response.json()["error"] == "The file of this image cannot be read. Tell the administrator."


# --- which form ---------------------------------------------------------------------------------------

RLE = "1.2.840.10008.1.2.5"
LITTLE = "1.2.840.10008.1.2.1"


@pytest.mark.parametrize(
    ("header", "syntax", "single", "answer"),
    [
        ("*/*", RLE, True, ("application/octet-stream", False)),
        ("*/*", RLE, False, ("application/octet-stream", True)),
        ("application/octet-stream; transfer-syntax=*", RLE, True, ("application/octet-stream", False)),
        ("application/octet-stream", LITTLE, True, ("application/octet-stream", False)),
        (
            'multipart/related; type="application/octet-stream"',
            LITTLE,
            True,
            ("application/octet-stream", True),
        ),
        (
            f'multipart/related; type="application/octet-stream"; transfer-syntax={RLE}',
            RLE,
            True,
            ("application/octet-stream", True),
        ),
        ('multipart/related; type="image/dicom-rle"', RLE, True, ("image/dicom-rle", True)),
        ("multipart/related; type=image/jpeg, */*;q=0.1", RLE, True, ("application/octet-stream", False)),
    ],
)
def test_the_form_of_frames_follows_accept(header, syntax, single, answer):
    request = RequestFactory().get("/", headers={"accept": header})

    assert accept.accept_frames(request, syntax, single=single) == answer


@pytest.mark.parametrize(
    "header",
    [
        "image/png",
        "application/octet-stream",  # means uncompressed
        'multipart/related; type="application/octet-stream"; transfer-syntax=1.2.840.10008.1.2.4.90',
        'multipart/related; type="image/jpeg"',
        "text/html, application/xhtml+xml",
    ],
)
def test_a_form_that_cannot_be_given_is_refused_in_words(header, client, reader):
    instance = receive_file("test_files/MR_small_RLE.dcm")

    response = client.get(address(instance, "frames", "1"), headers={"accept": header})

    assert response.status_code == 406
    assert response.json()["error"].startswith(f"Accept was read as “{header}”; this can be given as ")


def test_metadata_are_not_given_as_xml(client, reader, study):
    response = client.get(
        f"/dicom-web/studies/{study.study_instance_uid}/metadata",
        headers={"accept": 'multipart/related; type="application/dicom+xml"'},
    )

    assert response.status_code == 406


# --- whole objects and pictures -----------------------------------------------------------------------


def test_a_whole_object_as_it_was_received(client, reader, study):
    instance = Instance.objects.first()

    alone = client.get(address(instance), headers={"accept": "application/dicom; transfer-syntax=*"})
    in_parts = client.get(
        address(instance), headers={"accept": 'multipart/related; type="application/dicom"'}
    )

    assert body(alone) == instance.path.read_bytes()
    assert alone["Content-Disposition"] == f'attachment; filename="image-{instance.pk}.dcm"'
    assert parts_of(in_parts)[0][1] == instance.path.read_bytes()


def test_a_rendered_frame_keeps_to_the_viewport_and_the_window(client, reader, study):
    url = address(Instance.objects.first(), "rendered")

    whole = Image.open(io.BytesIO(client.get(url).content))
    small = Image.open(io.BytesIO(client.get(f"{url}?viewport=16,16").content))
    dark = Image.open(io.BytesIO(client.get(f"{url}?window=9000,10").content))

    assert (whole.size, small.size) == ((32, 32), (16, 16))
    assert numpy.asarray(dark).max() < 5


@pytest.mark.parametrize(
    "query", ["viewport=1", "viewport=a,b", "window=1,0", "window=1", "quality=x", "window=1e9,2"]
)
def test_a_rendering_that_is_not_understood(client, reader, study, query):
    response = client.get(address(Instance.objects.first(), f"rendered?{query}"))

    assert response.status_code == 400


def test_thumbnails_of_study_series_and_instance(client, reader, study):
    instance = Instance.objects.first()
    series = f"/dicom-web/studies/{study.study_instance_uid}/series/{instance.series.series_instance_uid}"

    for url in [
        f"/dicom-web/studies/{study.study_instance_uid}/thumbnail",
        f"{series}/thumbnail",
        address(instance, "thumbnail"),
        reverse("imaging:study_thumbnail", args=[study.pk]),
        reverse("imaging:instance_thumbnail", args=[instance.pk]),
    ]:
        response = client.get(url)
        assert (response.status_code, response["Content-Type"]) == (200, "image/jpeg")


def test_a_thumbnail_that_is_gone_is_drawn_again(client, reader, study, settings):
    instance = Instance.objects.first()
    (settings.STUDIES_DIR / instance.thumbnail).unlink()

    response = client.get(address(instance, "thumbnail"))

    assert response.status_code == 200
    assert (settings.STUDIES_DIR / instance.thumbnail).exists()


def test_what_could_not_be_drawn_is_not_tried_again(client, reader):
    instance = receive_file("test_files/JPGExtended.dcm")

    response = client.get(address(instance, "rendered"))

    assert response.status_code == 404
    assert response.json()["error"] == instance.display_problem


def test_what_has_no_picture_says_so(client, reader):
    instance = receive_file("test_files/test-SR.dcm")

    response = client.get(address(instance, "thumbnail"))

    assert response.status_code == 404
    assert response.json()["error"] == "There is no picture of this."


# --- who may see --------------------------------------------------------------------------------------

ROUTES = ["metadata", "frames/1", "rendered", "thumbnail", ""]


@pytest.mark.parametrize("route", ROUTES)
@pytest.mark.parametrize("role", Role.values)
def test_images_are_for_those_who_may_see_them(client, study, role, route):
    client.force_login(make_user(role))

    response = client.get(address(Instance.objects.first(), *([route] if route else [])))

    expected = 200 if Permission.STUDY_VIEW in ROLE_PERMISSIONS[role] else 403
    assert response.status_code == expected


@pytest.mark.parametrize("route", ROUTES)
def test_nobody_sees_images_without_signing_in(client, study, route):
    response = client.get(address(Instance.objects.first(), *([route] if route else [])))

    assert response.status_code == 401


@pytest.mark.parametrize("route", [route for route in ROUTES if route])
def test_held_images_are_only_for_those_who_may_decide(client, reader, monkeypatch, route):
    receive(*slices(identity_of(make_patient(), patient_id="UNKNOWN"), 1))
    url = address(Instance.objects.get(), route)
    before = client.get(url).status_code
    monkeypatch.setitem(
        ROLE_PERMISSIONS,
        Role.RADIOLOGIST,
        ROLE_PERMISSIONS[Role.RADIOLOGIST] - {Permission.STUDY_RECONCILE},
    )

    after = client.get(url).status_code

    assert (before, after) == (200, 404)


def test_an_image_is_found_only_under_its_own_study(client, reader, study):
    other = receive_for_order(1)
    instance = other.series.get().instances.get()
    url = address(instance, "frames", "1").replace(other.study_instance_uid, study.study_instance_uid)

    assert client.get(url).status_code == 404


# --- searching ----------------------------------------------------------------------------------------


@pytest.fixture
def three(reader):
    ahmed = make_patient(mrn="A-1", family_name="Ahmed", given_name="Sara")
    for day in ("20260105", "20260110"):
        receive(*slices(identity_of(ahmed, study_date=day, study_instance_uid=f"1.2.{day}"), 1))
    receive(
        *slices(
            identity_of(make_patient(), patient_id="X", study_date="20260301", study_instance_uid="1.2.9"),
            2,
            Modality="MR",
        )
    )


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("", ["1.2.9", "1.2.20260110", "1.2.20260105"]),
        ("PatientID=a1", ["1.2.20260110", "1.2.20260105"]),
        ("00100020=A-1", ["1.2.20260110", "1.2.20260105"]),
        ("PatientID=X", ["1.2.9"]),
        ("PatientName=ahm*", ["1.2.20260110", "1.2.20260105"]),
        ("PatientName=nobody", []),
        ("StudyDate=20260105", ["1.2.20260105"]),
        ("StudyDate=20260106-20260131", ["1.2.20260110"]),
        ("StudyDate=20260106-", ["1.2.9", "1.2.20260110"]),
        ("StudyDate=-20260106", ["1.2.20260105"]),
        ("ModalitiesInStudy=MR", ["1.2.9"]),
        ("StudyInstanceUID=1.2.9,1.2.20260105", ["1.2.9", "1.2.20260105"]),
        ("limit=1&offset=1", ["1.2.20260110"]),
        ("PatientID=*&fuzzymatching=true", ["1.2.9", "1.2.20260110", "1.2.20260105"]),
    ],
)
def test_studies_are_found(client, three, query, found):
    response = client.get(f"/dicom-web/studies?{query}")

    assert [model["0020000D"]["Value"][0] for model in response.json()] == found


@pytest.mark.parametrize("query", ["StudyDate=yesterday", "limit=-1", "offset=x"])
def test_a_search_that_is_not_understood(client, reader, query):
    assert client.get(f"/dicom-web/studies?{query}").status_code == 400


def test_a_study_is_described_as_its_record_has_it(client, reader, study):
    (model,) = client.get("/dicom-web/studies").json()

    patient = study.patient
    assert model["00100010"]["Value"] == [{"Alphabetic": patient.dicom_name}]
    assert model["00100020"]["Value"] == [patient.mrn]
    assert model["00080050"]["Value"] == [study.order.accession_number]
    assert (model["00201206"]["Value"], model["00201208"]["Value"]) == ([1], [3])


def test_series_and_instances_are_listed(client, reader, study):
    series = client.get(f"/dicom-web/studies/{study.study_instance_uid}/series").json()
    uid = series[0]["0020000E"]["Value"][0]
    inside = client.get(f"/dicom-web/studies/{study.study_instance_uid}/series/{uid}/instances").json()

    assert series[0]["00201209"]["Value"] == [3]
    assert [model["00200013"]["Value"] for model in inside] == [[1], [2], [3]]
    assert Study.objects.count() == 1
