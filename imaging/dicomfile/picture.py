"""A JPEG of one frame as it is meant to look: modality and VOI transformations, inversion, colour.

For looking at before the viewer has the diagnostic pixels, for lists and reports; not for diagnosis.
"""

import io
from typing import Any

import numpy
from PIL import Image
from pydicom.dataset import Dataset
from pydicom.encaps import encapsulate
from pydicom.pixels import apply_color_lut, get_decoder
from pydicom.uid import UID

from .attributes import whole_number
from .problems import NoPicture

Array = numpy.ndarray[Any, Any]
MAX_EDGE = 4096


def draw_frame(
    dataset: Dataset,
    data: bytes,
    *,
    syntax: str,
    keyword: str,
    number: int,
    edge: int,
    quality: int,
    window: tuple[float, float] | None = None,
) -> bytes:
    """The JPEG of frame ``number`` (from 1), at most ``edge`` pixels wide and high; 0 keeps the size."""
    pixels, photometric = decode(dataset, data, syntax, keyword)
    step = 1 if not edge else max(1, max(pixels.shape[:2]) // (2 * edge))
    pixels = pixels[::step, ::step]
    if photometric == "PALETTE COLOR":
        shown = _eight_bits(apply_color_lut(pixels, dataset))
    elif pixels.ndim == 3:
        shown = _eight_bits(pixels, whole_number(dataset, "BitsStored"))
    else:
        shown = grey(dataset, pixels, number, photometric, window)
    image = Image.fromarray(numpy.ascontiguousarray(shown))
    limit = edge or MAX_EDGE
    width, height = _shape(dataset, image.width, image.height) if edge else (image.width, image.height)
    scale = min(1.0, limit / max(width, height))
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    if size != image.size:
        image = image.resize(size, Image.Resampling.BOX if step > 1 else Image.Resampling.LANCZOS)
    out = io.BytesIO()
    image.save(out, "JPEG", quality=quality)
    return out.getvalue()


def decode(dataset: Dataset, data: bytes, syntax: str, keyword: str = "PixelData") -> tuple[Array, str]:
    """Pixels of one frame as (rows, columns) or (rows, columns, 3), and what they mean then."""
    uid = UID(syntax)
    try:
        decoder = get_decoder(uid)
    except NotImplementedError:
        raise NoPicture("no_decoder", uid.name) from None
    if not decoder.is_available:
        raise NoPicture("no_decoder", uid.name)
    options: dict[str, Any] = {
        "rows": whole_number(dataset, "Rows"),
        "columns": whole_number(dataset, "Columns"),
        "samples_per_pixel": whole_number(dataset, "SamplesPerPixel") or 1,
        "photometric_interpretation": str(dataset.get("PhotometricInterpretation", "MONOCHROME2")),
        "bits_allocated": {"FloatPixelData": 32, "DoubleFloatPixelData": 64}.get(
            keyword, whole_number(dataset, "BitsAllocated")
        ),
        "number_of_frames": 1,
        "pixel_keyword": keyword,
    }
    if keyword == "PixelData":
        options["bits_stored"] = whole_number(dataset, "BitsStored") or options["bits_allocated"]
        options["pixel_representation"] = whole_number(dataset, "PixelRepresentation") or 0
        if options["samples_per_pixel"] > 1:
            options["planar_configuration"] = whole_number(dataset, "PlanarConfiguration") or 0
    source = encapsulate([data], has_bot=False) if uid.is_encapsulated else data
    try:
        pixels, described = decoder.as_array(source, index=0, **options)
    except MemoryError:
        raise
    except Exception as error:
        lines = [line.strip() for line in str(error).splitlines()] or [type(error).__name__]
        raise NoPicture("cannot_decode", "; ".join(lines[1:] or lines)[:200]) from None
    return pixels, str(described["photometric_interpretation"])


def grey(
    dataset: Dataset, stored: Array, number: int, photometric: str, window: tuple[float, float] | None
) -> Array:
    """Stored grey values to 8 bits (PS3.3 C.11.1, C.11.2, C.7.6.16.2.9 for functional groups)."""
    padding = _padding_mask(dataset, stored)
    values = _modality_values(dataset, stored, number)
    voi = frame_item(dataset, number, "FrameVOILUTSequence")
    if window is not None:
        shown = _linear(values, *window)
    elif (first := _first_window(voi)) is not None:
        shown = _windowed(values, *first, str(voi.get("VOILUTFunction") or "LINEAR").upper())
    elif voi.get("VOILUTSequence"):
        table, start, bits = _table(voi.VOILUTSequence[0], dataset)
        shown = _looked_up(values, table, start) / ((1 << bits) - 1)
    else:
        shown = _full_range(dataset, values, stored, padding)
    if photometric == "MONOCHROME1":
        shown = 1.0 - shown
    if padding is not None:
        shown[padding] = 0.0
    return (numpy.clip(shown, 0.0, 1.0) * 255.0 + 0.5).astype(numpy.uint8)


def frame_item(dataset: Dataset, number: int, sequence: str) -> Dataset:
    """The functional group that holds for a frame: its own, else the shared one, else the object itself."""
    per_frame = dataset.get("PerFrameFunctionalGroupsSequence") or []
    shared = dataset.get("SharedFunctionalGroupsSequence") or []
    for group in [*per_frame[number - 1 : number], *shared[:1]]:
        if group.get(sequence):
            return group[sequence].value[0]
    return dataset


def _modality_values(dataset: Dataset, stored: Array, number: int) -> Array:
    transformation = frame_item(dataset, number, "PixelValueTransformationSequence")
    if dataset.get("ModalityLUTSequence"):
        table, first, _bits = _table(dataset.ModalityLUTSequence[0], dataset)
        return _looked_up(stored, table, first)
    slope = _number(transformation, "RescaleSlope", 1.0) or 1.0
    return stored.astype(numpy.float32) * slope + _number(transformation, "RescaleIntercept", 0.0)


def _table(item: Dataset, dataset: Dataset) -> tuple[Array, int, int]:
    """Entries, first value mapped and bits of an entry (PS3.3 C.11.1.1.1, C.11.2.1.1)."""
    entries, first, bits = (int(number) for number in item.LUTDescriptor)
    entries = entries or 65536
    data = item.LUTData
    if isinstance(data, bytes):
        order = "<" if dataset.original_encoding[1] in (True, None) else ">"
        kind = "u1" if bits <= 8 and len(data) < 2 * entries else f"{order}u2"
        data = numpy.frombuffer(data, kind, count=len(data) // numpy.dtype(kind).itemsize)
    if first > 32767 and _number(dataset, "PixelRepresentation", 0):
        first -= 65536
    return numpy.asarray(data, numpy.float32)[:entries], first, max(1, min(16, bits))


def _looked_up(values: Array, table: Array, first: int) -> Array:
    """What lies below or above the table takes its first or last entry."""
    return table[numpy.clip(values.astype(numpy.int64) - first, 0, len(table) - 1)]


def _first_window(voi: Dataset) -> tuple[float, float] | None:
    centre, width = _number(voi, "WindowCenter", None), _number(voi, "WindowWidth", None)
    if centre is None or width is None or width <= 0:
        return None
    return centre, width


def _windowed(values: Array, centre: float, width: float, function: str) -> Array:
    if function == "SIGMOID":
        return 1.0 / (1.0 + numpy.exp(numpy.clip(-4.0 * (values - centre) / width, -60, 60)))
    if function == "LINEAR_EXACT":
        return (values - centre) / width + 0.5
    return _linear(values, centre, width)


def _linear(values: Array, centre: float, width: float) -> Array:
    """PS3.3 C.11.2.1.2.1; a width of 1 is a threshold."""
    if width <= 1:
        return (values > centre - 0.5).astype(numpy.float32)
    return (values - (centre - 0.5)) / (width - 1) + 0.5


def _full_range(dataset: Dataset, values: Array, stored: Array, padding: Array | None) -> Array:
    """No window in the file: 8-bit images as they are, others from their darkest to their brightest value."""
    stored_bits = whole_number(dataset, "BitsStored") or 16
    if stored_bits <= 8 and stored.dtype.kind == "u":
        return stored.astype(numpy.float32) / ((1 << stored_bits) - 1)
    seen = values if padding is None or padding.all() else values[~padding]
    finite = seen[numpy.isfinite(seen)]
    if not finite.size:
        return numpy.zeros_like(values)
    low, high = (float(edge) for edge in numpy.percentile(finite, [0.5, 99.5]))
    if high <= low:
        low, high = float(finite.min()), float(finite.max())
    return numpy.nan_to_num((values - low) / ((high - low) or 1.0))


def _padding_mask(dataset: Dataset, stored: Array) -> Array | None:
    """Pixels outside the image proper (PS3.3 C.7.5.1.1.2), None when there are none."""
    first = _number(dataset, "PixelPaddingValue", None)
    if first is None:
        return None
    last = _number(dataset, "PixelPaddingRangeLimit", first)
    if stored.dtype.kind == "i" and first > 32767:  # written as unsigned, meant as signed
        first, last = first - 65536, last - (65536 if last > 32767 else 0)
    mask = (stored >= min(first, last)) & (stored <= max(first, last))
    return mask if mask.any() else None


def _shape(dataset: Dataset, width: int, height: int) -> tuple[int, int]:
    """Width and height with square pixels (Pixel Aspect Ratio or Pixel Spacing: vertical, horizontal)."""
    for keyword in ("PixelAspectRatio", "PixelSpacing", "ImagerPixelSpacing"):
        value = dataset.get(keyword)
        try:
            vertical, horizontal = (float(part) for part in value)
        except (TypeError, ValueError):
            continue
        if 0.1 < vertical / horizontal < 10 if vertical > 0 and horizontal > 0 else False:
            ratio = vertical / horizontal
            if abs(ratio - 1) > 0.01:
                return (width, round(height * ratio)) if ratio > 1 else (round(width / ratio), height)
            break
    return width, height


def _eight_bits(pixels: Array, stored_bits: int | None = None) -> Array:
    if pixels.dtype == numpy.uint8:
        return pixels
    if pixels.dtype.kind == "u" and pixels.dtype.itemsize > 1:
        bits = min(stored_bits or pixels.dtype.itemsize * 8, pixels.dtype.itemsize * 8)
        return (pixels >> max(0, bits - 8)).astype(numpy.uint8)
    return numpy.clip(pixels, 0, 255).astype(numpy.uint8)


def _number(dataset: Dataset, keyword: str, default: Any) -> Any:
    value = dataset.get(keyword)
    if value is None or value == "":
        return default
    try:
        return float(value[0] if hasattr(value, "__getitem__") and not isinstance(value, str) else value)
    except (TypeError, ValueError, IndexError):
        return default
