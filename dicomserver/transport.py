"""What stands in front of pynetdicom: limits for whoever connects, before the first byte is understood.

pynetdicom reads whatever length a PDU declares, waits for ever for the rest of one, counts connections that
never say anything as associations, and wakes a thousand times a second for each. Here each of these
has a bound.
"""

import contextlib
import select
import socket
import ssl
import time
from collections.abc import Callable
from queue import Queue
from typing import Any

from django.conf import settings
from pynetdicom.association import Association
from pynetdicom.transport import AssociationServer, AssociationSocket, RequestHandler

# More than what we announce: some senders exceed it a little. An A-ASSOCIATE-RQ with 128 contexts has 60 KB.
LONGEST_PDU = 1024 * 1024
LONGEST_COMMAND = 64 * 1024
LONGEST_IDENTIFIER = 4 * 1024 * 1024
MESSAGES_WAITING = 100
# A connection that has not become an association yet.
_SILENT_PER_ADDRESS = 10
_QUICK_ACK = getattr(socket, "TCP_QUICKACK", None)  # Linux only
# How long a look for something to read waits for it: while something happens, and after a while of nothing.
_SHORT_WAIT, _LONG_WAIT, _QUIET_AFTER = 0.005, 0.1, 0.5


MakeSocket = Callable[[Association, socket.socket], "GuardedSocket"]


class GuardedSocket(AssociationSocket):
    """pynetdicom's socket with bounds on size and time, and reads in large pieces."""

    is_hung_up = False
    _last_read = 0.0
    _bell: "tuple[socket.socket, socket.socket] | None" = None

    def __init__(self, assoc: Association, client_socket: socket.socket) -> None:
        super().__init__(assoc, client_socket)
        self.opened_at = time.monotonic()

    def hang_up(self) -> None:
        """From another thread: the association ends as if the peer had closed the connection."""
        self.is_hung_up = True
        if self.socket is not None:
            with contextlib.suppress(OSError):
                socket.socket.shutdown(self.socket, socket.SHUT_RDWR)

    def hang_bell(self) -> None:
        """From now on ``ring`` ends a wait for something to read: there is something to send."""
        self._bell = socket.socketpair()
        for end in self._bell:
            end.setblocking(False)

    def ring(self) -> None:
        if self._bell is not None:
            with contextlib.suppress(OSError):  # full: it rings already
                self._bell[1].send(b"!")

    @property
    def patience(self) -> float:
        """How long to wait where pynetdicom would only look."""
        is_quiet = time.monotonic() - self._last_read > _QUIET_AFTER
        return _LONG_WAIT if is_quiet else _SHORT_WAIT

    @property
    def ready(self) -> bool:
        """Whether there is something to read; waits a moment for it, so that idling costs little."""
        if self.socket is None or not self._is_connected:
            return False
        return self._poll(self.patience if self._may_wait() else 0)

    def recv(self, nr_bytes: int) -> bytearray:
        """Exactly ``nr_bytes``, or fewer at the end of the connection. Raises OSError beyond the bounds."""
        self._check_bounds(nr_bytes)
        if self.socket is None:
            raise OSError("the connection is closed")
        data = bytearray(nr_bytes)
        view = memoryview(data)
        deadline = self._deadline()
        got = 0
        while got < nr_bytes:
            count = self._receive_into(view[got:], deadline)
            if not count:
                self._stop_waiting_for_request()
                break
            got += count
        view.release()
        del data[got:]
        return data

    def _stop_waiting_for_request(self) -> None:
        """Who connects, says nothing and goes, is gone: pynetdicom would keep its place until ARTIM."""
        if self.assoc.requestor.primitive is None:
            self.assoc.dul.to_user_queue.put(None)  # type: ignore[arg-type]

    def send(self, bytestream: bytes) -> None:
        with contextlib.suppress(OSError, AttributeError):  # closed meanwhile: what follows notices it too
            self.socket.settimeout(settings.DICOM_IDLE_SECONDS)  # type: ignore[union-attr]
        super().send(bytestream)

    @property
    def is_encrypted(self) -> bool:
        return isinstance(self.socket, ssl.SSLSocket)

    def stop_reading(self) -> None:
        """The peer may go on sending; nothing of it is looked at. Encryption of what we send stays."""
        if self.socket is not None:
            with contextlib.suppress(OSError):
                socket.socket.shutdown(self.socket, socket.SHUT_RD)

    def _shutdown_socket(self) -> None:
        if isinstance(self.socket, ssl.SSLSocket):
            # Say that nothing was cut off (close_notify), without waiting for the peer to say so too.
            with contextlib.suppress(OSError, ValueError):
                self.socket.settimeout(0)
                self.socket.unwrap()
        super()._shutdown_socket()

    def _receive_into(self, view: memoryview, deadline: float) -> int:
        remaining = deadline - time.monotonic()
        if remaining <= 0 or self.socket is None:
            raise TimeoutError("the peer sends too slowly")
        self.socket.settimeout(remaining)
        self._acknowledge()
        count = self.socket.recv_into(view)
        self._last_read = time.monotonic()
        return count

    def _acknowledge(self) -> None:
        """Many senders write a request in small pieces and hold the next one back until the last is
        acknowledged, which the system does 40 ms later unless told."""
        if _QUICK_ACK is not None and self.socket is not None:
            self.socket.setsockopt(socket.IPPROTO_TCP, _QUICK_ACK, 1)

    def _deadline(self) -> float:
        """Until when one PDU has to be complete."""
        seconds = settings.DICOM_IDLE_SECONDS if self._is_associated() else settings.DICOM_ARTIM_SECONDS
        return time.monotonic() + seconds

    def _check_bounds(self, nr_bytes: int) -> None:
        if nr_bytes > LONGEST_PDU:
            raise OSError(f"a PDU of {nr_bytes} bytes")
        dimse = self.assoc.dimse
        if dimse.msg_queue.qsize() > MESSAGES_WAITING:
            raise OSError("too many requests without waiting for an answer")
        message = dimse.message
        if message is not None:
            if message.encoded_command_set.tell() > LONGEST_COMMAND:
                raise OSError("a command without an end")
            if message.data_set is not None and message.data_set.tell() > LONGEST_IDENTIFIER:
                raise OSError("an identifier without an end")

    def _is_associated(self) -> bool:
        return self.assoc.dul.state_machine.current_state == "Sta6"

    def _may_wait(self) -> bool:
        dul = self.assoc.dul
        return self._is_associated() and dul.to_provider_queue.empty() and dul.event_queue.empty()

    def _poll(self, seconds: float) -> bool:
        """Not select: it fails for descriptors from 1024 on."""
        if isinstance(self.socket, ssl.SSLSocket) and self.socket.pending():
            return True
        try:
            self._acknowledge()
            poll = select.poll()
            poll.register(self.socket, select.POLLIN)  # type: ignore[arg-type]
            if not seconds or self._bell is None:
                return bool(poll.poll(seconds * 1000))
            bell = self._bell[0].fileno()
            poll.register(bell, select.POLLIN)
            ready = {descriptor for descriptor, _event in poll.poll(seconds * 1000)}
            if bell in ready:
                self._bell[0].recv(4096)
            return bool(ready - {bell})
        except (OSError, ValueError):
            self.event_queue.put("Evt17")  # transport connection closed
            return False


