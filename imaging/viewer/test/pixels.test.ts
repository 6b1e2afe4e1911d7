import assert from 'node:assert/strict';
import { test } from 'node:test';

import { jpegPrecision, withColourMark } from '../src/pixels/codecs.ts';
import { decodeFrame } from '../src/pixels/decode.ts';
import { decodeJpeg12 } from '../src/pixels/jpeg12.ts';
import { displayTable, greyFunction, initialVoi, windowFunction } from '../src/pixels/lut.ts';
import { readNative, readRle, storedValues, valueRange } from '../src/pixels/native.ts';
import { Picture } from '../src/pixels/picture.ts';
import { Problem } from '../src/pixels/problem.ts';
import { expandSegments, paletteBytes } from '../src/pixels/table.ts';
import { spec, values } from './factory.ts';

const noCodecs = () => Promise.reject(new Error('no codec here'));
const decode = (bytes: number[], more: object, palette?: never) => {
  const pixels = spec(more);
  return decodeFrame({ bytes: Uint8Array.from(bytes), spec: pixels, transferSyntax: pixels.transferSyntax, palette }, noCodecs);
};
const words = (...list: number[]) => list.flatMap((word) => [word & 255, (word >> 8) & 255]);

test('bits outside Bits Stored do not belong to the value', async () => {
  const { data, low, high } = await decode(words(0xf001, 0x0fff, 0x1000, 7, 8, 9), {});

  assert.deepEqual([...data], [1, 4095, 0, 7, 8, 9]);
  assert.deepEqual([low, high], [0, 4095]);
});

test('twelve signed bits in sixteen are negative where bit 11 is set', async () => {
  const { data } = await decode(words(0x0fff, 0x0800, 0x07ff, 0xffff, 0, 1), { signed: true });

  assert.deepEqual([...data], [-1, -2048, 2047, -1, 0, 1]);
});

test('values may lie in the upper bits', () => {
  const stored = storedValues(Uint16Array.of(0xfff0, 0x0010), spec({ highBit: 15 }));

  assert.deepEqual([...stored], [4095, 1]);
});

test('eight signed bits and big-endian words', async () => {
  const signed = await decode([255, 128, 127, 0, 1, 2], { bitsAllocated: 8, bitsStored: 8, highBit: 7, signed: true });
  const big = await decode([1, 2, 0, 3, 0, 4, 0, 5, 0, 6, 0, 7], { transferSyntax: '1.2.840.10008.1.2.2' });

  assert.deepEqual([...signed.data], [-1, -128, 127, 0, 1, 2]);
  assert.deepEqual([...big.data], [258, 3, 4, 5, 6, 7]);
});

test('single bits start at the lowest', () => {
  const bits = readNative(Uint8Array.of(0b00101101), spec({ bitsAllocated: 1, bitsStored: 1, highBit: 0 }), false);

  assert.deepEqual([...bits], [1, 0, 1, 1, 0, 1]);
});

test('data that end too early are refused with the figures', async () => {
  const short = decode(words(1, 2, 3), {});

  await assert.rejects(short, (error: Problem) => error.code === 'data_short' && error.detail.read === 6 && error.detail.needed === 12);
});

test('an unknown compression is named', async () => {
  const unknown = decode([1, 2], { transferSyntax: '1.2.840.10008.1.2.4.110' });

  await assert.rejects(unknown, (error: Problem) => error.code === 'syntax_unknown' && error.detail.syntax === 'JPEG XL Lossless');
});

function rle(...segments: number[][]): Uint8Array {
  const header = new Uint32Array(16);
  header[0] = segments.length;
  let at = 64;
  segments.forEach((segment, index) => {
    header[index + 1] = at;
    at += segment.length;
  });
  return Uint8Array.from([...new Uint8Array(header.buffer), ...segments.flat()]);
}

test('RLE of 16-bit values: high bytes first, literal and repeated runs', () => {
  const samples = readRle(rle([257 - 6, 1], [5, 10, 11, 12, 13, 14, 15]), spec());

  assert.deepEqual([...samples], [266, 267, 268, 269, 270, 271]);
});

test('RLE with a segment cut short is refused', () => {
  assert.throws(() => readRle(rle([257 - 6, 1], [5, 10, 11]), spec()), (error: Problem) => error.code === 'data_short');
});

