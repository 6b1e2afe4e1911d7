"""Where the server listens: the plain port, and the one with encryption beside it.

The plain one is there from the beginning or there is no server. The encrypted one may fail (its port is
taken, a certificate cannot be read) without keeping any modality out; it is tried again every minute, and the
page of devices says why it is not there.
"""

import json
import logging
import os
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

from django.conf import settings
from pynetdicom.association import Association

from .tls import CannotEncrypt, TlsServer
from .transport import GuardedRequestHandler, GuardedServer

log = logging.getLogger(__name__)

_POLL_SECONDS = 0.2


class Listeners:
    """``make`` makes a listener of a class: ``make(server_class, (host, port), **more)``."""

    def __init__(
        self,
        make: Callable[..., Any],
        host: str,
        port: int,
        tls_port: int | None,
        note_failure: Callable[[str, str], None],
    ) -> None:
        self._make, self._host, self._wanted_tls_port = make, host, tls_port
        self._note_failure = note_failure
        self._all: list[GuardedServer] = []
        self._threads: list[threading.Thread] = []
        self._is_started = False
        self.plain: GuardedServer = self._open(GuardedServer, port)
        self.tls: TlsServer | None = None
        self._tls_problem = ""
        self.mend_tls()

    @property
    def associations(self) -> list[Association]:
        return [association for listener in self._all for association in listener.active_associations]

    def start(self) -> None:
        self._is_started = True
        for listener in self._all:
            self._serve(listener)

    def shutdown(self) -> None:
        """Take no more calls. Returns when no thread listens any more."""
        self._wanted_tls_port = None
        for listener in self._all:
            if self._is_started:
                listener.shutdown()
            else:
                listener.server_close()
        for thread in self._threads:
            thread.join()

    def mend_tls(self) -> None:
        """Open the encrypted port if it is wanted and not there; show a renewed certificate."""
        if self.tls is not None:
            self.tls.reload_own()
        if self.tls is not None or self._wanted_tls_port is None:
            return
        try:
            self.tls = self._open(TlsServer, self._wanted_tls_port, note_failure=self._note_failure)
            problem = ""
        except CannotEncrypt as error:
            problem = str(error)
        except OSError as error:
            problem = f"{self._host}:{self._wanted_tls_port}: {error.strerror or error}"
        if problem and problem != self._tls_problem:
            log.error("DICOM server: no encrypted connections (%s); the plain port serves", problem)
        self._tls_problem = problem
        self._write_state()

    def _open(self, server_class: type[Any], port: int, **more: Any) -> Any:
        listener = self._make(
            (self._host, port), server_class=server_class, request_handler=GuardedRequestHandler, **more
        )
        self._all.append(listener)
        listener.listeners = self._all
        if self._is_started:
            self._serve(listener)
        return listener

    def _serve(self, listener: GuardedServer) -> None:
        thread = threading.Thread(
            target=listener.serve_forever, kwargs={"poll_interval": _POLL_SECONDS}, name="dicom-listener"
        )
        self._threads.append(thread)
        thread.start()

    def _write_state(self) -> None:
        """For the page of devices, which another process shows."""
        state = {"tls_port": self.tls.server_address[1] if self.tls else 0, "problem": self._tls_problem}
        path = _state_file()
        draft = path.with_suffix(".new")
        try:
            draft.touch(mode=0o600)
            draft.write_text(json.dumps(state))
            os.replace(draft, path)
        except OSError as error:
            log.warning("DICOM server: %s cannot be written (%s)", path.name, error)


def tls_state() -> dict[str, Any]:
    """``tls_port`` (0: nobody listens there) and ``problem``, as the server wrote them at its start."""
    try:
        state = json.loads(_state_file().read_text())
        return {"tls_port": int(state["tls_port"]), "problem": str(state["problem"])}
    except (OSError, ValueError, KeyError, TypeError):
        return {"tls_port": 0, "problem": ""}


def _state_file() -> Path:
    return Path(settings.CEDAR_DATA) / "run" / "dicom-tls.json"
