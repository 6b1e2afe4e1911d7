"""An image log: files that belong to patients of the list, brought into the archive by its normal way.

Everything goes into the spool and through the same ingest as what a modality sends, so images whose own
identity does not agree with the records are held for a person here too.
"""

import datetime as dt
import hashlib
import io
import re
import struct
from pathlib import Path

from django.conf import settings
from django.db import transaction
from django.utils.translation import gettext as _
from pydicom import dcmread
from pydicom.dataset import Dataset
from pydicom.errors import InvalidDicomError

from audit.services import record
from clinic.errors import Conflict, DomainError, InvalidInput, NotAllowed
from clinic.jobs import enqueue_once
from clinic.models import User
from clinic.permissions import Permission
from imaging import spool
from patients.models import Patient
from patients.numbers import number_key
from patients.records import resolve_patient_by_number
from scheduling.days import clinic_today
from scheduling.models import Order

from .cells import DayOrder, filled, read_day
from .columns import Layout, cell
from .importing import SHOWN, Result, Tell
from .models import ImportedFile
from .refused import RefusedRows
from .tables import Row, Table, Value, text_of
from .visits import Refused
from .wrapping import uid_of, wrap

LARGEST_WRAPPED = 100 * 1024 * 1024
LARGEST_DICOM = 1024**3
TITLE = "SPREADSHEET"  # the AE title under which such images are known to come


class ImageImport:
    """One image log; ``root`` is the only folder out of which files are taken."""

    def __init__(
        self,
        table: Table,
        layout: Layout,
        root: Path,
        *,
        by: User,
        dry: bool = False,
        refused: RefusedRows | None = None,
        dates: str = "",
    ) -> None:
        if not by.can(Permission.RECORDS_IMPORT):
            raise NotAllowed(_("Your role does not include importing lists."))
        self.table, self.layout, self.by, self.dry, self.refused = table, layout, by, dry, refused
        self.root = root.resolve()
        self.result = Result()
        self.days = DayOrder(said=dates)
        self._today = clinic_today()

    def run(self, tell: Tell | None = None) -> tuple[Result, Path | None]:
        rows = [row for row in self.table.rows() if row.number > self.layout.header]
        for row in rows:
            self.days.look_at(self._cell(row, "date"))
        for row in rows:
            self.result.rows += 1
            try:
                self._take(row)
            except Refused as refusal:
                self._refuse(row, refusal)
            except DomainError as error:
                self._refuse(row, Refused(error.message, getattr(error, "field", None) or "row"))
            if tell is not None:
                tell(self.result.rows, len(rows))
        if self.result.files and not self.dry:
            enqueue_once("imaging.tasks.ingest_spool")
        self.result.notes = [note for note in [self.days.note(_("Date"))] if note]
        return self.result, self.refused.close() if self.refused else None

    def _refuse(self, row: Row, refusal: Refused) -> None:
        self.result.refused += 1
        self.result.about[refusal.about] += 1
        if len(self.result.problems) < SHOWN:
            self.result.problems.append(
                {"row": row.number, "about": refusal.about, "reason": refusal.reason[:500]}
            )
        if self.refused is not None:
            self.refused.add(row, refusal.reason)

    def _cell(self, row: Row, key: str) -> Value:
        return cell(row.values, self.layout.index_of(key))

    def _take(self, row: Row) -> None:
        patient = self._patient(row)
        taken_on = read_day(self._cell(row, "date"), self.table, self.days, today=self._today)
        path = self._path(row)
        data = path.read_bytes()
        key = hashlib.sha256(data + patient.mrn_key.encode()).hexdigest()
        if ImportedFile.objects.filter(key=key).exists():
            self.result.here += 1
            return
        note = text_of(self._cell(row, "notes"))
        ds = self._dataset(path, data, patient, taken_on, note)
        self.result.files += 1
        if not self.dry:
            self._store(ds, path, key, patient, data)

    def _patient(self, row: Row) -> Patient:
        number = filled(self._cell(row, "patient_id"))
        if not number:
            raise Refused(_("The patient ID is missing."), "patient_id")
        patient = resolve_patient_by_number(number)
        if patient is None:
            raise Refused(
                _("Nobody has the patient ID “%(number)s”. Import the visit list first.")
                % {"number": number},
                "patient_id",
            )
        return patient

    def _path(self, row: Row) -> Path:
        """The file inside the root, however the log writes its place."""
        text = filled(self._cell(row, "file"))
        if not text:
            raise Refused(_("The file location is missing."), "file")
        if "\x00" in text:
            raise Refused(_("“%(text)s” is not a file.") % {"text": text[:200].replace("\x00", "�")}, "file")
        plain = text.replace("\\", "/")
        found = (self.root / plain).resolve()
        if not found.is_relative_to(self.root) or re.match(r"[A-Za-z]:/|//", plain):
            raise Refused(
                _("“%(text)s” is outside the folder of the images, %(root)s. Write it as seen from there.")
                % {"text": text[:200], "root": self.root},
                "file",
            )
        if not found.is_file():
            raise Refused(_("There is no file “%(text)s”.") % {"text": text[:200]}, "file")
        size = found.stat().st_size
        if not 0 < size <= LARGEST_DICOM:
            raise Refused(_("“%(text)s” is empty or too large.") % {"text": text[:200]}, "file")
        return found

    # --- what goes into the spool ---------------------------------------------------------------------

    def _dataset(self, path: Path, data: bytes, patient: Patient, taken_on: dt.date, note: str) -> Dataset:
        if data[128:132] == b"DICM":
            return _described(path, data, patient)
        if len(data) > LARGEST_WRAPPED:
            raise InvalidInput(_("“%(name)s” is too large.") % {"name": path.name}, field="file")
        order = _order_of(patient, taken_on)
        return wrap(
            path,
            data,
            patient,
            study_uid=order.study_instance_uid if order else uid_of("study", patient.mrn_key, taken_on),
            accession_number=order.accession_number if order else "",
            taken_on=taken_on,
            description=note or path.name,
        )

    @transaction.atomic
    def _store(self, ds: Dataset, path: Path, key: str, patient: Patient, data: bytes) -> None:
        """The row first, in a transaction that commits when the file is in the spool for good."""
        if spool.free_bytes() < settings.DISK_RESERVE_BYTES + len(data):
            raise Conflict(_("The disk is nearly full: no more images are taken."))
        file = ImportedFile.objects.create(
            key=key,
            patient=patient,
            name=path.name[:300],
            sop_instance_uid=str(ds.SOPInstanceUID),
            imported_by=self.by,
        )
        record(by=self.by, action="image.imported", subject=file, patient=patient)
        meta = spool.file_meta(
            sop_class_uid=str(ds.SOPClassUID),
            sop_instance_uid=str(ds.SOPInstanceUID),
            transfer_syntax_uid=str(ds.file_meta.TransferSyntaxUID),
            calling_ae_title=TITLE,
            called_ae_title=settings.DICOM_AE_TITLE,
            address="127.0.0.1",
        )
        with spool.SpoolFile(meta) as waiting:
            waiting.write(_body(ds, data))
            waiting.commit()


