"""A modality that does not give up: it sends each object until it is told that it is stored."""

import hashlib
import random
import socket
import struct
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from clinic.demo.images import StudyIdentity, ct_series
from tests.dicomserver.peers import CT, EXPLICIT, RawPeer, p_data, pdv, store_command
from tests.faults.accounting import Ledger
from tests.imaging.sender import encoded

AE_TITLE = "FAULTS"
ROOT = "1.2.826.0.1.3680043.10.1387.3"
_PATIENCE = 90.0
_PIECE = 100_000


@dataclass(frozen=True)
class Object:
    """A data set and how it is announced."""

    uid: str
    data: bytes
    sop_class: str = CT
    syntax: str = EXPLICIT

    @property
    def key(self) -> tuple[str, str]:
        return self.uid, hashlib.sha256(self.data).hexdigest()

    def message(self, context_id: int = 1) -> bytes:
        """The C-STORE request as it goes over the wire."""
        command = pdv(
            store_command(self.uid, sop_class_uid=self.sop_class), command=True, context_id=context_id
        )
        starts = range(0, max(1, len(self.data)), _PIECE)
        pieces = [
            p_data(
                pdv(
                    self.data[start : start + _PIECE],
                    last=start + _PIECE >= len(self.data),
                    context_id=context_id,
                )
            )
            for start in starts
        ]
        return p_data(command) + b"".join(pieces)


def small_images(study: int, count: int, *, size: int = 16, filler: int = 0) -> list[Object]:
    """CT slices of nobody the clinic knows; ``filler`` changes the bytes, not the UIDs."""
    identity = StudyIdentity(
        patient_id=f"FAULT-{study}",
        patient_name=f"Fault^{study}",
        birth_date="19700101",
        sex="O",
        study_instance_uid=f"{ROOT}.{study}.1",
    )
    (template,) = ct_series(identity, slices=1, size=size)
    template.SOPInstanceUID = template.file_meta.MediaStorageSOPInstanceUID = f"{ROOT}.{study}.2.100000"
    template.ImageComments = f"{filler:08d}"
    data, blank = encoded(template), str(template.SOPInstanceUID)
    uids = [f"{blank[:-6]}{100_001 + number}" for number in range(count)]
    return [Object(uid, data.replace(blank.encode(), uid.encode())) for uid in uids]


@dataclass
class Modality:
    """Sends to ``port`` and keeps ``ledger``; ``patience`` is for one answer, in seconds."""

    port: int
    ledger: Ledger
    patience: float = 30.0
    _peer: RawPeer | None = None
    _contexts: list[tuple[str, str]] = field(default_factory=list)

    def push(self, objects: Iterable[Object], after: Callable[[int], None] = lambda _count: None) -> None:
        """Send all of them, each until there is an answer; ``after`` is called with the number of answers."""
        objects = list(objects)
        self._contexts = sorted({(one.sop_class, one.syntax) for one in objects})
        for count, one in enumerate(objects, 1):
            self._send(one)
            after(count)
        self.hang_up()

    def hang_up(self) -> None:
        if self._peer is not None:
            self._peer.release()
            self._peer.close()
            self._peer = None

    def _send(self, one: Object) -> None:
        until = time.monotonic() + _PATIENCE
        while True:
            try:
                peer = self._connected()
                peer.socket.sendall(one.message(1 + 2 * self._contexts.index((one.sop_class, one.syntax))))
            except OSError:
                self._lose(until)
                continue
            status = self._answer(peer)
            self.ledger.note(one.key, status)
            if status is not None:
                return
            self._lose(until)

    def _answer(self, peer: RawPeer) -> int | None:
        """None when the connection ended instead. TimeoutError is for the test to see."""
        kind, body = peer.read_pdu()
        if kind != 0x04:
            return None
        position = 6
        while position + 8 <= len(body):
            _group, number, length = struct.unpack_from("<HHI", body, position)
            if number == 0x0900:
                return int.from_bytes(body[position + 8 : position + 10], "little")
            position += 8 + length
        return None

    def _connected(self) -> RawPeer:
        if self._peer is None:
            contexts = [(sop_class, [syntax]) for sop_class, syntax in self._contexts]
            peer = RawPeer(self.port, *contexts, calling=AE_TITLE)
            peer.socket.settimeout(self.patience)
            peer.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if not peer.accepted:
                peer.close()
                raise ConnectionError("the call was not accepted")
            self._peer = peer
        return self._peer

    def _lose(self, until: float) -> None:
        if self._peer is not None:
            self._peer.close()
            self._peer = None
        if time.monotonic() > until:
            raise TimeoutError("the server does not come back")
        time.sleep(0.05)


def cut_off(port: int, objects: list[Object], ledger: Ledger, chance: random.Random) -> None:
    """Send some of ``objects``, and of the next one all but some bytes; then the cable is pulled."""
    whole = chance.randrange(len(objects))
    modality = Modality(port, ledger)
    modality.push(objects[:whole])
    message = objects[whole].message()
    peer = RawPeer(port, (CT, [EXPLICIT]), calling=AE_TITLE)
    peer.socket.sendall(message[: chance.randrange(len(message))])
    if chance.random() < 0.5:  # a reset instead of an end
        peer.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    peer.close()
