/** Plays the stack of the active window at the file's speed, or at the reader's. */

import type { Pane } from './pane.ts';

const STACK_RATE = 10;
const CLIP_RATE = 15;

export class Cine {
  isPlaying = false;
  isSwinging = false;
  private rate = STACK_RATE;
  private pane?: Pane;
  private last = 0;
  private owed = 0;
  private direction: 1 | -1 = 1;
  private request = 0;

  constructor(private readonly changed: () => void) {}

  get speed(): number {
    return this.rate;
  }

  /** The speed the file asks for; for a stack of single images a usual one. */
  follow(pane: Pane | undefined): void {
    if (pane !== this.pane) this.stop();
    this.pane = pane;
    const first = pane?.stack?.frames[0]?.instance;
    if (first) this.rate = first.frameRate ?? (first.frames > 1 ? CLIP_RATE : STACK_RATE);
    this.changed();
  }

  setSpeed(rate: number): void {
    this.rate = Math.min(60, Math.max(1, rate));
    this.changed();
  }

  toggle(): void {
    if (this.isPlaying) this.stop();
    else this.play();
  }

  play(): void {
    if (!this.pane?.stack || this.pane.stack.frames.length < 2) return;
    this.isPlaying = true;
    this.pane.isLooping = true;
    this.last = performance.now();
    this.owed = 0;
    this.request = requestAnimationFrame((now) => this.tick(now));
    this.changed();
  }

  stop(): void {
    cancelAnimationFrame(this.request);
    if (this.pane) this.pane.isLooping = false;
    if (!this.isPlaying) return;
    this.isPlaying = false;
    this.changed();
  }

  /** Steps on as many images as time has passed for; waits at an image that is not loaded yet. */
  private tick(now: number): void {
    const { pane } = this;
    if (!this.isPlaying || !pane?.stack) return;
    this.owed += ((now - this.last) / 1000) * this.rate;
    this.last = now;
    const steps = Math.floor(this.owed);
    if (steps > 0) {
      let next = pane.index;
      for (let step = 0; step < Math.min(steps, 4); step++) {
        const after = this.after(next, pane.stack.frames.length);
        if (!pane.isLoaded(after)) {
          if (next === pane.index) pane.go(after);
          break;
        }
        next = after;
      }
      if (next !== pane.index) pane.go(next);
      this.owed -= steps;
    }
    this.request = requestAnimationFrame((later) => this.tick(later));
  }

  private after(index: number, count: number): number {
    if (!this.isSwinging) return (index + 1) % count;
    if (index + this.direction < 0 || index + this.direction >= count) this.direction = this.direction === 1 ? -1 : 1;
    return index + this.direction;
  }
}
