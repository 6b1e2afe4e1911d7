"""Key images: a mark on an image that tells, with a JPEG of how it looked on the screen."""

import io
import secrets
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _
from PIL import Image, UnidentifiedImageError

from audit.services import record
from clinic.errors import Conflict, InvalidInput, NotFound
from clinic.live import announce
from clinic.models import User

from .models import Instance, KeyImage, Study
from .stored_files import make_folder, studies_path, study_folder, write_file

MAX_BYTES = 8 * 1024 * 1024
MAX_PIXELS = 24_000_000
QUALITY = 90
CAPTION_LENGTH = 200


@transaction.atomic
def create_key_image(
    study: Study,
    *,
    by: User,
    instance: Instance,
    frame: int,
    picture: bytes,
    presentation: dict[str, Any],
    caption: str = "",
) -> KeyImage:
    """Keep ``picture`` (JPEG or PNG) as a key image of ``instance``. The file is written before the row."""
    if not study.is_served:
        raise Conflict(_("These images are held: first say whose they are."))
    if instance.series.study_id != study.pk:
        raise NotFound(_("This image is not of this study."))
    if not 1 <= frame <= max(1, instance.frames):
        raise InvalidInput(
            _("The frame was read as %(read)s; the image has %(there)d.")
            % {"read": frame, "there": instance.frames},
            field="frame",
        )
    relative = f"{study_folder(study.study_instance_uid)}/key-{secrets.token_hex(8)}.jpg"
    target = studies_path(relative)
    make_folder(target.parent)
    write_file(target, _checked_jpeg(picture), durable=True)
    image = KeyImage.objects.create(
        study=study,
        instance=instance,
        frame=frame,
        caption=" ".join(caption.replace("\0", "").split())[:CAPTION_LENGTH],
        presentation=presentation,
        picture=relative,
        created_by=by,
    )
    record(
        by=by,
        action="image.marked",
        subject=image,
        patient=study.patient,
        changes={"image": [None, instance.sop_instance_uid], "frame": [None, frame]},
    )
    announce(f"study.{study.pk}")
    return image


def _checked_jpeg(picture: bytes) -> bytes:
    """``picture`` decoded and written anew: what goes into reports is a plain JPEG and nothing else."""
    if len(picture) > MAX_BYTES:
        raise InvalidInput(
            _("The picture has %(size)d bytes; at most %(most)d are accepted.")
            % {"size": len(picture), "most": MAX_BYTES}
        )
    try:
        with Image.open(io.BytesIO(picture), formats=("JPEG", "PNG")) as opened:
            if opened.width * opened.height > MAX_PIXELS:
                raise InvalidInput(
                    _("The picture is %(width)d × %(height)d pixels, which is too large.")
                    % {"width": opened.width, "height": opened.height}
                )
            plain = opened.convert("RGB")
            plain.info.clear()  # a comment would be written again
    except (UnidentifiedImageError, OSError, SyntaxError, ValueError) as error:
        raise InvalidInput(_("The picture is not a JPEG or PNG, or is damaged.")) from error
    out = io.BytesIO()
    plain.save(out, "JPEG", quality=QUALITY)
    return out.getvalue()
