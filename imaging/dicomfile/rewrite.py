"""An object as it leaves: with corrected attributes, and uncompressed for those who cannot read more.

The stored file is only read. Where the transfer syntax stays, everything from the pixel data on is copied
byte for byte and of the header only what changes is encoded anew.
"""

import copy
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

import numpy
from pydicom.charset import convert_encodings
from pydicom.datadict import dictionary_VR, tag_for_keyword
from pydicom.dataelem import DataElement
from pydicom.dataset import Dataset
from pydicom.filebase import DicomBytesIO
from pydicom.filereader import read_dataset
from pydicom.filewriter import correct_ambiguous_vr, write_dataset
from pydicom.sequence import Sequence
from pydicom.tag import BaseTag
from pydicom.uid import UID, ExplicitVRBigEndian, ImplicitVRLittleEndian

from .attributes import whole_number
from .header import PIXEL_TAGS, Header, PixelElement, read_header
from .picture import decode
from .problems import NoPicture

BLOCK = 4 * 1024 * 1024
LONGEST_VALUE = 0xFFFFFFFE
UTF_8 = "ISO_IR 192"
_REQUESTS = "RequestAttributesSequence"
_REQUEST_NUMBERS = ("AccessionNumber", "RequestedProcedureID", "ScheduledProcedureStepID")
# Say where compressed frames begin (PS3.3 C.7.6.3.1.8): of no use without them.
_FRAME_TABLES = (0x7FE00001, 0x7FE00002, 0x7FE00003)


def rewrite(request: dict[str, Any]) -> tuple[dict[str, Any], bytes]:
    """Append the data set of ``path`` to ``target``, which holds its file meta already.

    ``changes`` is what to set (keyword: text), ``remove`` what to take out, ``request_numbers`` which numbers
    in the items of the Request Attributes Sequence become which others; the previous values are added to the
    Original Attributes Sequence with ``note`` (PS3.3 C.12.1.1.9). ``to`` is the transfer syntax that is
    written: the stored one, or Explicit or Implicit VR Little Endian.
    """
    header = read_header(Path(request["path"]), request["data_offset"], request["transfer_syntax"])
    stored, target = header.transfer_syntax, UID(request["to"])
    offset = 0 if header.is_inflated else request["data_offset"]
    dataset, position = _read_whole(header, offset)
    numbers = request["request_numbers"]
    if request["changes"] or request["remove"] or numbers:
        _correct(dataset, request["changes"], request["remove"], numbers, request["note"])
    with Path(request["target"]).open("ab") as out:
        if stored == target:
            _write_same(header, dataset, position, out)
        else:
            _write_uncompressed(header, dataset, target, request, out)
    return {}, b""


def _read_whole(header: Header, offset: int) -> tuple[Dataset, int]:
    """Every element in front of the pixel data, and where those begin."""
    header.source.seek(offset)
    stored = header.transfer_syntax
    dataset = read_dataset(
        header.source,
        stored == ImplicitVRLittleEndian,
        stored != ExplicitVRBigEndian,
        stop_when=lambda tag, _vr, _length: tag in PIXEL_TAGS,
    )
    return dataset, header.source.tell()


# --- correcting ---------------------------------------------------------------------------------------


def _correct(
    dataset: Dataset,
    changes: dict[str, str],
    remove: list[str],
    request_numbers: dict[str, str],
    note: dict[str, str],
) -> None:
    previous = Dataset()
    requests = [_REQUESTS] if request_numbers else []
    for keyword in [*changes, *remove, *requests]:
        tag = BaseTag(tag_for_keyword(keyword) or 0)
        if tag in dataset:
            previous.add(copy.deepcopy(dataset[tag]))
        elif keyword in changes:
            previous.add(DataElement(tag, dictionary_VR(tag), None))
    _make_room_for("".join(changes.values()), dataset)
    for keyword, text in changes.items():
        setattr(dataset, keyword, text)
    for keyword in remove:
        if keyword in dataset:
            delattr(dataset, keyword)
    for request in dataset.get(_REQUESTS) or []:
        for keyword in _REQUEST_NUMBERS:
            text = str(request.get(keyword, "")).strip()
            if text in request_numbers:
                setattr(request, keyword, request_numbers[text])
    item = Dataset()
    item.SourceOfPreviousValues = note["source"]
    item.AttributeModificationDateTime = note["at"]
    item.ModifyingSystem = note["system"]
    item.ReasonForTheAttributeModification = note["reason"]
    item.ModifiedAttributesSequence = Sequence([previous])
    earlier = dataset.get("OriginalAttributesSequence") or []
    dataset.OriginalAttributesSequence = Sequence([*earlier, item])


def _make_room_for(text: str, dataset: Dataset) -> None:
    """Write everything in Unicode when the object's own character set cannot hold ``text``."""
    if text.isascii():
        return
    named = dataset.get("SpecificCharacterSet")
    codecs = convert_encodings(named) if named else ["ascii"]
    try:
        # Several sets in one value switch between them: only the first one is relied upon.
        text.encode(codecs[0])
    except (UnicodeEncodeError, LookupError):
        dataset.decode()
        dataset.SpecificCharacterSet = UTF_8


# --- writing ------------------------------------------------------------------------------------------


