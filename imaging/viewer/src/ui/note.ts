/** The line above the images: the connection first, else the last thing there was to say. */

import { setText } from './dom.ts';
import { t } from './texts.ts';

const SHOWN_FOR = 5000;

export class Note {
  private isLost = false;
  private timer = 0;

  constructor(private readonly root: HTMLElement) {}

  say(text: string): void {
    this.put(text, 'info');
    this.timer = window.setTimeout(() => this.put('', 'info'), SHOWN_FOR);
  }

  /** Stays until something else is said. */
  warn(text: string): void {
    this.put(text, 'warn');
  }

  interrupted(why: 'network' | 'signed_out' | undefined): void {
    this.isLost = false;
    if (why === 'network') this.warn(t('connection_lost'));
    else if (why === 'signed_out') this.warn(t('problem_signed_out'));
    else this.say(t('connection_back'));
    this.isLost = why !== undefined;
  }

  private put(text: string, kind: string): void {
    window.clearTimeout(this.timer);
    if (this.isLost) return;
    this.root.dataset.kind = kind;
    setText(this.root, text);
  }
}
