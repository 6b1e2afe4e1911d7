"""A receive loop of our own for C-STORE, inside pynetdicom's association.

pynetdicom makes objects of every fragment and hands them from thread to thread, which costs several times
what the disk costs. Here, when the association is established and the next thing to read begins a C-STORE
request on an accepted storage context, the request is taken as it comes: payload goes from one large buffer
to the spool file, and the answer is sent. Everything else (negotiation, timers, C-ECHO, C-FIND, release,
abort, and any C-STORE that is put together unusually) is left in the buffer, where pynetdicom reads it as
always. So the two ways differ in speed only; the tests run through both.

Of pynetdicom's private names it touches ``_accepted_cx``, ``_is_connected``, ``_idle_timer``, ``_recv_pdu``:
the version is pinned exactly, and ``CEDAR_FAST_RECEIVE=0`` switches to pynetdicom's own way.
"""

import logging
import socket
import struct
from dataclasses import dataclass
from typing import Protocol

from pynetdicom.association import Association

from .command_sets import command_set, element, short_element, uid_element
from .contexts import is_stored
from .storage import Answer, Reception
from .transport import LONGEST_PDU, GuardedSocket

log = logging.getLogger(__name__)

_BUFFER = 512 * 1024
_P_DATA, _KNOWN_PDUS = 0x04, range(0x01, 0x08)
_COMMAND, _LAST = 0x01, 0x02
_C_STORE_RQ, _C_STORE_RSP, _NO_DATA_SET = 0x0001, 0x8001, 0x0101
# How long to wait for the next request before pynetdicom's loop is let on: it would sleep in between.
_NEXT_WAIT = 0.02
_PDU_HEADER = struct.Struct(">BxI")
_PDV_HEADER = struct.Struct(">IBB")
_ELEMENT = struct.Struct("<HHI")


@dataclass(frozen=True)
class Command:
    """The command set of a C-STORE request (PS3.7 9.3.1.1)."""

    context_id: int
    message_id: int
    sop_class_uid: str
    sop_instance_uid: str
    length: int  # of everything up to the data set's first PDV, from the beginning of the PDU


class _Interrupted(Exception):
    """Something else than the rest of the object came: an abort, a release, the end of the connection."""


class _Invalid(Exception):
    """What came is no valid PDU."""


class Receiver(Protocol):
    """What the loop needs of the server."""

    stopping: bool

    def begin(
        self, association: Association, sop_class_uid: str, sop_instance_uid: str, transfer_syntax: str
    ) -> Reception: ...

    def note_answer(self, association: Association, answer: Answer) -> None: ...


