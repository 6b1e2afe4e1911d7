/** From stored values to grey levels: modality transformation, then VOI (PS3.3 C.11.1, C.11.2). */

import type { FrameValues, Table, VoiFunction } from '../dicom/instance.ts';
import type { Samples } from './native.ts';
import { tableEntries } from './table.ts';

export type Voi = { kind: 'window'; center: number; width: number } | { kind: 'table'; index: number };

/** Stored value to modality value (HU, OD, …). */
export function modalityFunction(values: FrameValues): (stored: number) => number {
  const { modalityTable, slope, intercept } = values;
  if (modalityTable) {
    const entries = tableEntries(modalityTable);
    const last = Math.min(modalityTable.entries, entries.length) - 1;
    return (stored) => entries[Math.min(Math.max(Math.round(stored) - modalityTable.first, 0), last)];
  }
  if (slope === 1 && intercept === 0) return (stored) => stored;
  return (stored) => stored * slope + intercept;
}

/** Modality value to grey level, 0 to 255, not rounded. */
export function windowFunction(center: number, width: number, shape: VoiFunction): (value: number) => number {
  if (shape === 'SIGMOID') return (value) => 255 / (1 + Math.exp((-4 * (value - center)) / width));
  if (shape === 'LINEAR_EXACT') {
    return (value) => Math.min(255, Math.max(0, ((value - center) / width + 0.5) * 255));
  }
  const middle = center - 0.5;
  if (width <= 1) return (value) => (value <= middle ? 0 : 255);
  return (value) => Math.min(255, Math.max(0, ((value - middle) / (width - 1) + 0.5) * 255));
}

export function tableFunction(table: Table): (value: number) => number {
  const entries = tableEntries(table);
  const last = Math.min(table.entries, entries.length) - 1;
  let largest = 2 ** table.bits - 1;
  for (let at = 0; at <= last; at++) if (entries[at] > largest) largest = 65535;
  return (value) => (entries[Math.min(Math.max(Math.round(value) - table.first, 0), last)] / largest) * 255;
}

export function greyFunction(values: FrameValues, voi: Voi, isInverted: boolean): (stored: number) => number {
  const modality = modalityFunction(values);
  const table = voi.kind === 'table' ? values.voiTables[voi.index] : undefined;
  const { center, width } = voi.kind === 'window' ? voi : { center: 128, width: 256 };
  const shade = table ? tableFunction(table) : windowFunction(center, width, values.voiFunction);
  return isInverted ? (stored) => 255 - shade(modality(stored)) : (stored) => shade(modality(stored));
}

export interface DisplayTable {
  /** Opaque grey pixels, indexed by stored value minus `first`. */
  pixels: Uint32Array;
  first: number;
}

const GREYS = Uint32Array.from({ length: 256 }, (_, grey) => (0xff000000 | (grey << 16) | (grey << 8) | grey) >>> 0);

/** One entry for every value the samples may have; undefined for 32-bit samples, which are mapped one by one. */
export function displayTable(samples: Samples, grey: (stored: number) => number): DisplayTable | undefined {
  if (samples.BYTES_PER_ELEMENT > 2) return undefined;
  const size = samples.BYTES_PER_ELEMENT === 1 ? 256 : 65536;
  const isSigned = samples instanceof Int8Array || samples instanceof Int16Array;
  const first = isSigned ? -size / 2 : 0;
  const pixels = new Uint32Array(size);
  for (let at = 0; at < size; at++) pixels[at] = GREYS[Math.round(grey(at + first))];
  return { pixels, first };
}

export function greyPixel(grey: number): number {
  return GREYS[Math.round(grey)];
}

/** Grey level of each colour channel under a window; undefined when the window changes nothing. */
export function channelTable(center: number, width: number, isInverted: boolean): Uint8Array | undefined {
  if (center === 128 && width === 256 && !isInverted) return undefined;
  const shade = windowFunction(center, width, 'LINEAR');
  return Uint8Array.from({ length: 256 }, (_, at) => {
    const level = Math.round(shade(at));
    return isInverted ? 255 - level : level;
  });
}

/** The window that shows all values from `low` to `high`. */
export function fullWindow(low: number, high: number): { center: number; width: number } {
  return { center: (low + high + 1) / 2, width: Math.max(1, high - low + 1) };
}

/** What the file wants first: its first window, else its first table, else all values of this frame. */
export function initialVoi(values: FrameValues, bitsStored: number, isColour: boolean, low: number, high: number): Voi {
  if (isColour) return { kind: 'window', center: 128, width: 256 };
  if (values.windows.length > 0) {
    return { kind: 'window', center: values.windows[0].center, width: values.windows[0].width };
  }
  if (values.voiTables.length > 0) return { kind: 'table', index: 0 };
  const modality = modalityFunction(values);
  if (bitsStored <= 8 && values.slope === 1 && values.intercept === 0 && low >= 0) {
    return { kind: 'window', ...fullWindow(0, 2 ** bitsStored - 1) };
  }
  const ends = [modality(low), modality(high)];
  return { kind: 'window', ...fullWindow(Math.min(...ends), Math.max(...ends)) };
}
