"""Untrusted objects are read and drawn in a child process with limits, never in a process of Cedar itself.

The child (``imaging.dicomfile.worker``) gives itself 1 GB of memory; a request that takes longer than
20 seconds is ended by killing it. One child serves many requests; each process of Cedar keeps its own.
Plain ``subprocess``: the worker's processes are daemonic and may not have ``multiprocessing`` children.
"""

import contextlib
import json
import os
import select
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django.conf import settings

TIME_LIMIT = 20.0
START_LIMIT = 60.0
REQUESTS_PER_CHILD = 2000
ANSWER_LIMIT = 256 * 1024 * 1024


class SandboxUnavailable(Exception):
    """The child could not be started: nothing is known about the object, try again later."""


class Refused(Exception):
    """The object cannot be read or drawn. ``code`` and ``detail`` go to ``imaging.reasons``."""

    def __init__(self, code: str, detail: str = "") -> None:
        super().__init__(code, detail)
        self.code = code
        self.detail = detail


@dataclass(frozen=True)
class Answer:
    values: dict[str, Any]
    attachment: bytes


class Sandbox:
    """One child process, started at the first request and replaced when it died or was killed."""

    def __init__(self, time_limit: float = TIME_LIMIT) -> None:
        self.time_limit = time_limit
        self._child: subprocess.Popen[bytes] | None = None
        self._served = 0

    def ask(self, operation: str, **request: Any) -> Answer:
        """Let the child do ``operation``. Raises ``Refused``; ``SandboxUnavailable`` if there is no child."""
        try:
            return self._ask_once(operation, request)
        except _ChildDied:
            # Somebody else may have killed it. Twice in a row it was this object.
            try:
                return self._ask_once(operation, request)
            except _ChildDied:
                raise Refused("child_died") from None

    def _ask_once(self, operation: str, request: dict[str, Any]) -> Answer:
        child = self._running()
        line = json.dumps({"operation": operation, **request}).encode() + b"\n"
        try:
            child.stdin.write(line)  # type: ignore[union-attr]
            child.stdin.flush()  # type: ignore[union-attr]
            answer = self._read_answer(child, time.monotonic() + self.time_limit)
        except TimeoutError:
            self.close()
            raise Refused("timeout", f"{self.time_limit:.0f}") from None
        except (OSError, EOFError):
            self.close()
            raise _ChildDied from None
        self._served += 1
        if "problem" in answer.values:
            if answer.values["problem"] == "memory":
                self.close()
            raise Refused(answer.values["problem"], answer.values["detail"])
        return answer

    def _running(self) -> "subprocess.Popen[bytes]":
        if self._child is not None and (self._child.poll() is not None or self._served > REQUESTS_PER_CHILD):
            self.close()
        if self._child is None:
            self._child = self._start()
            self._served = 0
        return self._child

    def _start(self) -> "subprocess.Popen[bytes]":
        """Start a child and wait until it has its limits and its libraries."""
        environment = {
            "PATH": os.environ.get("PATH", ""),
            "LANG": "C.UTF-8",
            # Each thread of a numerical library costs address space, which is what is limited.
            "OPENBLAS_NUM_THREADS": "1",
            "OMP_NUM_THREADS": "1",
        }
        try:
            child = subprocess.Popen(
                [sys.executable, "-m", "imaging.dicomfile.worker"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                cwd=settings.BASE_DIR,
                env=environment,
            )
        except OSError as error:
            raise SandboxUnavailable(str(error)) from error
        try:
            self._read_answer(child, time.monotonic() + START_LIMIT)
        except (OSError, EOFError) as error:
            _end(child)
            raise SandboxUnavailable("the reading process did not start") from error
        return child

    def _read_answer(self, child: "subprocess.Popen[bytes]", deadline: float) -> Answer:
        text_length, attachment_length = struct.unpack("<II", _read(child, 8, deadline))
        if text_length + attachment_length > ANSWER_LIMIT:
            raise EOFError
        values = json.loads(_read(child, text_length, deadline))
        return Answer(values, _read(child, attachment_length, deadline))

    def close(self) -> None:
        if self._child is not None:
            _end(self._child)
            self._child = None


class _ChildDied(Exception):
    pass


def _read(child: "subprocess.Popen[bytes]", length: int, deadline: float) -> bytes:
    """Exactly ``length`` bytes. Raises TimeoutError or EOFError."""
    assert child.stdout is not None
    fd = child.stdout.fileno()
    data = bytearray()
    while len(data) < length:
        ready, _, _ = select.select([fd], [], [], max(0.0, deadline - time.monotonic()))
        if not ready:
            raise TimeoutError
        block = os.read(fd, min(length - len(data), 1024 * 1024))
        if not block:
            raise EOFError
        data += block
    return bytes(data)


def _end(child: "subprocess.Popen[bytes]") -> None:
    child.kill()
    child.wait()
    for pipe in (child.stdin, child.stdout):
        with contextlib.suppress(OSError):
            pipe.close()  # type: ignore[union-attr]


# --- the child of this process -----------------------------------------------------------------------

_lock = threading.Lock()
_own: tuple[int, Sandbox] | None = None


@contextlib.contextmanager
def sandbox() -> Iterator[Sandbox]:
    """The sandbox of this process, for one caller at a time; it ends with the process."""
    global _own
    with _lock:
        if _own is None or _own[0] != os.getpid():
            _own = (os.getpid(), Sandbox())
        yield _own[1]
