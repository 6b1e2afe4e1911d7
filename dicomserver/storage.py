"""Receiving one object (C-STORE, PS3.4 B): to the spool as it comes, durable before success is answered.

Nothing of the database is in this path. Both ways in which requests arrive, pynetdicom's own and
``fast_receive``, use the same ``Reception``.
"""

import errno
import logging
from dataclasses import dataclass
from pathlib import Path

from django.conf import settings
from pydicom import Dataset

from imaging import spool

from .elements import HEAD_BYTES, SOP_CLASS_UID, SOP_INSTANCE_UID, Unreadable, leading_uids

log = logging.getLogger(__name__)

SUCCESS = 0x0000
OUT_OF_RESOURCES = 0xA700
DOES_NOT_MATCH = 0xA900
CANNOT_UNDERSTAND = 0xC000
CANNOT_PROCESS = 0xC001
_PIECE = 1024 * 1024
_ROOM_CHECK_BYTES = 64 * 1024 * 1024


@dataclass(frozen=True)
class StoreRequest:
    """What the peer says about the object that follows, and who it is. Nothing of it is trusted."""

    sop_class_uid: str
    sop_instance_uid: str
    transfer_syntax_uid: str
    calling_ae_title: str
    called_ae_title: str
    address: str


@dataclass(frozen=True)
class Answer:
    """Status and Error Comment (at most 64 characters, PS3.7 Annex C) of the C-STORE response."""

    status: int
    comment: str = ""

    @property
    def is_success(self) -> bool:
        return self.status == SUCCESS

    def as_response(self) -> Dataset:
        """As pynetdicom wants it of a handler."""
        response = Dataset()
        response.Status = self.status
        if self.comment:
            response.ErrorComment = self.comment[:64]
        return response


class Reception:
    """One object while it arrives: ``write`` each piece, then ``finish`` for the answer.

    A failure is remembered and answered at the end, because the peer sends its whole object in any case.
    ``give_up`` when the connection is lost.
    """

    def __init__(self, request: StoreRequest) -> None:
        self._request = request
        self._head = bytearray()
        self._size = 0
        self._failure: Answer | None = None
        self._file: spool.SpoolFile | None = None
        self._next_room_check = 0
        try:
            self._check_room()
            if self._failure is None:
                self._file = spool.SpoolFile(_header(request))
        except OSError as error:
            self._fail(error)

    def write(self, *pieces: bytes | bytearray | memoryview) -> None:
        for piece in pieces:
            if len(self._head) < HEAD_BYTES:
                self._head += piece[: HEAD_BYTES - len(self._head)]
            self._size += len(piece)
        if self._file is None:
            return
        try:
            if self._size >= self._next_room_check:
                self._check_room()
            if self._file is not None:
                self._file.write_all(pieces)
        except OSError as error:
            self._fail(error)

    def finish(self) -> Answer:
        """Make it durable and say so, or say why it was not kept."""
        answer = self._failure or self._mismatch()
        if answer is None and self._file is not None:
            try:
                self._file.commit()
                answer = Answer(SUCCESS)
            except OSError as error:
                self._fail(error)
                answer = self._failure
        self.give_up()
        return answer or Answer(CANNOT_PROCESS, "Not stored")

    def give_up(self) -> None:
        """Leave nothing behind, unless it was committed."""
        if self._file is not None:
            self._file.discard()
            self._file = None

    def _check_room(self) -> None:
        self._next_room_check = self._size + _ROOM_CHECK_BYTES
        if spool.free_bytes() < settings.DISK_RESERVE_BYTES:
            self._failure = Answer(OUT_OF_RESOURCES, "The archive's disk is full")
            self.give_up()

    def _fail(self, error: OSError) -> None:
        full = error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
        if full:
            self._failure = Answer(OUT_OF_RESOURCES, "The archive's disk is full")
        else:
            log.error("C-STORE: cannot write to the spool: %s", error)
            self._failure = Answer(CANNOT_PROCESS, "The archive cannot write to its disk")
        self.give_up()

    def _mismatch(self) -> Answer | None:
        """Is the data set another object than the request says, or none at all?"""
        try:
            uids = leading_uids(self._head, self._request.transfer_syntax_uid)
        except Unreadable as error:
            return Answer(CANNOT_UNDERSTAND, f"Cannot be read: {error}"[:64])
        if uids.get(SOP_CLASS_UID, self._request.sop_class_uid) != self._request.sop_class_uid:
            return Answer(DOES_NOT_MATCH, "SOP Class UID differs from that of the request")
        if uids.get(SOP_INSTANCE_UID, self._request.sop_instance_uid) != self._request.sop_instance_uid:
            return Answer(DOES_NOT_MATCH, "SOP Instance UID differs from that of the request")
        return None


def take_file(path: Path, reception: Reception) -> Answer:
    """An object as pynetdicom received it, in a file of its own: copied behind our file meta."""
    try:
        with path.open("rb") as file:
            # (0002,0000) of the file meta that pynetdicom wrote says how much of it follows.
            file.seek(144 + int.from_bytes(file.read(144)[140:144], "little"))
            while piece := file.read(_PIECE):
                reception.write(piece)
        return reception.finish()
    except OSError as error:
        log.error("C-STORE: cannot read what was received: %s", error)
        return Answer(CANNOT_PROCESS, "The archive cannot read what it received")
    finally:
        reception.give_up()


def prepare_incoming() -> Path:
    """The spool, and where pynetdicom puts the pieces of an object on its way there."""
    data = Path(settings.CEDAR_DATA)
    incoming = data / "incoming" / "dicom"
    for folder in [data, data / "run", data / "incoming", incoming, Path(settings.SPOOL_DIR)]:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    return incoming


def _header(request: StoreRequest) -> bytes:
    return spool.file_meta(
        sop_class_uid=request.sop_class_uid,
        sop_instance_uid=request.sop_instance_uid,
        transfer_syntax_uid=request.transfer_syntax_uid,
        calling_ae_title=request.calling_ae_title,
        called_ae_title=request.called_ae_title,
        address=request.address,
    )
