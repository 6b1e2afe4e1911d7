/** The image as it looks now, with its measurements, sent to the report. */

import { shownLetters, storedLetters } from '../dicom/orientation.ts';
import { apply } from '../stage/geometry.ts';
import type { Pane } from './pane.ts';
import { t } from './texts.ts';

export interface KeyImage {
  id: number;
  thumbnail_url: string;
  image_url: string;
  caption: string;
}

function csrfToken(): string {
  const cookie = /(?:^|;\s*)csrftoken=([^;]+)/.exec(document.cookie)?.[1];
  return cookie ?? document.querySelector<HTMLMetaElement>('meta[name="csrf-token"]')?.content ?? '';
}

/** Sends the pane's image; throws an Error whose text the reader may see. */
export async function keepKeyImage(pane: Pane, url: string): Promise<KeyImage> {
  const { frame, viewport, isInverted, currentVoi } = pane;
  if (!frame) throw new Error();
  const canvas = await compose(pane);
  const window = currentVoi?.kind === 'window' ? currentVoi : undefined;
  const { rotation, flipH, flipV, scale, centerX, centerY } = viewport.view;
  const answer = await fetch(url, {
    method: 'POST',
    credentials: 'same-origin',
    redirect: 'manual',
    headers: { 'Content-Type': 'application/json', Accept: 'application/json', 'X-CSRFToken': csrfToken() },
    body: JSON.stringify({
      sop_instance_uid: frame.instance.uid,
      series_instance_uid: frame.instance.seriesUid,
      frame: frame.number,
      window_center: window?.center ?? null,
      window_width: window?.width ?? null,
      invert: isInverted,
      rotation,
      flip_horizontal: flipH,
      flip_vertical: flipV,
      zoom: scale,
      center: [centerX, centerY],
      caption: caption(pane),
      image: canvas.toDataURL('image/jpeg', 0.92),
    }),
  });
  if (answer.status !== 201) throw new Error(await reason(answer));
  return (await answer.json()) as KeyImage;
}

function caption({ stack, index }: Pane): string {
  if (!stack) return '';
  const series = [stack.modality, stack.description || stack.bodyPart].filter(Boolean).join(' ');
  const place = t('image_of', { number: index + 1, count: stack.frames.length });
  return stack.frames.length > 1 ? [series, place].filter(Boolean).join(', ') : series;
}

async function reason(answer: Response): Promise<string> {
  try {
    const body = (await answer.json()) as { detail?: string; message?: string; error?: string };
    return body.detail ?? body.message ?? body.error ?? String(answer.status);
  } catch {
    return answer.status ? String(answer.status) : '';
  }
}

/** What the pane shows, cut to the image: pixels, measurements, orientation letters. */
async function compose(pane: Pane): Promise<HTMLCanvasElement> {
  const { viewport } = pane;
  const source = viewport.canvas;
  const { width, height } = viewport.imageSize;
  const corners = [
    apply(viewport.matrix, [0, 0]),
    apply(viewport.matrix, [width, height]),
  ];
  const left = Math.max(0, Math.floor(Math.min(corners[0][0], corners[1][0])));
  const top = Math.max(0, Math.floor(Math.min(corners[0][1], corners[1][1])));
  const right = Math.min(source.width, Math.ceil(Math.max(corners[0][0], corners[1][0])));
  const bottom = Math.min(source.height, Math.ceil(Math.max(corners[0][1], corners[1][1])));
  const out = document.createElement('canvas');
  out.width = Math.max(1, right - left);
  out.height = Math.max(1, bottom - top);
  const context = out.getContext('2d')!;
  context.drawImage(source, -left, -top);
  const layer = pane.view.querySelector<SVGSVGElement>('svg.svg-layer');
  if (layer?.querySelector('[data-annotation-uid], line, path, ellipse, rect, text')) {
    context.drawImage(await pictureOf(layer, source), -left, -top);
  }
  drawLetters(context, pane, viewport.pixelRatio);
  return out;
}

const TEXT_OUTLINE = { 'paint-order': 'stroke', stroke: '#000', 'stroke-width': '3', 'stroke-linejoin': 'round' };

async function pictureOf(layer: SVGSVGElement, size: { width: number; height: number }): Promise<HTMLImageElement> {
  const copy = layer.cloneNode(true) as SVGSVGElement;
  copy.setAttribute('width', String(size.width));
  copy.setAttribute('height', String(size.height));
  copy.setAttribute('viewBox', `0 0 ${layer.clientWidth} ${layer.clientHeight}`);
  // A picture made of the drawing does not see the page's style sheet.
  for (const text of copy.querySelectorAll('text')) {
    for (const [name, value] of Object.entries(TEXT_OUTLINE)) text.setAttribute(name, value);
  }
  const blob = new Blob([new XMLSerializer().serializeToString(copy)], { type: 'image/svg+xml' });
  const address = URL.createObjectURL(blob);
  try {
    const picture = new Image();
    picture.src = address;
    await picture.decode();
    return picture;
  } finally {
    URL.revokeObjectURL(address);
  }
}

function drawLetters(context: CanvasRenderingContext2D, pane: Pane, ratio: number): void {
  const { frame, viewport } = pane;
  const stored = frame && storedLetters(frame.values.orientation, frame.values.patientOrientation);
  if (!stored) return;
  const { left, top, right, bottom } = shownLetters(stored, viewport.view);
  const { width, height } = context.canvas;
  const margin = 12 * ratio;
  context.font = `600 ${16 * ratio}px Inter, system-ui, sans-serif`;
  context.textAlign = 'center';
  context.textBaseline = 'middle';
  context.lineWidth = 3 * ratio;
  context.strokeStyle = '#000';
  context.fillStyle = '#fff';
  const places: [string, number, number][] = [
    [left, margin, height / 2],
    [right, width - margin, height / 2],
    [top, width / 2, margin],
    [bottom, width / 2, height - margin],
  ];
  for (const [text, x, y] of places) {
    context.strokeText(text, x, y);
    context.fillText(text, x, y);
  }
}
