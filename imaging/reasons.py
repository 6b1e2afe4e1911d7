"""Words for the codes with which the reading process refuses an object."""

from django.utils.translation import gettext as _

from .sandbox import Refused


def quarantine_reason(refused: Refused) -> str:
    """Why the object is in quarantine, in a sentence."""
    texts = {
        "broken": _("It cannot be read as DICOM: {detail}"),
        "empty": _("It has no content."),
        "length_beyond_end": _(
            "It is cut short or lies about a length: element {detail} ends behind the file."
        ),
        "pixel_data_cut": _("Its image data are cut short (present and declared bytes: {detail})."),
        "fragments_broken": _("Its compressed image data are damaged at byte {detail}."),
        "nested_too_deep": _("Its sequences are nested deeper than any real object's."),
        "not_deflated": _("It says that it is deflated, but cannot be inflated: {detail}"),
        "inflates": _("It inflates to more than {detail} MB."),
        "header_too_large": _("Its header is too large: {detail} bytes."),
        "no_uid": _("It has no {detail}."),
        "bad_uid": _("A UID in it is not one (digits and dots, at most 64): {detail}"),
        "other_class": _("It is of another SOP class than announced (announced and found: {detail})."),
        "other_instance": _(
            "It has another SOP Instance UID than announced (announced and found: {detail})."
        ),
        "holds_nul": _("{detail} holds a NUL character."),
        "too_long": _("A value is too long (attribute, characters, allowed: {detail})."),
        "timeout": _("Reading it took longer than {detail} seconds."),
        "memory": _("Reading it took more than 1 GB of memory."),
        "child_died": _("Reading it ended the reading process twice."),
        "failed": _("It cannot be read: {detail}"),
        "frames_too_large": _("Its frames take more than 1 GB."),
        "no_file_meta": _("The received file is damaged: {detail}."),
        "not_recorded": _("It could not be recorded: {detail}"),
    }
    return texts.get(refused.code, texts["failed"]).format(detail=refused.detail)[:500]


def picture_problem(refused: Refused) -> str:
    """Why an image that was filed cannot be shown, in a sentence."""
    texts = {
        "no_image_size": _("Rows, columns or bits are missing: the image cannot be shown."),
        "pixel_data_short": _(
            "Image data are missing: there are fewer bytes than the size of the image needs."
        ),
        "frames_unclear": _("It is not clear where each frame of the image begins."),
        "video": _("Video: it has no single frames to show."),
        "no_decoder": _("No preview: there is no decoder for {detail}."),
        "cannot_decode": _("No preview, the image data could not be decoded: {detail}"),
        "timeout": _("No preview: drawing it took longer than {detail} seconds."),
        "memory": _("No preview: drawing it takes more than 1 GB of memory."),
        "child_died": _("No preview: drawing it ended the drawing process."),
    }
    text = texts.get(refused.code, _("No preview: {detail}"))
    return text.format(detail=refused.detail or refused.code)[:300]
