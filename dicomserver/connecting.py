"""What the page "Connect a device" finds out: each step of the way, and why it does not work yet."""

import logging
from dataclasses import dataclass
from typing import Any

import numpy as np
from django.db import transaction
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext as _
from pydicom import Dataset
from pydicom.dataset import FileMetaDataset
from pydicom.sequence import Sequence
from pydicom.uid import (
    UID,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    SecondaryCaptureImageStorage,
    generate_uid,
)
from pynetdicom.presentation import build_context

from audit.services import record
from clinic.models import User
from imaging import connection_tests, spool
from imaging.models import Quarantined
from scheduling.days import clinic_today, clinic_zone, day_bounds
from scheduling.models import Order, Station
from scheduling.statuses import UNFINISHED, OrderStatus

from . import worklist
from .answers import value_of
from .certificates import Certificate, shown_by
from .echo import EchoResult
from .encoding import Encoder
from .models import RemoteAE
from .scu import CallFailed, NothingAccepted, called
from .transfers import require_configure

log = logging.getLogger(__name__)

_OTHERS_SHOWN = 50
_SECONDS = 10
_SIZE = 256


@dataclass(frozen=True)
class WorklistTrial:
    """What a device would read today. ``others`` are today's orders that it would not, each with why."""

    lines: list[dict[str, str]]
    others: list[tuple[Order, str]]
    station: Station | None
    modality: str


def try_worklist(node: RemoteAE, *, by: User, modality: str = "", any_station: bool = False) -> WorklistTrial:
    """Ask as the device usually does: for today, its own AE title and, if given, one modality.

    It is the question and the answer of the server itself, only without the network between.
    """
    require_configure(by)
    today = clinic_today()
    query = worklist.Query(_question("" if any_station else node.ae_title, modality, f"{today:%Y%m%d}"))
    encoder = Encoder(character_set=node.character_set)
    lines = [_line(encoder.decoded(answer)) for answer in worklist.find(query, encoder)]
    record(by=by, action="worklist.tried", subject=node, changes={"lines": [None, len(lines)]})
    shown = {line["accession"] for line in lines}
    others = [order for order in _todays_orders() if order.accession_number not in shown]
    asked_station = "" if any_station else node.ae_title
    return WorklistTrial(
        lines=lines,
        others=[(order, _why_not(order, asked_station, modality)) for order in others],
        station=Station.objects.filter(ae_title=node.ae_title, is_active=True).first(),
        modality=modality,
    )


def send_test_image(node: RemoteAE, *, by: User) -> EchoResult:
    """C-STORE of a grey wedge that names no patient; what the device said, in words."""
    require_configure(by)
    place = {"title": node.ae_title}
    image = make_test_image()
    contexts = [build_context(image.SOPClassUID, [ExplicitVRLittleEndian, ImplicitVRLittleEndian])]
    try:
        with called(node, contexts, seconds=_SECONDS) as association:
            status = association.send_c_store(image).get("Status")
    except NothingAccepted:
        text = _("%(title)s answers but takes no images. That is usual for a machine that makes them.")
        return EchoResult(False, text % place)
    except CallFailed as failure:
        return EchoResult(False, str(failure))
    with transaction.atomic():
        told = f"{status:04X}" if status is not None else "–"
        record(by=by, action="test_image.sent", subject=node, changes={"status": [None, told]})
    if status is None:
        return EchoResult(False, _("%(title)s took the call but did not answer the image.") % place)
    if status != 0x0000 and status & 0xF000 != 0xB000:
        text = _("%(title)s refused the test image (status %(status)04X).")
        return EchoResult(False, text % {**place, "status": status})
    text = _("%(title)s has the test image: patient %(id)s, “%(name)s”. Delete it there when you saw it.")
    whose = {**place, "id": image.PatientID, "name": str(image.PatientName).replace("^", " ")}
    return EchoResult(True, text % whose)


