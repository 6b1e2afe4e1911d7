import assert from 'node:assert/strict';
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';

import { firstPart } from '../src/load/dicomweb.ts';
import { nearestFirst } from '../src/load/order.ts';
import { Picture } from '../src/pixels/picture.ts';
import { apply, fitted, imageToCanvas, initialView, invert, mirrored, panned, turned, visibleRect, zoomed, type Point2 } from '../src/stage/geometry.ts';
import { angle, area, length, rounded, statistics, valueAt } from '../src/stage/measure.ts';
import { sameIdentity } from '../src/ui/format.ts';
import { commandFor } from '../src/ui/keyboard.ts';
import { values } from './factory.ts';

const image = { width: 200, height: 100 };
const canvas = { width: 400, height: 400 };
const near = ([x, y]: Point2) => [Math.round(x * 1e6) / 1e6 + 0, Math.round(y * 1e6) / 1e6 + 0];

test('a fitted image fills the canvas and lies in its middle', () => {
  const matrix = imageToCanvas(initialView(image, canvas, 1), canvas, 1);

  assert.deepEqual([near(apply(matrix, [0, 0])), near(apply(matrix, [200, 100]))], [[0, 100], [400, 300]]);
});

test('pixels that are not square are stretched', () => {
  const matrix = imageToCanvas(initialView(image, canvas, 2), canvas, 2);

  assert.deepEqual([near(apply(matrix, [0, 0])), near(apply(matrix, [200, 100]))], [[0, 0], [400, 400]]);
});

test('a quarter turn brings the left edge to the top', () => {
  const view = fitted(turned(initialView(image, canvas, 1), 1), image, canvas, 1);
  const matrix = imageToCanvas(view, canvas, 1);

  assert.deepEqual([near(apply(matrix, [0, 0])), near(apply(matrix, [0, 100]))], [[300, 0], [100, 0]]);
});

test('mirroring is as seen, also when the image is turned', () => {
  const view = mirrored(turned(initialView(image, canvas, 1), 1), 'horizontal');
  const before = imageToCanvas(turned(initialView(image, canvas, 1), 1), canvas, 1);
  const after = imageToCanvas(view, canvas, 1);
  const [x, y] = apply(before, [20, 30]);

  assert.deepEqual(near(apply(after, [20, 30])), near([400 - x, y]));
});

test('panning follows the pointer and zooming keeps the point under it', () => {
  const start = turned(initialView(image, canvas, 1), 1);
  const moved = panned(start, canvas, 1, 30, -10);
  const larger = zoomed(moved, canvas, 1, 3, [120, 90]);
  const at = (view: typeof start, point: Point2) => near(apply(invert(imageToCanvas(view, canvas, 1)), point));

  assert.deepEqual(at(moved, [130, 80]), at(start, [100, 90]));
  assert.deepEqual(at(larger, [120, 90]), at(moved, [120, 90]));
});

test('one to one puts image pixels exactly on screen pixels', () => {
  const view = { ...initialView({ width: 101, height: 51 }, canvas, 1), scale: 1 };
  const [, , , , e, f] = imageToCanvas(view, { width: 400, height: 401 }, 1);

  assert.deepEqual([e, f], [Math.round(e), Math.round(f)]);
});

test('only the visible part is painted', () => {
  const view = { ...initialView(image, canvas, 1), scale: 8, centerX: 10, centerY: 50 };

  assert.deepEqual(visibleRect(imageToCanvas(view, canvas, 1), canvas, image), { x: 0, y: 25, width: 35, height: 50 });
});

test('frames are fetched nearest first, ahead of the reader', () => {
  assert.deepEqual(nearestFirst(6, 2, 6, 0, false), [2, 3, 1, 4, 0, 5]);
  assert.deepEqual(nearestFirst(9, 4, 6, 1, false), [4, 5, 6, 7, 3, 8]);
  assert.deepEqual(nearestFirst(5, 4, 5, 1, true), [4, 0, 1, 2, 3]);
  assert.deepEqual(nearestFirst(100, 50, 3, 0, false), [50, 51, 49]);
});

const mm = values({ calibration: { kind: 'patient', row: 0.5, column: 0.25 } });

test('lengths, angles and areas use the spacing of rows and columns', () => {
  assert.deepEqual(length(mm, [[0, 0], [12, 8]]), { value: 5, unit: 'mm', place: 'patient' });
  assert.equal(Math.round(angle(mm, [[4, 0], [0, 0], [4, 2]])!.value), 45);
  assert.equal(area(mm, { left: 0, top: 0, right: 8, bottom: 4 }, 'rectangle')!.value, 4);
  assert.equal(rounded(area(mm, { left: 0, top: 0, right: 8, bottom: 4 }, 'ellipse')!.value), '3.14');
});

