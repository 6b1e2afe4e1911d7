/** One stored frame to values: stored grey values, or RGBA bytes. Runs in the worker, and in node for tests. */

import type { PixelSpec } from '../dicom/instance.ts';
import { coding, syntaxName } from '../dicom/transfer.ts';
import type { Codecs } from './codecs.ts';
import { fullYbrToRgb, paletteToRgba, partialYbrToRgb, samplesToRgba, sharedChromaToRgba } from './colour.ts';
import { readNative, readRle, storedValues, valueRange, type Samples } from './native.ts';
import { Problem } from './problem.ts';
import type { PaletteBytes } from './table.ts';

export interface DecodeRequest {
  bytes: Uint8Array;
  spec: PixelSpec;
  /** What the server says it sent; the metadata may name another. */
  transferSyntax: string;
  palette?: PaletteBytes;
  padding?: [number, number];
}

export interface Decoded {
  isColour: boolean;
  /** Stored values of a grey image; RGBA of a colour one. */
  data: Samples | Uint8ClampedArray;
  rows: number;
  columns: number;
  low: number;
  high: number;
  /** The code stream ends without its end marker: a part may be missing. */
  isCut: boolean;
}

interface Unpacked {
  samples: Samples;
  /** Bits of a sample as the code stream says; 0 for samples as DICOM stores them. */
  precision: number;
  isPlanar: boolean;
  isRgb: boolean;
}

export async function decodeFrame(request: DecodeRequest, codecs: Codecs): Promise<Decoded> {
  const { spec, bytes, palette, padding } = request;
  if (bytes.length === 0) throw new Problem('empty');
  const unpacked = await unpack(request, codecs);
  const size = { rows: spec.rows, columns: spec.columns };
  const isCut = unpacked.precision > 0 && !hasEndMarker(bytes);
  if (spec.samples === 3) {
    return { ...size, isColour: true, data: toRgba(unpacked, spec), low: 0, high: 255, isCut };
  }
  if (spec.samples !== 1) throw new Problem('pixels_unknown', { samples: spec.samples });
  const samples = storedValues(unpacked.samples, spec, unpacked.precision);
  if (samples.length < spec.rows * spec.columns) {
    throw new Problem('data_short', { read: samples.length, needed: spec.rows * spec.columns });
  }
  if (spec.photometric === 'PALETTE COLOR') {
    if (!palette) throw new Problem('palette_missing');
    return { ...size, isColour: true, data: paletteToRgba(samples, palette), low: 0, high: 255, isCut };
  }
  const [low, high] = valueRange(samples, padding);
  return { ...size, isColour: false, data: samples, low, high, isCut };
}

async function unpack(request: DecodeRequest, codecs: Codecs): Promise<Unpacked> {
  const { spec, bytes, transferSyntax } = request;
  const native = { precision: 0, isRgb: false };
  switch (coding(transferSyntax)) {
    case 'little-endian':
      return { ...native, samples: readNative(bytes, spec, false), isPlanar: spec.planar === 1 };
    case 'big-endian':
      return { ...native, samples: readNative(bytes, spec, true), isPlanar: spec.planar === 1 };
    case 'rle':
      return { ...native, samples: readRle(bytes, spec), isPlanar: false };
    case undefined:
      throw new Problem('syntax_unknown', { syntax: syntaxName(transferSyntax) });
    default:
      return decompress(request, codecs);
  }
}

async function decompress({ spec, bytes, transferSyntax }: DecodeRequest, codecs: Codecs): Promise<Unpacked> {
  const image = await codecs(coding(transferSyntax)!, bytes, spec);
  if (image.columns !== spec.columns || image.rows !== spec.rows) {
    throw new Problem('size_differs', {
      read: `${image.columns} × ${image.rows}`,
      needed: `${spec.columns} × ${spec.rows}`,
    });
  }
  return { samples: image.samples, precision: image.precision, isPlanar: image.isPlanar, isRgb: image.isRgb };
}

function toRgba({ samples, isPlanar, isRgb, precision }: Unpacked, spec: PixelSpec): Uint8ClampedArray {
  const isShared = precision === 0 && spec.photometric.endsWith('_422') && samples.length < spec.rows * spec.columns * 3;
  const rgba = isShared ? sharedChromaToRgba(samples, spec) : samplesToRgba(samples, spec, isPlanar);
  if (isRgb) return rgba;
  if (spec.photometric === 'YBR_FULL' || spec.photometric === 'YBR_FULL_422') fullYbrToRgb(rgba);
  else if (spec.photometric.startsWith('YBR_PARTIAL')) partialYbrToRgb(rgba);
  else if (!['RGB', 'YBR_ICT', 'YBR_RCT'].includes(spec.photometric)) {
    throw new Problem('pixels_unknown', { photometric: spec.photometric });
  }
  return rgba;
}

/** JPEG, JPEG-LS and JPEG 2000 streams all end with FFD9, at most padded to an even length. */
function hasEndMarker(bytes: Uint8Array): boolean {
  const from = Math.max(0, bytes.length - 16);
  for (let at = bytes.length - 2; at >= from; at--) {
    if (bytes[at] === 0xff && bytes[at + 1] === 0xd9) return true;
    if (bytes[at + 1] !== 0 && bytes[at + 1] !== 0xff) return false;
  }
  return false;
}
