/**
 * Where image pixels are on the canvas. Image coordinates here run along the pixel edges: the first pixel covers
 * 0 to 1. Canvas coordinates are device pixels.
 */

export type Point2 = [number, number];

export interface View {
  /** Device pixels per image pixel, along the axis of the finer pixels. */
  scale: number;
  /** Image point in the middle of the canvas. */
  centerX: number;
  centerY: number;
  /** Clockwise, in quarters: 0, 90, 180, 270. */
  rotation: number;
  flipH: boolean;
  flipV: boolean;
  /** The scale follows the size of the canvas. */
  isFit: boolean;
}

export interface Size {
  width: number;
  height: number;
}

/** x' = a·x + c·y + e, y' = b·x + d·y + f */
export type Matrix = [a: number, b: number, c: number, d: number, e: number, f: number];

export const MIN_SCALE = 0.02;
export const MAX_SCALE = 64;

/** Stretch of a pixel whose height is `aspect` times its width. */
function stretch(aspect: number): Point2 {
  return aspect >= 1 ? [1, aspect] : [1 / aspect, 1];
}

function turn(rotation: number): Point2 {
  return [[1, 0], [0, 1], [-1, 0], [0, -1]][(((rotation / 90) % 4) + 4) % 4] as Point2;
}

export function imageToCanvas(view: View, canvas: Size, aspect: number): Matrix {
  const [stretchX, stretchY] = stretch(aspect);
  const sx = view.scale * stretchX * (view.flipH ? -1 : 1);
  const sy = view.scale * stretchY * (view.flipV ? -1 : 1);
  const [cos, sin] = turn(view.rotation);
  const a = cos * sx;
  const b = sin * sx;
  const c = -sin * sy;
  const d = cos * sy;
  let e = canvas.width / 2 - (a * view.centerX + c * view.centerY);
  let f = canvas.height / 2 - (b * view.centerX + d * view.centerY);
  if (view.scale === 1) {
    e = Math.round(e);
    f = Math.round(f);
  }
  return [a, b, c, d, e, f];
}

export function apply([a, b, c, d, e, f]: Matrix, [x, y]: Point2): Point2 {
  return [a * x + c * y + e, b * x + d * y + f];
}

export function invert([a, b, c, d, e, f]: Matrix): Matrix {
  const det = a * d - b * c;
  return [d / det, -b / det, -c / det, a / det, (c * f - d * e) / det, (b * e - a * f) / det];
}

export function fitScale(image: Size, canvas: Size, rotation: number, aspect: number): number {
  const [stretchX, stretchY] = stretch(aspect);
  const isTurned = rotation % 180 !== 0;
  const width = (isTurned ? image.height * stretchY : image.width * stretchX) || 1;
  const height = (isTurned ? image.width * stretchX : image.height * stretchY) || 1;
  return clampScale(Math.min(canvas.width / width, canvas.height / height));
}

export function clampScale(scale: number): number {
  return Math.min(MAX_SCALE, Math.max(MIN_SCALE, scale));
}

export function fitted(view: View, image: Size, canvas: Size, aspect: number): View {
  return {
    ...view,
    scale: fitScale(image, canvas, view.rotation, aspect),
    centerX: image.width / 2,
    centerY: image.height / 2,
    isFit: true,
  };
}

export function initialView(image: Size, canvas: Size, aspect: number): View {
  const blank: View = { scale: 1, centerX: 0, centerY: 0, rotation: 0, flipH: false, flipV: false, isFit: true };
  return fitted(blank, image, canvas, aspect);
}

/** Moved by a distance in device pixels. */
export function panned(view: View, canvas: Size, aspect: number, dx: number, dy: number): View {
  const [a, b, c, d] = invert(imageToCanvas(view, canvas, aspect));
  return {
    ...view,
    centerX: view.centerX - (a * dx + c * dy),
    centerY: view.centerY - (b * dx + d * dy),
    isFit: false,
  };
}

/** Enlarged about a canvas point, which keeps showing the same image point. */
export function zoomed(view: View, canvas: Size, aspect: number, factor: number, about: Point2): View {
  const before = apply(invert(imageToCanvas(view, canvas, aspect)), about);
  const larger = { ...view, scale: clampScale(view.scale * factor), isFit: false };
  const after = apply(invert(imageToCanvas(larger, canvas, aspect)), about);
  return {
    ...larger,
    centerX: larger.centerX + before[0] - after[0],
    centerY: larger.centerY + before[1] - after[1],
  };
}

/** A quarter turn of what is seen: mirrored images turn the same way as others. */
export function turned(view: View, quarters: number): View {
  return { ...view, rotation: (((view.rotation + quarters * 90) % 360) + 360) % 360 };
}

/** Mirrored as seen: left and right, or top and bottom of the screen change places. */
export function mirrored(view: View, axis: 'horizontal' | 'vertical'): View {
  const isTurned = view.rotation % 180 !== 0;
  const isAlongRows = (axis === 'horizontal') !== isTurned;
  return isAlongRows ? { ...view, flipH: !view.flipH } : { ...view, flipV: !view.flipV };
}

/** The part of the image that the canvas shows, in image coordinates, within the image. */
export function visibleRect(matrix: Matrix, canvas: Size, image: Size): { x: number; y: number; width: number; height: number } {
  const back = invert(matrix);
  const corners = [
    apply(back, [0, 0]),
    apply(back, [canvas.width, 0]),
    apply(back, [0, canvas.height]),
    apply(back, [canvas.width, canvas.height]),
  ];
  const xs = corners.map((corner) => corner[0]);
  const ys = corners.map((corner) => corner[1]);
  const x = Math.max(0, Math.min(...xs));
  const y = Math.max(0, Math.min(...ys));
  return {
    x,
    y,
    width: Math.max(0, Math.min(image.width, Math.max(...xs)) - x),
    height: Math.max(0, Math.min(image.height, Math.max(...ys)) - y),
  };
}
