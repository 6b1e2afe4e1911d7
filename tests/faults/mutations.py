"""Objects that no decent modality sends: sound ones, damaged in every way that has hurt somebody.

The same seed makes the same objects.
"""

import random
import struct
import zlib
from collections.abc import Callable, Iterator

from pydicom import dcmread
from pydicom.uid import DeflatedExplicitVRLittleEndian

from clinic.demo.images import StudyIdentity, ct_series
from tests.dicomserver.peers import CT, EXPLICIT, IMPLICIT, data_set_of, sample
from tests.faults.pushing import ROOT, Object
from tests.imaging.sender import encoded

FILES = [
    "CT_small.dcm",
    "MR_small.dcm",
    "MR_small_RLE.dcm",
    "MR_small_bigendian.dcm",
    "MR_small_implicit.dcm",
    "MR_small_jp2klossless.dcm",
    "MR_small_jpeg_ls_lossless.dcm",
    "SC_rgb_small_odd_jpeg.dcm",
    "SC_rgb_rle_2frame.dcm",
    "image_dfl.dcm",
    "reportsi.dcm",
    "rtplan.dcm",
    "rtdose_1frame.dcm",
]
SECONDARY_CAPTURE = "1.2.840.10008.5.1.4.1.1.7"
_STUDY, _SERIES, _NAME, _ID = (
    b"\x20\x00\x0d\x00UI",
    b"\x20\x00\x0e\x00UI",
    b"\x10\x00\x10\x00PN",
    b"\x10\x00\x20\x00LO",
)
_BOMBS_EVERY = 200
_ZEROS = 16 * 1024 * 1024
Chance = random.Random