class PatientQueue(Queue[Any]):
    """The queue of received messages: a look that may not block waits a moment all the same."""

    def __init__(self, connection: GuardedSocket) -> None:
        super().__init__()
        self._connection = connection

    def get(self, block: bool = True, timeout: float | None = None) -> Any:
        return super().get(timeout=timeout if block else self._connection.patience)


class AnswerQueue(Queue[Any]):
    """What is to be sent. pynetdicom's thread waits for the peer meanwhile; this tells it."""

    def __init__(self, connection: GuardedSocket) -> None:
        super().__init__()
        self._connection = connection
        connection.hang_bell()

    def put(self, item: Any, block: bool = True, timeout: float | None = None) -> None:
        super().put(item, block, timeout)
        self._connection.ring()


class GuardedRequestHandler(RequestHandler):
    """Makes the association of a new connection, with our socket in it."""

    server: "GuardedServer"

    def _create_association(self) -> Association:
        assoc = super()._create_association()
        # pynetdicom's own socket has announced the connection (Evt5); ours announces it instead.
        assoc.dul.event_queue.get_nowait()
        assoc.dul.socket = None
        connection = self.server.make_socket(assoc, self.request)
        assoc.set_socket(connection)
        assoc.dimse.msg_queue = PatientQueue(connection)
        assoc.dul.to_provider_queue = AnswerQueue(connection)
        self.request.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return assoc


class GuardedServer(AssociationServer):
    """Accepts connections within limits per address, so that one machine cannot take the others' places."""

    request_queue_size = 64

    def __init__(self, *args: Any, make_socket: MakeSocket, **kwargs: Any) -> None:
        self.make_socket = make_socket
        # All listeners of the same server, this one among them: the limits hold for them together.
        self.listeners: list[GuardedServer] = [self]
        super().__init__(*args, **kwargs)

    def verify_request(self, request: Any, client_address: Any) -> bool:
        address = client_address[0]
        connections = [assoc for listener in self.listeners for assoc in listener.active_associations]
        from_there = [assoc for assoc in connections if assoc.requestor.address == address]
        silent = [assoc for assoc in from_there if assoc.requestor.primitive is None]
        greeting_from_there = sum(listener.greeting(address) for listener in self.listeners)
        return (
            len(from_there) + greeting_from_there < settings.DICOM_CONNECTIONS_PER_ADDRESS
            and len(silent) + greeting_from_there < _SILENT_PER_ADDRESS
            and self._has_room(connections)
        )

    def _has_room(self, connections: list[Association]) -> bool:
        """Of too many connections those that have said nothing yet give way, the oldest first: whoever holds
        places without asking for anything, from however many addresses, cannot keep a modality out."""
        greeting = sum(listener.greeting() for listener in self.listeners)
        sockets = [assoc.dul.socket for assoc in connections]
        held = [one for one in sockets if isinstance(one, GuardedSocket) and not one.is_hung_up]
        if len(held) + greeting < 4 * settings.DICOM_MAX_ASSOCIATIONS:
            return True
        silent = [one for one in held if one.assoc.requestor.primitive is None]
        if silent:
            min(silent, key=lambda one: one.opened_at).hang_up()
            return True
        return any(listener.drop_greeting() for listener in self.listeners)

    def drop_greeting(self) -> bool:
        """End the oldest connection that agrees upon encryption; False when there is none."""
        return False

    def greeting(self, address: str | None = None) -> int:
        """Connections (from ``address``) that are not yet associations because they agree upon encryption."""
        return 0

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A connection that fails while it is set up concerns nobody else."""

    @property
    def established(self) -> int:
        return sum(assoc.is_established for assoc in self.active_associations)
