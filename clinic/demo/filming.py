"""The machines of the demo: they ask the worklist whom they have before them, take images and send them."""

import datetime as dt
import struct
from collections.abc import Callable
from io import BytesIO
from typing import Any
from zlib import crc32

from django.conf import settings
from pydicom.dataset import Dataset

from clinic.demo.images import (
    StudyIdentity,
    chest_xray,
    ct_series,
    doppler_still,
    hand_xray,
    ultrasound_clip,
    ultrasound_still,
)
from clinic.demo.week import Visit
from clinic.models import ClinicProfile
from dicomserver import worklist
from dicomserver.encoding import Encoder
from imaging import spool
from imaging.tasks import ingest_spool
from patients.models import Patient
from scheduling.days import clinic_zone
from scheduling.models import Order

HOSPITAL = "DISTRICT_CT"
ADDRESS = "127.0.0.1"
WORKLIST_KEYS = (
    "PatientName",
    "PatientID",
    "PatientBirthDate",
    "PatientSex",
    "AccessionNumber",
    "StudyInstanceUID",
    "ReferringPhysicianName",
    "RequestedProcedureDescription",
)


def _chest(identity: StudyIdentity, seed: int, **how: Any) -> list[Dataset]:
    return chest_xray(identity, seed=seed, rows=2340, columns=2000, **how)


def _hand(identity: StudyIdentity, seed: int, **how: Any) -> list[Dataset]:
    return hand_xray(identity, seed=seed, rows=2400, columns=2000, **how)


def _ct(identity: StudyIdentity, seed: int, **how: Any) -> list[Dataset]:
    return ct_series(identity, seed=seed, **how)


def _stills(identity: StudyIdentity, seed: int, **how: Any) -> list[Dataset]:
    moments = (0.0, 0.3, 0.55)
    return [
        ds
        for number, time in enumerate(moments, start=1)
        for ds in ultrasound_still(identity, seed=seed, time=time, number=number, **how)
    ]


def _clip(identity: StudyIdentity, seed: int, **how: Any) -> list[Dataset]:
    still = ultrasound_still(identity, seed=seed, time=0.25, **how)
    return still + ultrasound_clip(identity, seed=seed, frames=32, **how)


def _doppler(identity: StudyIdentity, seed: int, **how: Any) -> list[Dataset]:
    return doppler_still(identity, seed=seed, **how)


MAKERS: dict[str, tuple[int, Callable[..., list[Dataset]]]] = {
    "chest": (1, _chest),
    "hand": (1, _hand),
    "ct": (60, _ct),
    "stills": (3, _stills),
    "clip": (2, _clip),
    "doppler": (1, _doppler),
}


def how_many(visit: Visit) -> int:
    return MAKERS[visit.images][0]


def take_images(
    visit: Visit, order: Order, *, at: dt.datetime, wrong_patient: Patient | None
) -> list[Dataset]:
    """The images of a visit, named as the worklist says; or, by mistake, as another patient's."""
    identity = _from_worklist(order, visit.station, at) if visit.station else _from_order(order, at)
    if wrong_patient is not None:
        identity = _named_as(identity, wrong_patient)
    seed = crc32(f"{visit.key}".encode()) % 100_000
    return MAKERS[visit.images][1](identity, seed, **visit.settings)


def _from_worklist(order: Order, station: str, at: dt.datetime) -> StudyIdentity:
    step = Dataset()
    step.ScheduledStationAETitle = station
    step.ScheduledProcedureStepStartDate = step.ScheduledProcedureStepStartTime = ""
    query = Dataset()
    for keyword in WORKLIST_KEYS:
        setattr(query, keyword, "")
    query.AccessionNumber = order.accession_number
    query.ScheduledProcedureStepSequence = [step]
    encoder = Encoder()
    (item,) = worklist.find(worklist.Query(query), encoder)
    return StudyIdentity.from_worklist(encoder.decoded(item), **_moment(at))


def _from_order(order: Order, at: dt.datetime) -> StudyIdentity:
    """As the hospital's machine was told by our referral, with our numbers on it."""
    patient = order.patient
    return StudyIdentity(
        patient_id=patient.mrn,
        patient_name=patient.dicom_name,
        birth_date=patient.birth_date.strftime("%Y%m%d") if patient.birth_date else "",
        sex=patient.sex,
        accession_number=order.accession_number,
        study_instance_uid=order.study_instance_uid,
        referring_physician=order.referrer.name if order.referrer else "",
        description=order.procedure.name,
        station_ae=HOSPITAL,
        **(_moment(at) | {"institution": "District Hospital"}),
    )


def _named_as(identity: StudyIdentity, other: Patient) -> StudyIdentity:
    values = vars(identity) | {
        "patient_id": other.mrn,
        "patient_name": other.dicom_name,
        "birth_date": other.birth_date.strftime("%Y%m%d") if other.birth_date else "",
        "sex": other.sex,
    }
    return StudyIdentity(**values)


def _moment(at: dt.datetime) -> dict[str, str]:
    local = at.astimezone(clinic_zone())
    return {
        "study_date": local.strftime("%Y%m%d"),
        "study_time": local.strftime("%H%M%S"),
        "institution": ClinicProfile.get().name,
    }


def send_images(images: list[Dataset], *, station: str, at: dt.datetime) -> None:
    """Into the spool, as the DICOM server puts them there, and from there through the real ingest."""
    for number, ds in enumerate(images):
        data = _encoded(ds)
        meta = spool.file_meta(
            sop_class_uid=ds.SOPClassUID,
            sop_instance_uid=ds.SOPInstanceUID,
            transfer_syntax_uid=ds.file_meta.TransferSyntaxUID,
            calling_ae_title=station or HOSPITAL,
            called_ae_title=settings.DICOM_AE_TITLE,
            address=ADDRESS,
        )
        with spool.SpoolFile(meta) as file:
            file.write(data)
            path = file.commit()
        # The name begins with the moment of reception.
        received = int(at.timestamp() * 1e9) + number
        path.rename(path.with_name(f"{received:020d}{path.name[20:]}"))
    ingest_spool()


def _encoded(ds: Dataset) -> memoryview:
    """The data set as it travels, without preamble and file meta (PS3.10 7.1)."""
    out = BytesIO()
    ds.save_as(out, enforce_file_format=True)
    whole = out.getbuffer()
    (meta_length,) = struct.unpack_from("<I", whole, 140)
    return whole[144 + meta_length :]
