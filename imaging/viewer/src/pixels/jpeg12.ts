/**
 * Sequential JPEG of more than 8 bits per sample, one component (ITU-T T.81, SOF0 and SOF1), as DICOM's JPEG
 * Extended (Process 2 & 4) carries it. The WebAssembly codec knows only 8 bits.
 */

export interface Jpeg {
  samples: Uint16Array;
  rows: number;
  columns: number;
  precision: number;
}

interface HuffmanTable {
  /** Largest code of each length (1 to 16), shifted to be compared; -1 where there is none. */
  last: Int32Array;
  offset: Int32Array;
  values: Uint8Array;
}

const ZIGZAG = Uint8Array.of(
  0, 1, 8, 16, 9, 2, 3, 10, 17, 24, 32, 25, 18, 11, 4, 5, 12, 19, 26, 33, 40, 48, 41, 34, 27, 20, 13, 6, 7, 14, 21, 28,
  35, 42, 49, 56, 57, 50, 43, 36, 29, 22, 15, 23, 30, 37, 44, 51, 58, 59, 52, 45, 38, 31, 39, 46, 53, 60, 61, 54, 47, 55,
  62, 63,
);

/** COSINE[8 * x + u] = C(u) / 2 · cos((2x + 1) u π / 16) */
const COSINE = Float64Array.from({ length: 64 }, (_, at) => {
  const x = at >> 3;
  const u = at & 7;
  return (u === 0 ? Math.SQRT1_2 : 1) * 0.5 * Math.cos(((2 * x + 1) * u * Math.PI) / 16);
});

export function decodeJpeg12(bytes: Uint8Array): Jpeg {
  const quantization: Uint16Array[] = [];
  const dc: HuffmanTable[] = [];
  const ac: HuffmanTable[] = [];
  let frame: { precision: number; rows: number; columns: number; quantizer: number } | undefined;
  let restartInterval = 0;
  const word = (at: number): number => (bytes[at] << 8) | bytes[at + 1];

  if (word(0) !== 0xffd8) throw new Error('no JPEG');
  let at = 2;
  while (at + 4 <= bytes.length) {
    if (bytes[at] !== 0xff) throw new Error('marker expected');
    const marker = bytes[at + 1];
    if (marker === 0xff) {
      at += 1;
      continue;
    }
    const start = at + 4;
    const end = at + 2 + word(at + 2);
    if (marker === 0xdb) readQuantization(bytes, start, end, quantization);
    else if (marker === 0xc4) readHuffman(bytes, start, end, dc, ac);
    else if (marker === 0xdd) restartInterval = word(start);
    else if (marker === 0xc0 || marker === 0xc1) {
      if (bytes[start + 5] !== 1) throw new Error('more than one component');
      frame = { precision: bytes[start], rows: word(start + 1), columns: word(start + 3), quantizer: bytes[start + 8] };
    } else if (marker >= 0xc2 && marker <= 0xcf && marker !== 0xc8 && marker !== 0xcc) {
      throw new Error(`process ${marker.toString(16)}`);
    } else if (marker === 0xda) {
      if (!frame) throw new Error('scan before frame');
      const tables = bytes[start + 2];
      const scan = new Scan(bytes, end, dc[tables >> 4], ac[tables & 15], quantization[frame.quantizer], restartInterval);
      return { samples: scan.decode(frame), rows: frame.rows, columns: frame.columns, precision: frame.precision };
    }
    at = end;
  }
  throw new Error('no scan');
}

function readQuantization(bytes: Uint8Array, start: number, end: number, tables: Uint16Array[]): void {
  for (let at = start; at < end; ) {
    const isWide = bytes[at] >> 4 === 1;
    const table = new Uint16Array(64);
    tables[bytes[at] & 15] = table;
    at += 1;
    for (let index = 0; index < 64; index++, at += isWide ? 2 : 1) {
      table[ZIGZAG[index]] = isWide ? (bytes[at] << 8) | bytes[at + 1] : bytes[at];
    }
  }
}

function readHuffman(bytes: Uint8Array, start: number, end: number, dc: HuffmanTable[], ac: HuffmanTable[]): void {
  for (let at = start; at < end; ) {
    const kind = bytes[at];
    const last = new Int32Array(17).fill(-1);
    const offset = new Int32Array(17);
    let code = 0;
    let count = 0;
    for (let length = 1; length <= 16; length++) {
      const here = bytes[at + length];
      offset[length] = count - code;
      code += here;
      count += here;
      if (here > 0) last[length] = code - 1;
      code <<= 1;
    }
    const table = { last, offset, values: bytes.subarray(at + 17, at + 17 + count) };
    (kind >> 4 === 0 ? dc : ac)[kind & 15] = table;
    at += 17 + count;
  }
}

