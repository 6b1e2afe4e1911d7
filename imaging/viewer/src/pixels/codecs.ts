/** The image codecs, compiled to WebAssembly; each is fetched when the first frame needs it. */

import type { PixelSpec } from '../dicom/instance.ts';
import type { Coding } from '../dicom/transfer.ts';
import { decodeJpeg12 } from './jpeg12.ts';
import type { Samples } from './native.ts';
import { Problem } from './problem.ts';

export interface Decompressed {
  samples: Samples;
  rows: number;
  columns: number;
  precision: number;
  isPlanar: boolean;
  /** The codec has already turned differences of colour into RGB. */
  isRgb: boolean;
}

export type Codecs = (coding: Coding, bytes: Uint8Array, spec: PixelSpec) => Promise<Decompressed>;

interface FrameInfo {
  width: number;
  height: number;
  bitsPerSample: number;
  componentCount: number;
  isSigned?: boolean;
}

interface WasmDecoder {
  getEncodedBuffer(length: number): Uint8Array;
  getDecodedBuffer(): Uint8Array;
  decode(): void;
  getFrameInfo(): FrameInfo;
  getInterleaveMode?(): number;
  delete(): void;
}

type WasmModule = Record<string, new () => WasmDecoder>;
type WasmFactory = (options: { locateFile: (file: string) => string; print?: unknown; printErr?: unknown }) => Promise<WasmModule>;

/** How a codec is found: its glue code and the address of its WebAssembly file. */
export interface CodecSources {
  charls: () => Promise<{ factory: WasmFactory; wasm: string }>;
  openjpeg: () => Promise<{ factory: WasmFactory; wasm: string }>;
  openjph: () => Promise<{ factory: WasmFactory; wasm: string }>;
  libjpeg: () => Promise<{ factory: WasmFactory; wasm: string }>;
  lossless: () => Promise<new () => LosslessDecoder>;
}

interface LosslessDecoder {
  decode(buffer: ArrayBufferLike, offset: number, length: number, bytesPerSample: number): ArrayBufferView;
  frame?: { precision: number; dimX: number; dimY: number; numComp: number };
}

const NAMES: Partial<Record<Coding, string>> = {
  'jpeg-8bit': 'JPEG',
  'jpeg-12bit': 'JPEG',
  'jpeg-lossless': 'JPEG Lossless',
  'jpeg-ls': 'JPEG-LS',
  'jpeg-2000': 'JPEG 2000',
  htj2k: 'HTJ2K',
};

export function makeCodecs(sources: CodecSources): Codecs {
  const modules = new Map<string, Promise<WasmModule>>();
  const load = (name: 'charls' | 'openjpeg' | 'openjph' | 'libjpeg'): Promise<WasmModule> => {
    const known = modules.get(name);
    if (known) return known;
    const silent = () => undefined;
    const fresh = sources[name]().then(({ factory, wasm }) =>
      factory({ locateFile: (file) => (file.endsWith('.wasm') ? wasm : file), print: silent, printErr: silent }),
    );
    fresh.catch(() => modules.delete(name));
    modules.set(name, fresh);
    return fresh;
  };

  return async (coding, bytes, spec) => {
    try {
      switch (coding) {
        case 'jpeg-ls':
          return wasm(new (await load('charls')).JpegLSDecoder(), bytes, spec);
        case 'jpeg-2000':
          return wasm(new (await load('openjpeg')).J2KDecoder(), bytes, spec);
        case 'htj2k':
          return wasm(new (await load('openjph')).HTJ2KDecoder(), bytes, spec);
        case 'jpeg-8bit':
        case 'jpeg-12bit':
          return jpegPrecision(bytes) > 8
            ? { ...decodeJpeg12(bytes), isPlanar: false, isRgb: false }
            : { ...wasm(new (await load('libjpeg')).JPEGDecoder(), withColourMark(bytes, spec), spec), isRgb: true };
        case 'jpeg-lossless':
          return lossless(new (await sources.lossless())(), bytes, spec);
        default:
          throw new Problem('syntax_unknown', { syntax: coding });
      }
    } catch (error) {
      if (error instanceof Problem) throw error;
      const reason = error instanceof Error ? error.message : '';
      throw new Problem('data_damaged', { coding: NAMES[coding] ?? coding, reason });
    }
  };
}

