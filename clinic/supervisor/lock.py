"""One supervisor per data folder: a lock that the kernel frees however its holder ends."""

import fcntl
import json
import os
from pathlib import Path

from .options import StartError


class DataLock:
    """Holds ``run/up.lock``; ``run/up.json`` tells others who runs here and where."""

    def __init__(self, data: Path) -> None:
        self._note = data / "run" / "up.json"
        self._file = data / "run" / "up.lock"
        self._handle = -1

    def take(self, url: str) -> None:
        self._handle = os.open(self._file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(self._handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            running = self._read()
            raise StartError(
                f"Cedar runs on this data folder already: {running.get('url', 'it is just starting')} "
                f"(process {running.get('pid', 'unknown')})."
            ) from None
        draft = self._note.with_suffix(".new")
        draft.write_text(json.dumps({"url": url, "pid": os.getpid()}))
        draft.replace(self._note)

    def release(self) -> None:
        self._note.unlink(missing_ok=True)
        os.close(self._handle)

    def _read(self) -> dict[str, object]:
        try:
            return dict(json.loads(self._note.read_text()))
        except (OSError, ValueError):
            return {}
