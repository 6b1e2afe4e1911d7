/** One image window: a stack, the image shown, how it is shown, and what is written over it. */

import type { RenderingEngine } from '@cornerstonejs/core';

import type { FrameRef, Stack, Study } from '../dicom/study.ts';
import type { Dicomweb } from '../load/dicomweb.ts';
import { nearestFirst } from '../load/order.ts';
import type { FrameStore } from '../load/store.ts';
import { initialVoi, type Voi } from '../pixels/lut.ts';
import type { Picture } from '../pixels/picture.ts';
import { fitted, initialView, type View } from '../stage/geometry.ts';
import { VIEWPORT_TYPE, type CedarViewport } from '../stage/viewport.ts';
import { element, setText } from './dom.ts';
import { Overlay, type Identity } from './overlay.ts';
import { filePresets, fullPreset } from './presets.ts';
import { problemText } from './problems.ts';
import { ScrollBar } from './scrollbar.ts';
import { t } from './texts.ts';

export interface PaneContext {
  engine: RenderingEngine;
  store: FrameStore;
  client: Dicomweb;
  /** Frames that may wait in memory, of this size, for one pane. */
  room(bytesPerFrame: number): number;
  changed(pane: Pane): void;
}

/** A raw frame larger than this is announced by the server's own JPEG. */
const PREVIEW_FROM = 3_000_000;

export class Pane {
  readonly root = element('div', 'pane');
  readonly view = element('div', 'pane__view');
  readonly viewport: CedarViewport;
  stack?: Stack;
  /** The image on the stage, from 0. */
  index = 0;
  /** The image asked for; differs from `index` while it is on its way. */
  target = 0;
  isInverted = false;
  isLooping = false;

  private readonly overlay = new Overlay();
  private readonly preview = element('img', 'pane__preview');
  private readonly message = element('div', 'pane__message');
  private readonly loading = element('div', 'pane__loading');
  private readonly scrollBar: ScrollBar;
  private direction: -1 | 0 | 1 = 0;
  /** The reader's choice; the file decides while there is none. */
  private chosenVoi?: Voi;
  private stackVoi?: Voi;

  constructor(
    readonly id: string,
    private readonly context: PaneContext,
    parent: HTMLElement,
  ) {
    this.root.tabIndex = 0;
    this.root.setAttribute('role', 'group');
    this.preview.alt = '';
    this.preview.hidden = true;
    this.message.hidden = true;
    this.message.setAttribute('role', 'alert');
    this.loading.hidden = true;
    this.scrollBar = new ScrollBar((index) => this.go(index));
    this.root.classList.add('is-empty');
    this.root.append(this.view, this.preview, this.overlay.root, this.scrollBar.root, this.message, this.loading);
    this.root.append(element('p', 'pane__hint', t('choose_series')));
    parent.append(this.root);
    context.engine.enableElement({ viewportId: id, type: VIEWPORT_TYPE as never, element: this.view });
    this.viewport = context.engine.getViewport(id) as unknown as CedarViewport;
    this.view.removeAttribute('tabindex');
    this.viewport.fitCanvas();
  }

  get frame(): FrameRef | undefined {
    return this.stack?.frames[this.index];
  }

  get picture(): Picture | undefined {
    return this.frame && this.context.store.peek(this.frame.id);
  }

  setStudy(study: Study, identity: Identity): void {
    this.overlay.setStudy(study, identity);
  }

  open(stack: Stack, index = 0): void {
    this.root.classList.remove('is-empty');
    this.stack = stack;
    this.index = -1;
    this.target = index;
    this.direction = 0;
    this.chosenVoi = undefined;
    this.stackVoi = undefined;
    this.isInverted = false;
    this.viewport.setFrames(stack.frames);
    this.overlay.setStack(stack);
    this.overlay.setFrame(stack, stack.frames[index], index);
    this.root.setAttribute('aria-label', [t('series_line', { number: stack.number ?? '' }), stack.description].join(' '));
    this.showPreview(stack.frames[index]);
    this.go(index, true);
  }

