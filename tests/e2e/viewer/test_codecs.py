"""Each compression, from the stored file through DICOMweb and the decoding worker, against pydicom."""

import base64
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from pydicom.dataset import Dataset
from pydicom.filereader import dcmread
from pydicom.pixels import pixel_array

from imaging.models import Instance
from tests.e2e.phantoms import wedge
from tests.e2e.viewer.page import BUNDLE, MARKS, a_study
from tests.imaging.sender import PYDICOM_FILES, receive_file

pytestmark = MARKS

FILES = [
    "MR_small.dcm",
    "MR_small_RLE.dcm",
    "SC_rgb_rle_16bit.dcm",
    "MR_small_jp2klossless.dcm",
    "J2K_pixelrep_mismatch.dcm",
    "693_J2KI.dcm",
    "GDCMJ2K_TextGBR.dcm",
    "MR_small_jpeg_ls_lossless.dcm",
    "SC_rgb_jpeg_gdcm.dcm",
    "SC_rgb_jpeg_dcmtk.dcm",
    "SC_jpeg_no_color_transform.dcm",
    "SC_ybr_full_422_uncompressed.dcm",
]

DECODE = """async ({ worker, address, spec }) => {
  const answer = await fetch(address, { headers: { Accept: 'application/octet-stream; transfer-syntax=*' } });
  const transferSyntax = /transfer-syntax=([\\d.]+)/.exec(answer.headers.get('Content-Type'))[1];
  const bytes = new Uint8Array(await answer.arrayBuffer());
  window.decoder ??= new Worker(worker, { type: 'module' });
  const done = new Promise((resolve) => { window.decoder.onmessage = ({ data }) => resolve(data); });
  window.decoder.postMessage({ job: 1, bytes, spec, transferSyntax });
  const { decoded, problem } = await done;
  if (problem) return { problem: JSON.stringify(problem) };
  const { buffer, byteOffset, byteLength } = decoded.data;
  let text = '';
  for (const byte of new Uint8Array(buffer, byteOffset, byteLength)) text += String.fromCharCode(byte);
  return { type: decoded.data.constructor.name, colour: decoded.isColour, data: btoa(text) };
}"""
TYPES = {
    "Uint8Array": np.uint8,
    "Uint8ClampedArray": np.uint8,
    "Uint16Array": np.uint16,
    "Int16Array": np.int16,
}


def described(ds: Dataset, syntax: str) -> dict[str, Any]:
    return {
        "rows": ds.Rows,
        "columns": ds.Columns,
        "samples": ds.SamplesPerPixel,
        "photometric": ds.PhotometricInterpretation,
        "planar": ds.get("PlanarConfiguration", 0),
        "bitsAllocated": ds.BitsAllocated,
        "bitsStored": ds.BitsStored,
        "highBit": ds.HighBit,
        "signed": ds.PixelRepresentation == 1,
        "transferSyntax": syntax,
    }


def expected(name: str, ds: Dataset) -> np.ndarray:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # pydicom on what is odd in these files
        values = pixel_array(PYDICOM_FILES / name, index=0)
    return values >> max(0, ds.BitsStored - 8) if ds.SamplesPerPixel == 3 else values


def read(answer: dict[str, Any], ds: Dataset) -> np.ndarray:
    values = np.frombuffer(base64.b64decode(answer["data"]), TYPES[answer["type"]])
    if answer["colour"]:
        return values.reshape(ds.Rows, ds.Columns, 4)[..., :3]
    return values.reshape(ds.Rows, ds.Columns)


@pytest.mark.parametrize("name", FILES)
def test_decoded_values_are_those_of_pydicom(make_viewer: Callable, name: str) -> None:
    instance: Instance = receive_file(f"test_files/{name}")
    ds = dcmread(PYDICOM_FILES / f"test_files/{name}", stop_before_pixels=True)
    viewer = make_viewer().open(a_study(wedge))
    series = instance.series
    address = (
        f"{viewer.base}/dicom-web/studies/{series.study.study_instance_uid}"
        f"/series/{series.series_instance_uid}/instances/{instance.sop_instance_uid}/frames/1"
    )
    (worker,) = BUNDLE.parent.glob("decode-*.js")

    answer = viewer.page.evaluate(
        DECODE,
        {
            "worker": f"{viewer.base}/static/build/viewer/{worker.name}",
            "address": address,
            "spec": described(ds, instance.transfer_syntax_uid),
        },
    )

    assert "problem" not in answer, answer["problem"]
    difference = read(answer, ds).astype(int) - expected(f"test_files/{name}", ds).astype(int)
    assert np.abs(difference).max() == 0