class FastSocket(GuardedSocket):
    """pynetdicom's view of the connection: what was read ahead comes first."""

    def __init__(self, receiver: Receiver, assoc: Association, client_socket: socket.socket) -> None:
        super().__init__(assoc, client_socket)
        self._receiver = receiver
        self._buffer = bytearray()
        self._start = self._end = 0
        self._until = 0.0

    @property
    def ready(self) -> bool:
        if not self._may_take_over():
            return self._buffered > 0 or super().ready
        if self._buffered or self._poll(self.patience):
            self._take_stores()
        if not self.event_queue.empty():
            return False
        return self._buffered > 0 or self._poll(0)

    def recv(self, nr_bytes: int) -> bytearray:
        self._check_bounds(nr_bytes)
        taken = min(nr_bytes, self._buffered)
        data = self._buffer[self._start : self._start + taken]
        self._start += taken
        if taken < nr_bytes:
            data += super().recv(nr_bytes - taken)
        return data

    # --- requests ---------------------------------------------------------------------------------
    def _may_take_over(self) -> bool:
        """Between two messages of an established association, with nothing of pynetdicom's under way."""
        assoc, dul = self.assoc, self.assoc.dul
        return (
            self.socket is not None
            and self._is_connected
            and self._is_associated()
            and assoc.is_established
            and assoc.dimse.message is None
            and dul.event_queue.empty()
            and dul._recv_pdu.empty()
            and assoc.requestor.maximum_length not in range(1, 1024)
        )

    def _take_stores(self) -> None:
        """Take one C-STORE request after the other, until something else comes or nothing for a moment."""
        try:
            while self._may_take_over() and (self._buffered or self._poll(_NEXT_WAIT)):
                self._until = self._deadline()
                command = self._peek_command()
                if command is None:
                    return
                self._take_store(command)
                self.assoc.dul._idle_timer.restart()
        except _Interrupted:
            return
        except _Invalid as error:
            log.info("C-STORE: broken off, %s", error)
            self._drop("Evt19")  # unrecognised or invalid PDU
        except OSError as error:
            log.info("C-STORE: connection lost (%s)", error)
            self._drop("Evt17")  # transport connection closed

    def _drop(self, event: str) -> None:
        """Nothing more of this connection can be understood."""
        self._start = self._end = 0
        self.event_queue.put(event)
        self.stop_reading()

    def _take_store(self, command: Command) -> None:
        reception = self._receiver.begin(
            self.assoc,
            command.sop_class_uid,
            command.sop_instance_uid,
            str(self.assoc._accepted_cx[command.context_id].transfer_syntax[0]),
        )
        try:
            self._receive_data_set(command, reception)
            answer = reception.finish()
        finally:
            reception.give_up()
        self._receiver.note_answer(self.assoc, answer)
        self.send(response(command, answer))

    def _receive_data_set(self, command: Command, reception: Reception) -> None:
        """From behind the command to the last PDV of the data set, which may begin in the same PDU."""
        _kind, length = _PDU_HEADER.unpack_from(self._buffer, self._start)
        left_in_pdu = 6 + length - command.length
        self._start += command.length
        is_last = False
        while not is_last:
            if not left_in_pdu:
                left_in_pdu = self._next_pdu()
            size, context_id, control = self._next_pdv(left_in_pdu)
            if context_id != command.context_id or control & _COMMAND:
                raise _Invalid("another message began within the data set")
            left_in_pdu -= 6 + size
            is_last = bool(control & _LAST)
            self._pass_on(size, reception)
        if left_in_pdu:
            raise _Invalid("data behind the end of the data set")

    def _pass_on(self, size: int, reception: Reception) -> None:
        """``size`` bytes from the buffer to the file, as they come."""
        while size:
            if not self._buffered:
                self._fill(1)
            count = min(size, self._buffered)
            with memoryview(self._buffer) as view:
                reception.write(view[self._start : self._start + count])
            self._start += count
            size -= count

    def _next_pdu(self) -> int:
        """Length of the next P-DATA-TF. Anything else is left in the buffer for pynetdicom."""
        if self._receiver.stopping:
            raise _Interrupted
        self._fill(6)
        kind, length = _PDU_HEADER.unpack_from(self._buffer, self._start)
        if kind in _KNOWN_PDUS and kind != _P_DATA:
            raise _Interrupted
        if kind != _P_DATA or length > LONGEST_PDU:
            raise _Invalid(f"PDU of type {kind} with {length} bytes")
        self._start += 6
        self._until = self._deadline()
        self.assoc.dul._idle_timer.restart()
        return int(length)

    def _next_pdv(self, left_in_pdu: int) -> tuple[int, int, int]:
        """Payload bytes, context and control header of the next presentation data value (PS3.8 9.3.5.1)."""
        if left_in_pdu < 6:
            raise _Invalid("a PDU ends within a fragment's header")
        self._fill(6)
        length, context_id, control = _PDV_HEADER.unpack_from(self._buffer, self._start)
        if length < 2 or length + 4 > left_in_pdu:
            raise _Invalid("a fragment is longer than its PDU")
        self._start += 6
        return length - 2, context_id, control

    # --- the command ------------------------------------------------------------------------------
    def _peek_command(self) -> Command | None:
        """The C-STORE request at the start of the buffer; None, with nothing consumed, if it is anything else
        or not whole in one fragment."""
        self._fill(6)
        kind, pdu_length = _PDU_HEADER.unpack_from(self._buffer, self._start)
        if kind != _P_DATA or not 6 < pdu_length <= LONGEST_PDU:
            return None
        self._fill(12)
        length, context_id, control = _PDV_HEADER.unpack_from(self._buffer, self._start + 6)
        if control & 0x03 != _COMMAND | _LAST or not 2 < length <= min(pdu_length - 4, _BUFFER - 10):
            return None
        context = self.assoc._accepted_cx.get(context_id)
        if context is None or not is_stored(str(context.abstract_syntax)):
            return None
        self._fill(10 + length)
        start = self._start + 12
        return parse_command(context_id, bytes(self._buffer[start : start + length - 2]), 10 + length)

    # --- the buffer -------------------------------------------------------------------------------
    @property
    def _buffered(self) -> int:
        return self._end - self._start

    def _fill(self, count: int) -> None:
        """Have at least ``count`` bytes in the buffer, and as many more as there are."""
        if self._buffered >= count:
            return
        if not self._buffer:
            self._buffer = bytearray(_BUFFER)
        if self._start == self._end:
            self._start = self._end = 0
        elif self._start + count > _BUFFER:
            self._buffer[: self._buffered] = self._buffer[self._start : self._end]
            self._start, self._end = 0, self._buffered
        with memoryview(self._buffer) as view:
            while self._buffered < count:
                received = self._receive_into(view[self._end :], self._until)
                if not received:
                    raise ConnectionError("the peer closed the connection")
                self._end += received


