/** Entries of look-up tables: lists, packed bytes or words, and segmented palettes (PS3.3 C.7.9.2). */

import type { Palette, Table } from '../dicom/instance.ts';
import { Problem } from './problem.ts';

/** Table entries as stored. `data` must have been fetched: an address is refused. */
export function tableEntries(table: Table): ArrayLike<number> {
  const { data, entries } = table;
  if (data === undefined || typeof data === 'string' || data.length === 0) throw new Problem('palette_missing');
  if (!(data instanceof Uint8Array)) return data;
  return data.length < entries * 2 ? data : words(data);
}

function words(bytes: Uint8Array): Uint16Array {
  const out = new Uint16Array(bytes.length >> 1);
  for (let at = 0; at < out.length; at++) out[at] = bytes[2 * at] | (bytes[2 * at + 1] << 8);
  return out;
}

export interface PaletteBytes {
  first: number;
  red: Uint8Array;
  green: Uint8Array;
  blue: Uint8Array;
}

export function paletteBytes(palette: Palette): PaletteBytes {
  const channel = (table: Table): Uint8Array => {
    const entries = palette.segmented ? expandSegments(segmentWords(table), table.entries) : tableEntries(table);
    return toBytes(entries, table.bits);
  };
  return {
    first: palette.red.first,
    red: channel(palette.red),
    green: channel(palette.green),
    blue: channel(palette.blue),
  };
}

function segmentWords(table: Table): ArrayLike<number> {
  if (!(table.data instanceof Uint8Array)) return tableEntries(table);
  return table.bits > 8 ? words(table.data) : table.data;
}

/** 16-bit entries keep their high byte; some writers declare 16 bits and store 8, some the reverse. */
function toBytes(entries: ArrayLike<number>, bits: number): Uint8Array {
  let largest = 0;
  for (let at = 0; at < entries.length; at++) largest = Math.max(largest, entries[at]);
  const isWide = bits > 8 ? largest > 255 || bits < 16 : largest > 255;
  const shift = isWide ? Math.max(bits, 16) - 8 : 0;
  return Uint8Array.from({ length: entries.length }, (_, at) => entries[at] >> shift);
}

/** Discrete (0), linear (1) and indirect (2) segments. */
export function expandSegments(data: ArrayLike<number>, length: number): Uint16Array {
  const out: number[] = [];
  const starts: number[] = [];
  const run = (from: number, limit: number, depth: number): void => {
    let at = from;
    let segments = 0;
    while (at + 1 < data.length && segments < limit) {
      if (depth === 0) starts.push(at);
      const kind = data[at];
      const count = data[at + 1];
      at += 2;
      segments++;
      if (kind === 0) {
        for (let index = 0; index < count; index++) out.push(data[at + index]);
        at += count;
      } else if (kind === 1) {
        const start = out.at(-1) ?? 0;
        for (let index = 1; index <= count; index++) out.push(Math.round(start + ((data[at] - start) * index) / count));
        at += 1;
      } else if (kind === 2 && depth === 0) {
        const offset = data[at] | (data[at + 1] << 16);
        at += 2;
        run(offset, count, 1);
      } else {
        throw new Problem('data_damaged');
      }
    }
  };
  run(0, Infinity, 0);
  if (out.length < length) throw new Problem('data_short', { read: out.length, needed: length });
  return Uint16Array.from(out.slice(0, length));
}
