/**
 * A Cornerstone viewport for stacks with our own geometry and processor-only painting. Cornerstone's annotation
 * tools work on it through canvasToWorld, worldToCanvas, getCamera and getImageData; world is the patient
 * coordinate system in mm (image pixels where the file has no geometry), with the origin in the centre of the first
 * pixel as in PS3.3 C.7.6.2.
 */

import { StackViewport, triggerEvent, Enums, type Types } from '@cornerstonejs/core';

import { displayAspect, type Point } from '../dicom/spacing.ts';
import type { FrameRef } from '../dicom/study.ts';
import type { Picture } from '../pixels/picture.ts';
import {
  apply,
  fitted,
  imageToCanvas,
  initialView,
  invert,
  type Matrix,
  type Point2,
  type Size,
  type View,
} from './geometry.ts';
import { Painter, type Shading } from './painter.ts';

export const VIEWPORT_TYPE = 'cedarStack';

type Vector = [number, number, number];

const add = (a: Vector, b: Vector, times: number): Vector => [a[0] + b[0] * times, a[1] + b[1] * times, a[2] + b[2] * times];
const dot = (a: Vector, b: Vector): number => a[0] * b[0] + a[1] * b[1] + a[2] * b[2];
const cross = (a: Vector, b: Vector): Vector => [
  a[1] * b[2] - a[2] * b[1],
  a[2] * b[0] - a[0] * b[2],
  a[0] * b[1] - a[1] * b[0],
];

interface Plane {
  origin: Vector;
  row: Vector;
  column: Vector;
  spacing: Point2;
}

export function planeOf(frame: FrameRef): Plane {
  const { position, orientation, calibration } = frame.values;
  return {
    origin: (position as Vector | undefined) ?? [0, 0, 0],
    row: (orientation?.slice(0, 3) as Vector | undefined) ?? [1, 0, 0],
    column: (orientation?.slice(3, 6) as Vector | undefined) ?? [0, 1, 0],
    spacing: 'row' in calibration ? [calibration.column, calibration.row] : [1, calibration.aspect],
  };
}

export class CedarViewport extends StackViewport {
  frame?: FrameRef;
  picture?: Picture;
  view: View = initialView({ width: 1, height: 1 }, { width: 1, height: 1 }, 1);
  private shading?: Shading;
  private readonly painter = new Painter();

  static get useCustomRenderingPipeline(): boolean {
    return true;
  }

  constructor(props: ConstructorParameters<typeof StackViewport>[0]) {
    super(props);
    // StackViewport sets these on the instance, so methods of the class would never be called.
    Object.assign(this, {
      canvasToWorld: (point: Point2) => this.toWorld(this.toIndex(point)),
      worldToCanvas: (world: Vector) => this.fromIndex(this.indexOfWorld(world)),
      getCamera: () => this.camera(),
      setCamera: () => undefined,
      resetCamera: () => true,
      resetCameraForResize: () => true,
      getImageData: () => this.imageData(),
      getRotation: () => this.view.rotation,
      getZoom: () => this.view.scale,
      getPan: () => [0, 0],
      setVOI: () => undefined,
      customRenderViewportToCanvas: () => this.paint(),
      resize: () => this.fitCanvas(),
      resizeForRenderingEngine: () => this.fitCanvas(),
    });
  }

  get imageSize(): Size {
    if (this.picture) return { width: this.picture.full.width, height: this.picture.full.height };
    return { width: this.frame?.instance.pixel.columns ?? 1, height: this.frame?.instance.pixel.rows ?? 1 };
  }

  get aspect(): number {
    return this.frame ? displayAspect(this.frame.values.calibration) : 1;
  }

  get matrix(): Matrix {
    return imageToCanvas(this.view, this.canvas, this.aspect);
  }

  /** Tells Cornerstone's tools which images belong to this stack. */
  setFrames(frames: FrameRef[]): void {
    const inner = this as unknown as { imageIds: string[]; imageKeyToIndexMap: Map<string, number> };
    inner.imageIds = frames.map((frame) => frame.id);
    inner.imageKeyToIndexMap.clear();
    frames.forEach((frame, index) => inner.imageKeyToIndexMap.set(frame.id, index));
    this.frame = undefined;
    this.picture = undefined;
    this.painter.forget();
  }

