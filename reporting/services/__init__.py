"""Every write of the reporting room, by subject."""

from .drafts import change_template, open_report, require_writer, save_draft
from .images import caption_image, insert_image, move_image, remove_image
from .importing import WrittenReport, import_final_reports
from .phrases import delete_phrase, save_phrase
from .release import release_report
from .signing import add_addendum, sign_report

__all__ = [
    "WrittenReport",
    "add_addendum",
    "caption_image",
    "change_template",
    "delete_phrase",
    "import_final_reports",
    "insert_image",
    "move_image",
    "open_report",
    "release_report",
    "remove_image",
    "require_writer",
    "save_draft",
    "save_phrase",
    "sign_report",
]