function wasm(decoder: WasmDecoder, bytes: Uint8Array, spec: PixelSpec): Decompressed {
  try {
    decoder.getEncodedBuffer(bytes.length).set(bytes);
    decoder.decode();
    const frame = decoder.getFrameInfo();
    if (frame.width === 0 || frame.componentCount === 0) throw new Error();
    const raw = decoder.getDecodedBuffer();
    const copy = raw.slice().buffer;
    const isWide = frame.bitsPerSample > 8;
    if (frame.componentCount !== spec.samples) {
      throw new Problem('pixels_unknown', { samples: frame.componentCount });
    }
    return {
      samples: isWide ? new Uint16Array(copy) : new Uint8Array(copy),
      rows: frame.height,
      columns: frame.width,
      precision: frame.bitsPerSample,
      isPlanar: decoder.getInterleaveMode?.() === 0 && frame.componentCount > 1,
      isRgb: false,
    };
  } finally {
    decoder.delete();
  }
}

function lossless(decoder: LosslessDecoder, bytes: Uint8Array, spec: PixelSpec): Decompressed {
  const precision = jpegPrecision(bytes);
  const width = precision > 8 || spec.bitsAllocated > 8 ? 2 : 1;
  const view = decoder.decode(bytes.buffer, bytes.byteOffset, bytes.length, width);
  const { dimX, dimY } = decoder.frame ?? { dimX: spec.columns, dimY: spec.rows };
  const samples =
    width === 2
      ? new Uint16Array(view.buffer as ArrayBuffer, view.byteOffset, view.byteLength / 2)
      : new Uint8Array(view.buffer as ArrayBuffer, view.byteOffset, view.byteLength);
  return { samples, rows: dimY, columns: dimX, precision: precision || spec.bitsStored, isPlanar: false, isRgb: false };
}

/** Where the JPEG markers are: `[marker, offset of its first byte]` up to the start of scan. */
function jpegMarkers(bytes: Uint8Array): Map<number, number> {
  const found = new Map<number, number>();
  let at = 2;
  while (at + 4 <= bytes.length && bytes[at] === 0xff) {
    const marker = bytes[at + 1];
    if (marker === 0xff) {
      at += 1;
      continue;
    }
    if (!found.has(marker)) found.set(marker, at);
    if (marker === 0xda) break;
    at += 2 + ((bytes[at + 2] << 8) | bytes[at + 3]);
  }
  return found;
}

/** Bits per sample in the frame header of a JPEG stream (SOF0 to SOF3); 0 when there is none. */
export function jpegPrecision(bytes: Uint8Array): number {
  const markers = jpegMarkers(bytes);
  for (const start of [0xc0, 0xc1, 0xc2, 0xc3]) {
    const at = markers.get(start);
    if (at !== undefined) return bytes[at + 4];
  }
  return 0;
}

/**
 * A three-component stream without JFIF or Adobe marker is taken for YCbCr by the decoder. Where DICOM says that
 * it is RGB, an Adobe marker "no transformation" is put in front of the data.
 */
export function withColourMark(bytes: Uint8Array, spec: PixelSpec): Uint8Array {
  if (spec.samples !== 3 || spec.photometric !== 'RGB') return bytes;
  const markers = jpegMarkers(bytes);
  if (markers.has(0xe0) || markers.has(0xee)) return bytes;
  const adobe = [0xff, 0xee, 0, 14, 0x41, 0x64, 0x6f, 0x62, 0x65, 0, 100, 0, 0, 0, 0, 0];
  const marked = new Uint8Array(bytes.length + adobe.length);
  marked.set(bytes.subarray(0, 2), 0);
  marked.set(adobe, 2);
  marked.set(bytes.subarray(2), 2 + adobe.length);
  return marked;
}
