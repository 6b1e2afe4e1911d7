/** A decoded frame in memory, with smaller copies made when the image is shown reduced. */

import type { Decoded } from './decode.ts';
import type { Samples } from './native.ts';

export interface Level {
  data: Samples | Uint8ClampedArray;
  width: number;
  height: number;
}

export class Picture {
  readonly isColour: boolean;
  readonly isCut: boolean;
  readonly low: number;
  readonly high: number;
  private readonly levels: Level[];

  constructor(decoded: Decoded) {
    this.isColour = decoded.isColour;
    this.isCut = decoded.isCut;
    this.low = decoded.low;
    this.high = decoded.high;
    this.levels = [{ data: decoded.data, width: decoded.columns, height: decoded.rows }];
  }

  get full(): Level {
    return this.levels[0];
  }

  /** How often the picture can be reduced. */
  get lastLevel(): number {
    return Math.floor(Math.log2(Math.min(this.full.width, this.full.height)));
  }

  /** Reduced `index` times by two in each direction. Values are averaged before any windowing. */
  level(index: number): Level {
    while (this.levels.length <= index) {
      const last = this.levels[this.levels.length - 1];
      this.levels.push(this.isColour ? halveColour(last) : halveGrey(last));
    }
    return this.levels[index];
  }
}

export function halveGrey({ data, width, height }: Level): Level {
  const halfWidth = Math.ceil(width / 2);
  const halfHeight = Math.ceil(height / 2);
  const Type = data.constructor as new (length: number) => Samples;
  const out = new Type(halfWidth * halfHeight);
  for (let y = 0, to = 0; y < halfHeight; y++) {
    const upper = 2 * y * width;
    const lower = 2 * y + 1 < height ? upper + width : upper;
    for (let x = 0; x < halfWidth; x++, to++) {
      const left = 2 * x;
      const right = left + 1 < width ? left + 1 : left;
      const sum = data[upper + left] + data[upper + right] + data[lower + left] + data[lower + right];
      out[to] = Math.round(sum / 4);
    }
  }
  return { data: out, width: halfWidth, height: halfHeight };
}

export function halveColour({ data, width, height }: Level): Level {
  const halfWidth = Math.ceil(width / 2);
  const halfHeight = Math.ceil(height / 2);
  const out = new Uint8ClampedArray(halfWidth * halfHeight * 4);
  for (let y = 0, to = 0; y < halfHeight; y++) {
    const upper = 2 * y * width;
    const lower = 2 * y + 1 < height ? upper + width : upper;
    for (let x = 0; x < halfWidth; x++, to += 4) {
      const left = 2 * x;
      const right = left + 1 < width ? left + 1 : left;
      for (let channel = 0; channel < 4; channel++) {
        const sum =
          data[4 * (upper + left) + channel] +
          data[4 * (upper + right) + channel] +
          data[4 * (lower + left) + channel] +
          data[4 * (lower + right) + channel];
        out[to + channel] = sum / 4;
      }
    }
  }
  return { data: out, width: halfWidth, height: halfHeight };
}
