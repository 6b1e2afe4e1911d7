"""Answers of C-FIND written straight into bytes (PS3.5 7.1), from the rows that match.

A pydicom data set for each match takes a millisecond to make and to write, and a worklist has many. What a
request asks for is the same for all its matches, so that is worked out once, in a ``Layout``; a match is
then a few joined bytes. What is not plain text is left to pydicom's own writer.
"""

import struct
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from io import BytesIO
from typing import Any

from pydicom import Dataset
from pydicom.charset import convert_encodings
from pydicom.datadict import dictionary_VR, tag_for_keyword
from pydicom.dataelem import DataElement
from pydicom.filebase import DicomBytesIO
from pydicom.filewriter import write_data_element
from pydicom.tag import Tag
from pydicom.uid import UID, ExplicitVRLittleEndian
from pydicom.valuerep import CUSTOMIZABLE_CHARSET_VR, EXPLICIT_VR_LENGTH_32
from pynetdicom.dsutils import decode

from .answers import person_name
from .character_sets import DEFAULT, attribute, codec_of, writable

_TEXT_VRS = {"AE", "AS", "CS", "DA", "DS", "DT", "IS", "LO", "LT", "PN", "SH", "ST", "TM", "UC", "UI", "UT"}
_LONGEST_SHORT = 0xFFFF
_SPECIFIC_CHARACTER_SET = 0x00080005
_ITEM = 0xFFFEE000

Part = Callable[[Any], bytes]


@dataclass(frozen=True)
class Items:
    """A sequence: what its items are made from, and what is known of each by keyword."""

    rows: Callable[[Any], Iterable[Any]]
    table: "Table"


Source = Callable[[Any], Any] | Items
Table = Mapping[str, Source]


class Encoder:
    """Writes data elements for one transfer syntax and one character set."""

    def __init__(self, transfer_syntax: str = ExplicitVRLittleEndian, character_set: str = DEFAULT) -> None:
        syntax = UID(transfer_syntax)
        self.character_set = character_set
        self._is_implicit = syntax.is_implicit_VR
        self._is_little_endian = syntax.is_little_endian
        self._order = "<" if syntax.is_little_endian else ">"
        self._codec = codec_of(character_set)

    def element(self, tag: int, vr: str, value: Any) -> bytes:
        """Strings, numbers and lists of them; in text, letters that the character set lacks are replaced."""
        if value is None or value == "" or value == []:
            return self._header(tag, vr, 0)
        values = self._writable(vr, value)
        if vr in _TEXT_VRS and self._codec is not None:
            codec = self._codec if vr in CUSTOMIZABLE_CHARSET_VR else "latin-1"
            data = "\\".join(values).encode(codec, "replace")
            if len(data) % 2:
                data += b"\0" if vr == "UI" else b" "
            if len(data) <= _LONGEST_SHORT or self._is_implicit or vr in EXPLICIT_VR_LENGTH_32:
                return self._header(tag, vr, len(data)) + data
        return self._as_pydicom_does(tag, vr, values)

    def sequence(self, tag: int, items: Iterable[bytes]) -> bytes:
        content = b"".join(self._item(item) for item in items)
        return self._header(tag, "SQ", len(content)) + content

    def decoded(self, match: bytes) -> Dataset:
        """What a peer will read."""
        return decode(BytesIO(match), self._is_implicit, self._is_little_endian)

    def _item(self, content: bytes) -> bytes:
        return struct.pack(f"{self._order}HHI", _ITEM >> 16, _ITEM & 0xFFFF, len(content)) + content

    def _header(self, tag: int, vr: str, length: int) -> bytes:
        group, number = tag >> 16, tag & 0xFFFF
        if self._is_implicit:
            return struct.pack(f"{self._order}HHI", group, number, length)
        known = (vr if len(vr) == 2 else "UN").encode()
        if vr in EXPLICIT_VR_LENGTH_32 or len(vr) != 2:
            return struct.pack(f"{self._order}HH2sHI", group, number, known, 0, length)
        return struct.pack(f"{self._order}HH2sH", group, number, known, length)

    def _writable(self, vr: str, value: Any) -> list[Any]:
        if vr == "PN":
            return [person_name(str(value), self.character_set)]
        if isinstance(value, str):
            return [writable(value.replace("\\", "/"), self.character_set)[:64]]
        values = value if isinstance(value, list) else [value]
        if vr in _TEXT_VRS:
            return [writable(str(one), self.character_set) for one in values]
        return values

    def _as_pydicom_does(self, tag: int, vr: str, values: list[Any]) -> bytes:
        buffer = DicomBytesIO()
        buffer.is_implicit_VR, buffer.is_little_endian = self._is_implicit, self._is_little_endian
        encodings = convert_encodings(attribute(self.character_set) or None)
        try:
            if len(vr) != 2:  # "US or SS": both have the same length
                vr = "SS" if min(values) < 0 else "US"
            element = DataElement(tag, vr, values[0] if len(values) == 1 else values)
            write_data_element(buffer, element, encodings)
        except Exception:  # the value is none of its VR: as good as unknown
            return self._header(tag, vr, 0)
        return bytes(buffer.getvalue())


