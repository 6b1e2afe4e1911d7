/**
 * The frames: which are in memory, which are on their way, in which order to fetch. Each pane hands in the frames
 * it wants, most wanted first; what no pane wants any more is cancelled.
 */

import type { Palette, Table } from '../dicom/instance.ts';
import type { FrameRef } from '../dicom/study.ts';
import { Picture } from '../pixels/picture.ts';
import { isAborted, Problem } from '../pixels/problem.ts';
import { paletteBytes, type PaletteBytes } from '../pixels/table.ts';
import type { Decoders } from './decoders.ts';
import type { Dicomweb } from './dicomweb.ts';

export interface StoreEvents {
  /** A frame arrived in memory, or could not be read. */
  changed(id: string): void;
  /** The server cannot be reached or asks to sign in; undefined when it answers again. */
  interrupted(why: 'network' | 'signed_out' | undefined): void;
}

interface Entry {
  picture: Picture;
  used: number;
}

const AT_ONCE = 4;
/** Frames further away than this give way to the one the reader waits for. */
const FAR = 12;
/** So often a frame may break off while others come through. */
const TRIES = 3;
const RETRY_AFTER = [1000, 2000, 4000, 8000];
const MEGABYTE = 1024 * 1024;

/** Decoded frames kept: 600 MB, less where the browser says that the computer has 4 GB or less. */
function cacheLimit(): number {
  const memory = (navigator as { deviceMemory?: number }).deviceMemory ?? 8;
  return (memory <= 2 ? 150 : memory <= 4 ? 300 : 600) * MEGABYTE;
}

export class FrameStore {
  private readonly entries = new Map<string, Entry>();
  private readonly problems = new Map<string, Problem>();
  private readonly flights = new Map<string, AbortController>();
  private readonly plans = new Map<string, FrameRef[]>();
  private readonly palettes = new Map<string, Promise<PaletteBytes>>();
  private ranks = new Map<string, number>();
  private held = 0;
  private clock = 0;
  private failures = 0;
  private interruption?: 'network' | 'signed_out';
  private readonly breaks = new Map<string, number>();
  private lastBroken = '';
  private retryTimer?: number;
  /** Nothing is asked for until somebody signs in, or the reader moves on. */
  private isSignedOut = false;

  private events: StoreEvents = { changed: () => undefined, interrupted: () => undefined };

  constructor(
    private readonly client: Dicomweb,
    private readonly decoders: Decoders,
    readonly limit = cacheLimit(),
  ) {
    window.addEventListener('online', () => this.retryNow());
    document.addEventListener('cedar:signed-in', () => this.resume());
  }

  /** From now on `events` is told; nobody is while the first frames are on their way. */
  listen(events: StoreEvents): void {
    this.events = events;
    if (this.interruption) events.interrupted(this.interruption);
  }

  peek(id: string): Picture | undefined {
    const entry = this.entries.get(id);
    if (entry) entry.used = ++this.clock;
    return entry?.picture;
  }

  has(id: string): boolean {
    return this.entries.has(id);
  }

  problem(id: string): Problem | undefined {
    return this.problems.get(id);
  }

  forget(id: string): void {
    this.problems.delete(id);
    this.breaks.delete(id);
    this.fill();
  }

  get heldBytes(): number {
    return this.held;
  }

  /** Replaces what a pane wants, most wanted first; an empty list when the pane goes away. */
  plan(owner: string, frames: FrameRef[]): void {
    if (frames.length > 0) this.plans.set(owner, frames);
    else this.plans.delete(owner);
    this.ranks = new Map();
    for (const list of this.plans.values()) {
      list.forEach((frame, rank) => {
        this.ranks.set(frame.id, Math.min(rank, this.ranks.get(frame.id) ?? Infinity));
      });
    }
    this.makeRoom();
    // The reader moved on: perhaps somebody signed in again on another page meanwhile.
    this.resume();
  }

  /** Cancels what nobody wants any more; after a jump also what has become far, so that the new place comes first. */
  private makeRoom(): void {
    const isFirstMissing = [...this.plans.values()].some(
      ([{ id }]) => !this.entries.has(id) && !this.problems.has(id) && !this.flights.has(id),
    );
    for (const [id, flight] of this.flights) {
      const rank = this.ranks.get(id) ?? Infinity;
      if (rank === Infinity || (isFirstMissing && rank > FAR)) {
        flight.abort();
        this.flights.delete(id);
      }
    }
  }

  retryNow(): void {
    window.clearTimeout(this.retryTimer);
    this.retryTimer = undefined;
    this.fill();
  }

  private resume(): void {
    this.isSignedOut = false;
    this.fill();
  }

  private fill(): void {
    if (this.retryTimer !== undefined || this.isSignedOut) return;
    // While the server is out of reach one frame tries for all.
    const seats = this.failures > 0 ? 1 : AT_ONCE;
    while (this.flights.size < seats) {
      const next = this.next();
      if (!next) return;
      void this.fetch(next);
    }
  }