def _write_same(header: Header, dataset: Dataset, position: int, out: BinaryIO) -> None:
    """The header anew, the rest as it is."""
    stored = header.transfer_syntax
    head = _encoded(dataset, stored == ImplicitVRLittleEndian, stored != ExplicitVRBigEndian)
    if not header.is_inflated:
        out.write(head)
        _copy(header.source, position, header.size - position, out)
        return
    packer = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    header.source.seek(position)
    packed = packer.compress(head) + packer.compress(header.source.read()) + packer.flush()
    out.write(packed + b"\0" * (len(packed) % 2))


def _encoded(dataset: Dataset, is_implicit: bool, is_little: bool) -> bytes:
    buffer = DicomBytesIO()
    buffer.is_implicit_VR, buffer.is_little_endian = is_implicit, is_little
    write_dataset(buffer, dataset)
    return buffer.getvalue()


def _copy(source: BinaryIO, position: int, length: int, out: BinaryIO) -> None:
    source.seek(position)
    while length > 0 and (block := source.read(min(BLOCK, length))):
        out.write(block)
        length -= len(block)


def _write_uncompressed(
    header: Header, dataset: Dataset, target: UID, request: dict[str, Any], out: BinaryIO
) -> None:
    """In little endian with native pixel data; what follows them (padding, signatures) is left out."""
    is_implicit = target == ImplicitVRLittleEndian
    dataset = correct_ambiguous_vr(dataset, not header.is_big_endian)
    pixels = header.pixels
    if pixels is None:
        out.write(_encoded(dataset, is_implicit, True))
        return
    if pixels.length is None:
        frames = _decoded_frames(header.dataset, dataset, pixels, request)
        first = next(frames)
        length = len(first) * len(request["frames"])
        vr = "OW" if whole_number(dataset, "BitsAllocated") != 8 else "OB"
    elif header.is_big_endian:
        frames, vr = _swapped_frames(dataset, request), pixels.vr
        first = b""
        length = sum(sum(places[1::2]) for places in request["frames"])
    else:
        frames, vr = _native(header.source, pixels), pixels.vr
        first, length = b"", pixels.length
    if length > LONGEST_VALUE:
        raise NoPicture("cannot_decode", "uncompressed it is longer than an element can be")
    for tag in _FRAME_TABLES:
        dataset.pop(tag, None)
    out.write(_encoded(dataset, is_implicit, True))
    out.write(_element_head(pixels.keyword, vr, length + length % 2, is_implicit))
    out.write(first)
    written = len(first) + sum(out.write(frame) for frame in frames)
    if written != length:
        raise NoPicture("pixel_data_short", f"{written} of {length} bytes")
    out.write(b"\0" * (length % 2))


def _native(source: BinaryIO, pixels: PixelElement) -> Iterator[bytes]:
    source.seek(pixels.offset)
    left = pixels.length or 0
    while left > 0 and (block := source.read(min(BLOCK, left))):
        yield block
        left -= len(block)


def _swapped_frames(dataset: Dataset, request: dict[str, Any]) -> Iterator[bytes]:
    """Filing has put big endian frames into a file of little endian ones."""
    if (whole_number(dataset, "BitsAllocated") or 0) % 8:
        raise NoPicture("cannot_decode", "single bits in big endian")
    with Path(request["frames_path"]).open("rb") as file:
        for places in request["frames"]:
            for at in range(0, len(places), 2):
                file.seek(places[at])
                yield file.read(places[at + 1])


def _decoded_frames(
    read: Dataset, dataset: Dataset, pixels: PixelElement, request: dict[str, Any]
) -> Iterator[bytes]:
    """Frame by frame; ``dataset`` is told what they are now before the first one is returned."""
    if not request["frames"]:
        raise NoPicture("frames_unclear", "")
    is_described = False
    with Path(request["frames_path"]).open("rb") as file:
        for places in request["frames"]:
            parts = []
            for at in range(0, len(places), 2):
                file.seek(places[at])
                parts.append(file.read(places[at + 1]))
            array, photometric = decode(read, b"".join(parts), request["frames_syntax"], pixels.keyword)
            if not is_described:
                _describe(dataset, array, photometric, request["is_lossy"])
                is_described = True
            yield numpy.ascontiguousarray(array.astype(array.dtype.newbyteorder("<"))).tobytes()


def _describe(dataset: Dataset, array: Any, photometric: str, is_lossy: bool) -> None:
    """PS3.3 C.7.6.3 after decompression. That detail was lost once stays said."""
    dataset.PhotometricInterpretation = photometric
    if dataset.get("BitsAllocated") != array.dtype.itemsize * 8:
        dataset.BitsAllocated = array.dtype.itemsize * 8
    if array.ndim == 3:
        dataset.PlanarConfiguration = 0
    if is_lossy:
        dataset.LossyImageCompression = "01"


def _element_head(keyword: str, vr: str, length: int, is_implicit: bool) -> bytes:
    tag = tag_for_keyword(keyword) or 0
    start = (tag >> 16).to_bytes(2, "little") + (tag & 0xFFFF).to_bytes(2, "little")
    if is_implicit:
        return start + length.to_bytes(4, "little")
    return start + vr.encode() + b"\0\0" + length.to_bytes(4, "little")
