/**
 * Paints a picture on a canvas by the processor alone: values through a look-up table, then one scaled copy.
 * Only the visible part is mapped, and a reduced image is mapped from a reduced copy, so the cost of a frame
 * depends on the size of the canvas and not on that of the image.
 */

import type { FrameValues } from '../dicom/instance.ts';
import { channelTable, displayTable, greyFunction, greyPixel, type DisplayTable, type Voi } from '../pixels/lut.ts';
import type { Samples } from '../pixels/native.ts';
import type { Level, Picture } from '../pixels/picture.ts';
import { visibleRect, type Matrix } from './geometry.ts';

export interface Shading {
  values: FrameValues;
  voi: Voi;
  isInverted: boolean;
}

/** A rectangle of pixels of a level. */
interface Part {
  x: number;
  y: number;
  width: number;
  height: number;
}

interface Grey {
  key: string;
  values: FrameValues;
  of: (stored: number) => number;
  table?: DisplayTable;
}

export class Painter {
  private readonly buffer = document.createElement('canvas');
  private readonly bufferContext: CanvasRenderingContext2D;
  private pixels?: ImageData;
  private painted = '';
  private part: Part = { x: 0, y: 0, width: 0, height: 0 };
  private lastPicture?: Picture;
  private grey?: Grey;

  constructor() {
    const context = this.buffer.getContext('2d', { willReadFrequently: true });
    if (!context) throw new Error('no 2D canvas');
    this.bufferContext = context;
  }

  paint(canvas: HTMLCanvasElement, picture: Picture, matrix: Matrix, shading: Shading): void {
    const context = this.clear(canvas);
    const shrink = Math.min(Math.hypot(matrix[0], matrix[1]), Math.hypot(matrix[2], matrix[3]));
    const index = Math.min(picture.lastLevel, Math.max(0, Math.floor(Math.log2(1 / Math.max(shrink, 1e-6)))));
    const level = picture.level(index);
    const factor = 2 ** index;
    const image = { width: picture.full.width, height: picture.full.height };
    const seen = visibleRect(matrix, canvas, image);
    if (seen.width <= 0 || seen.height <= 0) return;
    const part = this.fill(picture, level, within(level, seen, factor, 1), shading);
    const [a, b, c, d, e, f] = matrix;
    context.setTransform(a * factor, b * factor, c * factor, d * factor, e, f);
    const isExact = factor === 1 && Math.abs(a) + Math.abs(b) === 1 && Math.abs(c) + Math.abs(d) === 1;
    context.imageSmoothingEnabled = !isExact;
    context.drawImage(this.buffer, part.x, part.y);
  }

  clear(canvas: HTMLCanvasElement): CanvasRenderingContext2D {
    const context = canvas.getContext('2d');
    if (!context) throw new Error('no 2D canvas');
    context.setTransform(1, 0, 0, 1, 0, 0);
    context.fillStyle = '#000';
    context.fillRect(0, 0, canvas.width, canvas.height);
    return context;
  }

  forget(): void {
    this.painted = '';
    this.lastPicture = undefined;
    this.grey = undefined;
  }

  /** Maps at least the part asked for and returns what the buffer holds: more, while only the view changes. */
  private fill(picture: Picture, level: Level, seen: Part, shading: Shading): Part {
    const key = [level.width, JSON.stringify(shading.voi), shading.isInverted].join();
    const isSame = picture === this.lastPicture && key === this.painted;
    if (isSame && contains(this.part, seen)) return this.part;
    const part = isSame ? around(level, seen) : seen;
    const { width, height } = part;
    if (this.pixels?.width !== width || this.pixels.height !== height) {
      this.pixels = new ImageData(width, height);
      this.buffer.width = width;
      this.buffer.height = height;
    }
    const out = new Uint32Array(this.pixels.data.buffer);
    if (picture.isColour) fillColour(out, level, part, shading);
    else this.fillGrey(out, level, part, shading);
    this.bufferContext.putImageData(this.pixels, 0, 0);
    this.lastPicture = picture;
    this.painted = key;
    this.part = part;
    return part;
  }

  private fillGrey(out: Uint32Array, level: Level, { x, y, width, height }: Part, shading: Shading): void {
    const samples = level.data as Samples;
    const { of, table } = this.greyFor(samples, shading);
    for (let row = 0, to = 0; row < height; row++) {
      let from = (y + row) * level.width + x;
      if (table) {
        const { pixels, first } = table;
        for (const end = to + width; to < end; to++, from++) out[to] = pixels[samples[from] - first];
      } else {
        for (const end = to + width; to < end; to++, from++) out[to] = greyPixel(of(samples[from]));
      }
    }
  }

  private greyFor(samples: Samples, { values, voi, isInverted }: Shading): Grey {
    const key = `${samples.constructor.name} ${isInverted} ${JSON.stringify(voi)}`;
    if (this.grey?.key === key && isSameModality(this.grey.values, values)) return this.grey;
    const of = greyFunction(values, voi, isInverted);
    this.grey = { key, values, of, table: displayTable(samples, of) };
    return this.grey;
  }
}

/** Levels of up to this many pixels are mapped whole when the reader moves about in them. */
const WHOLE = 3_000_000;

/** The pixels of a level that cover a rectangle of the image, and some around. */
function within(level: Level, seen: Part, factor: number, margin: number): Part {
  const x = Math.max(0, Math.floor(seen.x / factor) - margin);
  const y = Math.max(0, Math.floor(seen.y / factor) - margin);
  return {
    x,
    y,
    width: Math.min(level.width, Math.ceil((seen.x + seen.width) / factor) + margin) - x,
    height: Math.min(level.height, Math.ceil((seen.y + seen.height) / factor) + margin) - y,
  };
}

function around(level: Level, seen: Part): Part {
  if (level.width * level.height <= WHOLE) return { x: 0, y: 0, width: level.width, height: level.height };
  return within(level, seen, 1, Math.round(Math.max(seen.width, seen.height) / 4));
}

function contains(outer: Part, inner: Part): boolean {
  return (
    inner.x >= outer.x &&
    inner.y >= outer.y &&
    inner.x + inner.width <= outer.x + outer.width &&
    inner.y + inner.height <= outer.y + outer.height
  );
}

function isSameModality(a: FrameValues, b: FrameValues): boolean {
  if (a === b) return true;
  return (
    a.slope === b.slope &&
    a.intercept === b.intercept &&
    a.voiFunction === b.voiFunction &&
    !a.modalityTable &&
    !b.modalityTable &&
    a.voiTables.length === 0 &&
    b.voiTables.length === 0
  );
}

function fillColour(out: Uint32Array, level: Level, { x, y, width, height }: Part, { voi, isInverted }: Shading): void {
  const bytes = level.data as Uint8ClampedArray;
  const pixels = new Uint32Array(bytes.buffer, bytes.byteOffset, level.width * level.height);
  const table = voi.kind === 'window' ? channelTable(voi.center, voi.width, isInverted) : undefined;
  for (let row = 0, to = 0; row < height; row++) {
    const from = (y + row) * level.width + x;
    if (!table) {
      out.set(pixels.subarray(from, from + width), to);
      to += width;
      continue;
    }
    for (let at = from; at < from + width; at++, to++) {
      const colour = pixels[at];
      out[to] =
        (0xff000000 |
          (table[(colour >> 16) & 255] << 16) |
          (table[(colour >> 8) & 255] << 8) |
          table[colour & 255]) >>>
        0;
    }
  }
}
