"""Command sets of messages that are written by hand (PS3.7 6.3.1): Implicit VR Little Endian, group 0000."""

import struct
from collections.abc import Iterable

_ELEMENT = struct.Struct("<HHI")


def element(number: int, value: bytes, padding: bytes = b"") -> bytes:
    """(0000,``number``), padded to an even length."""
    if len(value) % 2:
        value += padding
    return _ELEMENT.pack(0, number, len(value)) + value


def uid_element(number: int, uid: str) -> bytes:
    return element(number, uid.encode("ascii"), b"\0")


def short_element(number: int, value: int) -> bytes:
    return element(number, struct.pack("<H", value))


def command_set(elements: Iterable[bytes]) -> bytes:
    """The elements, in ascending order, behind their group length."""
    body = b"".join(elements)
    return element(0x0000, struct.pack("<I", len(body))) + body
