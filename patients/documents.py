"""Scans and PDFs about a patient: checked by what is in them, kept under names of ours.

A picture is decoded and written anew, upright and without what the camera noted in it, so that only a
picture is ever handed out. A PDF is kept as it is and handed out as a PDF and nothing else.
"""

import hashlib
import io
import os
import uuid
import warnings
from collections.abc import Sequence
from pathlib import Path

from django.conf import settings
from django.core.files.base import File
from django.db import transaction
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from PIL import Image, ImageOps, UnidentifiedImageError

from audit.services import record
from clinic.errors import Conflict, InvalidInput, NotAllowed
from clinic.live import announce
from clinic.models import User
from clinic.permissions import Permission

from . import names
from .models import DocumentKind, Patient, PatientDocument
from .records import hold_patient
from .values import limit_length

MOST_MEGABYTES = 20
MOST_PIXELS = 60_000_000
MOST_FILES = 10
_EXTENSIONS = {"application/pdf": "pdf", "image/jpeg": "jpg", "image/png": "png"}
# What else is often tried, named in the refusal.
_OTHERS = {
    b"II*\x00": "TIFF",
    b"MM\x00*": "TIFF",
    b"GIF8": "GIF",
    b"PK\x03\x04": "Word, Excel or ZIP",
    b"\xd0\xcf\x11\xe0": "Word or Excel",
    b"RIFF": "WebP",
    b"<": "HTML or XML",
}


@transaction.atomic
def add_documents(
    patient: Patient, *, by: User, files: Sequence[File], kind: str, title: str = ""
) -> list[PatientDocument]:
    """Keep ``files`` with the patient, all or none. Without ``title`` the kind is the title."""
    if not by.can(Permission.DOCUMENT_EDIT):
        raise NotAllowed(_("Your role does not include adding documents."))
    if kind not in DocumentKind.values:
        raise InvalidInput(
            _("The kind was read as “%(read)s”; accepted are %(accepted)s.")
            % {"read": kind, "accepted": ", ".join(DocumentKind.values)},
            field="kind",
        )
    if not 0 < len(files) <= MOST_FILES:
        raise InvalidInput(_("Choose 1 to %(most)d files.") % {"most": MOST_FILES}, field="files")
    title = names.clean(title) or str(DocumentKind(kind).label)
    limit_length(_("title"), title, 110, "title")
    patient = hold_patient(patient.pk)
    written: list[Path] = []
    try:
        return [
            _add(patient, file, kind, f"{title} {number}" if len(files) > 1 else title, written, by=by)
            for number, file in enumerate(files, start=1)
        ]
    except BaseException:
        for path in written:
            path.unlink(missing_ok=True)
        raise


@transaction.atomic
def remove_document(document: PatientDocument, *, by: User, reason: str) -> PatientDocument:
    """Take it off the patient's page; the file stays for the audit."""
    if not by.can(Permission.DOCUMENT_EDIT):
        raise NotAllowed(_("Your role does not include removing documents."))
    reason = names.clean(reason)
    if not reason:
        raise InvalidInput(_("Say in a few words why."), field="reason")
    limit_length(_("reason"), reason, 200, "reason")
    document = PatientDocument.objects.select_for_update(of=("self",)).get(pk=document.pk)
    if document.removed_at is not None:
        raise Conflict(_("Somebody else has removed this document already."))
    document.removed_at, document.removed_by, document.removal_reason = timezone.now(), by, reason
    document.save(update_fields=["removed_at", "removed_by", "removal_reason"])
    record(
        by=by,
        action="document.removed",
        subject=document,
        patient=document.patient,
        changes={"title": [document.title, None]},
        reason=reason,
    )
    announce(f"patient.{document.patient_id}")
    return document


def read_document(document: PatientDocument, *, by: User) -> bytes:
    """The bytes to hand out; who saw it is on record, and a file that was tampered with is not shown."""
    try:
        data = document.path.read_bytes()
    except OSError:
        raise Conflict(_("The file of this document is missing. Tell the administrator.")) from None
    if hashlib.sha256(data).hexdigest() != document.sha256:
        raise Conflict(_("The file of this document was changed on the disk. Tell the administrator."))
    record(by=by, action="document.viewed", subject=document, patient=document.patient)
    return data


# --- one file -----------------------------------------------------------------------------------------


