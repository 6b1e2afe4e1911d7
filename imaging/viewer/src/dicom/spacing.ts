/** What a distance in pixels means, as far as the data say (PS3.3 10.7, C.8.5.5). */

import { items, number, numbers, text, type Dataset } from './json.ts';
import { TAG } from './tags.ts';

export interface Region {
  minX: number;
  minY: number;
  maxX: number;
  maxY: number;
  /** Millimetres per pixel along x and y; undefined where the region is not a plain picture in centimetres. */
  mmPerPixel?: [number, number];
  isPreferred: boolean;
}

export type Calibration =
  | { kind: 'patient' | 'detector'; row: number; column: number }
  | { kind: 'regions'; regions: Region[]; aspect: number }
  | { kind: 'none'; aspect: number };

const CENTIMETRES = 3;

/** `measures` is the Pixel Measures group of the frame, or the instance itself. */
export function readCalibration(dataset: Dataset, measures: Dataset): Calibration {
  const regions = items(dataset, TAG.UltrasoundRegions).map(readRegion);
  if (regions.length > 0) return { kind: 'regions', regions, aspect: readAspect(dataset) };

  const spacing = positivePair(numbers(measures, TAG.PixelSpacing, 2) ?? numbers(dataset, TAG.PixelSpacing, 2));
  const detector = positivePair(numbers(dataset, TAG.ImagerPixelSpacing, 2));
  const isSame = spacing && detector && spacing.every((value, index) => Math.abs(value - detector[index]) < 1e-6);
  const isCorrected = text(dataset, TAG.PixelSpacingCalibrationType) !== '';
  if (spacing && (!isSame || isCorrected)) return { kind: 'patient', row: spacing[0], column: spacing[1] };
  if (detector) return { kind: 'detector', row: detector[0], column: detector[1] };
  return { kind: 'none', aspect: readAspect(dataset) };
}

function positivePair(pair: number[] | undefined): [number, number] | undefined {
  return pair && pair[0] > 0 && pair[1] > 0 ? [pair[0], pair[1]] : undefined;
}

/** Height of a pixel over its width: Pixel Aspect Ratio is vertical then horizontal. */
function readAspect(dataset: Dataset): number {
  const ratio = positivePair(numbers(dataset, TAG.PixelAspectRatio, 2));
  return ratio ? ratio[0] / ratio[1] : 1;
}

function readRegion(item: Dataset): Region {
  const isCentimetres =
    number(item, TAG.PhysicalUnitsX) === CENTIMETRES && number(item, TAG.PhysicalUnitsY) === CENTIMETRES;
  const deltaX = Math.abs(number(item, TAG.PhysicalDeltaX) ?? 0);
  const deltaY = Math.abs(number(item, TAG.PhysicalDeltaY) ?? 0);
  return {
    minX: number(item, TAG.RegionMinX) ?? 0,
    minY: number(item, TAG.RegionMinY) ?? 0,
    maxX: number(item, TAG.RegionMaxX) ?? -1,
    maxY: number(item, TAG.RegionMaxY) ?? -1,
    mmPerPixel: isCentimetres && deltaX > 0 && deltaY > 0 ? [deltaX * 10, deltaY * 10] : undefined,
    isPreferred: ((number(item, TAG.RegionFlags) ?? 0) & 1) === 0,
  };
}

/** Height over width of a pixel on the screen. */
export function displayAspect(calibration: Calibration): number {
  return 'row' in calibration ? calibration.row / calibration.column : calibration.aspect;
}

export type Point = readonly [number, number];

export interface Scale {
  x: number;
  y: number;
  unit: 'mm' | 'px';
  place: 'patient' | 'detector' | 'none';
}

/**
 * The scale that holds for all of these points (column, row), or undefined when no honest length exists:
 * pixels of unknown size that are not square.
 */
export function scaleAt(calibration: Calibration, points: readonly Point[]): Scale | undefined {
  if ('row' in calibration) {
    return { x: calibration.column, y: calibration.row, unit: 'mm', place: calibration.kind };
  }
  if (calibration.kind === 'regions') {
    const region = regionOf(calibration.regions, points);
    if (region?.mmPerPixel) {
      return { x: region.mmPerPixel[0], y: region.mmPerPixel[1], unit: 'mm', place: 'patient' };
    }
  }
  return Math.abs(calibration.aspect - 1) < 0.001 ? { x: 1, y: 1, unit: 'px', place: 'none' } : undefined;
}

/** The region all points lie in; where regions overlap the preferred one, and none when those disagree. */
function regionOf(regions: readonly Region[], points: readonly Point[]): Region | undefined {
  const around = regions.filter((region) =>
    points.every(
      ([x, y]) =>
        x >= region.minX - 0.5 && x <= region.maxX + 0.5 && y >= region.minY - 0.5 && y <= region.maxY + 0.5,
    ),
  );
  const preferred = around.filter((region) => region.isPreferred);
  const [first, ...others] = preferred.length > 0 ? preferred : around;
  return others.every((other) => isSameScale(other, first)) ? first : undefined;
}

function isSameScale(a: Region, b: Region): boolean {
  if (!a.mmPerPixel || !b.mmPerPixel) return a.mmPerPixel === b.mmPerPixel;
  return a.mmPerPixel[0] === b.mmPerPixel[0] && a.mmPerPixel[1] === b.mmPerPixel[1];
}
