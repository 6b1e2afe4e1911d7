"""Ultrasound objects (PS3.3 A.6 and A.7), all calibrated: a clip in JPEG, stills, a colour Doppler still."""

from io import BytesIO

import numpy as np
from PIL import Image, ImageDraw
from pydicom.dataset import Dataset
from pydicom.encaps import encapsulate
from pydicom.uid import UID, JPEGBaseline8Bit, UltrasoundImageStorage, UltrasoundMultiFrameImageStorage

from clinic.demo.images.identity import StudyIdentity, new_object
from clinic.demo.images.painting import Picture, smoothstep, soft_noise
from clinic.demo.images.sonography import CURVED, FULL_SIZE, STRAIGHT, Scanner, screen
from clinic.demo.images.tissues import fetal_head, from_artery, liver_and_kidney, neck_artery

CENTIMETRES = 3  # PS3.3 C.8.5.5.1.4: unit code of the physical deltas
TISSUE, COLOUR_FLOW = 1, 2
FRAME_TIME = 50.0  # milliseconds
SETTINGS = ("C5-2  3.5 MHz", "FR 20 Hz  D 15.5 cm", "MI 0.9  TIs 0.3")
SCENES = {
    "abdomen": (liver_and_kidney, "Liver and right kidney", "ABDOMINAL", "ABDOMEN"),
    "fetus": (fetal_head, "Fetal head", "OBSTETRICAL", "HEAD"),
}


def ultrasound_clip(
    identity: StudyIdentity,
    *,
    seed: int = 1,
    frames: int = 40,
    rows: int = FULL_SIZE[0],
    columns: int = FULL_SIZE[1],
    scene: str = "abdomen",
) -> list[Dataset]:
    """One multi-frame object, one breath long, JPEG Baseline; `scene` is abdomen or fetus."""
    rng = np.random.default_rng(seed)
    tissue, title, *kind = SCENES[scene]
    scanner = Scanner(CURVED, rows, columns, rng)
    pictures = []
    for number in range(frames):
        grey = scanner.picture(tissue, number / frames)
        pictures.append(
            screen(scanner, grey, (title, "C5-2  3.5 MHz", "FR 20 Hz  D 15.5 cm", "MI 0.9  TIs 0.3"))
        )
    ds = _object(
        identity, UltrasoundMultiFrameImageStorage, scanner, kind, series=f"us clip/{scene}/{seed}/{frames}"
    )
    ds.SeriesDescription = title
    ds.NumberOfFrames = frames
    ds.FrameTime = f"{FRAME_TIME:.1f}"
    ds.FrameIncrementPointer = 0x00181063
    ds.CineRate = ds.RecommendedDisplayFrameRate = str(round(1000 / FRAME_TIME))
    encoded = [_jpeg(picture) for picture in pictures]
    ds.PhotometricInterpretation = "YBR_FULL_422"
    ds.LossyImageCompression = "01"
    ds.LossyImageCompressionRatio = f"{rows * columns * 3 * frames / sum(map(len, encoded)):.2f}"
    ds.LossyImageCompressionMethod = "ISO_10918_1"
    ds.PixelData = encapsulate(encoded)
    ds["PixelData"].is_undefined_length = True
    ds.file_meta.TransferSyntaxUID = JPEGBaseline8Bit
    return [ds]


def ultrasound_still(
    identity: StudyIdentity,
    *,
    seed: int = 1,
    rows: int = FULL_SIZE[0],
    columns: int = FULL_SIZE[1],
    scene: str = "abdomen",
    time: float = 0.0,
    number: int = 1,
) -> list[Dataset]:
    """One still of the clip's scene at a moment of the breath, RGB, not compressed."""
    rng = np.random.default_rng(seed)
    tissue, title, *kind = SCENES[scene]
    scanner = Scanner(CURVED, rows, columns, rng)
    image = screen(
        scanner, scanner.picture(tissue, time), (title, "C5-2  3.5 MHz", "D 15.5 cm", "MI 0.9  TIs 0.3")
    )
    ds = _object(
        identity, UltrasoundImageStorage, scanner, kind, series=f"us still/{scene}/{seed}", number=number
    )
    ds.SeriesDescription = title
    _put_rgb(ds, image)
    return [ds]


def doppler_still(
    identity: StudyIdentity, *, seed: int = 1, rows: int = FULL_SIZE[0], columns: int = FULL_SIZE[1]
) -> list[Dataset]:
    """A colour Doppler still of a neck artery: RGB, with a second region for the flow."""
    rng = np.random.default_rng(seed)
    scanner = Scanner(STRAIGHT, rows, columns, rng)
    texts = ("Carotid artery, right", "L12-4  9.0 MHz", "D 4.0 cm", "PRF 2.5 kHz")
    image = screen(scanner, scanner.picture(neck_artery, 0.0, gain=-2), texts)
    image, box = _with_flow(image, scanner, rng)
    ds = _object(identity, UltrasoundImageStorage, scanner, ["VASCULAR", "NECK"], series=f"us doppler/{seed}")
    ds.SeriesDescription = "Carotid artery, colour Doppler"
    ds.UltrasoundColorDataPresent = 1
    ds.SequenceOfUltrasoundRegions.append(_region(scanner, COLOUR_FLOW, box))
    _put_rgb(ds, image)
    return [ds]