def _add(
    patient: Patient, file: File, kind: str, title: str, written: list[Path], *, by: User
) -> PatientDocument:
    if (file.size or 0) > MOST_MEGABYTES * 1024 * 1024:
        raise InvalidInput(
            _("“%(name)s” has %(size).1f MB; at most %(most)d MB are accepted. Scan it coarser.")
            % {"name": _name(file), "size": (file.size or 0) / 1024 / 1024, "most": MOST_MEGABYTES},
            field="files",
        )
    data = file.read()
    received = hashlib.sha256(data).hexdigest()
    same = patient.documents.kept().filter(received_sha256=received).first()  # type: ignore[attr-defined]
    if same is not None:
        raise Conflict(
            _("“%(name)s” is here already: %(title)s, added on %(day)s.")
            % {
                "name": _name(file),
                "title": same.title,
                "day": date_format(timezone.localtime(same.added_at), "j M Y"),
            }
        )
    media_type = _media_type(data, file)
    kept = data if media_type == "application/pdf" else _redrawn(data, media_type, file)
    path = f"patients/{received[:2]}/{uuid.uuid4().hex}.{_EXTENSIONS[media_type]}"
    written.append(_store(path, kept))
    document = PatientDocument.objects.create(
        patient=patient,
        kind=kind,
        title=title,
        file=path,
        media_type=media_type,
        size=len(kept),
        sha256=hashlib.sha256(kept).hexdigest(),
        received_sha256=received,
        added_by=by,
    )
    record(
        by=by,
        action="document.added",
        subject=document,
        patient=patient,
        changes={"kind": [None, str(DocumentKind(kind).label)], "title": [None, title]},
    )
    announce(f"patient.{patient.pk}")
    return document


def _media_type(data: bytes, file: File) -> str:
    """By the first bytes; what the file calls itself counts for nothing."""
    if data.startswith(b"\xff\xd8\xff"):
        return "image/jpeg"
    if data.startswith(b"\x89PNG\r\n\x1a\n"):
        return "image/png"
    if data.startswith(b"%PDF-"):
        if b"%%EOF" not in data[-2048:]:
            raise _damaged(file)
        return "application/pdf"
    known = [word for start, word in _OTHERS.items() if data.lstrip().startswith(start)]
    read = known[0] if known else _("something else")
    if data[4:12] in (b"ftypheic", b"ftypheix", b"ftypmif1"):
        read = "HEIC"
    raise InvalidInput(
        _("“%(name)s” was read as %(read)s; accepted are PDF, JPEG and PNG. Save it as one of these.")
        % {"name": _name(file), "read": read if data else _("an empty file")},
        field="files",
    )


def _redrawn(data: bytes, media_type: str, file: File) -> bytes:
    """The picture decoded and written anew; refuses bombs before they are decoded."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)  # the limit below is ours
            with Image.open(io.BytesIO(data), formats=["JPEG", "PNG"]) as picture:
                width, height = picture.size
                if width * height > MOST_PIXELS:
                    raise _too_many_dots(file, width, height)
                upright = ImageOps.exif_transpose(picture)
                has_colours = upright.mode not in ("1", "L")
                drawn = upright.convert("RGB" if has_colours else "L")
    except (UnidentifiedImageError, Image.DecompressionBombError, OSError, SyntaxError, ValueError):
        raise _damaged(file) from None
    drawn.info.clear()  # comments would be written again
    out = io.BytesIO()
    if media_type == "image/jpeg":
        drawn.save(out, "JPEG", quality=88, optimize=True)
    else:
        drawn.save(out, "PNG")
    return out.getvalue()


def _too_many_dots(file: File, width: int, height: int) -> InvalidInput:
    return InvalidInput(
        _("“%(name)s” has %(width)d × %(height)d dots; at most %(most)d million are accepted.")
        % {"name": _name(file), "width": width, "height": height, "most": MOST_PIXELS // 10**6},
        field="files",
    )


def _damaged(file: File) -> InvalidInput:
    return InvalidInput(
        _("“%(name)s” is damaged or was not copied whole. Scan or copy it again.") % {"name": _name(file)},
        field="files",
    )


def _name(file: File) -> str:
    return Path(str(file.name or "")).name[:80]


def _store(name: str, data: bytes) -> Path:
    """On the disk for sure before the row says so."""
    path = Path(settings.DOCUMENTS_DIR) / name
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as target:
        target.write(data)
        target.flush()
        os.fsync(target.fileno())
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
    return path
