"""Peers for the tests: a pynetdicom SCU, and one that writes PDUs byte by byte as no decent SCU would."""

import socket
import struct
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pydicom
from pydicom.data import get_testdata_file
from pydicom.uid import UID
from pynetdicom import AE
from pynetdicom.association import Association
from pynetdicom.dsutils import split_dataset
from pynetdicom.pdu import A_ASSOCIATE_RQ
from pynetdicom.pdu_primitives import (
    A_ASSOCIATE,
    ImplementationClassUIDNotification,
    MaximumLengthNotification,
)
from pynetdicom.presentation import build_context

from imaging import spool

CT = "1.2.840.10008.5.1.4.1.1.2"
VERIFICATION = "1.2.840.10008.1.1"
EXPLICIT, IMPLICIT = "1.2.840.10008.1.2.1", "1.2.840.10008.1.2"


def sample(name: str) -> Path:
    """A file of pydicom's own test data."""
    return Path(str(get_testdata_file(name, download=False)))


def data_set_of(path: Path) -> bytes:
    """What stands behind the file meta."""
    _meta, offset = split_dataset(path)
    return path.read_bytes()[offset:]


def spooled() -> list[bytes]:
    """The data sets in the spool, oldest first."""
    return [path.read_bytes()[spool.read_envelope(path).data_offset :] for path in spool.waiting()]


def meta_of(path: Path) -> pydicom.dataset.FileMetaDataset:
    return pydicom.dcmread(path, stop_before_pixels=True, force=True).file_meta


@contextmanager
def associated(
    port: int, *contexts: tuple[str, str], calling: str = "MODALITY", called: str = "CEDAR", **options: Any
) -> Iterator[Association]:
    ae = AE(ae_title=calling)
    ae.acse_timeout = ae.dimse_timeout = ae.network_timeout = 30
    requested = [build_context(abstract, syntax) for abstract, syntax in contexts]
    association = ae.associate("127.0.0.1", port, contexts=requested, ae_title=called, **options)
    try:
        yield association
    finally:
        if association.is_established:
            association.release()


def send(port: int, *paths: Path, **options: Any) -> list[Any]:
    """C-STORE the files as they are; their answers."""
    metas = [meta_of(path) for path in paths]
    contexts = {(str(meta.MediaStorageSOPClassUID), str(meta.TransferSyntaxUID)) for meta in metas}
    with associated(port, *sorted(contexts), **options) as association:
        assert association.is_established
        return [association.send_c_store(path) for path in paths]


def is_closed(connection: socket.socket) -> bool:
    """Whether the server has hung up, after whatever it still had to say."""
    try:
        while connection.recv(4096):
            pass
    except TimeoutError:
        return False
    except ConnectionResetError:
        pass
    return True


class RawPeer:
    """Associates properly and then sends whatever bytes a test likes."""

    def __init__(self, port: int, *contexts: tuple[str, Sequence[str]], calling: str = "MODALITY") -> None:
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=30)
        self.socket.sendall(associate_request(contexts or [(CT, [EXPLICIT])], calling))
        self.accepted = self.read_pdu()[0] == 0x02

    def read_pdu(self) -> tuple[int, bytes]:
        """Type and body of the next PDU; type 0 when the connection is closed."""
        header = self._read(6)
        if len(header) < 6:
            return 0, b""
        kind, length = struct.unpack(">BxI", header)
        return kind, self._read(length)

    def read_response(self) -> dict[int, bytes]:
        """The command set of the next message, by element number of group 0000."""
        kind, body = self.read_pdu()
        assert kind == 0x04, kind
        values, position = {}, 6
        while position < len(body):
            _group, element, length = struct.unpack_from("<HHI", body, position)
            values[element] = body[position + 8 : position + 8 + length]
            position += 8 + length
        return values

    def read_status(self) -> int:
        return int.from_bytes(self.read_response()[0x0900], "little")

    def release(self) -> int:
        self.socket.sendall(struct.pack(">BxI", 0x05, 4) + bytes(4))
        return self.read_pdu()[0]

    def close(self) -> None:
        self.socket.close()

    def _read(self, count: int) -> bytes:
        data = b""
        while len(data) < count:
            try:
                piece = self.socket.recv(count - len(data))
            except ConnectionResetError:
                break
            if not piece:
                break
            data += piece
        return data


def associate_request(contexts: Sequence[tuple[str, Sequence[str]]], calling: str) -> bytes:
    primitive = A_ASSOCIATE()
    primitive.application_context_name = UID("1.2.840.10008.3.1.1.1")
    primitive.calling_ae_title, primitive.called_ae_title = calling, "CEDAR"
    primitive.presentation_context_definition_list = []
    for number, (abstract, syntaxes) in enumerate(contexts):
        context = build_context(abstract, list(syntaxes))
        context.context_id = 2 * number + 1
        primitive.presentation_context_definition_list.append(context)
    length, implementation = MaximumLengthNotification(), ImplementationClassUIDNotification()
    length.maximum_length_received, implementation.implementation_class_uid = 16384, UID("1.2.3.4")
    primitive.user_information = [length, implementation]
    return A_ASSOCIATE_RQ(primitive).encode()


def store_command(sop_instance_uid: str = "1.2.3", *, message_id: int = 1, sop_class_uid: str = CT) -> bytes:
    """The command set of a C-STORE request."""
    body = b"".join(
        [
            element(0x0002, uid(sop_class_uid)),
            element(0x0100, struct.pack("<H", 0x0001)),
            element(0x0110, struct.pack("<H", message_id)),
            element(0x0700, struct.pack("<H", 0)),
            element(0x0800, struct.pack("<H", 0x0001)),
            element(0x1000, uid(sop_instance_uid)),
        ]
    )
    return element(0x0000, struct.pack("<I", len(body))) + body


def ct_data_set(sop_instance_uid: str = "1.2.3", *, sop_class_uid: str = CT, filler: int = 100) -> bytes:
    """A small data set in Explicit VR Little Endian."""

    def text(group: int, number: int, vr: bytes, value: bytes) -> bytes:
        return struct.pack("<HH2sH", group, number, vr, len(value)) + value

    return b"".join(
        [
            text(8, 0x0016, b"UI", uid(sop_class_uid)),
            text(8, 0x0018, b"UI", uid(sop_instance_uid)),
            struct.pack("<HH2sHI", 0x7FE0, 0x0010, b"OW", 0, filler * 2) + b"ab" * filler,
        ]
    )


def element(number: int, value: bytes) -> bytes:
    return struct.pack("<HHI", 0, number, len(value)) + value


def uid(text: str) -> bytes:
    return text.encode() + b"\0" * (len(text) % 2)


def pdv(data: bytes, *, command: bool = False, last: bool = True, context_id: int = 1) -> bytes:
    return struct.pack(">IBB", len(data) + 2, context_id, command | last << 1) + data


def p_data(*pdvs: bytes) -> bytes:
    body = b"".join(pdvs)
    return struct.pack(">BxI", 0x04, len(body)) + body
