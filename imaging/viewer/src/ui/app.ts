/** The viewer: a study, its windows, and what connects them to tool bar, keyboard, strip and network. */

import type { RenderingEngine } from '@cornerstonejs/core';
import { annotation } from '@cornerstonejs/tools';

import type { Stack, Study } from '../dicom/study.ts';
import type { Dicomweb } from '../load/dicomweb.ts';
import type { FrameStore } from '../load/store.ts';
import { onDrag, type Drag } from '../stage/drag-tools.ts';
import { panned } from '../stage/geometry.ts';
import { measureOn } from '../stage/measure-tools.ts';
import { registerStudy } from '../stage/registry.ts';
import { startEngine, ToolBox, TOOLS, type ToolName } from '../stage/setup.ts';
import { Cine } from './cine.ts';
import { CinePanel } from './cine-panel.ts';
import { PANE_COMMANDS, zoom } from './commands.ts';
import { find } from './dom.ts';
import { keepKeyImage } from './key-image.ts';
import { listen } from './keyboard.ts';
import { Note } from './note.ts';
import { identityOf, type Identity } from './overlay.ts';
import { Pane, type PaneContext } from './pane.ts';
import { filePresets, fullPreset, modalityPresets, type Preset } from './presets.ts';
import { STACK_TYPE, Strip } from './strip.ts';
import { t } from './texts.ts';
import { ToolBar } from './toolbar.ts';

const LAYOUTS = { '1x1': 1, '1x2': 2, '2x2': 4 } as const;
type Layout = keyof typeof LAYOUTS;

const SINGLE_KEYS = 'cedar-viewer-single-keys';

export class App {
  private readonly engine: RenderingEngine = startEngine();
  private readonly tools = new ToolBox();
  private readonly strip: Strip;
  private readonly bar: ToolBar;
  private readonly cine: Cine;
  private readonly cinePanel: CinePanel;
  private readonly note: Note;
  private readonly stage: HTMLElement;
  private readonly keys: HTMLDialogElement;
  private readonly panes: Pane[] = [];
  private study?: Study;
  private identity?: Identity;
  private active = 0;
  private layout: Layout = '1x1';
  private isCineOpen = false;
  private lastPane = 0;

  constructor(
    private readonly root: HTMLElement,
    private readonly client: Dicomweb,
    private readonly store: FrameStore,
  ) {
    this.stage = find(root, '[data-stage]');
    this.keys = find(root, '[data-keys]');
    this.note = new Note(find(root, '[data-note]'));
    store.listen({
      changed: (id) => this.panes.forEach((pane) => pane.arrive(id)),
      interrupted: (why) => this.interrupted(why),
    });
    measureOn((id) => this.store.peek(id));
    this.strip = new Strip(find(root, '[data-strip]'), client, (stack) => this.openStack(stack));
    this.bar = new ToolBar(find(root, '.viewer__bar'), (name, value) => this.act(name, value), () => this.presets());
    this.cine = new Cine(() => this.refresh());
    this.cinePanel = new CinePanel(find(root, '[data-cine]'), this.cine);
    this.listenToDrags();
    this.listenToStage();
    this.listenToKeys();
    new ResizeObserver(() => this.panes.forEach((pane) => pane.resize())).observe(this.stage);
    document.addEventListener('fullscreenchange', () => this.refresh());
  }

  show(study: Study): void {
    this.study = study;
    this.identity = identityOf(study, this.root.dataset);
    registerStudy(study);
    this.stage.replaceChildren();
    this.strip.fill(study);
    if (study.stacks.length === 0) {
      this.note.say(t('no_images'));
      return;
    }
    this.setLayout('1x1');
  }

  /** The page asks for the password in place; what is loaded stays readable meanwhile. */
  private interrupted(why: 'network' | 'signed_out' | undefined): void {
    this.note.interrupted(why);
    if (why === 'signed_out') document.dispatchEvent(new CustomEvent('cedar:signed-out'));
  }

  private get pane(): Pane | undefined {
    return this.panes[this.active];
  }

  private setLayout(layout: Layout): void {
    this.layout = layout;
    this.stage.dataset.layout = layout;
    while (this.panes.length > LAYOUTS[layout]) {
      const closed = this.panes.pop()!;
      this.tools.remove(closed.id);
      closed.close();
    }
    while (this.panes.length < LAYOUTS[layout]) this.addPane();
    this.panes.forEach((pane) => pane.resize());
    this.activate(Math.min(this.active, this.panes.length - 1));
  }

