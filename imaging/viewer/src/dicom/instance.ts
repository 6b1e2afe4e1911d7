/** One SOP instance and its frames, read from DICOM JSON. Nothing here touches the page or the network. */

import { bytes, items, number, numbers, text, texts, values, type Dataset } from './json.ts';
import { readCalibration, type Calibration } from './spacing.ts';
import { TAG } from './tags.ts';
import { isLossySyntax } from './transfer.ts';

export interface PixelSpec {
  rows: number;
  columns: number;
  samples: number;
  photometric: string;
  planar: number;
  bitsAllocated: number;
  bitsStored: number;
  highBit: number;
  signed: boolean;
  transferSyntax: string;
}

/** A look-up table as stored: `data` are its entries, or where to fetch them. */
export interface Table {
  entries: number;
  first: number;
  bits: number;
  data: number[] | Uint8Array | string | undefined;
  explanation: string;
}

export interface Palette {
  red: Table;
  green: Table;
  blue: Table;
  segmented: boolean;
}

export interface VoiWindow {
  center: number;
  width: number;
  explanation: string;
}

export type VoiFunction = 'LINEAR' | 'LINEAR_EXACT' | 'SIGMOID';

/** What holds for one frame: per-frame functional groups before shared ones before the instance itself. */
export interface FrameValues {
  slope: number;
  intercept: number;
  unit: string;
  modalityTable?: Table;
  windows: VoiWindow[];
  voiTables: Table[];
  voiFunction: VoiFunction;
  position?: number[];
  orientation?: number[];
  patientOrientation: string[];
  frameOfReference: string;
  laterality: string;
  thickness?: number;
  location?: number;
  calibration: Calibration;
  lossyRatio?: number;
  isLossy: boolean;
}

export interface Instance {
  uid: string;
  sopClass: string;
  studyUid: string;
  seriesUid: string;
  number?: number;
  modality: string;
  hasPixels: boolean;
  frames: number;
  pixel: PixelSpec;
  palette?: Palette;
  padding?: [number, number];
  frameRate?: number;
  dataset: Dataset;
}

export function readInstance(dataset: Dataset): Instance {
  const rows = number(dataset, TAG.Rows) ?? 0;
  const columns = number(dataset, TAG.Columns) ?? 0;
  const bitsAllocated = number(dataset, TAG.BitsAllocated) ?? 8;
  const bitsStored = number(dataset, TAG.BitsStored) ?? bitsAllocated;
  const photometric = text(dataset, TAG.PhotometricInterpretation).toUpperCase();
  return {
    uid: text(dataset, TAG.SOPInstanceUID),
    sopClass: text(dataset, TAG.SOPClassUID),
    studyUid: text(dataset, TAG.StudyInstanceUID),
    seriesUid: text(dataset, TAG.SeriesInstanceUID),
    number: number(dataset, TAG.InstanceNumber),
    modality: text(dataset, TAG.Modality),
    hasPixels: rows > 0 && columns > 0 && photometric !== '',
    frames: Math.max(1, number(dataset, TAG.NumberOfFrames) ?? 1),
    pixel: {
      rows,
      columns,
      samples: number(dataset, TAG.SamplesPerPixel) ?? 1,
      photometric,
      planar: number(dataset, TAG.PlanarConfiguration) ?? 0,
      bitsAllocated,
      bitsStored,
      highBit: number(dataset, TAG.HighBit) ?? bitsStored - 1,
      signed: number(dataset, TAG.PixelRepresentation) === 1,
      transferSyntax: text(dataset, TAG.AvailableTransferSyntaxUID),
    },
    palette: photometric === 'PALETTE COLOR' ? readPalette(dataset) : undefined,
    padding: readPadding(dataset),
    frameRate: readFrameRate(dataset),
    dataset,
  };
}

function readPadding(dataset: Dataset): [number, number] | undefined {
  const value = number(dataset, TAG.PixelPaddingValue);
  if (value === undefined) return undefined;
  const limit = number(dataset, TAG.PixelPaddingRangeLimit) ?? value;
  return [Math.min(value, limit), Math.max(value, limit)];
}

/** Frames per second as the file wants them shown (PS3.3 C.7.6.5), undefined when it does not say. */
function readFrameRate(dataset: Dataset): number | undefined {
  const rate = number(dataset, TAG.RecommendedDisplayFrameRate) ?? number(dataset, TAG.CineRate);
  if (rate && rate > 0) return rate;
  const time = number(dataset, TAG.FrameTime);
  if (time && time > 0) return 1000 / time;
  const steps = (numbers(dataset, TAG.FrameTimeVector, 2) ?? []).slice(1).filter((step) => step > 0);
  if (steps.length === 0) return undefined;
  return 1000 / (steps.reduce((sum, step) => sum + step, 0) / steps.length);
}

/** A descriptor is entries (0 stands for 65536), first value mapped, bits per entry. */
export function readTable(dataset: Dataset, descriptorTag: string, dataTag: string, signed: boolean): Table | undefined {
  const descriptor = numbers(dataset, descriptorTag, 3);
  if (!descriptor) return undefined;
  const listed = values(dataset, dataTag).map(Number);
  const first = signed && descriptor[1] > 32767 ? descriptor[1] - 65536 : descriptor[1];
  return {
    entries: descriptor[0] === 0 ? 65536 : descriptor[0],
    first,
    bits: descriptor[2],
    data: listed.length > 0 ? listed : bytes(dataset, dataTag),
    explanation: text(dataset, TAG.LUTExplanation),
  };
}

