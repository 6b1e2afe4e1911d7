/** What each command of the tool bar and the keyboard does to the active window. */

import { mirrored, fitted, panned, turned, zoomed, type Point2, type View } from '../stage/geometry.ts';
import { modalityPresets } from './presets.ts';
import type { Pane } from './pane.ts';

type PaneCommand = (pane: Pane, value: number) => void;

const look = (pane: Pane, view: View): void => {
  const { viewport } = pane;
  pane.setView(view.isFit ? fitted(view, viewport.imageSize, viewport.canvas, viewport.aspect) : view);
};

const pan = (dx: number, dy: number): PaneCommand => (pane, by) => {
  const { viewport } = pane;
  const ratio = viewport.pixelRatio;
  pane.setView(panned(viewport.view, viewport.canvas, viewport.aspect, dx * by * ratio, dy * by * ratio));
};

export function middle(pane: Pane): Point2 {
  return [pane.viewport.canvas.width / 2, pane.viewport.canvas.height / 2];
}

export function zoom(pane: Pane, factor: number, about: Point2): void {
  const { viewport } = pane;
  pane.setView(zoomed(viewport.view, viewport.canvas, viewport.aspect, factor, about));
}

export const PANE_COMMANDS: Record<string, PaneCommand> = {
  step: (pane, by) => pane.step(by),
  first: (pane) => pane.go(0),
  last: (pane) => pane.go((pane.stack?.frames.length ?? 1) - 1),
  invert: (pane) => pane.setInverted(!pane.isInverted),
  fit: (pane) => pane.fit(),
  one: (pane) => zoom(pane, 1 / pane.viewport.view.scale, middle(pane)),
  zoom: (pane, factor) => zoom(pane, factor, middle(pane)),
  'rotate-right': (pane) => look(pane, turned(pane.viewport.view, 1)),
  'rotate-left': (pane) => look(pane, turned(pane.viewport.view, -1)),
  'flip-horizontal': (pane) => look(pane, mirrored(pane.viewport.view, 'horizontal')),
  'flip-vertical': (pane) => look(pane, mirrored(pane.viewport.view, 'vertical')),
  'pan-up': pan(0, 1),
  'pan-down': pan(0, -1),
  'pan-left': pan(1, 0),
  'pan-right': pan(-1, 0),
  level: (pane, by) => pane.adjustWindow(1, by * 0.05),
  width: (pane, by) => pane.adjustWindow(1.1 ** by, 0),
  reset: (pane) => pane.reset(),
  preset: showPreset,
};

/** 1 to 5 presets of the modality, 0 the file's windows in turn, 9 all values. */
function showPreset(pane: Pane, digit: number): void {
  if (digit === 0) pane.nextFileVoi();
  else if (digit === 9) pane.setFullVoi();
  else {
    const preset = pane.frame && modalityPresets(pane.frame).find(({ key }) => key === String(digit));
    if (preset) pane.setVoi(preset.voi);
  }
}