test('RLE colour comes out interleaved', async () => {
  const bytes = rle([1, 1, 2], [1, 3, 4], [1, 5, 6]);
  const pixels = spec({ rows: 1, columns: 2, samples: 3, photometric: 'RGB', bitsAllocated: 8, bitsStored: 8, highBit: 7, planar: 1, transferSyntax: '1.2.840.10008.1.2.5' });

  const { data } = await decodeFrame({ bytes, spec: pixels, transferSyntax: pixels.transferSyntax }, noCodecs);

  assert.deepEqual([...data], [1, 3, 5, 255, 2, 4, 6, 255]);
});

const colour = { rows: 1, columns: 2, samples: 3, photometric: 'RGB', bitsAllocated: 8, bitsStored: 8, highBit: 7 };

test('colour by pixel and by plane', async () => {
  const pixel = await decode([1, 2, 3, 4, 5, 6], colour);
  const plane = await decode([1, 4, 2, 5, 3, 6], { ...colour, planar: 1 });

  assert.deepEqual([...pixel.data], [1, 2, 3, 255, 4, 5, 6, 255]);
  assert.deepEqual([...plane.data], [...pixel.data]);
});

test('YBR_FULL and shared chroma become RGB', async () => {
  const full = await decode([76, 85, 255, 150, 44, 21], { ...colour, photometric: 'YBR_FULL' });
  const shared = await decode([76, 76, 85, 255], { ...colour, photometric: 'YBR_FULL_422' });

  assert.deepEqual([...full.data], [254, 0, 0, 255, 0, 255, 1, 255]);
  assert.deepEqual([...shared.data], [254, 0, 0, 255, 254, 0, 0, 255]);
});

test('a palette of 16-bit words shows its high bytes, a segmented one is expanded', async () => {
  const table = (...entries: number[]) => ({ entries: 2, first: 0, bits: 16, explanation: '', data: Uint8Array.from(words(...entries)) });
  const palette = paletteBytes({ red: table(0, 0xffff), green: table(0x8000, 0), blue: table(0, 0x0100), segmented: false });

  const { data, isColour } = await decode([0, 1, 1, 0, 0, 0], { bitsAllocated: 8, bitsStored: 8, highBit: 7, photometric: 'PALETTE COLOR' }, palette as never);

  assert.deepEqual([isColour, ...data.slice(0, 8)], [true, 0, 128, 0, 255, 255, 0, 1, 255]);
  assert.deepEqual([...expandSegments([0, 2, 10, 20, 1, 4, 60], 6)], [10, 20, 30, 40, 50, 60]);
});

test('padding does not count for the range of values', () => {
  assert.deepEqual(valueRange(Int16Array.of(-2000, 5, 9, -2000), [-2000, -2000]), [5, 9]);
  assert.deepEqual(valueRange(Int16Array.of(-2000), [-2000, -2000]), [-2000, -2000]);
});

test('the three window functions of PS3.3 C.11.2', () => {
  const linear = windowFunction(2048, 4096, 'LINEAR');
  const exact = windowFunction(2048, 4096, 'LINEAR_EXACT');
  const sigmoid = windowFunction(0, 100, 'SIGMOID');
  const narrow = windowFunction(10, 1, 'LINEAR');

  assert.deepEqual([linear(0), linear(4095), linear(-5), linear(5000)], [0, 255, 0, 255]);
  assert.deepEqual([exact(0), exact(4096), exact(2048)], [0, 255, 127.5]);
  assert.deepEqual([sigmoid(0), Math.round(sigmoid(50)), Math.round(sigmoid(-50))], [127.5, 225, 30]);
  assert.deepEqual([narrow(9.5), narrow(10)], [0, 255]);
});

test('stored values go through rescale and window, inverted for MONOCHROME1', () => {
  const ct = values({ slope: 2, intercept: -1000 });
  const shown = greyFunction(ct, { kind: 'window', center: 0.5, width: 511 }, false);
  const inverted = greyFunction(ct, { kind: 'window', center: 0.5, width: 511 }, true);

  assert.deepEqual([500, 372, 628].map((stored) => Math.round(shown(stored))), [128, 0, 255]);
  assert.equal(Math.round(inverted(372)), 255);
});

test('modality and VOI tables clamp at their ends', () => {
  const table = { entries: 3, first: 10, bits: 8, explanation: '', data: [0, 100, 255] };
  const modality = { entries: 2, first: 0, bits: 16, explanation: '', data: [11, 12] };
  const frame = values({ voiTables: [table], modalityTable: modality });

  const shown = greyFunction(frame, { kind: 'table', index: 0 }, false);

  assert.deepEqual([-1, 0, 1, 99].map((stored) => Math.round(shown(stored))), [100, 100, 255, 255]);
});