  /** Wants another image of the stack; it is shown when it is there. */
  go(index: number, isFirst = false): void {
    if (!this.stack) return;
    const next = Math.min(this.stack.frames.length - 1, Math.max(0, index));
    if (next === this.target && !isFirst) return;
    this.direction = isFirst ? 0 : next > this.target ? 1 : -1;
    this.target = next;
    this.wantFrames();
    this.arrive(this.stack.frames[next].id);
    this.showProgress();
  }

  step(by: number): void {
    this.go(this.target + by);
  }

  isLoaded(index: number): boolean {
    const frame = this.stack?.frames[index];
    return frame !== undefined && (this.context.store.has(frame.id) || this.context.store.problem(frame.id) !== undefined);
  }

  /** A frame came in or failed: show it when it is the one wanted, or nearer to it than the one on the stage. */
  arrive(id: string): void {
    if (!this.stack) return;
    this.scrollBar.refresh();
    const wanted = this.stack.frames[this.target];
    if (id === wanted.id) {
      if (this.isLoaded(this.target)) this.display(this.target);
      return;
    }
    if (this.index === this.target) return;
    const index = this.stack.frames.findIndex((frame) => frame.id === id);
    const isNearer = index >= 0 && Math.abs(index - this.target) < Math.abs(this.index - this.target);
    if (isNearer && this.index >= 0 && this.context.store.has(id)) this.display(index);
  }

  /** The reader asks again for an image that failed. */
  retry(): void {
    const frame = this.stack?.frames[this.target];
    if (!frame) return;
    this.context.store.forget(frame.id);
    this.message.hidden = true;
    this.showProgress();
  }

  private wantFrames(): void {
    if (!this.stack) return;
    const { rows, columns, samples, bitsAllocated } = this.stack.frames[this.target].instance.pixel;
    const bytes = rows * columns * (samples === 3 ? 4 : Math.ceil(bitsAllocated / 8));
    const order = nearestFirst(this.stack.frames.length, this.target, this.context.room(bytes), this.direction, this.isLooping);
    this.context.store.plan(
      this.id,
      order.map((index) => this.stack!.frames[index]),
    );
  }

  private display(index: number): void {
    const stack = this.stack!;
    const frame = stack.frames[index];
    const picture = this.context.store.peek(frame.id);
    const problem = this.context.store.problem(frame.id);
    this.index = index;
    this.preview.hidden = true;
    this.viewport.show(frame, index, picture, picture && this.shading(frame, picture));
    this.overlay.setFrame(stack, frame, index);
    this.showProblem(problem ? problemText(problem) : '');
    this.showProgress();
    this.refreshLook();
  }

  private shading(frame: FrameRef, picture: Picture) {
    const isMonochrome1 = frame.instance.pixel.photometric === 'MONOCHROME1';
    return { values: frame.values, voi: this.voi(frame, picture), isInverted: isMonochrome1 !== this.isInverted };
  }

  /** What the reader chose, else what the file says of this frame, else one window for the whole stack. */
  private voi(frame: FrameRef, picture: Picture): Voi {
    if (this.chosenVoi && (this.chosenVoi.kind === 'window' || frame.values.voiTables[this.chosenVoi.index])) {
      return this.chosenVoi;
    }
    if (frame.values.windows.length > 0 || frame.values.voiTables.length > 0 || !this.isOneAcquisition) {
      return initialVoi(frame.values, frame.instance.pixel.bitsStored, picture.isColour, picture.low, picture.high);
    }
    this.stackVoi ??= initialVoi(frame.values, frame.instance.pixel.bitsStored, picture.isColour, picture.low, picture.high);
    return this.stackVoi;
  }

  private get isOneAcquisition(): boolean {
    const frames = this.stack?.frames ?? [];
    return frames.length > 1 && (frames[0].instance.frames > 1 || frames[0].values.position !== undefined);
  }

  get currentVoi(): Voi | undefined {
    const { frame, picture } = this;
    return frame && picture && this.voi(frame, picture);
  }

  setVoi(voi: Voi | undefined): void {
    this.chosenVoi = voi;
    this.reshade();
  }