  /** Shows a frame, or nothing but black where its picture is missing. */
  show(frame: FrameRef, index: number, picture: Picture | undefined, shading: Shading | undefined): void {
    const before = this.frame && { size: this.imageSize, aspect: this.aspect };
    this.frame = frame;
    this.picture = picture;
    this.shading = shading;
    Object.assign(this, { currentImageIdIndex: index, targetImageIdIndex: index });
    const { width, height } = this.imageSize;
    const isSameShape = before?.size.width === width && before.size.height === height && before.aspect === this.aspect;
    if (!isSameShape) {
      this.view = before ? fitted(this.view, this.imageSize, this.canvas, this.aspect) : initialView(this.imageSize, this.canvas, this.aspect);
    }
    this.render();
    triggerEvent(this.element, Enums.Events.STACK_NEW_IMAGE, {
      imageId: frame.id,
      imageIdIndex: index,
      viewportId: this.id,
      renderingEngineId: this.renderingEngineId,
    });
  }

  shade(shading: Shading): void {
    this.shading = shading;
    this.render();
  }

  look(view: View): void {
    this.view = view;
    this.render();
  }

  /** Keeps the canvas at one device pixel per canvas pixel, and a fitted image fitted. */
  fitCanvas(): void {
    const ratio = window.devicePixelRatio || 1;
    const width = Math.max(2, Math.round(this.element.clientWidth * ratio));
    const height = Math.max(2, Math.round(this.element.clientHeight * ratio));
    if (this.canvas.width !== width || this.canvas.height !== height) {
      this.canvas.width = width;
      this.canvas.height = height;
    }
    if (this.view.isFit && this.frame) this.view = fitted(this.view, this.imageSize, this.canvas, this.aspect);
    this.render();
  }

  /** Column and row (centre of the first pixel is 0, 0) under a point in CSS pixels of the element. */
  toIndex([x, y]: Point2): Point2 {
    const ratio = this.pixelRatio;
    const [column, row] = apply(invert(this.matrix), [x * ratio, y * ratio]);
    return [column - 0.5, row - 0.5];
  }

  fromIndex([column, row]: Point): Point2 {
    const ratio = this.pixelRatio;
    const [x, y] = apply(this.matrix, [column + 0.5, row + 0.5]);
    return [x / ratio, y / ratio];
  }

  indexOfWorld(world: Vector): Point2 {
    if (!this.frame) return [0, 0];
    const { origin, row, column, spacing } = planeOf(this.frame);
    const offset = add(world, origin, -1);
    return [dot(offset, row) / spacing[0], dot(offset, column) / spacing[1]];
  }

  get pixelRatio(): number {
    return this.canvas.width / (this.element.clientWidth || this.canvas.width);
  }

  private toWorld([x, y]: Point): Vector {
    if (!this.frame) return [0, 0, 0];
    const { origin, row, column, spacing } = planeOf(this.frame);
    return add(add(origin, row, x * spacing[0]), column, y * spacing[1]);
  }

  private paint() {
    if (this.picture && this.shading) this.painter.paint(this.canvas, this.picture, this.matrix, this.shading);
    else this.painter.clear(this.canvas);
    return {
      canvas: this.canvas,
      element: this.element,
      viewportId: this.id,
      renderingEngineId: this.renderingEngineId,
      viewportStatus: this.viewportStatus,
    };
  }

  private camera(): Types.ICamera {
    const { row, column } = this.frame ? planeOf(this.frame) : { row: [1, 0, 0] as Vector, column: [0, 1, 0] as Vector };
    const normal = cross(column, row);
    const middle: Point2 = [this.element.clientWidth / 2, this.element.clientHeight / 2];
    const center = this.toWorld(this.toIndex(middle));
    const above = this.toWorld(this.toIndex([middle[0], middle[1] - 1]));
    const up = add(above, center, -1);
    const length = Math.sqrt(dot(up, up)) || 1;
    return {
      parallelProjection: true,
      focalPoint: center,
      position: add(center, normal, 1),
      viewPlaneNormal: normal,
      viewUp: up.map((value) => value / length) as Vector,
      parallelScale: (length * this.element.clientHeight) / 2,
      rotation: this.view.rotation,
      flipHorizontal: this.view.flipH,
      flipVertical: this.view.flipV,
    };
  }

  private imageData() {
    if (!this.frame) return undefined;
    const { origin, row, column, spacing } = planeOf(this.frame);
    const normal = cross(row, column);
    const { width, height } = this.imageSize;
    const dimensions = [width, height, 1];
    const direction = [...row, ...column, ...normal];
    const spacing3 = [...spacing, 1];
    return {
      dimensions,
      spacing: spacing3,
      origin,
      direction,
      metadata: { Modality: this.frame.instance.modality, FrameOfReferenceUID: this.frame.values.frameOfReference },
      imageData: {
        getDirection: () => direction,
        getDimensions: () => dimensions,
        getSpacing: () => spacing3,
        worldToIndex: (world: Vector) => [...this.indexOfWorld(world), 0],
        indexToWorld: (index: Vector) => this.toWorld([index[0], index[1]]),
      },
      hasPixelSpacing: false,
      scaling: {},
      preScale: {},
    };
  }
}
