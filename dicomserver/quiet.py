"""Keeping the log readable when a broken or ill-willed peer causes the same error a thousand times."""

import logging
import threading
import time

from pynetdicom.dul import DULServiceProvider

_RECORDS_PER_MINUTE = 30
_ABOUT_PEERS = ("pynetdicom", "dicomserver.fast_receive", "dicomserver.storage")


class FewPerMinute(logging.Filter):
    """Lets so many records about peers through each minute, and says how many it held back."""

    def __init__(self, limit: int = _RECORDS_PER_MINUTE) -> None:
        super().__init__()
        self._limit = limit
        self._minute = 0
        self._seen = 0

    def filter(self, record: logging.LogRecord) -> bool:
        if not record.name.startswith(_ABOUT_PEERS):
            return True
        minute = int(time.monotonic() // 60)
        held_back = max(0, self._seen - self._limit)
        if minute != self._minute:
            self._minute, self._seen = minute, 0
            if held_back:
                record.msg = f"{record.getMessage()} (and {held_back} more like it in the minute before)"
                record.args = ()
        self._seen += 1
        return self._seen <= self._limit


def keep_quiet() -> None:
    """For the process of the DICOM server. pynetdicom has logged what ends one of its reactors already."""
    for handler in logging.getLogger().handlers:
        handler.addFilter(FewPerMinute())
    default = threading.excepthook

    def ended(what: threading.ExceptHookArgs) -> None:
        if not isinstance(what.thread, DULServiceProvider):
            default(what)

    threading.excepthook = ended