  private addPane(): void {
    const { study, identity } = this;
    if (!study || !identity) return;
    const context: PaneContext = {
      engine: this.engine,
      store: this.store,
      client: this.client,
      room: (bytes) => Math.max(3, Math.floor((this.store.limit * 0.85) / LAYOUTS[this.layout] / Math.max(1, bytes))),
      changed: () => this.refresh(),
    };
    const pane = new Pane(`pane-${++this.lastPane}`, context, this.stage);
    pane.setStudy(study, identity);
    this.tools.add(pane.id);
    this.panes.push(pane);
    const shown = new Set(this.panes.map((other) => other.stack));
    const next = study.stacks.find((stack) => !shown.has(stack));
    if (next) pane.open(next);
  }

  private activate(index: number): void {
    this.active = index;
    this.panes.forEach((pane, at) => pane.setActive(at === index && this.panes.length > 1));
    this.cine.follow(this.pane);
    this.isCineOpen = this.pane?.stack?.frames[0]?.instance.frames ? this.pane.stack.frames[0].instance.frames > 1 : false;
    this.refresh();
  }

  private openStack(stack: Stack, pane = this.pane): void {
    if (!pane) return;
    pane.open(stack);
    this.activate(this.panes.indexOf(pane));
  }

  private presets(): Preset[] {
    const { pane } = this;
    const { frame, picture } = pane ?? {};
    if (!frame || !picture) return [];
    return [...filePresets(frame), ...(picture.isColour ? [] : modalityPresets(frame)), fullPreset(frame, picture)];
  }

  private act(name: string, value: string | number = 0): void {
    const { pane } = this;
    const command = PANE_COMMANDS[name];
    if (command) {
      if (name === 'step' || name === 'first' || name === 'last') this.cine.stop();
      if (pane) command(pane, Number(value));
      return;
    }
    switch (name) {
      case 'tool':
        this.tools.choose(value as ToolName);
        break;
      case 'layout':
        this.setLayout(value as Layout);
        break;
      case 'next-layout': {
        const names = Object.keys(LAYOUTS) as Layout[];
        this.setLayout(names[(names.indexOf(this.layout) + 1) % names.length]);
        break;
      }
      case 'next-pane':
        this.activate((this.active + 1) % Math.max(1, this.panes.length));
        this.pane?.root.focus();
        break;
      case 'series':
        this.nextSeries(Number(value));
        break;
      case 'show-preset':
        pane?.setVoi(this.presets()[Number(value)]?.voi);
        break;
      case 'cine':
        this.isCineOpen = !this.isCineOpen;
        if (this.isCineOpen) this.cine.play();
        else this.cine.stop();
        break;
      case 'play':
        this.isCineOpen = true;
        this.cine.toggle();
        break;
      case 'speed':
        this.cine.setSpeed(Math.round(this.cine.speed) + Number(value));
        break;
      case 'delete':
        this.removeMeasurement();
        break;
      case 'key-image':
        void this.keepKeyImage();
        break;
      case 'full-screen':
        void this.toggleFullScreen();
        break;
      case 'keys':
        this.keys.showModal();
        break;
    }
    this.refresh();
  }

  private nextSeries(by: number): void {
    const stacks = this.study?.stacks ?? [];
    const at = stacks.indexOf(this.pane?.stack as Stack);
    const next = stacks[at + by];
    if (next) this.openStack(next);
  }

  /** The selected measurement of the image shown, else the last one made on it. */
  private removeMeasurement(): void {
    const id = this.pane?.frame?.id;
    const here = annotation.state.getAllAnnotations().filter((made) => made.metadata?.referencedImageId === id);
    const chosen = here.find((made) => made.isSelected || made.highlighted) ?? here.at(-1);
    if (chosen?.annotationUID) annotation.state.removeAnnotation(chosen.annotationUID);
    this.panes.forEach((pane) => pane.viewport.render());
  }

  private async keepKeyImage(): Promise<void> {
    const url = this.root.dataset.keyImageUrl;
    const { pane } = this;
    if (!url || !pane) return;
    this.cine.stop();
    if (!pane.picture || pane.index !== pane.target) {
      this.note.say(t('key_not_yet'));
      return;
    }
    this.note.say(t('key_sending'));
    try {
      const kept = await keepKeyImage(pane, url);
      document.dispatchEvent(new CustomEvent('cedar:key-image', { detail: kept }));
      this.note.say(t('key_kept', { caption: kept.caption }));
    } catch (error) {
      const reason = error instanceof TypeError ? t('problem_network') : error instanceof Error ? error.message : '';
      this.note.warn(t('key_failed', { reason: reason || t('problem_network') }));
    }
  }

  private async toggleFullScreen(): Promise<void> {
    try {
      if (document.fullscreenElement) await document.exitFullscreen();
      else await this.root.requestFullscreen();
    } catch {
      this.note.say(t('no_full_screen'));
    }
  }

  private paneAt(node: Element | null): Pane | undefined {
    return this.panes.find((pane) => pane.root.contains(node));
  }

