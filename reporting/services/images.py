"""Key images in a report: inserted, captioned, put in order, removed."""

from django.db import transaction
from django.db.models import Max
from django.utils.translation import gettext as _

from clinic.errors import InvalidInput, NotFound
from clinic.live import announce
from clinic.models import User
from imaging.models import KeyImage

from ..models import Report, ReportImage
from .drafts import lock_report, require_writer

MAX_IMAGES = 24
CAPTION_LENGTH = 200


@transaction.atomic
def insert_image(report: Report, *, by: User, key_image: KeyImage, caption: str = "") -> ReportImage:
    """Put a key image at the end of the report; inserting it again changes nothing."""
    current = lock_report(report)
    require_writer(current, by)
    if key_image.study.patient_id != current.order.patient_id:
        raise InvalidInput(_("This image is of another patient and cannot go into this report."))
    if current.images.count() >= MAX_IMAGES:
        raise InvalidInput(
            _("A report holds at most %(most)d images. Remove one first.") % {"most": MAX_IMAGES}
        )
    last = current.images.aggregate(last=Max("position"))["last"]
    image, _made = ReportImage.objects.get_or_create(
        report=current,
        key_image=key_image,
        defaults={
            "position": 0 if last is None else last + 1,
            "caption": clean_caption(caption or key_image.caption),
        },
    )
    announce(f"report.{current.pk}")
    return image


@transaction.atomic
def caption_image(image: ReportImage, *, by: User, caption: str) -> ReportImage:
    current = lock_report(image.report)
    require_writer(current, by)
    image.caption = clean_caption(caption)
    image.save(update_fields=["caption"])
    announce(f"report.{current.pk}")
    return image


@transaction.atomic
def remove_image(image: ReportImage, *, by: User) -> None:
    """Take the image out of the report; the key image itself stays with the study."""
    current = lock_report(image.report)
    require_writer(current, by)
    image.delete()
    announce(f"report.{current.pk}")


@transaction.atomic
def move_image(image: ReportImage, *, by: User, steps: int) -> None:
    """Move the image ``steps`` places towards the end, or towards the beginning when negative."""
    current = lock_report(image.report)
    require_writer(current, by)
    images = list(current.images.order_by("position", "pk"))
    if image not in images:
        raise NotFound(_("This image is no longer in the report."))
    place = images.index(image)
    images.insert(max(0, min(len(images) - 1, place + steps)), images.pop(place))
    for position, each in enumerate(images):
        ReportImage.objects.filter(pk=each.pk).update(position=position)
    announce(f"report.{current.pk}")


def clean_caption(caption: str) -> str:
    """One line of plain text."""
    caption = " ".join(caption.replace("\x00", "").split())
    if len(caption) > CAPTION_LENGTH:
        raise InvalidInput(
            _("The caption has %(read)d characters; at most %(most)d fit.")
            % {"read": len(caption), "most": CAPTION_LENGTH}
        )
    return caption
