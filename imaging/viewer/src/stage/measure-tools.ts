/** Cornerstone's annotation tools, with measurements by our own rules for units. */

import { AngleTool, EllipticalROITool, LengthTool, ProbeTool, RectangleROITool } from '@cornerstonejs/tools';

import type { Point } from '../dicom/spacing.ts';
import type { FrameRef } from '../dicom/study.ts';
import type { Picture } from '../pixels/picture.ts';
import { t } from '../ui/texts.ts';
import { angle, area, boxOf, length, rounded, statistics, valueAt, type Quantity, type Shape } from './measure.ts';
import { frameById } from './registry.ts';
import { planeOf } from './viewport.ts';

type Vector = [number, number, number];

let pictureOf: (id: string) => Picture | undefined = () => undefined;

/** Where the tools find the pixels of an image. */
export function measureOn(source: (id: string) => Picture | undefined): void {
  pictureOf = source;
}

interface Data {
  handles: { points: Vector[] };
}

/** `targets` names the image: `imageId:cedar:…`. */
function imageOf(targets: string | string[]): FrameRef | undefined {
  const target = Array.isArray(targets) ? targets[0] : targets;
  return frameById(target?.replace(/^imageId:/, '') ?? '');
}

function indices(frame: FrameRef, points: Vector[]): Point[] {
  const { origin, row, column, spacing } = planeOf(frame);
  return points.map((point) => {
    const offset = point.map((value, axis) => value - origin[axis]);
    const along = (direction: Vector) => offset.reduce((sum, value, axis) => sum + value * direction[axis], 0);
    return [along(row) / spacing[0], along(column) / spacing[1]];
  });
}

function quantity(measured: Quantity | undefined): string {
  if (!measured) return t('no_scale');
  const text = measured.unit === '°' ? `${rounded(measured.value)}°` : `${rounded(measured.value)} ${measured.unit}`;
  return measured.place === 'detector' ? t('at_detector', { measure: text }) : text;
}

function lengthLines(data: Data, targets: string | string[]): string[] {
  const frame = imageOf(targets);
  return frame ? [quantity(length(frame.values, indices(frame, data.handles.points)))] : [];
}

function angleLines(data: Data, targets: string | string[]): string[] {
  const frame = imageOf(targets);
  if (!frame || data.handles.points.length < 3) return [];
  return [quantity(angle(frame.values, indices(frame, data.handles.points)))];
}

function regionLines(shape: Shape) {
  return (data: Data, targets: string | string[]): string[] => {
    const frame = imageOf(targets);
    if (!frame) return [];
    const box = boxOf(indices(frame, data.handles.points));
    const lines = [t('area', { measure: quantity(area(frame.values, box, shape)) })];
    const picture = pictureOf(frame.id);
    const found = picture && statistics(picture, frame.values, box, shape);
    if (found) {
      const { unit } = frame.values;
      lines.push(t('mean', { mean: rounded(found.mean), deviation: rounded(found.deviation), unit }).trim());
      lines.push(t('range', { low: rounded(found.low), high: rounded(found.high), unit }).trim());
    }
    return lines;
  };
}

function probeLines(data: Data, targets: string | string[]): string[] {
  const frame = imageOf(targets);
  if (!frame) return [];
  const [point] = indices(frame, data.handles.points);
  const picture = pictureOf(frame.id);
  const value = picture && valueAt(picture, frame.values, point);
  const place = `${Math.round(point[0])}, ${Math.round(point[1])}`;
  if (!value) return [place];
  const text = 'grey' in value ? `${rounded(value.grey)} ${frame.values.unit}`.trim() : `RGB ${value.rgb.join(' ')}`;
  return [text, place];
}

/** What Cornerstone would compute and cache is not used; it only has to know that it is up to date. */
function skipStatistics(tool: object): void {
  const settle = (annotation: { invalidated?: boolean }) => {
    annotation.invalidated = false;
    return {};
  };
  Object.assign(tool, { _calculateCachedStats: settle, _throttledCalculateCachedStats: settle });
}

type ToolProps = ConstructorParameters<typeof LengthTool>[0];

const withLines = (props: ToolProps, getTextLines: unknown): ToolProps => ({
  ...props,
  configuration: { ...props?.configuration, getTextLines },
});

export class CedarLength extends LengthTool {
  static toolName = 'CedarLength';
  constructor(props: ToolProps) {
    super(withLines(props, lengthLines));
    skipStatistics(this);
  }
}

export class CedarAngle extends AngleTool {
  static toolName = 'CedarAngle';
  constructor(props: ToolProps) {
    super(withLines(props, angleLines));
    skipStatistics(this);
  }
}

export class CedarEllipse extends EllipticalROITool {
  static toolName = 'CedarEllipse';
  constructor(props: ToolProps) {
    super(withLines(props, regionLines('ellipse')));
    skipStatistics(this);
  }
}

export class CedarRectangle extends RectangleROITool {
  static toolName = 'CedarRectangle';
  constructor(props: ToolProps) {
    super(withLines(props, regionLines('rectangle')));
    skipStatistics(this);
  }
}

export class CedarProbe extends ProbeTool {
  static toolName = 'CedarProbe';
  constructor(props: ToolProps) {
    super(withLines(props, probeLines));
    skipStatistics(this);
  }
}

export const MEASURE_TOOLS = [CedarLength, CedarAngle, CedarEllipse, CedarRectangle, CedarProbe];
