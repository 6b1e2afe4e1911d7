"""Where each frame lies in the file, so that it can be served later by reading a range and no parsing.

A frame is a flat list ``[offset, length, offset, length, …]``: one pair, or one for each of its fragments
(PS3.5 A.4). Frames that no range of the file holds as such (deflated, big endian, single bits across byte
borders) are written to a side file, in little endian.
"""

import struct
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

import numpy
from pydicom.dataset import Dataset
from pydicom.uid import UID, ExplicitVRLittleEndian, ImplicitVRLittleEndian

from .attributes import frame_count, whole_number
from .header import Header, PixelElement
from .jsonmodel import swap_words
from .problems import Unreadable

BLOCK = 4 * 1024 * 1024  # a multiple of every word size
_ITEM = b"\xfe\xff\x00\xe0"
_END = b"\xfe\xff\xdd\xe0"
_VIDEO = tuple(f"1.2.840.10008.1.2.4.{number}" for number in range(100, 109))


@dataclass
class FrameMap:
    """``problem`` is a code of ``imaging.reasons`` when the frames are not all there."""

    transfer_syntax: str
    frames: list[list[int]] = field(default_factory=list)
    in_side_file: bool = False
    problem: str = ""


def map_frames(header: Header, side_file: Path | None) -> FrameMap:
    """Locate the frames; write them to ``side_file`` when they cannot be served from the file itself."""
    pixels = header.pixels
    if pixels is None:
        return FrameMap(str(header.transfer_syntax))
    if pixels.length is None:
        return _map_fragments(header, pixels)
    return _map_native(header, pixels, pixels.length, side_file)


# --- native ------------------------------------------------------------------------------------------


def _map_native(header: Header, pixels: PixelElement, length: int, side_file: Path | None) -> FrameMap:
    count = frame_count(header)
    bits = native_frame_bits(header.dataset, pixels.keyword)
    found = FrameMap(str(ExplicitVRLittleEndian))
    if not bits:
        found.problem = "no_image_size"
        return found
    crosses_bytes = bits % 8 != 0 and count > 1
    frame_length = (bits + 7) // 8
    available = length * 8 // bits if bits % 8 else length // frame_length
    if available < count:
        found.problem = "pixel_data_short"
    frames = range(min(count, available))
    if header.is_inflated or header.is_big_endian or crosses_bytes:
        if side_file is None:
            raise ValueError("these frames need a side file")
        _write_side_file(header, pixels, length, bits, len(frames), crosses_bytes, side_file)
        found.in_side_file = True
        found.frames = [[number * frame_length, frame_length] for number in frames]
    else:
        found.frames = [[pixels.offset + number * frame_length, frame_length] for number in frames]
    return found


def native_frame_bits(dataset: Dataset, keyword: str = "PixelData") -> int:
    """Bits of one uncompressed frame (PS3.5 8.1.1), 0 when the attributes do not tell."""
    rows, columns = whole_number(dataset, "Rows") or 0, whole_number(dataset, "Columns") or 0
    samples = whole_number(dataset, "SamplesPerPixel") or 1
    bits = {"FloatPixelData": 32, "DoubleFloatPixelData": 64}.get(
        keyword, whole_number(dataset, "BitsAllocated") or 0
    )
    if rows <= 0 or columns <= 0 or samples <= 0 or bits <= 0 or rows * columns > 2**33:
        return 0
    if samples == 3 and str(dataset.get("PhotometricInterpretation", "")).endswith("_422"):
        return rows * columns * bits * 2
    return rows * columns * samples * bits


