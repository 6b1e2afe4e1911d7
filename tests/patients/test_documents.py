"""Documents of a patient: what is taken, how it is kept, who sees it."""

import io
import stat
from pathlib import Path

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse
from PIL import Image, PngImagePlugin

from audit.models import Entry
from clinic.errors import Conflict, InvalidInput, NotAllowed
from clinic.models import ClinicProfile
from clinic.permissions import Role
from patients import documents
from patients.documents import add_documents, read_document, remove_document
from patients.models import PatientDocument
from tests.factories import make_patient, make_user

pytestmark = pytest.mark.django_db


def pdf(text="letter", name="letter.pdf"):
    return SimpleUploadedFile(name, b"%PDF-1.4\n" + text.encode() + b"\ntrailer\n%%EOF\n")


def picture(kind="JPEG", size=(40, 30), name="scan.jpg", **options):
    out = io.BytesIO()
    Image.new("RGB", size, (200, 30, 30)).save(out, kind, **options)
    return SimpleUploadedFile(name, out.getvalue())


@pytest.fixture
def desk(client, db):
    ClinicProfile.get()
    user = make_user(Role.RECEPTIONIST, full_name="Rosa Delgado")
    client.force_login(user)
    return user


@pytest.fixture
def patient():
    return make_patient()


def add(patient, desk, *files, kind="referral", title="Letter of Dr Otieno"):
    return add_documents(patient, by=desk, files=files, kind=kind, title=title)


# --- what is taken ------------------------------------------------------------------------------------


def test_a_pdf_is_kept_as_it_is_under_a_name_of_ours(patient, desk):
    file = pdf()
    sent = file.read()
    file.seek(0)

    (document,) = add(patient, desk, file)

    assert document.path.read_bytes() == sent
    assert "letter" not in document.file
    assert stat.S_IMODE(document.path.stat().st_mode) == 0o600
    assert (document.title, document.media_type, document.size) == (
        "Letter of Dr Otieno",
        "application/pdf",
        len(sent),
    )


@pytest.mark.parametrize(("kind", "media_type"), [("JPEG", "image/jpeg"), ("PNG", "image/png")])
def test_a_picture_is_drawn_anew(patient, desk, kind, media_type):
    options = {"pnginfo": PngImagePlugin.PngInfo()} if kind == "PNG" else {"comment": b"<script>where"}
    if kind == "PNG":
        options["pnginfo"].add_text("Comment", "<script>where")

    (document,) = add(patient, desk, picture(kind, **options))

    data = document.path.read_bytes()
    assert (document.media_type, b"<script>" in data) == (media_type, False)
    assert Image.open(io.BytesIO(data)).size == (40, 30)


def test_a_photo_is_turned_upright(patient, desk):
    exif = Image.Exif()
    exif[0x0112] = 6

    (document,) = add(patient, desk, picture(exif=exif))

    assert Image.open(document.path).size == (30, 40)


def test_what_a_file_is_called_does_not_count(patient, desk):
    (document,) = add(patient, desk, picture("PNG", name="../../x.pdf"))

    assert (document.media_type, document.path.suffix) == ("image/png", ".png")


@pytest.mark.parametrize(
    ("data", "read"),
    [
        (b"II*\x00abc", "TIFF"),
        (b"PK\x03\x04abc", "Word, Excel or ZIP"),
        (b"  <html><script>", "HTML or XML"),
        (b"GIF89a", "GIF"),
        (b"\0\0\0\x18ftypheic", "HEIC"),
        (b"MZ\x90", "something else"),
        (b"", "an empty file"),
    ],
)
def test_anything_else_is_refused_with_what_was_read(patient, desk, data, read):
    with pytest.raises(InvalidInput) as refusal:
        add(patient, desk, SimpleUploadedFile("scan.pdf", data))

    assert f"“scan.pdf” was read as {read}; accepted are PDF, JPEG and PNG" in refusal.value.message


@pytest.mark.parametrize(
    "data",
    [b"%PDF-1.4 cut off", b"\xff\xd8\xff\xe0 no picture", b"\x89PNG\r\n\x1a\n", picture("PNG").read()[:60]],
)
def test_a_damaged_file_is_refused(patient, desk, data):
    with pytest.raises(InvalidInput, match="is damaged or was not copied whole"):
        add(patient, desk, SimpleUploadedFile("scan", data))


def test_a_file_that_is_too_large_is_refused_before_it_is_read(patient, desk, monkeypatch):
    monkeypatch.setattr(documents, "MOST_MEGABYTES", 0.001)

    with pytest.raises(InvalidInput, match=r"has 0\.0 MB; at most"):
        add(patient, desk, pdf("x" * 2000))


def test_a_bomb_is_refused_before_it_is_decoded(patient, desk, monkeypatch):
    monkeypatch.setattr(documents, "MOST_PIXELS", 100)
    monkeypatch.setattr(Image.Image, "load", lambda *_: pytest.fail("it was decoded"))

    with pytest.raises(InvalidInput, match="has 40 × 30 dots"):
        add(patient, desk, SimpleUploadedFile("scan.png", picture_bytes()))