  /** The most wanted frame; one that has just broken off lets another go first. */
  private next(): FrameRef | undefined {
    return this.mostWanted(this.lastBroken) ?? this.mostWanted('');
  }

  private mostWanted(except: string): FrameRef | undefined {
    let best: FrameRef | undefined;
    let bestRank = Infinity;
    for (const list of this.plans.values()) {
      for (let rank = 0; rank < list.length && rank < bestRank; rank++) {
        const { id } = list[rank];
        if (id === except || this.entries.has(id) || this.problems.has(id) || this.flights.has(id)) continue;
        best = list[rank];
        bestRank = rank;
        break;
      }
    }
    return best;
  }

  private async fetch(frame: FrameRef): Promise<void> {
    const flight = new AbortController();
    this.flights.set(frame.id, flight);
    try {
      const picture = await this.read(frame, flight.signal);
      if (!flight.signal.aborted) this.keep(frame.id, picture);
      this.answered();
    } catch (error) {
      if (!isAborted(error) && !flight.signal.aborted) this.fail(frame.id, error);
    } finally {
      if (this.flights.get(frame.id) === flight) this.flights.delete(frame.id);
    }
    this.fill();
  }

  private async read(frame: FrameRef, signal: AbortSignal): Promise<Picture> {
    const { instance } = frame;
    const [stored, palette] = await Promise.all([
      this.client.frame(frame, (this.ranks.get(frame.id) ?? 1) > 0, signal),
      instance.palette ? this.palette(instance.uid, instance.palette) : undefined,
      this.fetchTables([frame.values.modalityTable, ...frame.values.voiTables]),
    ]);
    const decoded = await this.decoders.decode(
      { bytes: stored.bytes, spec: instance.pixel, transferSyntax: stored.transferSyntax, palette, padding: instance.padding },
      signal,
      () => this.ranks.get(frame.id) ?? Infinity,
    );
    return new Picture(decoded);
  }

  private palette(uid: string, palette: Palette): Promise<PaletteBytes> {
    let known = this.palettes.get(uid);
    if (!known) {
      known = this.fetchTables([palette.red, palette.green, palette.blue]).then(() => paletteBytes(palette));
      known.catch(() => this.palettes.delete(uid));
      this.palettes.set(uid, known);
    }
    return known;
  }

  private async fetchTables(tables: (Table | undefined)[]): Promise<void> {
    await Promise.all(
      tables.map(async (table) => {
        if (typeof table?.data === 'string') table.data = await this.client.bulk(table.data);
      }),
    );
  }

  private keep(id: string, picture: Picture): void {
    this.entries.set(id, { picture, used: ++this.clock });
    this.held += picture.full.data.byteLength;
    if (this.held > this.limit) this.evict(id);
    this.events.changed(id);
  }

  /** Frees the frames that no pane wants, then the least wanted, down to nine tenths of the limit. */
  private evict(keep: string): void {
    const order = [...this.entries].sort(
      ([idA, a], [idB, b]) => (this.ranks.get(idB) ?? Infinity) - (this.ranks.get(idA) ?? Infinity) || a.used - b.used,
    );
    for (const [id, { picture }] of order) {
      if (this.held <= this.limit * 0.9) return;
      if (id === keep || this.ranks.get(id) === 0) continue;
      this.entries.delete(id);
      this.held -= picture.full.data.byteLength;
    }
  }

  private fail(id: string, error: unknown): void {
    const problem = error instanceof Problem ? error : new Problem('data_damaged', { coding: '', reason: String(error) });
    if (problem.code === 'signed_out') {
      this.isSignedOut = true;
      this.interrupt('signed_out');
    } else if (problem.code === 'network' || problem.code === 'broken_off') this.broke(id, problem.code);
    else {
      this.settle(id, problem);
      this.answered();
    }
  }

  private settle(id: string, problem: Problem): void {
    this.problems.set(id, problem);
    this.events.changed(id);
  }

  /** No answer, or one that ended early: tried again, but not for ever while the server is there. */
  private broke(id: string, how: 'network' | 'broken_off'): void {
    const breaks = (this.breaks.get(id) ?? 0) + 1;
    this.breaks.set(id, breaks);
    this.lastBroken = id;
    if (breaks >= TRIES && (how === 'broken_off' || this.failures === 0)) {
      this.settle(id, new Problem('broken_off'));
      return;
    }
    const wait = RETRY_AFTER[Math.min(this.failures, RETRY_AFTER.length - 1)];
    this.failures += 1;
    if (this.failures > 1 && how === 'network') this.interrupt('network');
    this.retryTimer ??= window.setTimeout(() => this.retryNow(), wait);
  }

  private answered(): void {
    this.failures = 0;
    this.lastBroken = '';
    this.interrupt(undefined);
  }

  private interrupt(why: 'network' | 'signed_out' | undefined): void {
    if (this.interruption === why) return;
    this.interruption = why;
    this.events.interrupted(why);
  }
}
