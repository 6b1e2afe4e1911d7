"""The header of one object: everything before its pixel data, read within bounds and checked.

pydicom is lenient and takes a value that ends with the file for a short value; a lying length is found
here by comparing what each element declares with what the file holds.
"""

import io
import struct
import warnings
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from pydicom import config
from pydicom.dataelem import RawDataElement
from pydicom.dataset import Dataset
from pydicom.filereader import read_dataset
from pydicom.filewriter import correct_ambiguous_vr
from pydicom.tag import BaseTag
from pydicom.uid import (
    UID,
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ImplicitVRLittleEndian,
)

from .problems import Unreadable

PIXEL_TAGS = {0x7FE00008: "FloatPixelData", 0x7FE00009: "DoubleFloatPixelData", 0x7FE00010: "PixelData"}
INFLATED_LIMIT = 256 * 1024 * 1024
_DEFLATED_PIECE = 16 * 1024
# Longer values are skipped while the header is read; sequences are read nevertheless, up to the second limit.
VALUE_LIMIT = 1024 * 1024 + 512 * 1024
SEQUENCE_LIMIT = 96 * 1024 * 1024
UNDEFINED = 0xFFFFFFFF
LONG_LENGTH_VRS = {"OB", "OD", "OF", "OL", "OV", "OW", "SQ", "UC", "UN", "UR", "UT", "SV", "UV"}

config.settings.reading_validation_mode = config.IGNORE
config.settings.writing_validation_mode = config.IGNORE
warnings.simplefilter("ignore")


@dataclass(frozen=True)
class PixelElement:
    """Where the pixel data are in ``Header.source``. ``length`` is None when they are in fragments."""

    keyword: str
    vr: str
    offset: int
    length: int | None


@dataclass(frozen=True)
class Header:
    """``source`` is the file, or the inflated data set of a deflated one; ``size`` is its length."""

    dataset: Dataset
    source: BinaryIO
    size: int
    transfer_syntax: UID
    is_inflated: bool
    pixels: PixelElement | None

    @property
    def is_big_endian(self) -> bool:
        return self.transfer_syntax == ExplicitVRBigEndian


class _BoundedFile(io.BufferedReader):
    """A file that sets aside no more memory for a read than there are bytes left, whatever a length says."""

    def __init__(self, path: Path) -> None:
        super().__init__(io.FileIO(path), 64 * 1024)
        self._size = path.stat().st_size

    def read(self, size: int | None = -1, /) -> bytes:
        left = max(0, self._size - self.tell())
        return super().read(left if size is None or size < 0 else min(size, left))


def read_header(path: Path, data_offset: int, transfer_syntax: str) -> Header:
    """Read up to the pixel data. Raises ``Unreadable`` for whatever does not hold together."""
    syntax = UID(transfer_syntax)
    source: BinaryIO = _BoundedFile(path)
    size = path.stat().st_size
    is_inflated = syntax == DeflatedExplicitVRLittleEndian
    if is_inflated:
        source, size = _inflate(source, data_offset)
        data_offset = 0
    source.seek(data_offset)
    try:
        dataset, pixels = _parse(source, size, syntax)
    except Unreadable:
        raise
    except RecursionError:
        raise Unreadable("nested_too_deep") from None
    except MemoryError:
        raise
    except Exception as error:
        raise Unreadable("broken", f"{type(error).__name__}: {error}"[:200]) from None
    return Header(dataset, source, size, syntax, is_inflated, pixels)


def _inflate(source: BinaryIO, offset: int) -> tuple[BinaryIO, int]:
    """Inflate with a limit, and its length: one megabyte of a bomb becomes gigabytes (PS3.5 A.5).

    By pieces, of which each becomes 16 MB at the most, so that hardly more memory is used than is kept.
    """
    source.seek(offset)
    inflater = zlib.decompressobj(-zlib.MAX_WBITS)
    inflated = io.BytesIO()
    try:
        while not inflater.eof and (piece := source.read(_DEFLATED_PIECE)):
            inflated.write(inflater.decompress(piece))
            if inflated.tell() > INFLATED_LIMIT:
                raise Unreadable("inflates", str(INFLATED_LIMIT // 1024 // 1024))
        inflated.write(inflater.flush())
    except zlib.error as error:
        raise Unreadable("not_deflated", str(error)) from None
    return inflated, inflated.tell()


def _parse(source: BinaryIO, size: int, syntax: UID) -> tuple[Dataset, PixelElement | None]:
    start = source.tell()
    found: list[tuple[str | None, int]] = []

    def at_pixel_data(tag: BaseTag, vr: str | None, length: int) -> bool:
        if tag not in PIXEL_TAGS:
            return False
        found[:] = [(vr, length)]
        return True

    is_implicit = syntax == ImplicitVRLittleEndian
    is_little = syntax != ExplicitVRBigEndian
    dataset = read_dataset(source, is_implicit, is_little, stop_when=at_pixel_data, defer_size=VALUE_LIMIT)
    position = source.tell()
    if not dataset.keys():
        raise Unreadable("empty" if start >= size else "broken", "")
    _check_lengths(dataset, source, size)
    if is_implicit:
        dataset = correct_ambiguous_vr(dataset, is_little)
    if not found:
        return dataset, None
    return dataset, _pixel_element(source, position, size, is_little, *found[0])


def _check_lengths(dataset: Dataset, source: BinaryIO, size: int) -> None:
    """No value may reach beyond the end. Of what was skipped sequences are read now, the rest is dropped."""
    elements = dataset._dict  # ``get_item`` would try to read a skipped value
    for tag, raw in list(elements.items()):
        if not isinstance(raw, RawDataElement) or raw.length in (0, UNDEFINED):
            continue
        if raw.value_tell + raw.length > size:
            raise Unreadable("length_beyond_end", f"({tag.group:04X},{tag.element:04X}) {raw.length}")
        if raw.value is not None:
            continue
        if not _is_sequence(raw):
            del elements[tag]
        elif raw.length > SEQUENCE_LIMIT:
            raise Unreadable("header_too_large", str(raw.length))
        else:
            source.seek(raw.value_tell)
            elements[tag] = raw._replace(value=source.read(raw.length))


def _is_sequence(raw: RawDataElement) -> bool:
    from pydicom.datadict import dictionary_VR

    if raw.VR is not None and raw.VR != "UN":
        return raw.VR == "SQ"
    try:
        return dictionary_VR(raw.tag) == "SQ"
    except KeyError:
        return False


def _pixel_element(
    source: BinaryIO, position: int, size: int, is_little: bool, vr: str | None, length: int
) -> PixelElement:
    """The element at ``position``, whose tag, VR and length pydicom has read."""
    source.seek(position)
    group, element = struct.unpack("<HH" if is_little else ">HH", source.read(4))
    offset = position + (12 if vr in LONG_LENGTH_VRS else 8)
    if length != UNDEFINED and offset + length > size:
        raise Unreadable("pixel_data_cut", f"{max(0, size - offset)} {length}")
    return PixelElement(
        keyword=PIXEL_TAGS[group << 16 | element],
        vr=vr or "OW",
        offset=offset,
        length=None if length == UNDEFINED else length,
    )