function readPalette(dataset: Dataset): Palette | undefined {
  const segmented = dataset[TAG.SegmentedRedPaletteData] !== undefined;
  const red = readTable(dataset, TAG.RedPaletteDescriptor, segmented ? TAG.SegmentedRedPaletteData : TAG.RedPaletteData, false);
  const green = readTable(
    dataset,
    TAG.GreenPaletteDescriptor,
    segmented ? TAG.SegmentedGreenPaletteData : TAG.GreenPaletteData,
    false,
  );
  const blue = readTable(dataset, TAG.BluePaletteDescriptor, segmented ? TAG.SegmentedBluePaletteData : TAG.BluePaletteData, false);
  return red && green && blue ? { red, green, blue, segmented } : undefined;
}

/** The groups that hold for a frame, nearest first: its own, the shared ones, the instance. */
class Groups {
  private readonly own?: Dataset;
  private readonly shared?: Dataset;

  constructor(
    private readonly dataset: Dataset,
    frame: number,
  ) {
    this.own = items(dataset, TAG.PerFrameFunctionalGroups)[frame - 1];
    this.shared = items(dataset, TAG.SharedFunctionalGroups)[0];
  }

  find(sequence: string): Dataset {
    return (this.own && items(this.own, sequence)[0]) ?? (this.shared && items(this.shared, sequence)[0]) ?? this.dataset;
  }
}

export function readFrame(instance: Instance, frame: number): FrameValues {
  const { dataset, modality, pixel } = instance;
  const groups = new Groups(dataset, frame);
  const transformation = groups.find(TAG.PixelValueTransformationSequence);
  const voi = groups.find(TAG.FrameVOILUTSequence);
  const measures = groups.find(TAG.PixelMeasuresSequence);
  const table = items(dataset, TAG.ModalityLUTSequence)[0];
  const modalityTable = table && readTable(table, TAG.LUTDescriptor, TAG.LUTData, pixel.signed);
  const slope = number(transformation, TAG.RescaleSlope);
  const intercept = number(transformation, TAG.RescaleIntercept) ?? 0;
  const isRescaled = slope !== undefined && slope !== 0;
  const outputIsSigned = modalityTable ? false : pixel.signed || intercept < 0;
  return {
    slope: isRescaled ? slope : 1,
    intercept,
    unit: readUnit(dataset, transformation, table, modality, isRescaled),
    modalityTable,
    windows: readWindows(voi),
    voiTables: items(dataset, TAG.VOILUTSequence)
      .map((item) => readTable(item, TAG.LUTDescriptor, TAG.LUTData, outputIsSigned))
      .filter((item): item is Table => item !== undefined),
    voiFunction: readVoiFunction(voi),
    position: numbers(groups.find(TAG.PlanePositionSequence), TAG.ImagePositionPatient, 3),
    orientation: readOrientation(groups.find(TAG.PlaneOrientationSequence)),
    patientOrientation: texts(dataset, TAG.PatientOrientation),
    frameOfReference: text(dataset, TAG.FrameOfReferenceUID) || `series ${instance.seriesUid}`,
    laterality: readLaterality(dataset, groups),
    thickness: number(measures, TAG.SliceThickness),
    location: number(dataset, TAG.SliceLocation),
    calibration: readCalibration(dataset, measures),
    isLossy: text(dataset, TAG.LossyImageCompression) === '01' || isLossySyntax(pixel.transferSyntax),
    lossyRatio: lastNumber(dataset, TAG.LossyImageCompressionRatio),
  };
}

function readLaterality(dataset: Dataset, groups: Groups): string {
  const side =
    text(dataset, TAG.ImageLaterality) ||
    text(groups.find(TAG.FrameAnatomySequence), TAG.FrameLaterality) ||
    text(dataset, TAG.Laterality);
  return side === 'U' ? '' : side;
}

function lastNumber(dataset: Dataset, tag: string): number | undefined {
  return numbers(dataset, tag)?.at(-1);
}

function readWindows(voi: Dataset): VoiWindow[] {
  const centers = values(voi, TAG.WindowCenter).map((value) => Number(value ?? NaN));
  const widths = values(voi, TAG.WindowWidth).map((value) => Number(value ?? NaN));
  const names = texts(voi, TAG.WindowExplanation);
  return centers
    .map((center, index) => ({ center, width: widths[index] ?? NaN, explanation: names[index] ?? '' }))
    .filter((window) => Number.isFinite(window.center) && window.width > 0);
}

function readVoiFunction(voi: Dataset): VoiFunction {
  const name = text(voi, TAG.VOILUTFunction).toUpperCase();
  return name === 'SIGMOID' || name === 'LINEAR_EXACT' ? name : 'LINEAR';
}

/** Row and column direction cosines, only when they are two perpendicular unit vectors. */
function readOrientation(plane: Dataset): number[] | undefined {
  const cosines = numbers(plane, TAG.ImageOrientationPatient, 6);
  if (!cosines) return undefined;
  const [a, b, c, d, e, f] = cosines;
  const isUnit = Math.abs(Math.hypot(a, b, c) - 1) < 0.01 && Math.abs(Math.hypot(d, e, f) - 1) < 0.01;
  return isUnit && Math.abs(a * d + b * e + c * f) < 0.01 ? cosines : undefined;
}

/** What the values mean after the modality transformation; '' when the file does not say. */
function readUnit(
  dataset: Dataset,
  transformation: Dataset,
  table: Dataset | undefined,
  modality: string,
  isRescaled: boolean,
): string {
  const type = (table && text(table, TAG.ModalityLUTType)) || text(transformation, TAG.RescaleType);
  if (type && type !== 'US') return type;
  if (modality === 'CT' && isRescaled && type === '') return 'HU';
  return modality === 'PT' || modality === 'NM' ? text(dataset, TAG.Units) : '';
}