def mutated(seed: int, count: int) -> Iterator[Object]:
    """``count`` objects, each with a SOP Instance UID of its own where it has one."""
    chance = Chance(seed)
    sound = [_sound(name) for name in FILES]
    template = _template()
    zeros = _squeezed_zeros()
    for number in range(count):
        if number % _BOMBS_EVERY == _BOMBS_EVERY - 1:
            yield _bomb(_own(template, number), zeros)
        elif number % 2:
            yield chance.choice(DAMAGES)(_own(chance.choice(sound), number), chance)
        else:
            yield CRAFTED[number // 2 % len(CRAFTED)](_own(template, number), chance)


def _sound(name: str) -> Object:
    path = sample(name)
    meta = dcmread(path, stop_before_pixels=True).file_meta
    return Object(
        str(meta.MediaStorageSOPInstanceUID),
        data_set_of(path),
        str(meta.MediaStorageSOPClassUID),
        str(meta.TransferSyntaxUID),
    )


def _template() -> Object:
    identity = StudyIdentity(
        patient_id="HOSTILE-1", patient_name="Hostile^One", study_instance_uid=f"{ROOT}.9999.1", sex="O"
    )
    (dataset,) = ct_series(identity, slices=1, size=16)
    dataset.SOPInstanceUID = dataset.file_meta.MediaStorageSOPInstanceUID = f"{ROOT}.9999.2.1000000"
    return Object(str(dataset.SOPInstanceUID), encoded(dataset))


def _own(one: Object, number: int) -> Object:
    """The same with another UID of the same length, in the command and in the data set."""
    uid = f"{one.uid[:-7].rstrip('.')}.{number:06d}"[: len(one.uid)].ljust(len(one.uid), "7")
    return Object(uid, one.data.replace(one.uid.encode(), uid.encode()), one.sop_class, one.syntax)


def _with(one: Object, data: bytes, **changes: str) -> Object:
    values = {"uid": one.uid, "sop_class": one.sop_class, "syntax": one.syntax} | changes
    return Object(data=data, **values)


# --- damage to any object -----------------------------------------------------------------------------
def flip_bits(one: Object, chance: Chance) -> Object:
    data = bytearray(one.data)
    for _ in range(chance.randint(1, 40)):
        data[chance.randrange(len(data))] ^= 1 << chance.randrange(8)
    return _with(one, bytes(data))


def truncate(one: Object, chance: Chance) -> Object:
    return _with(one, one.data[: chance.randrange(len(one.data))])


def lie_about_a_length(one: Object, chance: Chance) -> Object:
    data = bytearray(one.data)
    at = 2 * chance.randrange(len(data) // 2 - 4)
    data[at : at + 4] = struct.pack("<I", chance.choice([0xFFFFFFFF, 0xFFFFFFFE, 0x7FFFFFFF, 65_000, 0]))
    return _with(one, bytes(data))


def swap_pieces(one: Object, chance: Chance) -> Object:
    first, second = sorted(chance.sample(range(len(one.data)), 2))
    return _with(one, one.data[second:] + one.data[first:second] + one.data[:first])


def repeat_a_piece(one: Object, chance: Chance) -> Object:
    start = chance.randrange(len(one.data))
    return _with(one, one.data[:start] + one.data[start : start + 200] * 50 + one.data[start:])


def say_another_class(one: Object, _chance: Chance) -> Object:
    """The object stays of its class; a context for the other one is negotiated."""
    return _with(one, one.data, sop_class=SECONDARY_CAPTURE if one.sop_class == CT else CT, syntax=EXPLICIT)


def say_another_syntax(one: Object, _chance: Chance) -> Object:
    return _with(one, one.data, syntax=IMPLICIT if one.syntax != IMPLICIT else EXPLICIT)


def say_it_is_deflated(one: Object, _chance: Chance) -> Object:
    return _with(one, one.data, syntax=str(DeflatedExplicitVRLittleEndian))


DAMAGES: list[Callable[[Object, Chance], Object]] = [
    flip_bits,
    flip_bits,
    flip_bits,
    truncate,
    truncate,
    lie_about_a_length,
    lie_about_a_length,
    swap_pieces,
    repeat_a_piece,
    say_another_class,
    say_another_syntax,
    say_it_is_deflated,
]


# --- crafted ones, in Explicit VR Little Endian -------------------------------------------------------
def _replaced(one: Object, tag_and_vr: bytes, value: bytes, vr: bytes = b"") -> Object:
    """``value`` in place of the element's own, whatever its length."""
    start = one.data.index(tag_and_vr)
    (length,) = struct.unpack_from("<H", one.data, start + 6)
    element = tag_and_vr[:4] + (vr or tag_and_vr[4:]) + struct.pack("<H", len(value)) + value
    return _with(one, one.data[:start] + element + one.data[start + 8 + length :])


def _before_pixels(one: Object, elements: bytes) -> Object:
    at = one.data.index(b"\xe0\x7f\x10\x00")
    return _with(one, one.data[:at] + elements + one.data[at:])


def path_as_study(one: Object, _chance: Chance) -> Object:
    return _replaced(one, _STUDY, b"../../../../x\0")


def path_as_series(one: Object, _chance: Chance) -> Object:
    return _replaced(one, _SERIES, b"..\\..\\x\0")


def path_as_instance(one: Object, _chance: Chance) -> Object:
    changed = _replaced(one, b"\x08\x00\x18\x00UI", b"../../x\0")
    return _with(changed, changed.data, uid="../../x")


def nul_in_a_name(one: Object, _chance: Chance) -> Object:
    return _replaced(one, _NAME, b"No\0body^\0\0")


def nul_in_a_number(one: Object, _chance: Chance) -> Object:
    return _replaced(one, _ID, b"A\0\0B")


def endless_name(one: Object, _chance: Chance) -> Object:
    return _replaced(one, _NAME, b"N" * 5000)


def endless_number(one: Object, _chance: Chance) -> Object:
    return _replaced(one, _ID, b"9" * 5000)


def odd_length(one: Object, _chance: Chance) -> Object:
    return _replaced(one, _NAME, b"Odd")


def unknown_vr(one: Object, chance: Chance) -> Object:
    return _replaced(one, _ID, b"HOSTILE1", vr=chance.choice([b"ZZ", b"\0\0", b"??", b"UN", b"SQ"]))


def private_vrs(one: Object, chance: Chance) -> Object:
    creator = b"\x09\x00\x10\x00LO\x08\x00NOBODY 1"
    odd = b"\x09\x00\x01\x10QQ" + struct.pack("<H", 6) + chance.randbytes(6)
    at = one.data.index(b"\x10\x00\x10\x00")
    return _with(one, one.data[:at] + creator + odd + one.data[at:])


def deep_sequences(one: Object, _chance: Chance) -> Object:
    opened = b"\x40\x00\x75\x02SQ\0\0\xff\xff\xff\xff\xfe\xff\x00\xe0\xff\xff\xff\xff"
    return _before_pixels(one, opened * 10_000)


def deep_sequences_that_end(one: Object, _chance: Chance) -> Object:
    opened = b"\x40\x00\x75\x02SQ\0\0\xff\xff\xff\xff\xfe\xff\x00\xe0\xff\xff\xff\xff"
    closed = b"\xfe\xff\x0d\xe0\0\0\0\0\xfe\xff\xdd\xe0\0\0\0\0"
    return _before_pixels(one, opened * 10_000 + closed * 10_000)


def enormous_picture(one: Object, _chance: Chance) -> Object:
    data = bytearray(one.data)
    for tag in (b"\x28\x00\x10\x00US\x02\x00", b"\x28\x00\x11\x00US\x02\x00"):
        at = data.index(tag) + 8
        data[at : at + 2] = b"\xff\xff"
    return _with(one, bytes(data))


def many_frames(one: Object, _chance: Chance) -> Object:
    at = one.data.index(b"\x28\x00\x10\x00US")
    frames = b"\x28\x00\x08\x00IS" + struct.pack("<H", 10) + b"2147483647"
    return _with(one, one.data[:at] + frames + one.data[at:])


def nothing(one: Object, _chance: Chance) -> Object:
    return _with(one, b"")


def a_web_page(one: Object, _chance: Chance) -> Object:
    return _with(one, b"GET / HTTP/1.1\r\nHost: pacs\r\n\r\n")


def noise(one: Object, chance: Chance) -> Object:
    return _with(one, chance.randbytes(chance.randrange(2, 5000)))


CRAFTED: list[Callable[[Object, Chance], Object]] = [
    path_as_study,
    path_as_series,
    path_as_instance,
    nul_in_a_name,
    nul_in_a_number,
    endless_name,
    endless_number,
    odd_length,
    unknown_vr,
    private_vrs,
    deep_sequences,
    deep_sequences_that_end,
    enormous_picture,
    many_frames,
    nothing,
    a_web_page,
    noise,
]


# --- bombs --------------------------------------------------------------------------------------------
def _squeezed_zeros() -> bytes:
    """16 MB of zeros that may follow anything deflated."""
    squeeze = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)
    return squeeze.compress(bytes(_ZEROS)) + squeeze.flush(zlib.Z_FULL_FLUSH)


def _bomb(one: Object, zeros: bytes) -> Object:
    """Two megabytes that become two gigabytes of pixels."""
    start = one.data[: one.data.index(b"\xe0\x7f\x10\x00")] + b"\xe0\x7f\x10\x00OW\0\0\0\0\0\x7f"
    squeeze = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)
    head = squeeze.compress(start) + squeeze.flush(zlib.Z_FULL_FLUSH)
    return _with(one, head + zeros * 128 + b"\x03\x00", syntax=str(DeflatedExplicitVRLittleEndian))