  private listenToDrags(): void {
    const gathered = new WeakMap<Pane, number>();
    const on = (tool: string, use: (pane: Pane, drag: Drag) => void): void =>
      onDrag(tool, (drag) => {
        const pane = this.paneAt(drag.element);
        if (pane) use(pane, drag);
      });
    const move = (pane: Pane, { dx, dy }: Drag): void => {
      const { viewport } = pane;
      const ratio = viewport.pixelRatio;
      pane.setView(panned(viewport.view, viewport.canvas, viewport.aspect, dx * ratio, dy * ratio));
    };
    on(TOOLS.window, (pane, { dx, dy }) => pane.adjustWindow(Math.exp(dx * 0.006), dy * 0.003));
    on(TOOLS.pan, move);
    on(TOOLS.zoom, (pane, { dy, at }) => {
      const ratio = pane.viewport.pixelRatio;
      zoom(pane, Math.exp(-dy * 0.008), [at[0] * ratio, at[1] * ratio]);
    });
    on(TOOLS.scroll, (pane, { dy }) => {
      const count = pane.stack?.frames.length ?? 1;
      const perImage = Math.min(24, Math.max(3, pane.root.clientHeight / count));
      const travelled = (gathered.get(pane) ?? 0) + dy;
      const steps = Math.trunc(travelled / perImage);
      gathered.set(pane, travelled - steps * perImage);
      if (steps !== 0) pane.step(steps);
    });
    on('CedarPinch', (pane, drag) => {
      move(pane, drag);
      const before = drag.distance - drag.spread;
      if (before > 0 && drag.distance > 0) {
        const ratio = pane.viewport.pixelRatio;
        zoom(pane, drag.distance / before, [drag.at[0] * ratio, drag.at[1] * ratio]);
      }
    });
  }

  private listenToStage(): void {
    const { stage } = this;
    let rolled = 0;
    stage.addEventListener(
      'wheel',
      (event) => {
        const pane = this.paneAt(event.target as Element);
        if (!pane) return;
        event.preventDefault();
        this.cine.stop();
        const ratio = pane.viewport.pixelRatio;
        if (event.ctrlKey) {
          const box = pane.view.getBoundingClientRect();
          const about: [number, number] = [(event.clientX - box.left) * ratio, (event.clientY - box.top) * ratio];
          zoom(pane, Math.exp(-event.deltaY * 0.002), about);
          return;
        }
        // A notch of a wheel is one image; a touch pad gives many small distances.
        const distance = event.deltaMode === WheelEvent.DOM_DELTA_PIXEL ? event.deltaY : event.deltaY * 40;
        const isNotch = Math.abs(distance) >= 40;
        rolled = isNotch ? 0 : rolled + distance;
        const steps = isNotch ? Math.sign(distance) * Math.max(1, Math.round(Math.abs(distance) / 120)) : Math.trunc(rolled / 24);
        if (!isNotch) rolled -= steps * 24;
        if (steps !== 0) pane.step(steps);
      },
      { passive: false },
    );
    const choose = (event: Event): void => {
      const pane = this.paneAt(event.target as Element);
      if (pane && pane !== this.pane) this.activate(this.panes.indexOf(pane));
    };
    stage.addEventListener('pointerdown', choose, { capture: true });
    stage.addEventListener('focusin', choose);
    stage.addEventListener('contextmenu', (event) => event.preventDefault());
    stage.addEventListener('dragover', (event) => {
      if (event.dataTransfer?.types.includes(STACK_TYPE)) event.preventDefault();
    });
    stage.addEventListener('drop', (event) => {
      const stack = this.study?.stacks.find(({ id }) => id === event.dataTransfer?.getData(STACK_TYPE));
      const pane = this.paneAt(event.target as Element);
      if (!stack || !pane) return;
      event.preventDefault();
      this.openStack(stack, pane);
    });
  }

  private listenToKeys(): void {
    const choice = find<HTMLInputElement>(this.keys, '[data-single-keys]');
    choice.checked = localStorage.getItem(SINGLE_KEYS) !== 'off';
    choice.addEventListener('change', () => localStorage.setItem(SINGLE_KEYS, choice.checked ? 'on' : 'off'));
    listen(this.root, (name, value) => this.act(name, value), () => choice.checked);
    find(this.root, '[data-cine]').addEventListener('click', (event) => {
      const button = (event.target as Element).closest<HTMLElement>('[data-command]');
      if (button) this.act(button.dataset.command!);
    });
  }

  private refresh(): void {
    const { pane } = this;
    this.bar?.show({
      tool: this.tools.current,
      layout: this.layout,
      isInverted: pane?.isInverted ?? false,
      isPlaying: this.cine?.isPlaying ?? false,
      hasCine: this.isCineOpen,
      isFull: document.fullscreenElement === this.root,
    });
    this.cinePanel?.show(this.isCineOpen && (pane?.stack?.frames.length ?? 0) > 1);
    this.strip?.mark(pane?.stack?.id, new Set(this.panes.map((other) => other.stack?.id ?? '')));
  }
}
