/** Data sets for the tests, as the server would send them. */

import type { Dataset, Element } from '../src/dicom/json.ts';
import type { FrameValues, PixelSpec } from '../src/dicom/instance.ts';
import { TAG } from '../src/dicom/tags.ts';

export function el(vr: string, ...value: unknown[]): Element {
  return { vr, Value: value };
}

export function dataset(more: Dataset = {}): Dataset {
  return {
    [TAG.SOPInstanceUID]: el('UI', '1.2.3'),
    [TAG.SeriesInstanceUID]: el('UI', '1.2'),
    [TAG.StudyInstanceUID]: el('UI', '1'),
    [TAG.Modality]: el('CS', 'CT'),
    [TAG.Rows]: el('US', 4),
    [TAG.Columns]: el('US', 6),
    [TAG.SamplesPerPixel]: el('US', 1),
    [TAG.PhotometricInterpretation]: el('CS', 'MONOCHROME2'),
    [TAG.BitsAllocated]: el('US', 16),
    [TAG.BitsStored]: el('US', 12),
    [TAG.HighBit]: el('US', 11),
    [TAG.PixelRepresentation]: el('US', 0),
    [TAG.AvailableTransferSyntaxUID]: el('UI', '1.2.840.10008.1.2.1'),
    ...more,
  };
}

export function spec(more: Partial<PixelSpec> = {}): PixelSpec {
  return {
    rows: 2,
    columns: 3,
    samples: 1,
    photometric: 'MONOCHROME2',
    planar: 0,
    bitsAllocated: 16,
    bitsStored: 12,
    highBit: 11,
    signed: false,
    transferSyntax: '1.2.840.10008.1.2.1',
    ...more,
  };
}

export function values(more: Partial<FrameValues> = {}): FrameValues {
  return {
    slope: 1,
    intercept: 0,
    unit: '',
    windows: [],
    voiTables: [],
    voiFunction: 'LINEAR',
    patientOrientation: [],
    frameOfReference: '1.2.9',
    laterality: '',
    calibration: { kind: 'none', aspect: 1 },
    isLossy: false,
    ...more,
  };
}