class Layout:
    """The elements of every answer to one request, in the order of their tags."""

    def __init__(self, encoder: Encoder) -> None:
        self._encoder = encoder
        self._parts: dict[int, Part] = {}

    def __contains__(self, tag: int) -> bool:
        return tag in self._parts

    def encode(self, row: Any) -> bytes:
        return b"".join([part(row) for part in self._parts.values()])

    def add(self, tag: int, vr: str, source: Callable[[Any], Any]) -> None:
        element = self._encoder.element
        self._put(tag, lambda row: element(tag, vr, source(row)))

    def add_same(self, keyword: str, value: Any) -> None:
        """The same value in each answer."""
        tag = tag_of(keyword)
        encoded = self._encoder.element(tag, dictionary_VR(tag), value)
        self._put(tag, lambda _row: encoded)

    def add_character_set(self) -> None:
        self.add_same("SpecificCharacterSet", attribute(self._encoder.character_set))

    def add_known(self, keys: Dataset, table: Table) -> None:
        """What ``keys`` ask for; what ``table`` does not know is returned empty (PS3.4 K.2.2.1.2)."""
        for asked in keys:
            tag = int(asked.tag)
            source = table.get(asked.keyword)
            if asked.tag.element == 0 or tag == _SPECIFIC_CHARACTER_SET or tag in self._parts:
                continue
            if isinstance(source, Items):
                self._add_items(
                    tag, source, asked.value[0] if asked.VR == "SQ" and asked.value else Dataset()
                )
            elif source is not None:
                self.add(tag, dictionary_VR(tag), source)
            else:
                self.add(tag, asked.VR, lambda _row: None)

    def _add_items(self, tag: int, items: Items, keys: Dataset) -> None:
        """Items with what ``keys`` ask for, or with everything where they name nothing."""
        inner = Layout(self._encoder)
        inner.add_known(keys if len(keys) else _all_of(items.table), items.table)
        encoder = self._encoder
        self._put(tag, lambda row: encoder.sequence(tag, [inner.encode(part) for part in items.rows(row)]))

    def _put(self, tag: int, part: Part) -> None:
        self._parts[tag] = part
        if tag < max(self._parts):
            self._parts = dict(sorted(self._parts.items()))


def tag_of(keyword: str) -> int:
    tag = tag_for_keyword(keyword)
    if tag is None:
        raise ValueError(f"{keyword} is no keyword of the data dictionary")
    return tag


def _all_of(table: Table) -> Dataset:
    keys = Dataset()
    for keyword in table:
        tag = Tag(tag_of(keyword))
        keys.add(DataElement(tag, dictionary_VR(tag), None))
    return keys
