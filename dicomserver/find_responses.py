"""Sending the matches of a C-FIND (PS3.7 9.3.2.2): the pending responses, written by hand.

pynetdicom would make a message object of each and encode its command set anew; it is the same for all. The
request, the cancel, the final response and the connection stay pynetdicom's, and each fragment goes the way
of every other one: ``send_pdu``.
"""

import time
from collections.abc import Iterator

from pynetdicom.events import Event
from pynetdicom.pdu_primitives import P_DATA

from .command_sets import command_set, short_element, uid_element

_C_FIND_RSP, _WITH_DATA_SET, _PENDING = 0x8020, 0x0001, 0xFF00
_COMMAND, _LAST = 0x01, 0x02
_PDV_HEADER = 6
# Fragments that may wait for the peer before the next match is looked at.
_AHEAD = 40
_LOOK = 0.001


class Responses:
    """The pending responses to one request."""

    def __init__(self, event: Event) -> None:
        self._event = event
        self._association = event.assoc
        self._context_id = int(event.context.context_id)
        request = event.request
        self._command = command_set(
            [
                uid_element(0x0002, str(request.AffectedSOPClassUID)),  # type: ignore[union-attr]
                short_element(0x0100, _C_FIND_RSP),
                short_element(0x0120, int(request.MessageID)),  # type: ignore[arg-type, union-attr]
                short_element(0x0800, _WITH_DATA_SET),
                short_element(0x0900, _PENDING),
            ]
        )

    def send(self, match: bytes) -> None:
        for fragment in self._fragments(self._command, _COMMAND):
            self._send(fragment)
        for fragment in self._fragments(match, 0):
            self._send(fragment)
        self._wait_for_peer()

    @property
    def are_wanted(self) -> bool:
        """False when the peer is gone or going."""
        association = self._association
        return association.is_established and not (
            association.acse.is_aborted() or association.acse.is_release_requested()
        )

    @property
    def are_cancelled(self) -> bool:
        return bool(self._event.is_cancelled)

    def _fragments(self, data: bytes, kind: int) -> Iterator[bytes]:
        """Message control header and payload, none longer than the peer takes (0: any length)."""
        longest = self._association.dimse.maximum_pdu_size
        size = max(1, longest - _PDV_HEADER) if longest else len(data)
        for start in range(0, len(data), size):
            is_last = start + size >= len(data)
            yield bytes([kind | _LAST * is_last]) + data[start : start + size]

    def _send(self, fragment: bytes) -> None:
        primitive = P_DATA()
        primitive.presentation_data_value_list.append((self._context_id, fragment))
        self._association.dul.send_pdu(primitive)

    def _wait_for_peer(self) -> None:
        """Let the peer read what it was sent, all of it once in a while: pynetdicom looks for a cancel only
        when it has nothing to send."""
        waiting = self._association.dul.to_provider_queue
        if waiting.qsize() <= _AHEAD:
            return
        while self._association.is_established and waiting.qsize():
            time.sleep(_LOOK)
        time.sleep(_LOOK)
