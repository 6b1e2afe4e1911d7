import assert from 'node:assert/strict';
import { beforeEach, mock, test } from 'node:test';

import type { FrameRef } from '../src/dicom/study.ts';
import type { Decoders } from '../src/load/decoders.ts';
import type { Dicomweb } from '../src/load/dicomweb.ts';
import { FrameStore } from '../src/load/store.ts';
import { Problem } from '../src/pixels/problem.ts';
import { values } from './factory.ts';

/** A server that answers when told, and a page that only knows time. */
class Server {
  asked: string[] = [];
  ahead: string[] = [];
  open = new Map<string, { answer: () => void; refuse: (error: unknown) => void }>();

  client = {
    frame: (frame: FrameRef, isAhead: boolean, signal: AbortSignal) => {
      this.asked.push(frame.id);
      if (isAhead) this.ahead.push(frame.id);
      return new Promise((resolve, reject) => {
        signal.addEventListener('abort', () => {
          this.open.delete(frame.id);
          reject(new DOMException('left', 'AbortError'));
        });
        this.open.set(frame.id, {
          answer: () => resolve({ bytes: new Uint8Array(2), transferSyntax: '' }),
          refuse: reject,
        });
      });
    },
  } as unknown as Dicomweb;

  decoders = {
    decode: async () => ({ isColour: false, data: new Uint8Array(100), rows: 10, columns: 10, low: 0, high: 0, isCut: false }),
  } as unknown as Decoders;

  async answer(...ids: string[]): Promise<void> {
    for (const id of ids) this.take(id).answer();
    await settled();
  }

  async refuse(id: string, code: 'network' | 'broken_off' | 'signed_out' | 'data_damaged'): Promise<void> {
    this.take(id).refuse(new Problem(code));
    await settled();
  }

  private take(id: string) {
    const found = this.open.get(id);
    assert.ok(found, `${id} is not asked for; open are ${[...this.open.keys()]}`);
    this.open.delete(id);
    return found;
  }
}

const settled = async (): Promise<void> => {
  for (let turn = 0; turn < 20; turn++) await Promise.resolve();
};
const frames = (count: number, first = 1): FrameRef[] =>
  Array.from({ length: count }, (_, at) => ({ id: `f${first + at}`, number: first + at, instance: {}, values: values() }) as unknown as FrameRef);

let signIn = (): void => undefined;
let server: Server;
let store: FrameStore;
let told: string[];

beforeEach(() => {
  mock.timers.reset();
  mock.timers.enable({ apis: ['setTimeout'] });
  Object.assign(globalThis, {
    window: { addEventListener: () => undefined, setTimeout, clearTimeout },
    document: { addEventListener: (_: string, then: () => void) => (signIn = then) },
  });
  server = new Server();
  store = new FrameStore(server.client, server.decoders, 1000);
  told = [];
  store.listen({ changed: (id) => told.push(id), interrupted: (why) => told.push(String(why)) });
});

test('four frames at a time, the most wanted first, the rest as ahead of the reader', async () => {
  store.plan('a', frames(6));
  await settled();
  assert.deepEqual(server.asked, ['f1', 'f2', 'f3', 'f4']);

  await server.answer('f1', 'f2');

  assert.deepEqual([server.asked.slice(4), told, server.ahead], [['f5', 'f6'], ['f1', 'f2'], ['f2', 'f3', 'f4', 'f5', 'f6']]);
  assert.equal(store.peek('f1')?.full.width, 10);
});

test('what nobody wants any more is cancelled, and after a jump what has become far', async () => {
  store.plan('a', frames(4));
  await settled();
  store.plan('a', frames(2, 3));
  assert.deepEqual([...server.open.keys()], ['f3', 'f4']);

  store.plan('a', [...frames(20, 50), ...frames(4)]);
  await settled();

  assert.deepEqual([...server.open.keys()], ['f50', 'f51', 'f52', 'f53']);
});

test('a damaged frame is settled at once and the others come', async () => {
  store.plan('a', frames(5));
  await settled();

  await server.refuse('f1', 'data_damaged');

  assert.deepEqual([store.problem('f1')?.code, told, [...server.open.keys()]], ['data_damaged', ['f1'], ['f2', 'f3', 'f4', 'f5']]);
  store.forget('f1');
  await server.answer('f2');
  assert.ok(server.open.has('f1'));
});

test('without network one frame tries for all, and all come when it is back', async () => {
  store.plan('a', frames(3));
  await settled();
  for (const id of ['f1', 'f2', 'f3']) await server.refuse(id, 'network');
  assert.deepEqual([told, server.open.size], [['network'], 0]);

  mock.timers.tick(1000);
  await settled();
  assert.equal(server.open.size, 1);
  await server.answer([...server.open.keys()][0]);

  assert.deepEqual([told.includes('undefined'), server.open.size], [true, 2]);
});

test('a frame that always breaks off is given up, the others are read', async () => {
  store.plan('a', frames(2));
  await settled();
  await server.answer('f2');
  for (let attempt = 0; attempt < 3; attempt++) {
    await server.refuse('f1', 'broken_off');
    mock.timers.tick(8000);
    await settled();
  }

  assert.deepEqual([store.problem('f1')?.code, server.open.size], ['broken_off', 0]);
});

test('signed out: nothing is asked until somebody signs in', async () => {
  store.plan('a', frames(8));
  await settled();
  for (const id of ['f1', 'f2', 'f3', 'f4']) await server.refuse(id, 'signed_out');
  mock.timers.tick(60_000);
  await settled();
  assert.deepEqual([told, server.asked.length], [['signed_out'], 4]);

  signIn();
  await settled();

  assert.equal(server.asked.length, 8);
});

test('memory is limited: the least wanted frames go first, the shown one stays', async () => {
  for (let first = 1; first <= 11; first++) {
    store.plan('a', frames(1, first));
    await settled();
    await server.answer(`f${first}`);
  }

  assert.ok(store.heldBytes <= 1000);
  assert.deepEqual([store.has('f1'), store.has('f10'), store.has('f11')], [false, true, true]);
});