class Scan {
  private held = 0;
  private count = 0;
  private readonly block = new Float64Array(64);
  private readonly rows = new Float64Array(64);

  constructor(
    private readonly bytes: Uint8Array,
    private at: number,
    private readonly dc: HuffmanTable,
    private readonly ac: HuffmanTable,
    private readonly quantizer: Uint16Array,
    private readonly restartInterval: number,
  ) {
    if (!dc || !ac || !quantizer) throw new Error('table missing');
  }

  decode({ precision, rows, columns }: { precision: number; rows: number; columns: number }): Uint16Array {
    const out = new Uint16Array(rows * columns);
    const across = Math.ceil(columns / 8);
    const down = Math.ceil(rows / 8);
    const middle = 2 ** (precision - 1);
    const highest = 2 ** precision - 1;
    let predicted = 0;
    for (let index = 0; index < across * down; index++) {
      if (this.restartInterval > 0 && index > 0 && index % this.restartInterval === 0) {
        this.restart();
        predicted = 0;
      }
      predicted = this.readBlock(predicted);
      this.transform();
      const left = (index % across) * 8;
      const top = Math.floor(index / across) * 8;
      for (let y = 0; y < 8 && top + y < rows; y++) {
        for (let x = 0; x < 8 && left + x < columns; x++) {
          const value = Math.round(this.block[8 * y + x]) + middle;
          out[(top + y) * columns + left + x] = value < 0 ? 0 : value > highest ? highest : value;
        }
      }
    }
    return out;
  }

  /** Coefficients of one block, dequantised; returns the new DC prediction. */
  private readBlock(predicted: number): number {
    const { block, quantizer } = this;
    block.fill(0);
    const dc = predicted + this.signed(this.symbol(this.dc));
    block[0] = dc * quantizer[0];
    for (let index = 1; index < 64; index++) {
      const symbol = this.symbol(this.ac);
      const size = symbol & 15;
      const run = symbol >> 4;
      if (size === 0) {
        if (run < 15) break;
        index += 15;
        continue;
      }
      index += run;
      if (index > 63) throw new Error('coefficients');
      const place = ZIGZAG[index];
      block[place] = this.signed(size) * quantizer[place];
    }
    return dc;
  }

  /** The inverse discrete cosine transform, rows then columns. */
  private transform(): void {
    const { block, rows } = this;
    for (let v = 0; v < 8; v++) {
      for (let x = 0; x < 8; x++) {
        let sum = 0;
        for (let u = 0; u < 8; u++) sum += COSINE[8 * x + u] * block[8 * v + u];
        rows[8 * v + x] = sum;
      }
    }
    for (let x = 0; x < 8; x++) {
      for (let y = 0; y < 8; y++) {
        let sum = 0;
        for (let v = 0; v < 8; v++) sum += COSINE[8 * y + v] * rows[8 * v + x];
        block[8 * y + x] = sum;
      }
    }
  }

  private bit(): number {
    if (this.count === 0) {
      if (this.at >= this.bytes.length) throw new Error('end of data');
      const byte = this.bytes[this.at++];
      if (byte === 0xff) {
        if (this.bytes[this.at] !== 0) throw new Error('end of data');
        this.at += 1;
      }
      this.held = byte;
      this.count = 8;
    }
    this.count -= 1;
    return (this.held >> this.count) & 1;
  }

  private symbol(table: HuffmanTable): number {
    let code = 0;
    for (let length = 1; length <= 16; length++) {
      code = (code << 1) | this.bit();
      if (table.last[length] >= 0 && code <= table.last[length]) return table.values[code + table.offset[length]];
    }
    throw new Error('Huffman code');
  }

  private signed(size: number): number {
    let value = 0;
    for (let index = 0; index < size; index++) value = (value << 1) | this.bit();
    return size > 0 && value < 1 << (size - 1) ? value - (1 << size) + 1 : value;
  }

  private restart(): void {
    this.count = 0;
    while (this.at + 1 < this.bytes.length && !(this.bytes[this.at] === 0xff && this.bytes[this.at + 1] >= 0xd0)) this.at += 1;
    if (this.bytes[this.at + 1] > 0xd7) throw new Error('end of data');
    this.at += 2;
  }
}