def _with_flow(
    image: Image.Image, scanner: Scanner, rng: np.random.Generator
) -> tuple[Image.Image, tuple[int, int, int, int]]:
    """Lay flow towards (red) and away from the probe (blue) over a slanted box."""
    down, across = np.mgrid[0 : scanner.rows, 0 : scanner.columns].astype(np.float32)
    x, z = (across - scanner.left) * scanner.pixel, (down - scanner.top) * scanner.pixel
    slant = x + 0.32 * (z - 19)
    box = (np.abs(slant) < 11.5) & (z > 11) & (z < 29)
    lumen = from_artery(x, z)
    speed = np.clip(1 - lumen**2, 0, None) * (0.82 - 0.3 * smoothstep(x, 4, 12))
    swirl = smoothstep(ellipse_like(x, lumen), 1.0, 0.5)
    speed = speed * (1 - 1.5 * swirl) + 0.05 * soft_noise(rng, (scanner.rows, scanner.columns), 3)
    shown = box & (np.abs(lumen) < 0.97) & (np.abs(speed) > 0.09)
    red = np.stack([110 + 145 * speed, 25 + 200 * np.clip(speed - 0.35, 0, 1), 12 + 0 * speed], axis=-1)
    blue = np.stack([12 + 0 * speed, 25 + 220 * np.clip(-speed - 0.2, 0, 1), 110 - 145 * speed], axis=-1)
    pixels = np.array(image)
    colour = np.clip(np.where(speed[..., None] > 0, red, blue), 0, 255).astype(np.uint8)
    pixels[shown] = colour[shown]
    framed = Image.fromarray(pixels)
    draw = ImageDraw.Draw(framed)
    corners = [
        (side * 11.5 - 0.32 * (depth - 19), depth) for side, depth in ((-1, 11), (1, 11), (1, 29), (-1, 29))
    ]
    line = [(scanner.left + cx / scanner.pixel, scanner.top + cz / scanner.pixel) for cx, cz in corners]
    draw.line([*line, line[0]], fill=(225, 225, 225))
    for k in range(60):
        level = 1 - k / 30
        shade = (round(110 + 145 * level), round(200 * max(0, level - 0.35)), 12)
        if level < 0:
            shade = (12, round(220 * max(0, -level - 0.2)), round(110 - 145 * level))
        y = scanner.rows * 0.68 + k * scanner.rows / 480
        draw.line((6, y, 13, y), fill=shade)
    xs, ys = [p[0] for p in line], [p[1] for p in line]
    return framed, (int(min(xs)), int(min(ys)), int(max(xs)), int(max(ys)))


def ellipse_like(x: Picture, lumen: Picture) -> Picture:
    """A slow eddy in the bulb, opposite the flow divider."""
    return (((x - 9) / 3.4) ** 2 + ((lumen - 0.62) / 0.34) ** 2).astype(np.float32)


def _object(
    identity: StudyIdentity,
    sop_class: UID,
    scanner: Scanner,
    kind: list[str],
    *,
    series: str,
    number: int = 1,
) -> Dataset:
    ds = new_object(identity, sop_class=sop_class, modality="US", series=series, number=number)
    ds.SeriesNumber = 1
    ds.PatientOrientation = ""
    ds.ImageType = ["ORIGINAL", "PRIMARY", kind[0], "0001"]
    ds.BodyPartExamined = kind[1]
    ds.SamplesPerPixel = 3
    ds.PlanarConfiguration = 0
    ds.Rows, ds.Columns = scanner.rows, scanner.columns
    ds.BitsAllocated, ds.BitsStored, ds.HighBit, ds.PixelRepresentation = 8, 8, 7, 0
    ds.BurnedInAnnotation = "NO"
    ds.UltrasoundColorDataPresent = 0
    ds.TransducerData = ["C5-2" if scanner.probe.curve else "L12-4", "", ""]
    rows, columns = np.nonzero(scanner.inside)
    box = (int(columns.min()), int(rows.min()), int(columns.max()), int(rows.max()))
    ds.SequenceOfUltrasoundRegions = [_region(scanner, TISSUE, box)]
    return ds


def _region(scanner: Scanner, data_type: int, box: tuple[int, int, int, int]) -> Dataset:
    """Calibration of a part of the screen (PS3.3 C.8.5.5)."""
    region = Dataset()
    region.RegionSpatialFormat = 1
    region.RegionDataType = data_type
    region.RegionFlags = 0
    region.RegionLocationMinX0, region.RegionLocationMinY0 = box[:2]
    region.RegionLocationMaxX1, region.RegionLocationMaxY1 = box[2:]
    region.ReferencePixelX0 = round(scanner.left) - box[0]
    region.ReferencePixelY0 = scanner.top - box[1]
    region.PhysicalUnitsXDirection = region.PhysicalUnitsYDirection = CENTIMETRES
    region.ReferencePixelPhysicalValueX = region.ReferencePixelPhysicalValueY = 0.0
    region.PhysicalDeltaX = region.PhysicalDeltaY = scanner.pixel / 10
    region.TransducerFrequency = 3500 if scanner.probe.curve else 9000
    return region


def _put_rgb(ds: Dataset, image: Image.Image) -> None:
    ds.PhotometricInterpretation = "RGB"
    ds.LossyImageCompression = "00"
    ds.PixelData = np.asarray(image, dtype=np.uint8).tobytes()
    ds["PixelData"].VR = "OB"


def _jpeg(image: Image.Image) -> bytes:
    out = BytesIO()
    image.save(out, "JPEG", quality=88, subsampling="4:2:2")
    return out.getvalue()
