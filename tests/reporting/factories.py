"""Reports in every state, and key images with real pictures."""

from itertools import count
from pathlib import Path
from typing import Any

from django.conf import settings
from django.utils import timezone
from PIL import Image

from clinic.models import User
from clinic.permissions import Role
from imaging.models import Instance, KeyImage, Series, Study
from reporting import services
from reporting.models import Report, ReportVersion
from scheduling.models import Order
from scheduling.statuses import OrderStatus
from tests.factories import make_everyone, make_order, make_user

_numbers = count(1)
PASSWORD = "cedar-test-password"


def make_reader(**fields: Any) -> User:
    """A radiologist who can sign: the password is ``PASSWORD``."""
    fields.setdefault("title", "Consultant Radiologist")
    reader = make_user(Role.RADIOLOGIST, **fields)
    reader.set_password(PASSWORD)
    reader.save(update_fields=["password"])
    return reader


def make_report(
    order: Order | None = None, *, reader: User | None = None, content: dict[str, str] | None = None
) -> Report:
    """A report that ``reader`` is writing, with ``content`` saved."""
    if order is None:
        order = make_order(status=OrderStatus.READING, reader=reader or make_reader())
    assert order.reader is not None
    report = services.open_report(order, by=order.reader)
    if content is not None:
        report = services.save_draft(report, by=order.reader, revision=report.revision, content=content)
    return report


def make_signed_report(
    order: Order | None = None, *, reader: User | None = None, content: dict[str, str] | None = None
) -> ReportVersion:
    content = content or {"findings": "<p>Clear lungs.</p>", "impression": "<p>Normal chest.</p>"}
    report = make_report(order, reader=reader, content=content)
    return services.sign_report(report, by=report.order.reader, password=PASSWORD, despite_warnings=True)


def make_key_image(order: Order, *, caption: str = "", by: User | None = None, grey: int = 90) -> KeyImage:
    """A key image of a study of ``order``, with a real picture on the disk."""
    study, _made = Study.objects.get_or_create(
        order=order,
        defaults={
            "study_instance_uid": order.study_instance_uid,
            "state": "linked",
            "patient": order.patient,
            "last_received_at": timezone.now(),
        },
    )
    number = next(_numbers)
    series = Series.objects.create(study=study, series_instance_uid=f"1.2.3.{number}", modality="DX")
    instance = Instance.objects.create(
        series=series,
        sop_instance_uid=f"1.2.3.4.{number}",
        sop_class_uid="1.2.840.10008.5.1.4.1.1.1.1",
        transfer_syntax_uid="1.2.840.10008.1.2.1",
        frames=1,
        file=f"test/{number}.dcm",
        size=1,
        sha256="0" * 64,
        data_sha256="0" * 64,
        received_at=timezone.now(),
    )
    picture = f"key-images/{number}.jpg"
    target = Path(settings.STUDIES_DIR) / picture
    target.parent.mkdir(parents=True, exist_ok=True)
    Image.linear_gradient("L").resize((640, 480)).point(lambda value: (value + grey) % 256).save(target)
    return KeyImage.objects.create(
        study=study, instance=instance, picture=picture, caption=caption, created_by=by or make_everyone()
    )