def _write_side_file(
    header: Header,
    pixels: PixelElement,
    length: int,
    bits: int,
    count: int,
    crosses_bytes: bool,
    side_file: Path,
) -> None:
    with side_file.open("wb") as out:
        if crosses_bytes:
            for frame in _unpacked_frames(header, pixels, length, bits, count):
                out.write(frame)
            return
        width = _swap_width(header, pixels) if header.is_big_endian else 1
        header.source.seek(pixels.offset)
        # Whole words: the last byte of an odd number may come in front of its padding.
        needed = count * ((bits + 7) // 8)
        left = min(length, needed + -needed % width)
        while left > 0:
            block = header.source.read(min(BLOCK, left))
            out.write(swap_words(block, width) if width > 1 else block)
            left -= len(block)


def _swap_width(header: Header, pixels: PixelElement) -> int:
    """Bytes in a word of big endian pixel data; 8-bit samples come in 16-bit words when the VR is OW."""
    if pixels.keyword != "PixelData":
        return 4 if pixels.keyword == "FloatPixelData" else 8
    allocated = (whole_number(header.dataset, "BitsAllocated") or 8) // 8
    return allocated if allocated > 1 else (2 if pixels.vr == "OW" else 1)


def _unpacked_frames(
    header: Header, pixels: PixelElement, length: int, bits: int, count: int
) -> Iterator[bytes]:
    """Frames of single bits, each beginning at a byte (PS3.5 D.1: first pixel in the lowest bit)."""
    header.source.seek(pixels.offset)
    data = header.source.read(length)
    if header.is_big_endian and pixels.vr == "OW":
        data = swap_words(data, 2)
    for number in range(count):
        first, last = number * bits, (number + 1) * bits
        window = numpy.frombuffer(data[first // 8 : (last + 7) // 8], dtype=numpy.uint8)
        unpacked = numpy.unpackbits(window, bitorder="little")[first % 8 : first % 8 + bits]
        yield numpy.packbits(unpacked, bitorder="little").tobytes()


# --- in fragments ------------------------------------------------------------------------------------


def _map_fragments(header: Header, pixels: PixelElement) -> FrameMap:
    found = FrameMap(_frame_syntax(header.transfer_syntax))
    table, fragments = _fragments(header.source, pixels.offset, header.size)
    count = frame_count(header)
    if header.transfer_syntax.startswith(_VIDEO):
        found.frames = [_joined(fragments)] if fragments else []
        found.problem = "video"
        return found
    frames = (
        _by_extended_table(header, fragments, count)
        or _by_basic_table(table, fragments, count)
        or _by_counting(header.source, fragments, count)
    )
    if not frames:
        found.problem = "frames_unclear"
    elif len(frames) < count:
        found.problem = "pixel_data_short"
    found.frames = frames[:count]
    return found


def _frame_syntax(syntax: UID) -> str:
    return str(ExplicitVRLittleEndian if syntax == ImplicitVRLittleEndian else syntax)


def _fragments(source: BinaryIO, offset: int, size: int) -> tuple[list[int], list[tuple[int, int]]]:
    """The Basic Offset Table's entries, and (offset, length) of each fragment's value."""
    table: list[int] | None = None
    fragments: list[tuple[int, int]] = []
    while True:
        source.seek(offset)
        head = source.read(8)
        if len(head) < 8 or head[:4] != _ITEM:
            if head[:4] == _END or (not head and fragments):
                break
            raise Unreadable("pixel_data_cut" if len(head) < 8 else "fragments_broken", f"{offset}")
        (length,) = struct.unpack("<I", head[4:])
        offset += 8
        if offset + length > size:
            raise Unreadable("pixel_data_cut", f"{max(0, size - offset)} {length}")
        if table is None:
            data = source.read(length)
            table = list(struct.unpack(f"<{length // 4}I", data[: length // 4 * 4]))
        else:
            fragments.append((offset, length))
        offset += length
    return table or [], fragments


def _by_extended_table(header: Header, fragments: list[tuple[int, int]], count: int) -> list[list[int]]:
    """Frames by the Extended Offset Table (PS3.3 C.7.6.3.1.8): one fragment a frame, offsets in 64 bits."""
    offsets = header.dataset.get("ExtendedOffsetTable")
    lengths = header.dataset.get("ExtendedOffsetTableLengths")
    if not offsets or not lengths or not fragments:
        return []
    starts = struct.unpack(f"<{len(offsets) // 8}Q", offsets[: len(offsets) // 8 * 8])
    sizes = struct.unpack(f"<{len(lengths) // 8}Q", lengths[: len(lengths) // 8 * 8])
    first = fragments[0][0]
    known = dict(fragments)
    frames = [[first + start, size] for start, size in zip(starts, sizes, strict=False)]
    sound = all(at in known and size <= known[at] for at, size in frames)
    return frames if len(frames) == count and sound else []


def _by_basic_table(table: list[int], fragments: list[tuple[int, int]], count: int) -> list[list[int]]:
    """Frames by the Basic Offset Table, when each entry is the beginning of a fragment."""
    if len(table) != count or not fragments:
        return []
    first = fragments[0][0]
    number_at = {offset - first: number for number, (offset, _length) in enumerate(fragments)}
    starts = [number_at.get(entry, -1) for entry in table]
    if starts[0] != 0 or sorted(set(starts)) != starts:
        return []
    ends = [*starts[1:], len(fragments)]
    return [_joined(fragments[start:end]) for start, end in zip(starts, ends, strict=True)]


def _by_counting(source: BinaryIO, fragments: list[tuple[int, int]], count: int) -> list[list[int]]:
    """Frames without a table: all fragments are one frame, or one each, or each ends with an end marker."""
    if count == 1:
        return [_joined(fragments)] if fragments else []
    if len(fragments) <= count:
        return [[offset, length] for offset, length in fragments]
    frames: list[list[int]] = []
    current: list[tuple[int, int]] = []
    for offset, length in fragments:
        current.append((offset, length))
        source.seek(offset + max(0, length - 10))
        if b"\xff\xd9" in source.read(min(10, length)):
            frames.append(_joined(current))
            current = []
    return frames if not current and len(frames) == count else []


def _joined(fragments: list[tuple[int, int]]) -> list[int]:
    return [number for fragment in fragments for number in fragment]
