/** The bar at the side of a stack: where the reader is, what is loaded; dragging it goes there. */

import { element } from './dom.ts';

export class ScrollBar {
  readonly root = element('div', 'pane__scroll');
  private readonly canvas = element('canvas', 'pane__scroll-marks');
  private readonly thumb = element('div', 'pane__scroll-thumb');
  private count = 0;
  private at = 0;
  private isLoaded: (index: number) => boolean = () => false;
  private isPlanned = false;

  constructor(go: (index: number) => void) {
    this.root.setAttribute('aria-hidden', 'true');
    this.root.append(this.canvas, this.thumb);
    const follow = (event: PointerEvent): void => {
      const box = this.root.getBoundingClientRect();
      const share = (event.clientY - box.top) / box.height;
      go(Math.round(share * (this.count - 1)));
    };
    this.root.addEventListener('pointerdown', (event) => {
      this.root.setPointerCapture(event.pointerId);
      follow(event);
      event.preventDefault();
      event.stopPropagation();
    });
    this.root.addEventListener('pointermove', (event) => {
      if (this.root.hasPointerCapture(event.pointerId)) follow(event);
    });
  }

  set(count: number, at: number, isLoaded: (index: number) => boolean): void {
    this.count = count;
    this.at = at;
    this.isLoaded = isLoaded;
    this.root.hidden = count < 2;
    this.refresh();
  }

  /** Many frames may arrive at once: drawn once per screen frame. */
  refresh(): void {
    if (this.isPlanned || this.count < 2) return;
    this.isPlanned = true;
    requestAnimationFrame(() => {
      this.isPlanned = false;
      this.draw();
    });
  }

  resize(): void {
    this.refresh();
  }

  private draw(): void {
    const height = this.root.clientHeight;
    if (height === 0) return;
    const thumbHeight = Math.max(14, height / this.count);
    const top = this.count > 1 ? (this.at / (this.count - 1)) * (height - thumbHeight) : 0;
    this.thumb.style.height = `${thumbHeight}px`;
    this.thumb.style.transform = `translateY(${top}px)`;
    const context = this.canvas.getContext('2d');
    if (!context) return;
    this.canvas.width = 4;
    this.canvas.height = height;
    context.fillStyle = '#5d7f76';
    const step = height / this.count;
    for (let index = 0; index < this.count; index++) {
      if (this.isLoaded(index)) context.fillRect(0, Math.floor(index * step), 4, Math.ceil(step));
    }
  }
}
