/** Samples as stored: uncompressed and RLE frames, and the rule of Bits Stored and High Bit (PS3.5 8.1.1). */

import type { PixelSpec } from '../dicom/instance.ts';
import { Problem } from './problem.ts';

export type Samples =
  | Uint8Array
  | Int8Array
  | Uint16Array
  | Int16Array
  | Uint32Array
  | Int32Array
  | Float32Array;

const HOST_IS_LITTLE_ENDIAN = new Uint8Array(new Uint16Array([1]).buffer)[0] === 1;

/** Bytes one uncompressed frame takes. YBR_FULL_422 and YBR_PARTIAL_422 share chroma between two pixels. */
export function nativeLength(spec: PixelSpec): number {
  const pixels = spec.rows * spec.columns;
  if (spec.bitsAllocated === 1) return Math.ceil((pixels * spec.samples) / 8);
  if (spec.samples === 3 && spec.photometric.endsWith('_422')) return pixels * 2;
  return pixels * spec.samples * Math.ceil(spec.bitsAllocated / 8);
}

export function readNative(bytes: Uint8Array, spec: PixelSpec, isBigEndian: boolean): Samples {
  const needed = nativeLength(spec);
  if (bytes.length < needed) throw new Problem('data_short', { read: bytes.length, needed });
  const frame = bytes.subarray(0, needed);
  if (spec.bitsAllocated === 1) return unpackBits(frame, spec.rows * spec.columns * spec.samples);
  if (spec.bitsAllocated === 8) return frame.slice();
  const swap = isBigEndian === HOST_IS_LITTLE_ENDIAN;
  if (spec.bitsAllocated === 16) return new Uint16Array(aligned(frame, swap ? 2 : 0));
  if (spec.bitsAllocated === 32) return new Uint32Array(aligned(frame, swap ? 4 : 0));
  throw new Problem('pixels_unknown', { bits: spec.bitsAllocated });
}

/** A buffer of its own, with the bytes of each `width`-byte word turned round when asked. */
function aligned(bytes: Uint8Array, width: number): ArrayBuffer {
  const copy = bytes.slice();
  if (width === 2) {
    for (let at = 0; at < copy.length; at += 2) [copy[at], copy[at + 1]] = [copy[at + 1], copy[at]];
  } else if (width === 4) {
    for (let at = 0; at < copy.length; at += 4) copy.subarray(at, at + 4).reverse();
  }
  return copy.buffer;
}

/** Single bits, first pixel in the lowest bit (PS3.5 D.1). */
function unpackBits(bytes: Uint8Array, count: number): Uint8Array {
  const out = new Uint8Array(count);
  for (let at = 0; at < count; at++) out[at] = (bytes[at >> 3] >> (at & 7)) & 1;
  return out;
}

/** RLE (PS3.5 G): one segment per byte of each sample, most significant byte first. Interleaved on return. */
export function readRle(bytes: Uint8Array, spec: PixelSpec): Samples {
  if (bytes.length < 64) throw new Problem('data_short', { read: bytes.length, needed: 64 });
  const header = new DataView(bytes.buffer, bytes.byteOffset, 64);
  const width = Math.ceil(spec.bitsAllocated / 8);
  const segments = header.getUint32(0, true);
  if (segments !== width * spec.samples) throw new Problem('data_damaged', { segments, needed: width * spec.samples });

  const pixels = spec.rows * spec.columns;
  const out = new Uint8Array(pixels * spec.samples * width);
  for (let segment = 0; segment < segments; segment++) {
    const start = header.getUint32(4 + 4 * segment, true);
    const next = segment + 1 < segments ? header.getUint32(8 + 4 * segment, true) : bytes.length;
    const sample = Math.floor(segment / width);
    const byteOfSample = width - 1 - (segment % width);
    unpackSegment(bytes.subarray(start, next || bytes.length), out, sample * width + byteOfSample, spec.samples * width, pixels);
  }
  if (width === 1) return out;
  return width === 2 ? new Uint16Array(out.buffer) : new Uint32Array(out.buffer);
}

function unpackSegment(input: Uint8Array, out: Uint8Array, first: number, step: number, pixels: number): void {
  let read = 0;
  let done = 0;
  let to = first;
  while (done < pixels) {
    if (read >= input.length) throw new Problem('data_short', { read: done, needed: pixels });
    const code = input[read++];
    if (code < 128) {
      const count = Math.min(code + 1, pixels - done, input.length - read);
      for (let at = 0; at < count; at++, to += step) out[to] = input[read + at];
      read += code + 1;
      done += count;
      if (count === 0) throw new Problem('data_short', { read: done, needed: pixels });
    } else if (code > 128) {
      const count = Math.min(257 - code, pixels - done);
      const value = input[read++];
      for (let at = 0; at < count; at++, to += step) out[to] = value;
      done += count;
    }
  }
}

/** Bits outside Bits Stored do not belong to the value; the sign comes from its highest bit. */
export function storedValues(samples: Samples, spec: PixelSpec, precision = 0): Samples {
  if (samples instanceof Float32Array) return samples;
  const bits = Math.max(spec.bitsStored, precision);
  const width = samples.BYTES_PER_ELEMENT * 8;
  const shift = precision > 0 ? 0 : Math.max(0, spec.highBit + 1 - spec.bitsStored);
  if (bits + shift > width) return samples;
  const Target = typeFor(samples.BYTES_PER_ELEMENT, spec.signed);
  if (bits === width) return new Target(samples.buffer as ArrayBuffer, samples.byteOffset, samples.length);

  const out = new Target(samples.buffer as ArrayBuffer, samples.byteOffset, samples.length);
  if (spec.signed) {
    const left = 32 - bits - shift;
    const right = 32 - bits;
    for (let at = 0; at < samples.length; at++) out[at] = (samples[at] << left) >> right;
  } else {
    const mask = bits === 32 ? 0xffffffff : 2 ** bits - 1;
    for (let at = 0; at < samples.length; at++) out[at] = (samples[at] >>> shift) & mask;
  }
  return out;
}

function typeFor(bytesPerSample: number, signed: boolean) {
  if (bytesPerSample === 1) return signed ? Int8Array : Uint8Array;
  if (bytesPerSample === 2) return signed ? Int16Array : Uint16Array;
  return signed ? Int32Array : Uint32Array;
}

/** Smallest and largest value outside the padding range; of all values when everything is padding. */
export function valueRange(samples: Samples, padding?: readonly [number, number]): [number, number] {
  let low = Infinity;
  let high = -Infinity;
  if (padding) {
    const [from, to] = padding;
    for (let at = 0; at < samples.length; at++) {
      const value = samples[at];
      if (value >= from && value <= to) continue;
      if (value < low) low = value;
      if (value > high) high = value;
    }
    if (low <= high) return [low, high];
  }
  for (let at = 0; at < samples.length; at++) {
    const value = samples[at];
    if (value < low) low = value;
    if (value > high) high = value;
  }
  return [low, high];
}
