"""Small pictures for lists. They can always be drawn again, so they are neither durable nor precious."""

import contextlib
import logging
from pathlib import Path

from .models import Instance
from .reasons import picture_problem
from .sandbox import Refused, SandboxUnavailable, sandbox
from .spool import read_envelope
from .stored_files import studies_path, write_file

EDGE = 256
QUALITY = 78
# The first images of a series get one each (X-ray, ultrasound), then every eighth (stacks of slices).
FIRST = 8
EVERY = 8
log = logging.getLogger(__name__)


def wants_thumbnail(instance: Instance, position: int) -> bool:
    """Whether the image that arrives as number ``position`` of its series gets a thumbnail at once."""
    return _is_picture(instance) and (position < FIRST or position % EVERY == 0)


def _is_picture(instance: Instance) -> bool:
    return bool(instance.frame_offsets) and not instance.display_problem


def draw_thumbnail(instance: Instance) -> None:
    """Draw the middle frame and name the file in the (perhaps unsaved) row, or say why there is no picture.

    A full disk or a child that does not start say nothing about the image: the next reader tries again.
    """
    name = str(Path(instance.file).with_suffix(".jpg"))
    try:
        picture = draw_picture(instance, middle_frame(instance), edge=EDGE, quality=QUALITY)
        write_file(studies_path(name), picture, durable=False)
    except Refused as refused:
        if refused.code != "system":
            instance.display_problem = picture_problem(refused)
    except (OSError, SandboxUnavailable):
        log.exception("a thumbnail could not be made")
    else:
        instance.thumbnail = name


def read_thumbnail(instance: Instance) -> bytes | None:
    """The thumbnail's JPEG, drawn now if it is not there; None when no picture can be made."""
    if instance.thumbnail:
        with contextlib.suppress(OSError):
            if picture := studies_path(instance.thumbnail).read_bytes():
                return picture
    if not _is_picture(instance):
        return None
    draw_thumbnail(instance)
    Instance.objects.filter(pk=instance.pk).update(
        thumbnail=instance.thumbnail, display_problem=instance.display_problem
    )
    return studies_path(instance.thumbnail).read_bytes() if instance.thumbnail else None


def middle_frame(instance: Instance) -> int:
    return len(instance.frame_offsets) // 2 + 1


def draw_picture(
    instance: Instance,
    frame: int,
    *,
    edge: int,
    quality: int,
    window: tuple[float, float] | None = None,
) -> bytes:
    """A JPEG of frame ``frame`` (from 1) of at most ``edge`` pixels, 0 for all. Raises ``Refused``."""
    envelope = read_envelope(instance.path)
    with sandbox() as child:
        answer = child.ask(
            "draw",
            path=str(instance.path),
            data_offset=envelope.data_offset,
            transfer_syntax=instance.transfer_syntax_uid,
            frames_path=str(instance.frames_path),
            ranges=instance.frame_offsets[frame - 1],
            frame_transfer_syntax=instance.frame_transfer_syntax_uid,
            frame=frame,
            edge=edge,
            quality=quality,
            window=window,
        )
    return answer.attachment
