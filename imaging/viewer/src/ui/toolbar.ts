/** The tool bar: buttons name their command in `data-command`, `data-tool` or `data-layout`. */

import type { Act } from './keyboard.ts';
import { element } from './dom.ts';
import type { Preset } from './presets.ts';

export class ToolBar {
  private openMenu?: HTMLButtonElement;

  constructor(
    private readonly root: HTMLElement,
    private readonly act: Act,
    private readonly presets: () => Preset[],
  ) {
    root.addEventListener('click', (event) => this.click(event));
    root.addEventListener('keydown', (event) => this.key(event));
    document.addEventListener('pointerdown', (event) => {
      if (this.openMenu && !this.openMenu.parentElement?.contains(event.target as Node)) this.close(false);
    });
  }

  private click(event: Event): void {
    const button = (event.target as HTMLElement).closest<HTMLButtonElement>('button');
    if (!button || !this.root.contains(button)) return;
    const { menu, tool, command, layout, preset } = button.dataset;
    if (menu !== undefined) {
      this.toggle(button);
      return;
    }
    if (tool) this.act('tool', tool);
    else if (layout) this.act('layout', layout);
    else if (preset) this.act('show-preset', preset);
    else if (command) this.act(command);
    this.close(button.closest('[role=menu]') !== null);
  }

  private key(event: KeyboardEvent): void {
    if (!this.openMenu) return;
    const items = this.items();
    const at = items.indexOf(document.activeElement as HTMLButtonElement);
    const moves: Record<string, number> = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: items.length - 1 };
    if (event.key === 'Escape') this.close(true);
    else if (event.key === 'Tab') {
      this.close(false);
      return;
    } else if (event.key in moves) items.at(moves[event.key] % items.length)?.focus();
    else return;
    event.preventDefault();
    event.stopPropagation();
  }

  private items(): HTMLButtonElement[] {
    return [...(this.openMenu?.parentElement?.querySelectorAll<HTMLButtonElement>('[role=menu] button') ?? [])];
  }

  private toggle(button: HTMLButtonElement): void {
    const wasOpen = this.openMenu === button;
    this.close(false);
    if (wasOpen) return;
    const popup = button.parentElement?.querySelector<HTMLElement>('[role=menu]');
    if (!popup) return;
    if (popup.dataset.presets !== undefined) this.fillPresets(popup);
    popup.hidden = false;
    button.setAttribute('aria-expanded', 'true');
    this.openMenu = button;
    const place = button.getBoundingClientRect();
    const room = this.root.getBoundingClientRect();
    popup.style.left = `${Math.min(0, room.right - place.left - popup.offsetWidth - 4)}px`;
    this.items()[0]?.focus();
  }

  private close(returnsFocus: boolean): void {
    const button = this.openMenu;
    if (!button) return;
    button.parentElement?.querySelector<HTMLElement>('[role=menu]')?.setAttribute('hidden', '');
    button.setAttribute('aria-expanded', 'false');
    this.openMenu = undefined;
    if (returnsFocus) button.focus();
  }

  private fillPresets(popup: HTMLElement): void {
    popup.replaceChildren(
      ...this.presets().map((preset, index) => {
        const item = element('button', '', preset.label);
        item.type = 'button';
        item.setAttribute('role', 'menuitem');
        item.dataset.preset = String(index);
        item.append(' ', element('kbd', '', preset.key));
        return item;
      }),
    );
  }

  /** Which buttons look pressed. */
  show(state: { tool: string; layout: string; isInverted: boolean; isPlaying: boolean; hasCine: boolean; isFull: boolean }): void {
    for (const button of this.root.querySelectorAll<HTMLButtonElement>('button[data-tool]')) {
      const isOn = button.dataset.tool === state.tool;
      button.setAttribute(button.hasAttribute('role') ? 'aria-checked' : 'aria-pressed', String(isOn));
    }
    for (const button of this.root.querySelectorAll<HTMLButtonElement>('button[data-layout]')) {
      button.setAttribute('aria-checked', String(button.dataset.layout === state.layout));
    }
    const measure = this.root.querySelector<HTMLButtonElement>('button[data-menu=measure]');
    const isMeasuring = measure?.parentElement?.querySelector(`[data-tool="${state.tool}"]`) !== null;
    measure?.classList.toggle('is-on', isMeasuring);
    const press = (command: string, isOn: boolean): void => {
      this.root.querySelector(`button[data-command="${command}"]`)?.setAttribute('aria-pressed', String(isOn));
    };
    press('invert', state.isInverted);
    press('cine', state.hasCine);
    press('full-screen', state.isFull);
  }
}