def parse_command(context_id: int, encoded: bytes, length: int) -> Command | None:
    """A C-STORE request with a data set, or None. The command set is Implicit VR Little Endian."""
    values: dict[int, bytes] = {}
    position = 0
    while position + 8 <= len(encoded):
        group, element, size = _ELEMENT.unpack_from(encoded, position)
        position += 8
        if group != 0 or position + size > len(encoded):
            return None
        values[element] = encoded[position : position + size]
        position += size
    numbers = [int.from_bytes(values.get(element, b""), "little") for element in (0x0100, 0x0110, 0x0800)]
    sop_class_uid, sop_instance_uid = (_uid(values.get(element, b"")) for element in (0x0002, 0x1000))
    is_store = numbers[0] == _C_STORE_RQ and numbers[2] != _NO_DATA_SET and 0x0110 in values
    if not is_store or not is_stored(sop_class_uid) or not sop_instance_uid:
        return None
    return Command(context_id, numbers[1], sop_class_uid, sop_instance_uid, length)


def response(command: Command, answer: Answer) -> bytes:
    """The C-STORE response (PS3.7 9.3.1.2) as a whole P-DATA-TF."""
    elements = [
        uid_element(0x0002, command.sop_class_uid),
        short_element(0x0100, _C_STORE_RSP),
        short_element(0x0120, command.message_id),
        short_element(0x0800, _NO_DATA_SET),
        short_element(0x0900, answer.status),
    ]
    if answer.comment:
        elements.append(element(0x0902, answer.comment.encode("ascii", "replace")[:64], b" "))
    elements.append(uid_element(0x1000, command.sop_instance_uid))
    body = command_set(elements)
    fragment = _PDV_HEADER.pack(len(body) + 2, command.context_id, _COMMAND | _LAST) + body
    return _PDU_HEADER.pack(_P_DATA, len(fragment)) + fragment


def _uid(value: bytes) -> str:
    """A UID that pynetdicom would take too: else it is left to it, to refuse."""
    text = value.decode("ascii", "replace").strip(" \0")
    return text if text.isascii() and text.isprintable() and len(text) <= 64 else ""
