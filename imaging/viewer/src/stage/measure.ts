/** Lengths, angles, areas and values from image coordinates (column, row; centre of the first pixel is 0, 0). */

import type { FrameValues } from '../dicom/instance.ts';
import { displayAspect, scaleAt, type Point, type Scale } from '../dicom/spacing.ts';
import { modalityFunction } from '../pixels/lut.ts';
import type { Samples } from '../pixels/native.ts';
import type { Picture } from '../pixels/picture.ts';

export interface Quantity {
  value: number;
  unit: string;
  place: Scale['place'];
}

export function length(values: FrameValues, [a, b]: readonly Point[]): Quantity | undefined {
  const scale = scaleAt(values.calibration, [a, b]);
  if (!scale) return undefined;
  const value = Math.hypot((b[0] - a[0]) * scale.x, (b[1] - a[1]) * scale.y);
  return { value, unit: scale.unit, place: scale.place };
}

/** Degrees at the second of three points. Shape matters, not size: pixels that are not square are stretched. */
export function angle(values: FrameValues, [a, b, c]: readonly Point[]): Quantity | undefined {
  const scale = scaleAt(values.calibration, [a, b, c]);
  const [x, y] = scale ? [scale.x, scale.y] : [1, displayAspect(values.calibration)];
  const first = Math.atan2((a[1] - b[1]) * y, (a[0] - b[0]) * x);
  const second = Math.atan2((c[1] - b[1]) * y, (c[0] - b[0]) * x);
  const turn = Math.abs(first - second) % (2 * Math.PI);
  const value = ((turn > Math.PI ? 2 * Math.PI - turn : turn) * 180) / Math.PI;
  return Number.isFinite(value) ? { value, unit: '°', place: 'none' } : undefined;
}

export interface Box {
  left: number;
  top: number;
  right: number;
  bottom: number;
}

export function boxOf(points: readonly Point[]): Box {
  const xs = points.map((point) => point[0]);
  const ys = points.map((point) => point[1]);
  return { left: Math.min(...xs), right: Math.max(...xs), top: Math.min(...ys), bottom: Math.max(...ys) };
}

export type Shape = 'rectangle' | 'ellipse';

export function area(values: FrameValues, box: Box, shape: Shape): Quantity | undefined {
  const corners: Point[] = [
    [box.left, box.top],
    [box.right, box.bottom],
  ];
  const scale = scaleAt(values.calibration, corners);
  if (!scale) return undefined;
  const value = (box.right - box.left) * scale.x * (box.bottom - box.top) * scale.y;
  return { value: shape === 'ellipse' ? (value * Math.PI) / 4 : value, unit: `${scale.unit}²`, place: scale.place };
}

export interface Statistics {
  count: number;
  mean: number;
  deviation: number;
  low: number;
  high: number;
}

/** Modality values of the grey pixels whose centres lie inside; undefined where there are none. */
export function statistics(picture: Picture, values: FrameValues, box: Box, shape: Shape): Statistics | undefined {
  if (picture.isColour) return undefined;
  const { data, width, height } = picture.full;
  const samples = data as Samples;
  const modality = modalityFunction(values);
  const middleX = (box.left + box.right) / 2;
  const middleY = (box.top + box.bottom) / 2;
  const radiusX = (box.right - box.left) / 2;
  const radiusY = (box.bottom - box.top) / 2;
  let count = 0;
  let mean = 0;
  let squares = 0;
  let low = Infinity;
  let high = -Infinity;
  for (let y = Math.max(0, Math.ceil(box.top)); y <= Math.min(height - 1, Math.floor(box.bottom)); y++) {
    let reach = radiusX;
    if (shape === 'ellipse') {
      const part = radiusY > 0 ? (y - middleY) / radiusY : 0;
      reach = radiusX * Math.sqrt(Math.max(0, 1 - part * part));
    }
    const from = Math.max(0, Math.ceil(middleX - reach));
    const to = Math.min(width - 1, Math.floor(middleX + reach));
    for (let x = from; x <= to; x++) {
      const value = modality(samples[y * width + x]);
      count += 1;
      const step = value - mean;
      mean += step / count;
      squares += step * (value - mean);
      if (value < low) low = value;
      if (value > high) high = value;
    }
  }
  if (count === 0) return undefined;
  return { count, mean, deviation: count > 1 ? Math.sqrt(squares / (count - 1)) : 0, low, high };
}

/** What the pixel under a point holds: a modality value, or red, green and blue; undefined outside the image. */
export function valueAt(picture: Picture, values: FrameValues, point: Point): { grey: number } | { rgb: number[] } | undefined {
  const x = Math.round(point[0]);
  const y = Math.round(point[1]);
  const { data, width, height } = picture.full;
  if (x < 0 || y < 0 || x >= width || y >= height) return undefined;
  const at = y * width + x;
  if (picture.isColour) return { rgb: [data[4 * at], data[4 * at + 1], data[4 * at + 2]] };
  return { grey: modalityFunction(values)(data[at]) };
}

/** As many decimals as mean something: none above a thousand, one above ten, else two. */
export function rounded(value: number): string {
  const size = Math.abs(Number(value.toFixed(2)));
  return value.toFixed(size >= 1000 ? 0 : size >= 10 ? 1 : 2);
}
