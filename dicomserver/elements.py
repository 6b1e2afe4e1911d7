"""A look at the first elements of a data set, in one pass and without trust: enough to see at the door
whether it is what the request says, and nothing else is concluded from it."""

import struct
import zlib

from pydicom import uid

SOP_CLASS_UID = 0x00080016
SOP_INSTANCE_UID = 0x00080018
HEAD_BYTES = 64 * 1024
_DEFLATED = {str(uid.DeflatedExplicitVRLittleEndian)}
_LONG_VRS = {b"OB", b"OW", b"OF", b"OD", b"OL", b"OV", b"SQ", b"UC", b"UN", b"UR", b"UT", b"SV", b"UV"}
_UNDEFINED = 0xFFFFFFFF


class Unreadable(Exception):
    """The bytes do not begin like a data set in the transfer syntax that was agreed on."""


def leading_uids(head: bytes | bytearray | memoryview, transfer_syntax: str) -> dict[int, str]:
    """SOP Class UID and SOP Instance UID as they stand in the data set that begins with ``head``.

    An element that the walk does not reach (behind a sequence of undefined length, or outside ``head``)
    is left out. Raises ``Unreadable`` when the first element makes no sense or both UIDs are not there.
    """
    head = bytes(head)
    if transfer_syntax in _DEFLATED:
        head = _inflate(head)
    order = ">" if transfer_syntax == uid.ExplicitVRBigEndian else "<"
    explicit = transfer_syntax != uid.ImplicitVRLittleEndian
    found: dict[int, str] = {}
    position, last_tag = 0, -1
    while position + 8 <= len(head):
        tag, start, length = _element_at(head, position, order, explicit)
        if tag > SOP_INSTANCE_UID or tag <= last_tag or length == _UNDEFINED:
            gave_up = length == _UNDEFINED and tag < SOP_INSTANCE_UID
            return found if found or gave_up else _nothing_found()
        if tag in (SOP_CLASS_UID, SOP_INSTANCE_UID):
            found[tag] = head[start : start + length].decode("ascii", "replace").strip(" \0")
        position, last_tag = start + length, tag
    return found if found else _nothing_found()


def _nothing_found() -> dict[int, str]:
    raise Unreadable("no SOP Class UID and SOP Instance UID at its start")


def _element_at(head: bytes, position: int, order: str, explicit: bool) -> tuple[int, int, int]:
    """Tag, start of the value, length of the value."""
    group, element = struct.unpack_from(order + "HH", head, position)
    tag = group << 16 | element
    if not explicit:
        return tag, position + 8, struct.unpack_from(order + "I", head, position + 4)[0]
    vr = head[position + 4 : position + 6]
    if not (vr.isalpha() and vr.isupper()):
        raise Unreadable("its first elements have no value representation")
    if vr not in _LONG_VRS:
        return tag, position + 8, struct.unpack_from(order + "H", head, position + 6)[0]
    if position + 12 > len(head):
        return tag, position + 8, _UNDEFINED
    return tag, position + 12, struct.unpack_from(order + "I", head, position + 8)[0]


def _inflate(head: bytes) -> bytes:
    """At most as much as is looked at, however much there is behind it."""
    try:
        return zlib.decompressobj(-zlib.MAX_WBITS).decompress(head, HEAD_BYTES)
    except zlib.error as error:
        raise Unreadable("it cannot be inflated") from error