  /** The next window or table of the file after the one shown. */
  nextFileVoi(): void {
    const offered = this.frame ? filePresets(this.frame) : [];
    if (offered.length === 0) return this.setVoi(undefined);
    const shown = JSON.stringify(this.currentVoi);
    const at = offered.findIndex((preset) => JSON.stringify(preset.voi) === shown);
    this.setVoi(offered[(at + 1) % offered.length].voi);
  }

  setFullVoi(): void {
    if (this.frame && this.picture) this.setVoi(fullPreset(this.frame, this.picture).voi);
  }

  /** Wider or narrower, brighter or darker, in steps of the current width. */
  adjustWindow(widthFactor: number, centerShare: number): void {
    const { frame, picture } = this;
    if (!frame || !picture) return;
    let voi = this.voi(frame, picture);
    if (voi.kind === 'table') voi = fullPreset(frame, picture).voi;
    if (voi.kind !== 'window') return;
    const least = picture.isColour || frame.values.slope >= 1 ? 2 : Math.abs(frame.values.slope) / 4;
    const width = Math.max(least, voi.width * widthFactor);
    this.setVoi({ kind: 'window', width, center: voi.center + voi.width * centerShare });
  }

  setInverted(isInverted: boolean): void {
    this.isInverted = isInverted;
    this.reshade();
  }

  private reshade(): void {
    const { frame, picture } = this;
    if (frame && picture) this.viewport.shade(this.shading(frame, picture));
    this.refreshLook();
  }

  setView(view: View): void {
    this.viewport.look(view);
    this.refreshLook();
  }

  fit(): void {
    const { viewport } = this;
    this.setView(fitted(viewport.view, viewport.imageSize, viewport.canvas, viewport.aspect));
  }

  reset(): void {
    const { viewport } = this;
    this.chosenVoi = undefined;
    this.isInverted = false;
    this.reshade();
    this.setView(initialView(viewport.imageSize, viewport.canvas, viewport.aspect));
  }

  resize(): void {
    this.viewport.fitCanvas();
    this.scrollBar.resize();
    this.refreshLook();
  }

  setActive(isActive: boolean): void {
    this.root.classList.toggle('is-active', isActive);
  }

  close(): void {
    this.context.store.plan(this.id, []);
    this.context.engine.disableElement(this.id);
    this.root.remove();
  }

  private refreshLook(): void {
    const { view } = this.viewport;
    this.overlay.setLook(this.picture, this.currentVoi, view, this.isInverted);
    this.overlay.setLetters(this.frame, view);
    this.context.changed(this);
  }

  private showPreview(frame: FrameRef): void {
    const { rows, columns, bitsAllocated, samples } = frame.instance.pixel;
    const isLarge = (rows * columns * bitsAllocated * samples) / 8 > PREVIEW_FROM;
    this.preview.hidden = true;
    this.preview.onload = () => {
      this.preview.hidden = this.index >= 0;
    };
    if (isLarge && !this.context.store.has(frame.id)) {
      const { width, height } = this.viewport.canvas;
      this.preview.src = this.context.client.renderedUrl(frame, width, height);
    } else {
      this.preview.removeAttribute('src');
    }
  }

  private showProgress(): void {
    const { stack } = this;
    this.scrollBar.set(stack?.frames.length ?? 0, this.target, (index) => this.isLoaded(index));
    const isWaiting = stack !== undefined && this.index !== this.target;
    const isFirst = this.index < 0;
    const text = isFirst && this.preview.src ? t('preview') : t('loading', { number: this.target + 1 });
    setText(this.loading, isWaiting ? text : '');
    this.root.setAttribute('aria-busy', String(isWaiting));
  }

  private showProblem(text: string): void {
    this.message.hidden = text === '';
    if (text === '') return;
    const again = element('button', 'btn btn--small', t('try_again'));
    again.type = 'button';
    again.addEventListener('click', () => this.retry());
    this.message.replaceChildren(
      element('strong', '', t('frame_failed')),
      element('p', '', text),
      ...((this.stack?.frames.length ?? 0) > 1 ? [element('p', 'pane__aside', t('others_readable'))] : []),
      again,
    );
  }
}
