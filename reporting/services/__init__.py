"""Every write of the reporting room, by subject."""

from .drafts import change_template, open_report, require_writer, save_draft
from .images import caption_image, insert_image, move_image, remove_image
from .importing import WrittenReport, import_final_reports
from .phrases import delete_phrase, save_phrase
from .release import release_report
from .sharing import find_share, newest_version, open_share, revoke_share, share_report
from .signing import add_addendum, sign_report

__all__ = [
    "WrittenReport",
    "add_addendum",
    "caption_image",
    "change_template",
    "delete_phrase",
    "find_share",
    "import_final_reports",
    "insert_image",
    "move_image",
    "newest_version",
    "open_report",
    "open_share",
    "release_report",
    "remove_image",
    "require_writer",
    "revoke_share",
    "save_draft",
    "save_phrase",
    "share_report",
    "sign_report",
]