test('without calibration lengths are pixels, and none when pixels are not square', () => {
  const stretched = values({ calibration: { kind: 'none', aspect: 2 } });

  assert.deepEqual(length(values(), [[0, 0], [3, 4]]), { value: 5, unit: 'px', place: 'none' });
  assert.equal(length(stretched, [[0, 0], [3, 4]]), undefined);
  assert.equal(Math.round(angle(stretched, [[2, 0], [0, 0], [2, 1]])!.value), 45);
});

const picture = new Picture({ isColour: false, data: Int16Array.from({ length: 100 }, (_, at) => at), rows: 10, columns: 10, low: 0, high: 99, isCut: false });

test('statistics take the pixels whose centres lie inside, in modality values', () => {
  const hounsfield = values({ slope: 2, intercept: -100 });

  const box = statistics(picture, hounsfield, { left: 1.6, top: 1.6, right: 3.4, bottom: 3.4 }, 'rectangle')!;
  const ellipse = statistics(picture, values(), { left: 1, top: 1, right: 3, bottom: 3 }, 'ellipse')!;

  assert.deepEqual([box.count, box.mean, box.low, box.high], [4, -45, -56, -34]);
  assert.equal(rounded(box.deviation), '11.6');
  assert.deepEqual([ellipse.count, ellipse.mean], [5, 22]);
  assert.equal(statistics(picture, values(), { left: 20, top: 20, right: 22, bottom: 22 }, 'rectangle'), undefined);
});

test('the probe reads the pixel under the pointer, nothing outside', () => {
  assert.deepEqual(valueAt(picture, values({ intercept: -24 }), [3.4, 1.6]), { grey: -1 });
  assert.equal(valueAt(picture, values(), [-0.6, 0]), undefined);
});

test('identities are compared by letters and digits', () => {
  assert.equal(sameIdentity('Haddad, Leila', 'LEILA HADDAD'), true);
  assert.equal(sameIdentity('Müller, Ana', 'Muller, Ana'), true);
  assert.equal(sameIdentity('CV-000123', 'CV-000124'), false);
});

test('the first part of a multipart answer is found with and without its length', () => {
  const encode = (text: string) => new TextEncoder().encode(text);
  const body = (extra: string) => encode(`--x\r\nContent-Type: application/octet-stream; transfer-syntax=1.2\r\n${extra}\r\nAB--C\r\n--x--\r\n`);

  for (const extra of ['', 'Content-Length: 5\r\n']) {
    const part = firstPart(body(extra));

    assert.equal(new TextDecoder().decode(part.bytes), 'AB--C');
    assert.match(part.type, /transfer-syntax=1\.2/);
  }
});

const press = (key: string, more: object = {}) => ({ key, code: '', ctrlKey: false, metaKey: false, altKey: false, shiftKey: false, ...more });

test('keys name their commands, and leave the browser its own', () => {
  assert.equal(commandFor(press('ArrowDown'), true), 'step 1');
  assert.equal(commandFor(press('ArrowDown', { shiftKey: true }), true), 'pan-down 40');
  assert.equal(commandFor(press('ArrowUp', { ctrlKey: true }), true), 'level -1');
  assert.equal(commandFor(press('&', { code: 'Digit1' }), true), 'preset 1');
  assert.equal(commandFor(press('R', { shiftKey: true }), true), 'rotate-left');
  assert.equal(commandFor(press('I', { shiftKey: true }), true), 'invert');
  assert.equal(commandFor(press('p', { ctrlKey: true }), true), undefined);
  assert.equal(commandFor(press('ArrowLeft', { altKey: true }), true), undefined);
  assert.equal(commandFor(press('k'), false), undefined);
  assert.equal(commandFor(press('PageDown'), false), 'step 10');
});

function sources(folder: string): string[] {
  return readdirSync(folder).flatMap((name) => {
    const path = join(folder, name);
    return statSync(path).isDirectory() ? sources(path) : [readFileSync(path, 'utf8')];
  });
}

test('every sentence the script says stands in the page, and no more', () => {
  const page = readFileSync('../../templates/imaging/_viewer_texts.html', 'utf8');
  const said = new Set([...page.matchAll(/data-text="(\w+)"/g)].map((match) => match[1]));
  const code = sources('src').join('\n');
  const used = [...code.matchAll(/\bt\(\s*'(\w+)'/g), ...code.matchAll(/'(preset_\w+)'/g)].map((match) => match[1]);
  const codes = [...readFileSync('src/pixels/problem.ts', 'utf8').matchAll(/\| '(\w+)'/g)].map((match) => `problem_${match[1]}`);
  const kinds = /OtherKind = (.*);/.exec(readFileSync('src/dicom/study.ts', 'utf8'))![1].match(/\w+/g)!.map((kind) => `kind_${kind}`);

  assert.deepEqual([...new Set([...used, ...codes, ...kinds])].sort(), [...said].sort());
});
