/** Play, speed and direction of the film. */

import type { Cine } from './cine.ts';
import { find } from './dom.ts';

export class CinePanel {
  private readonly speed: HTMLInputElement;
  private readonly shown: HTMLOutputElement;

  constructor(
    private readonly root: HTMLElement,
    private readonly cine: Cine,
  ) {
    this.speed = find<HTMLInputElement>(root, '[data-speed]');
    this.shown = find<HTMLOutputElement>(root, '[data-speed-shown]');
    this.speed.addEventListener('input', () => cine.setSpeed(Number(this.speed.value)));
    find<HTMLInputElement>(root, '[data-swing]').addEventListener('change', (event) => {
      cine.isSwinging = (event.target as HTMLInputElement).checked;
    });
  }

  show(isOpen: boolean): void {
    this.root.hidden = !isOpen;
    const rate = Math.round(this.cine.speed);
    if (Number(this.speed.value) !== rate) this.speed.value = String(rate);
    this.shown.textContent = String(rate);
    find(this.root, '[data-command=play]').setAttribute('aria-pressed', String(this.cine.isPlaying));
  }
}
