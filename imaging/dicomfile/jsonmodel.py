"""A data set in the DICOM JSON model (PS3.18 F.2), without bulk data.

Look-up tables and overlays are small and the viewer needs them: they are inlined. Longer values, pixel data,
documents and waveforms are left out. The result holds only what PostgreSQL's ``jsonb`` takes.
"""

import base64
import math
from typing import Any

from pydicom.dataelem import DataElement, RawDataElement
from pydicom.dataset import Dataset
from pydicom.tag import BaseTag
from pydicom.valuerep import PersonName

INLINE_LIMIT = 128 * 1024  # one palette or VOI table of 65,536 entries of 16 bits
OVERLAY_LIMIT = 1024 * 1024 + 256 * 1024
TEXT_LIMIT = 64 * 1024
DEPTH_LIMIT = 40

_BINARY = {"OB", "OD", "OF", "OL", "OV", "OW", "UN"}
_WHOLE = {"IS", "SL", "SS", "SV", "UL", "US", "UV"}
_REAL = {"DS", "FD", "FL"}
_WORD = {"OW": 2, "OF": 4, "OL": 4, "OD": 8, "OV": 8}
# Encapsulated Document, Waveform Data, Pixel Data Provider URL's kin: bulk whatever their size.
_BULK = {0x00420011, 0x54001010, 0x56000020}
_AMBIGUOUS = {"US or SS": "US", "OB or OW": "OW", "US or OW": "OW", "US or SS or OW": "OW"}


def to_json_model(dataset: Dataset, *, is_big_endian: bool = False, depth: int = 0) -> dict[str, Any]:
    """``{"00100010": {"vr": "PN", "Value": […]}, …}``; elements that cannot be converted are left out."""
    model: dict[str, Any] = {}
    if depth > DEPTH_LIMIT:
        return model
    for tag in sorted(dataset.keys()):
        if _is_left_out(dataset, tag):
            continue
        try:
            entry = _entry(dataset[tag], is_big_endian, depth)
        except MemoryError:
            raise
        except Exception:  # noqa: S112  a value that is not what its VR says has no JSON form
            continue
        if entry is not None:
            model[f"{tag:08X}"] = entry
    return model


def without_private(model: dict[str, Any]) -> dict[str, Any]:
    """The model without private elements at any depth."""
    kept = {}
    for tag, entry in model.items():
        if int(tag[:4], 16) % 2:
            continue
        if entry["vr"] == "SQ":
            entry = {**entry, "Value": [without_private(item) for item in entry.get("Value", [])]}
        kept[tag] = entry
    return kept


def _is_left_out(dataset: Dataset, tag: BaseTag) -> bool:
    if tag.element == 0 or tag.group in (0x0002, 0x7FE0, 0xFFFA, 0xFFFC) or tag in _BULK:
        return True
    raw = dataset._dict[tag]  # ``get_item`` converts some values, which may fail
    if not isinstance(raw, RawDataElement) or raw.value is None:
        return False
    is_overlay = tag.group & 0xFF00 == 0x6000 and tag.element == 0x3000
    return raw.VR != "SQ" and len(raw.value) > (OVERLAY_LIMIT if is_overlay else 2 * INLINE_LIMIT)


def _entry(element: DataElement, is_big_endian: bool, depth: int) -> dict[str, Any] | None:
    vr = _AMBIGUOUS.get(element.VR, element.VR)
    if vr == "SQ":
        items = [
            to_json_model(item, is_big_endian=is_big_endian, depth=depth + 1) for item in element.value or []
        ]
        return {"vr": vr, "Value": items} if items else {"vr": vr}
    if element.is_empty:
        return {"vr": vr}
    if vr in _BINARY:
        return _binary(vr, element, is_big_endian)
    values = element.value if element.VM > 1 else [element.value]
    converted = [_value(vr, value) for value in values]
    if all(value is None for value in converted):
        return {"vr": vr}
    return {"vr": vr, "Value": converted}


def _binary(vr: str, element: DataElement, is_big_endian: bool) -> dict[str, Any] | None:
    if not isinstance(element.value, bytes):  # a table of numbers under an ambiguous VR
        numbers = element.value if element.VM > 1 else [element.value]
        return {"vr": "US", "Value": [int(value) for value in numbers]}
    data = bytes(element.value)
    is_overlay = element.tag.group & 0xFF00 == 0x6000 and element.tag.element == 0x3000
    if len(data) > (OVERLAY_LIMIT if is_overlay else INLINE_LIMIT):
        return None
    if is_big_endian and vr in _WORD:
        data = swap_words(data, _WORD[vr])
    return {"vr": vr, "InlineBinary": base64.b64encode(data).decode("ascii")}


def swap_words(data: bytes, width: int) -> bytes:
    """Turn the bytes of each ``width``-byte word round; a rest that is no whole word stays."""
    whole = len(data) - len(data) % width
    swapped = bytearray(whole)
    for at in range(width):
        swapped[at::width] = data[width - 1 - at : whole : width]
    return bytes(swapped) + data[whole:]


def _value(vr: str, value: Any) -> Any:
    if value is None or value == "":
        return None
    if vr == "PN":
        return _person_name(value)
    if vr == "AT":
        return f"{int(value):08X}"
    if vr in _WHOLE:
        number = float(value) if vr == "IS" else int(value)
        return int(number) if number == int(number) else number
    if vr in _REAL:
        return _real(float(value))
    text = clean_text(str(value))
    return text if len(text) <= TEXT_LIMIT else None


def _person_name(value: PersonName) -> dict[str, str]:
    groups = zip(("Alphabetic", "Ideographic", "Phonetic"), value.components, strict=False)
    return {name: clean_text(group) for name, group in groups if group}


def _real(number: float) -> float | str:
    """JSON has no number for these three; PS3.18 writes them as text."""
    if math.isnan(number):
        return "NaN"
    if math.isinf(number):
        return "inf" if number > 0 else "-inf"
    return number


def clean_text(text: str) -> str:
    """Without NUL and lone surrogates, which neither UTF-8 nor PostgreSQL can hold."""
    return text.replace("\0", "").encode("utf-8", "replace").decode("utf-8")