def picture_bytes():
    """A PNG of 40 × 30 dots, written by hand because drawing decodes."""
    import struct
    import zlib

    def chunk(kind, body):
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    head = struct.pack(">IIBBBBB", 40, 30, 8, 0, 0, 0, 0)
    rows = zlib.compress(b"\0" * 41 * 30)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


def test_the_same_scan_is_not_added_twice(patient, desk):
    add(patient, desk, picture())

    with pytest.raises(Conflict, match="is here already: Letter of Dr Otieno, added on"):
        add(patient, desk, picture())


def test_all_files_or_none(patient, desk, settings):
    before = files_on_disk(settings)

    with pytest.raises(InvalidInput):
        add(patient, desk, pdf("one"), SimpleUploadedFile("two", b"nonsense"))

    assert not PatientDocument.objects.exists()
    assert files_on_disk(settings) == before


def files_on_disk(settings):
    return sorted(path for path in Path(settings.DOCUMENTS_DIR).rglob("*") if path.is_file())


def test_several_files_are_numbered(patient, desk):
    added = add(patient, desk, pdf("one"), pdf("two"), title="")

    assert [document.title for document in added] == ["Referral letter 1", "Referral letter 2"]


@pytest.mark.parametrize(
    ("changes", "told"),
    [({"kind": "poem"}, "kind was read as “poem”"), ({"title": "x" * 111}, "at most 110 fit")],
)
def test_senseless_details_are_refused(patient, desk, changes, told):
    with pytest.raises(InvalidInput, match=told):
        add(patient, desk, pdf(), **changes)


def test_no_file_is_no_document(patient, desk):
    with pytest.raises(InvalidInput, match="Choose 1 to 10 files"):
        add(patient, desk)


def test_a_machine_adds_nothing(patient):
    with pytest.raises(NotAllowed):
        add(patient, make_user(), pdf())


# --- seen and removed ---------------------------------------------------------------------------------


def test_seeing_a_document_is_on_record(client, patient, desk):
    (document,) = add(patient, desk, picture())

    response = client.get(reverse("patients:document_file", args=[document.pk]))

    assert response.content == document.path.read_bytes()
    assert response["X-Content-Type-Options"] == "nosniff"
    assert response["Content-Security-Policy"].startswith("sandbox; default-src 'none'")
    assert response["Content-Type"] == "image/jpeg"
    entry = Entry.objects.get(action="document.viewed")
    assert (entry.actor_id, entry.patient_id) == (desk.pk, patient.pk)


def test_a_document_is_saved_under_the_patients_number(client, patient, desk):
    (document,) = add(patient, desk, pdf())

    response = client.get(reverse("patients:document_file", args=[document.pk]) + "?download")

    wanted = f'attachment; filename="{patient.mrn}-{document.pk}.pdf"'
    assert response["Content-Disposition"] == wanted


@pytest.mark.parametrize(
    ("spoil", "told"),
    [(lambda path: path.write_bytes(b"x"), "was changed"), (lambda path: path.unlink(), "is missing")],
)
def test_a_file_that_is_not_what_was_kept_is_not_shown(patient, desk, spoil, told):
    (document,) = add(patient, desk, pdf())
    spoil(document.path)

    with pytest.raises(Conflict, match=told):
        read_document(document, by=desk)


def test_removing_asks_why_and_keeps_the_file(client, patient, desk):
    (document,) = add(patient, desk, pdf())
    url = reverse("patients:document_remove", args=[document.pk])

    asked = client.get(url)
    without = client.post(url, {"reason": " "})
    removed = client.post(url, {"reason": "Another patient's letter"})

    assert (asked.status_code, without.status_code, removed.status_code) == (200, 400, 302)
    assert document.path.exists()
    assert not patient.documents.kept().exists()
    entry = Entry.objects.get(action="document.removed")
    assert (entry.changes["title"], entry.reason) == (
        ["Letter of Dr Otieno", None],
        "Another patient's letter",
    )


def test_a_removed_document_is_for_the_audit_only(client, patient, desk):
    (document,) = add(patient, desk, pdf())
    remove_document(document, by=desk, reason="Wrong")
    url = reverse("patients:document_file", args=[document.pk])

    at_the_desk = client.get(url).status_code
    client.force_login(make_user(Role.ADMINISTRATOR))

    assert (at_the_desk, client.get(url).status_code) == (404, 200)


def test_it_is_removed_once(patient, desk):
    (document,) = add(patient, desk, pdf())
    remove_document(document, by=desk, reason="Wrong")

    with pytest.raises(Conflict, match="removed this document already"):
        remove_document(document, by=desk, reason="Wrong")


def test_the_form_adds_and_a_refusal_says_why(client, patient, desk):
    url = reverse("patients:document_add", args=[patient.pk])

    refused = client.post(
        url, {"kind": "consent", "title": "Form", "files": [SimpleUploadedFile("a.gif", b"GIF8")]}
    )
    added = client.post(url, {"kind": "consent", "title": "Form", "files": [pdf()]})

    assert refused.status_code == 400
    assert "was read as GIF" in refused.text
    assert added.url == reverse("patients:patient_detail", args=[patient.pk]) + "?kind=documents"
    entry = Entry.objects.get(action="document.added")
    assert entry.changes == {"kind": [None, "Consent"], "title": [None, "Form"]}
