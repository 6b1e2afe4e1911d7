import base64
import io

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse
from PIL import Image

from audit.models import Entry
from clinic.errors import Conflict, InvalidInput, NotFound
from clinic.permissions import Role
from imaging.key_images import MAX_BYTES, create_key_image
from imaging.models import Instance, KeyImage
from imaging.stored_files import studies_path
from tests.factories import make_everyone, make_patient, make_user

from .sender import identity_of, receive, receive_for_order, slices

pytestmark = pytest.mark.django_db


def picture(kind: str = "JPEG", size: tuple[int, int] = (80, 60), **extra) -> bytes:
    out = io.BytesIO()
    Image.new("RGB", size, (10, 120, 40)).save(out, kind, **extra)
    return out.getvalue()


@pytest.fixture
def study():
    return receive_for_order(1)


@pytest.fixture
def instance(study):
    return Instance.objects.get()


@pytest.fixture
def reader(client):
    user = make_user(Role.RADIOLOGIST)
    client.force_login(user)
    return user


def keep(study, instance, **changes) -> KeyImage:
    values = {"instance": instance, "frame": 1, "picture": picture(), "presentation": {"invert": True}}
    return create_key_image(study, by=make_everyone(), **values | changes)


def test_a_key_image_is_kept_with_how_it_looked(study, instance):
    image = keep(study, instance, caption="  Nodule,\n left ")

    kept = Image.open(studies_path(image.picture))
    entry = Entry.objects.get(action="image.marked")
    assert (image.frame, image.caption, image.presentation) == (1, "Nodule, left", {"invert": True})
    assert (kept.format, kept.size) == ("JPEG", (80, 60))
    assert entry.patient_id == study.patient_id
    assert oct(studies_path(image.picture).stat().st_mode & 0o777) == "0o600"


def test_the_picture_is_written_anew_without_what_it_carried(study, instance):
    sent = picture(comment=b"<script>alert(1)</script>")

    image = keep(study, instance, picture=sent + b"trailing <html>")

    stored = studies_path(image.picture).read_bytes()
    assert b"script" in sent
    assert (b"script" in stored, b"html" in stored) == (False, False)


@pytest.mark.parametrize(
    ("bad", "words"),
    [
        (b"", "not a JPEG or PNG"),
        (b"GIF89a" + bytes(100), "not a JPEG or PNG"),
        (picture()[:200], "not a JPEG or PNG"),
        (picture("GIF"), "not a JPEG or PNG"),
        (bytes(MAX_BYTES + 1), "at most"),
        (picture("PNG", (6000, 6000)), "too large"),
    ],
)
def test_what_is_no_fit_picture_is_refused_in_words(study, instance, bad, words):
    with pytest.raises(InvalidInput, match=words):
        keep(study, instance, picture=bad)

    assert KeyImage.objects.count() == 0


def test_an_image_of_another_study_is_refused(study, instance):
    other = receive_for_order(1)

    with pytest.raises(NotFound):
        keep(other, instance)


@pytest.mark.parametrize("frame", [0, 2])
def test_a_frame_that_is_not_there_is_refused(study, instance, frame):
    with pytest.raises(InvalidInput, match=f"read as {frame}; the image has 1"):
        keep(study, instance, frame=frame)


def test_held_images_get_no_key_images():
    study = receive(*slices(identity_of(make_patient(), patient_id="X"), 1))

    with pytest.raises(Conflict):
        keep(study, Instance.objects.get())


# --- from the viewer ----------------------------------------------------------------------------------


def post(client, study, **values):
    return client.post(
        reverse("imaging:key_image_create", args=[study.pk]), values, content_type="application/json"
    )


def test_the_viewer_posts_json_and_reads_where_the_picture_is(client, reader, study, instance):
    data = "data:image/jpeg;base64," + base64.b64encode(picture()).decode()

    response = post(
        client,
        study,
        sop_instance_uid=instance.sop_instance_uid,
        frame=1,
        window_center=40.0,
        window_width=400.0,
        invert=False,
        unknown="dropped",
        image=data,
    )

    image = KeyImage.objects.get()
    address = reverse("imaging:key_image_picture", args=[image.pk])
    assert response.status_code == 201
    assert response.json() == {"id": image.pk, "image_url": address, "thumbnail_url": address, "caption": ""}
    assert image.presentation == {"window_center": 40.0, "window_width": 400.0, "invert": False}
    assert image.created_by == reader
    fetched = client.get(address)
    assert (fetched.status_code, fetched["Content-Type"]) == (200, "image/jpeg")
    assert fetched.content == studies_path(image.picture).read_bytes()


def test_a_form_with_a_file_is_taken_too(client, reader, study, instance):
    response = client.post(
        reverse("imaging:key_image_create", args=[study.pk]),
        {
            "sop_instance_uid": instance.sop_instance_uid,
            "frame": "1",
            "caption": "Here",
            "image": SimpleUploadedFile("key.jpg", picture(), "image/jpeg"),
        },
        headers={"accept": "application/json"},
    )

    assert (response.status_code, KeyImage.objects.get().caption) == (201, "Here")


@pytest.mark.parametrize(
    "values",
    [
        {},
        {"image": "data:text/html;base64,AAAA"},
        {"image": "data:image/jpeg;base64,***"},
        {"image": 5},
        {"image": "data:image/jpeg;base64," + base64.b64encode(picture()).decode(), "frame": "two"},
    ],
)
def test_what_the_viewer_should_not_post(client, reader, study, instance, values):
    response = client.post(
        reverse("imaging:key_image_create", args=[study.pk]),
        {"sop_instance_uid": instance.sop_instance_uid, **values},
        content_type="application/json",
        headers={"accept": "application/json"},
    )

    assert response.status_code == 400
    assert KeyImage.objects.count() == 0


@pytest.mark.parametrize(
    ("role", "status"),
    [(Role.RECEPTIONIST, 403), (Role.TECHNICIAN, 403), (Role.ADMINISTRATOR, 403), (Role.RADIOLOGIST, 404)],
)
def test_only_readers_mark_key_images(client, study, role, status):
    client.force_login(make_user(role))

    response = post(client, study, sop_instance_uid="1.2", image="data:image/jpeg;base64,AAAA")

    assert response.status_code == status
