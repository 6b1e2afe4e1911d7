/** Colour samples to RGBA bytes (PS3.3 C.7.6.3.1.2). */

import type { PixelSpec } from '../dicom/instance.ts';
import type { Samples } from './native.ts';
import { Problem } from './problem.ts';
import type { PaletteBytes } from './table.ts';

export function paletteToRgba(samples: Samples, palette: PaletteBytes): Uint8ClampedArray {
  const { first, red, green, blue } = palette;
  const last = Math.min(red.length, green.length, blue.length) - 1;
  const out = new Uint8ClampedArray(samples.length * 4);
  for (let at = 0, to = 0; at < samples.length; at++, to += 4) {
    const index = Math.min(Math.max(samples[at] - first, 0), last);
    out[to] = red[index];
    out[to + 1] = green[index];
    out[to + 2] = blue[index];
    out[to + 3] = 255;
  }
  return out;
}

/** Three samples per pixel, interleaved or in planes, of 8 to 16 bits. */
export function samplesToRgba(samples: Samples, spec: PixelSpec, isPlanar: boolean): Uint8ClampedArray {
  const pixels = spec.rows * spec.columns;
  if (samples.length < pixels * 3) throw new Problem('data_short', { read: samples.length, needed: pixels * 3 });
  const out = new Uint8ClampedArray(pixels * 4);
  const step = isPlanar ? 1 : 3;
  const second = isPlanar ? pixels : 1;
  const third = isPlanar ? pixels * 2 : 2;
  const shift = Math.max(0, spec.bitsStored - 8);
  for (let at = 0, from = 0, to = 0; at < pixels; at++, from += step, to += 4) {
    out[to] = samples[from] >>> shift;
    out[to + 1] = samples[from + second] >>> shift;
    out[to + 2] = samples[from + third] >>> shift;
    out[to + 3] = 255;
  }
  return out;
}

/** Uncompressed 4:2:2: two lightness samples, then the blue and the red difference both pixels share. */
export function sharedChromaToRgba(samples: Samples, spec: PixelSpec): Uint8ClampedArray {
  const pixels = spec.rows * spec.columns;
  const out = new Uint8ClampedArray(pixels * 4);
  for (let at = 0; at < pixels; at++) {
    const pair = (at >> 1) * 4;
    out[4 * at] = samples[pair + (at & 1)];
    out[4 * at + 1] = samples[pair + 2];
    out[4 * at + 2] = samples[pair + 3];
    out[4 * at + 3] = 255;
  }
  return out;
}

/** In place, full range: Y, CB, CR of 0 to 255. */
export function fullYbrToRgb(rgba: Uint8ClampedArray): void {
  for (let at = 0; at < rgba.length; at += 4) {
    const y = rgba[at];
    const cb = rgba[at + 1] - 128;
    const cr = rgba[at + 2] - 128;
    rgba[at] = y + 1.402 * cr;
    rgba[at + 1] = y - 0.344136 * cb - 0.714136 * cr;
    rgba[at + 2] = y + 1.772 * cb;
  }
}

/** In place, studio range: Y of 16 to 235, differences of 16 to 240. */
export function partialYbrToRgb(rgba: Uint8ClampedArray): void {
  for (let at = 0; at < rgba.length; at += 4) {
    const y = 1.1644 * (rgba[at] - 16);
    const cb = rgba[at + 1] - 128;
    const cr = rgba[at + 2] - 128;
    rgba[at] = y + 1.596 * cr;
    rgba[at + 1] = y - 0.3917 * cb - 0.8129 * cr;
    rgba[at + 2] = y + 2.0173 * cb;
  }
}
