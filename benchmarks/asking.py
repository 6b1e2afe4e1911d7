"""Asking a DICOM server so that hardly anything is measured but the server.

pynetdicom as the asking side takes a millisecond for each answer, more than the servers that are compared.
Here the request is encoded beforehand, and of each answer only its status is read.
"""

import socket
import struct
import time
from typing import Self

from pydicom import Dataset
from pydicom.uid import UID, ExplicitVRLittleEndian
from pynetdicom.dsutils import encode
from pynetdicom.pdu import A_ASSOCIATE_RQ
from pynetdicom.pdu_primitives import (
    A_ASSOCIATE,
    ImplementationClassUIDNotification,
    MaximumLengthNotification,
)
from pynetdicom.presentation import build_context

_P_DATA, _COMMAND, _LAST = 0x04, 0x01, 0x02
_PENDING = (0xFF00, 0xFF01)
_LONGEST_PDU = 128 * 1024
_SECONDS = 300
_QUICK_ACK = getattr(socket, "TCP_QUICKACK", None)  # Linux only


class Asker:
    """One association for C-FIND on ``model``."""

    def __init__(self, calling: str, called: str, port: int, model: str) -> None:
        self._model = model
        self._rest = b""
        self._socket = socket.create_connection(("127.0.0.1", port), timeout=_SECONDS)
        # Otherwise each question waits 40 ms for the acknowledgement of its first half.
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._socket.sendall(_associate(calling, called, model))
        kind, _body = self._pdu()
        if kind != 0x02:
            raise RuntimeError(f"{called} does not take the call")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        self._socket.sendall(struct.pack(">BxI", 0x05, 4) + bytes(4))
        self._pdu()
        self._socket.close()

    def ask(self, identifier: Dataset) -> tuple[float, int]:
        """Seconds until the last answer, and how many matched."""
        request = _request(self._model, identifier)
        matches = 0
        started = time.perf_counter()
        self._socket.sendall(request)
        while (status := self._status()) in _PENDING:
            matches += 1
        seconds = time.perf_counter() - started
        if status != 0x0000:
            raise RuntimeError(f"a question was answered with {status:04X}")
        return seconds, matches

    def _status(self) -> int:
        """Of the next response; its data set is passed over."""
        while True:
            kind, body = self._pdu()
            if kind != _P_DATA:
                raise RuntimeError("the server hung up")
            at = 0
            while at < len(body):
                length, _context, control = struct.unpack_from(">IBB", body, at)
                if control & _COMMAND:
                    return _status_of(body[at + 6 : at + 4 + length])
                at += 4 + length

    def _pdu(self) -> tuple[int, bytes]:
        header = self._read(6)
        kind, length = struct.unpack(">BxI", header)
        return kind, self._read(length)

    def _read(self, count: int) -> bytes:
        while len(self._rest) < count:
            # Who writes a response in two pieces shall not wait 40 ms for us between them.
            if _QUICK_ACK is not None:
                self._socket.setsockopt(socket.IPPROTO_TCP, _QUICK_ACK, 1)
            received = self._socket.recv(256 * 1024)
            if not received:
                raise RuntimeError("the server hung up")
            self._rest += received
        data, self._rest = self._rest[:count], self._rest[count:]
        return data


def _status_of(command: bytes) -> int:
    at = 0
    while at < len(command):
        _group, number, length = struct.unpack_from("<HHI", command, at)
        if number == 0x0900:
            return int.from_bytes(command[at + 8 : at + 10], "little")
        at += 8 + length
    raise RuntimeError("a response without a status")


def _associate(calling: str, called: str, model: str) -> bytes:
    primitive = A_ASSOCIATE()
    primitive.application_context_name = UID("1.2.840.10008.3.1.1.1")
    primitive.calling_ae_title, primitive.called_ae_title = calling, called
    context = build_context(model, ExplicitVRLittleEndian)
    context.context_id = 1
    primitive.presentation_context_definition_list = [context]
    length, implementation = MaximumLengthNotification(), ImplementationClassUIDNotification()
    length.maximum_length_received = _LONGEST_PDU
    implementation.implementation_class_uid = UID("1.2.826.0.1.3680043.10.1387")
    primitive.user_information = [length, implementation]
    return A_ASSOCIATE_RQ(primitive).encode()


def _request(model: str, identifier: Dataset) -> bytes:
    """C-FIND-RQ (PS3.7 9.3.2.1)."""
    uid = model.encode() + b"\0" * (len(model) % 2)
    body = b"".join(
        [
            _element(0x0002, uid),
            _element(0x0100, b"\x20\x00"),
            _element(0x0110, b"\x01\x00"),
            _element(0x0700, b"\x00\x00"),
            _element(0x0800, b"\x01\x00"),
        ]
    )
    command = _element(0x0000, struct.pack("<I", len(body))) + body
    data = encode(identifier, False, True)
    if data is None:
        raise ValueError("the question cannot be encoded")
    return _pdu(command, _COMMAND | _LAST) + _pdu(data, _LAST)


def _element(number: int, value: bytes) -> bytes:
    return struct.pack("<HHI", 0, number, len(value)) + value


def _pdu(data: bytes, control: int) -> bytes:
    value = struct.pack(">IBB", len(data) + 2, 1, control) + data
    return struct.pack(">BxI", _P_DATA, len(value)) + value