def _described(path: Path, data: bytes, patient: Patient) -> Dataset:
    """What a DICOM file says about itself; one that names another patient who is here is refused."""
    try:
        ds = dcmread(
            io.BytesIO(data),
            specific_tags=["SOPClassUID", "SOPInstanceUID", "PatientID"],
            stop_before_pixels=True,
        )
        complete = bool(ds.SOPClassUID and ds.SOPInstanceUID and ds.file_meta.TransferSyntaxUID)
    except (InvalidDicomError, AttributeError, ValueError, OSError, KeyError, NotImplementedError) as error:
        raise InvalidInput(
            _("“%(name)s” cannot be read as DICOM: %(why)s") % {"name": path.name, "why": error}, field="file"
        ) from error
    if not complete:
        raise InvalidInput(_("“%(name)s” has no DICOM identity.") % {"name": path.name}, field="file")
    named = number_key(str(ds.get("PatientID", "")))
    if named and named != patient.mrn_key:
        other = resolve_patient_by_number(named)
        if other is not None and other != patient:
            raise InvalidInput(
                _("“%(name)s” names %(other)s, the log %(patient)s.")
                % {"name": path.name, "other": other, "patient": patient},
                field="patient_id",
            )
    return ds


def _body(ds: Dataset, data: bytes) -> memoryview:
    """The data set as it is encoded, without preamble and file meta (PS3.10 7.1): of a file byte for byte."""
    if data[128:132] != b"DICM":
        out = io.BytesIO()
        ds.save_as(out, enforce_file_format=True)
        data = out.getvalue()
    (length,) = struct.unpack_from("<I", data, 140)
    return memoryview(data)[144 + length :]


def _order_of(patient: Patient, taken_on: dt.date) -> Order | None:
    """The imported examination of that day, when there is exactly one that can take the pictures."""
    orders = list(Order.objects.filter(patient=patient, imported__visited_on=taken_on).order_by("pk")[:2])
    return orders[0] if len(orders) == 1 else None