test('the display table covers every value a sample can have', () => {
  const table = displayTable(Int16Array.of(0), (stored) => (stored < 0 ? 0 : 255))!;

  assert.deepEqual([table.pixels.length, table.first], [65536, -32768]);
  assert.deepEqual([table.pixels[0], table.pixels[32768]], [0xff000000, 0xffffffff]);
});

test('what is shown first: a window of the file, else a table, else all values', () => {
  const table = { entries: 2, first: 0, bits: 8, explanation: '', data: [0, 255] };

  assert.deepEqual(initialVoi(values({ windows: [{ center: 40, width: 400, explanation: '' }] }), 12, false, 0, 9), { kind: 'window', center: 40, width: 400 });
  assert.deepEqual(initialVoi(values({ voiTables: [table] }), 12, false, 0, 9), { kind: 'table', index: 0 });
  assert.deepEqual(initialVoi(values({ slope: 2, intercept: -10 }), 12, false, 0, 10), { kind: 'window', center: 0.5, width: 21 });
  assert.deepEqual(initialVoi(values(), 8, false, 30, 90), { kind: 'window', center: 128, width: 256 });
});

test('reduced copies average values, not grey levels', () => {
  const picture = new Picture({ isColour: false, data: Uint16Array.of(0, 100, 7, 200, 300, 9), rows: 2, columns: 3, low: 0, high: 300, isCut: false });

  const half = picture.level(1);

  assert.deepEqual([half.width, half.height, ...half.data], [2, 1, 150, 8]);
});

const jpeg = (...segments: number[][]) => Uint8Array.from([0xff, 0xd8, ...segments.flat(), 0xff, 0xda, 0, 2]);

test('the precision of a JPEG stream is read from its frame header', () => {
  assert.equal(jpegPrecision(jpeg([0xff, 0xfe, 0, 3, 1], [0xff, 0xc1, 0, 5, 12, 0, 1])), 12);
  assert.equal(jpegPrecision(Uint8Array.of(1, 2, 3)), 0);
});

test('RGB in a JPEG stream that does not say so is marked, and nothing else is', () => {
  const bare = jpeg([0xff, 0xc0, 0, 5, 8, 0, 1]);
  const jfif = jpeg([0xff, 0xe0, 0, 3, 1], [0xff, 0xc0, 0, 5, 8, 0, 1]);

  const marked = withColourMark(bare, spec({ samples: 3, photometric: 'RGB' }));

  assert.deepEqual([...marked.slice(0, 4), marked.length - bare.length], [0xff, 0xd8, 0xff, 0xee, 16]);
  assert.equal(withColourMark(jfif, spec({ samples: 3, photometric: 'RGB' })), jfif);
  assert.equal(withColourMark(bare, spec({ samples: 3, photometric: 'YBR_FULL_422' })), bare);
});

/** 12 columns × 20 rows of 200 · column + 90 · row, as dcmcjpeg +ee +q 98 wrote it. */
const TWELVE_BITS =
  '/9j/4AAQSkZJRgABAQAAAQABAAD/2wBDAAEBAQEBAQEBAQEBAQEBAQIBAQEBAQIBAQECAgICAgICAgIDAwQDAwMDAwICAwQDAwQEBAQEAgMFBQQE' +
  'BQQEBAT/wQALDAAUAAwBAREA/8QAFQABAQAAAAAAAAAAAAAAAAAADg3/xAAnEAAAAgcJAQEAAAAAAAAAAAAACwYJDChGVmMECio5RFRkZnQaKf/a' +
  'AAgBAQAAPwA/bsOETL5QTqcjQZ4aYVGBSWTL4INWC6nvoM6+ilMTE9hwiZfKCdTkaDPDTCowKSyZfBBqwXU99BnX0UpiRlsOFdblNv5BO4SNrbDw' +
  'eEFRgUl3W5Tb8QasF3Dfa2wy+inCH//Z';

test('JPEG of 12 bits is decoded to within a few values, and refused when cut', () => {
  const bytes = Uint8Array.from(atob(TWELVE_BITS), (character) => character.charCodeAt(0));

  const image = decodeJpeg12(bytes);

  const errors = [...image.samples].map((value, at) => Math.abs(value - (200 * (at % 12) + 90 * Math.floor(at / 12))));
  assert.deepEqual([image.columns, image.rows, image.precision], [12, 20, 12]);
  assert.ok(Math.max(...errors) <= 4, `off by ${Math.max(...errors)}`);
  assert.throws(() => decodeJpeg12(bytes.subarray(0, 200)), /end of data/);
});
