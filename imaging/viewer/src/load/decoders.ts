/** A few workers that decode frames, the most wanted first. */

import type { Decoded, DecodeRequest } from '../pixels/decode.ts';
import { Problem } from '../pixels/problem.ts';
import type { Job, JobAnswer } from '../pixels/worker.ts';

interface Waiting {
  job: Job;
  signal: AbortSignal;
  urgency: () => number;
  resolve: (decoded: Decoded) => void;
  reject: (reason: unknown) => void;
}

interface Seat {
  worker: Worker;
  current?: Waiting;
}

export class Decoders {
  private readonly seats: Seat[] = [];
  private readonly waiting: Waiting[] = [];
  private last = 0;

  constructor(private readonly count = Math.min(4, Math.max(1, (navigator.hardwareConcurrency || 2) - 1))) {}

  /** Starts the first worker before there is work for it. */
  warm(): void {
    if (this.seats.length === 0) this.seats.push(this.hire());
  }

  /** `urgency` is asked when a worker is free: the lowest number is decoded next. */
  decode(request: DecodeRequest, signal: AbortSignal, urgency: () => number): Promise<Decoded> {
    return new Promise((resolve, reject) => {
      this.waiting.push({ job: { ...request, job: ++this.last }, signal, urgency, resolve, reject });
      this.assign();
    });
  }

  private hire(): Seat {
    const seat: Seat = { worker: new Worker(new URL(WORKER_FILE, import.meta.url), { type: 'module' }) };
    seat.worker.addEventListener('message', (event: MessageEvent<JobAnswer>) => this.finish(seat, event.data));
    seat.worker.addEventListener('error', (event) => {
      event.preventDefault();
      this.replace(seat);
    });
    return seat;
  }

  private assign(): void {
    while (this.waiting.length > 0) {
      let seat = this.seats.find((candidate) => !candidate.current);
      if (!seat && this.seats.length < this.count) {
        seat = this.hire();
        this.seats.push(seat);
      }
      if (!seat) return;
      const next = this.takeNext();
      if (!next) return;
      seat.current = next;
      seat.worker.postMessage(next.job, [next.job.bytes.buffer as ArrayBuffer]);
    }
  }

  private takeNext(): Waiting | undefined {
    let best = -1;
    for (let at = this.waiting.length - 1; at >= 0; at--) {
      const candidate = this.waiting[at];
      if (candidate.signal.aborted) {
        this.waiting.splice(at, 1);
        candidate.reject(new DOMException('left', 'AbortError'));
        if (best > at) best -= 1;
      } else if (best < 0 || candidate.urgency() <= this.waiting[best].urgency()) {
        best = at;
      }
    }
    return best < 0 ? undefined : this.waiting.splice(best, 1)[0];
  }

  private finish(seat: Seat, answer: JobAnswer): void {
    const done = seat.current;
    seat.current = undefined;
    if (done && done.job.job === answer.job) {
      if (answer.decoded) done.resolve(answer.decoded);
      else done.reject(new Problem(answer.problem?.code ?? 'data_damaged', answer.problem?.detail));
    }
    this.assign();
  }

  /** A codec may bring its worker down; the frame it had is damaged, the others go on. */
  private replace(seat: Seat): void {
    const lost = seat.current;
    seat.worker.terminate();
    this.seats.splice(this.seats.indexOf(seat), 1);
    lost?.reject(new Problem('data_damaged', { coding: '', reason: '' }));
    this.assign();
  }
}
