"""Pictures look as the file means them: what is bright, what is dark, what is coloured."""

import io

import numpy
import pytest
from PIL import Image
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence
from pydicom.uid import ExplicitVRLittleEndian, RLELossless

from imaging.dicomfile.picture import draw_frame
from imaging.dicomfile.problems import NoPicture

RAMP = numpy.tile(numpy.arange(0, 4096, 64, dtype=numpy.uint16), (64, 1))  # dark left, bright right


def image(pixels: numpy.ndarray = RAMP, **attributes) -> tuple[Dataset, bytes]:
    dataset = Dataset()
    dataset.Rows, dataset.Columns = pixels.shape[:2]
    dataset.SamplesPerPixel = 1 if pixels.ndim == 2 else 3
    dataset.PhotometricInterpretation = "MONOCHROME2" if pixels.ndim == 2 else "RGB"
    dataset.BitsAllocated = dataset.BitsStored = pixels.dtype.itemsize * 8
    dataset.PixelRepresentation = 1 if pixels.dtype.kind == "i" else 0
    if pixels.ndim == 3:
        dataset.PlanarConfiguration = 0
    for name, value in attributes.items():
        setattr(dataset, name, value)
    return dataset, pixels.tobytes()


def drawn(dataset: Dataset, data: bytes, *, edge: int = 0, number: int = 1, window=None) -> numpy.ndarray:
    jpeg = draw_frame(
        dataset,
        data,
        syntax=str(ExplicitVRLittleEndian),
        keyword="PixelData",
        number=number,
        edge=edge,
        quality=95,
        window=window,
    )
    return numpy.asarray(Image.open(io.BytesIO(jpeg))).astype(int)


def near(value: int, expected: int) -> bool:
    return abs(value - expected) <= 4


def test_a_window_maps_its_lower_end_to_black_and_its_upper_to_white():
    shown = drawn(*image(WindowCenter=2048, WindowWidth=2048))

    row = shown[32]
    assert (row[:14].max() <= 4, row[-14:].min() >= 251) == (True, True)
    assert near(row[32], 128)


def test_monochrome1_is_inverted():
    plain = drawn(*image(WindowCenter=2048, WindowWidth=4096))
    inverted = drawn(*image(WindowCenter=2048, WindowWidth=4096, PhotometricInterpretation="MONOCHROME1"))

    assert numpy.abs(plain + inverted - 255).max() <= 6
    assert inverted[32, 0] > 250


def test_signed_values_and_the_rescale_come_before_the_window():
    pixels = (RAMP.astype(numpy.int32) - 2048).astype(numpy.int16)

    shown = drawn(
        *image(pixels, RescaleSlope=2, RescaleIntercept=-1000, WindowCenter=-1000, WindowWidth=4096)
    )

    assert near(shown[32, 32], 128)
    assert shown[32, 8] == 0 or shown[32, 8] < 4


def test_without_a_window_the_values_that_are_there_fill_the_range():
    shown = drawn(*image(RAMP // 8 + 1000))

    assert (shown.min() < 6, shown.max() > 249) == (True, True)


def test_eight_bits_without_a_window_are_shown_as_they_are():
    shown = drawn(*image(numpy.full((64, 64), 40, numpy.uint8)))

    assert near(shown.mean(), 40)


def test_padding_is_black_and_does_not_stretch_the_range():
    pixels = RAMP.astype(numpy.int16) // 16 + 1000
    pixels[:, :8] = -32768

    shown = drawn(*image(pixels, PixelPaddingValue=-32768))

    assert shown[32, :6].max() < 16
    assert near(shown[32, 60], 240) or shown[32, 60] > 235


def test_a_voi_table_is_used_when_there_is_no_window():
    table = Dataset()
    table.LUTDescriptor = [4096, 0, 8]
    table.LUTData = [255] * 2048 + [0] * 2048
    dataset, data = image(VOILUTSequence=Sequence([table]))
    dataset.VOILUTSequence[0]["LUTDescriptor"].VR = "US"
    dataset.VOILUTSequence[0]["LUTData"].VR = "US"

    shown = drawn(dataset, data)

    assert (shown[32, 8] > 250, shown[32, 56] < 5) == (True, True)


@pytest.mark.parametrize(("function", "expected"), [("LINEAR_EXACT", 64), ("SIGMOID", 69)])
def test_other_voi_functions(function, expected):
    dataset, data = image(WindowCenter=2048, WindowWidth=4096, VOILUTFunction=function)

    shown = drawn(dataset, data)

    assert near(shown[32, 16], expected if function == "LINEAR_EXACT" else 69)
    assert near(shown[32, 32], 128)


def test_colours_stay():
    pixels = numpy.zeros((64, 64, 3), numpy.uint8)
    pixels[:, :32] = (200, 30, 30)
    pixels[:, 32:] = (30, 30, 200)

    shown = drawn(*image(pixels))

    assert near(shown[32, 10, 0], 200)
    assert near(shown[32, 54, 2], 200)


def test_a_palette_gives_colours():
    dataset, data = image(numpy.tile(numpy.array([0, 1], numpy.uint8), (64, 32)).copy())
    dataset.PhotometricInterpretation = "PALETTE COLOR"
    for colour, values in {"Red": (0, 65535), "Green": (0, 0), "Blue": (65535, 0)}.items():
        setattr(dataset, f"{colour}PaletteColorLookupTableDescriptor", [2, 0, 16])
        setattr(
            dataset,
            f"{colour}PaletteColorLookupTableData",
            numpy.array(values, numpy.uint16).tobytes(),
        )

    shown = drawn(dataset, data)

    assert shown[..., 0].mean() > 100
    assert shown[..., 1].mean() < 40


def test_the_window_of_a_frame_comes_from_its_functional_group():
    def group(centre: float) -> Dataset:
        voi = Dataset()
        voi.WindowCenter, voi.WindowWidth = centre, 10
        item = Dataset()
        item.FrameVOILUTSequence = Sequence([voi])
        return item

    dataset, data = image(PerFrameFunctionalGroupsSequence=Sequence([group(-500), group(9000)]))

    assert drawn(dataset, data, number=1).min() > 250
    assert drawn(dataset, data, number=2).max() < 5


def test_a_window_that_is_asked_for_wins():
    dataset, data = image(WindowCenter=-5000, WindowWidth=10)

    shown = drawn(dataset, data, window=(2048, 4096))

    assert near(shown[32, 32], 128)


def test_a_small_picture_keeps_the_shape_of_square_pixels():
    dataset, data = image(RAMP, PixelSpacing=[2, 1])

    shown = drawn(dataset, data, edge=32)

    assert shown.shape == (32, 16)


@pytest.mark.parametrize("syntax", ["1.2.840.10008.1.2.4.102", "1.2.3.4"])
def test_a_missing_decoder_is_said(syntax):
    dataset, data = image()

    with pytest.raises(NoPicture, match="no_decoder"):
        draw_frame(dataset, data, syntax=syntax, keyword="PixelData", number=1, edge=64, quality=80)


def test_damaged_pixels_are_said():
    dataset, _data = image()

    with pytest.raises(NoPicture, match="cannot_decode"):
        draw_frame(
            dataset, b"garbage!", syntax=str(RLELossless), keyword="PixelData", number=1, edge=64, quality=80
        )