def make_test_image() -> Dataset:
    """A Secondary Capture of 64 KB that nobody can take for a patient's."""
    image = Dataset()
    image.file_meta = FileMetaDataset()
    image.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    image.SOPClassUID = image.file_meta.MediaStorageSOPClassUID = SecondaryCaptureImageStorage
    uid = generate_uid(prefix=None)
    image.SOPInstanceUID = image.file_meta.MediaStorageSOPInstanceUID = uid
    image.file_meta.ImplementationClassUID = UID(spool.IMPLEMENTATION_CLASS_UID)
    now = timezone.localtime(timezone=clinic_zone())
    image.StudyDate, image.StudyTime = f"{now:%Y%m%d}", f"{now:%H%M%S}"
    image.AccessionNumber = image.StudyID = image.ReferringPhysicianName = ""
    image.Modality, image.ConversionType, image.Manufacturer = "OT", "SYN", "Cedar"
    image.StudyDescription = "Connection test"
    image.PatientName, image.PatientID = "TEST^CEDAR CONNECTION", connection_tests.TEST_PATIENT_ID
    image.PatientBirthDate = image.PatientSex = image.PatientOrientation = image.Laterality = ""
    image.StudyInstanceUID, image.SeriesInstanceUID = generate_uid(prefix=None), generate_uid(prefix=None)
    image.SeriesNumber = image.InstanceNumber = 1
    image.Rows = image.Columns = _SIZE
    image.SamplesPerPixel, image.PhotometricInterpretation = 1, "MONOCHROME2"
    image.BitsAllocated = image.BitsStored = 8
    image.HighBit, image.PixelRepresentation = 7, 0
    wedge = np.tile(np.arange(_SIZE, dtype=np.uint8), (_SIZE, 1))
    wedge[::32, :], wedge[:, ::32] = 255, 0
    image.PixelData = wedge.tobytes()
    return image


def arrived_from(node: RemoteAE) -> Any:
    """Images of a test that the device sent us, newest first."""
    return Quarantined.objects.filter(
        source_ae_title=node.ae_title, settlement=connection_tests.SETTLED
    ).order_by("-received_at")


def look_at_certificate(node: RemoteAE) -> Certificate:
    """The certificate that the device shows now. Raises ``CallFailed`` in plain words."""
    place = {"host": node.called_host, "port": node.port or 0}
    try:
        return shown_by(node.called_host, node.port or 0, _SECONDS)
    except OSError as error:
        log.info("no certificate from %s: %s", node, error)
        text = _("There is no encrypted connection at %(host)s port %(port)s.")
        raise CallFailed(text % place) from None


def _question(station: str, modality: str, day: str) -> Dataset:
    asked, step = Dataset(), Dataset()
    step.ScheduledStationAETitle, step.Modality = station, modality
    step.ScheduledProcedureStepStartDate, step.ScheduledProcedureStepStartTime = day, ""
    step.ScheduledProcedureStepDescription = ""
    asked.ScheduledProcedureStepSequence = Sequence([step])
    for keyword in ("PatientName", "PatientID", "PatientBirthDate", "PatientSex", "AccessionNumber"):
        setattr(asked, keyword, "")
    return asked


def _line(answer: Dataset) -> dict[str, str]:
    (step,) = answer.ScheduledProcedureStepSequence
    time = value_of(step, "ScheduledProcedureStepStartTime")
    return {
        "time": f"{time[:2]}:{time[2:4]}",
        "name": value_of(answer, "PatientName"),
        "number": value_of(answer, "PatientID"),
        "birth_date": value_of(answer, "PatientBirthDate"),
        "sex": value_of(answer, "PatientSex"),
        "procedure": value_of(step, "ScheduledProcedureStepDescription"),
        "modality": value_of(step, "Modality"),
        "station": value_of(step, "ScheduledStationAETitle"),
        "accession": value_of(answer, "AccessionNumber"),
    }


def _todays_orders() -> list[Order]:
    start, end = day_bounds(clinic_today(), clinic_zone())
    booked = Q(appointment__starts_at__gte=start, appointment__starts_at__lt=end)
    unbooked = Q(appointment=None, status=OrderStatus.ORDERED, ordered_at__gte=start, ordered_at__lt=end)
    orders = Order.objects.filter(booked | unbooked)
    orders = orders.select_related("patient", "procedure", "appointment__station")
    return list(orders.order_by("appointment__starts_at", "pk")[:_OTHERS_SHOWN])


def _why_not(order: Order, station: str, modality: str) -> str:
    appointment = order.appointment
    if order.status == OrderStatus.CANCELLED:
        return _("The order is cancelled.")
    if order.status not in (OrderStatus.ORDERED, OrderStatus.SCHEDULED):
        return _("The images are taken already.")
    if appointment is None or order.status == OrderStatus.ORDERED:
        return _("It is not booked for a time and a station yet.")
    if appointment.status not in UNFINISHED:
        text = _("The visit is over (%(status)s).")
        return text % {"status": appointment.get_status_display()}
    if appointment.station is None:
        return _("It is booked without a station.")
    if station and appointment.station.ae_title != station:
        text = _("It is booked for %(station)s (AE title %(title)s).")
        return text % {"station": appointment.station.name, "title": appointment.station.ae_title}
    if modality and order.procedure.modality != modality:
        text = _("It is of the modality %(theirs)s; %(asked)s was asked for.")
        return text % {"theirs": order.procedure.modality, "asked": modality}
    return _("It has come in since; ask again.")
