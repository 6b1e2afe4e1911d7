/** Transfer syntaxes (PS3.5 A, PS3.6 A): which the viewer decodes, which lose information, which are video. */

export type Coding =
  | 'little-endian'
  | 'big-endian'
  | 'rle'
  | 'jpeg-8bit'
  | 'jpeg-12bit'
  | 'jpeg-lossless'
  | 'jpeg-ls'
  | 'jpeg-2000'
  | 'htj2k';

interface Syntax {
  name: string;
  coding?: Coding;
  lossy?: boolean;
  video?: boolean;
}

const SYNTAXES: Record<string, Syntax> = {
  '1.2.840.10008.1.2': { name: 'Implicit VR Little Endian', coding: 'little-endian' },
  '1.2.840.10008.1.2.1': { name: 'Explicit VR Little Endian', coding: 'little-endian' },
  '1.2.840.10008.1.2.1.98': { name: 'Encapsulated Uncompressed', coding: 'little-endian' },
  '1.2.840.10008.1.2.1.99': { name: 'Deflated Explicit VR Little Endian', coding: 'little-endian' },
  '1.2.840.10008.1.2.2': { name: 'Explicit VR Big Endian', coding: 'big-endian' },
  '1.2.840.10008.1.2.5': { name: 'RLE Lossless', coding: 'rle' },
  '1.2.840.10008.1.2.4.50': { name: 'JPEG Baseline', coding: 'jpeg-8bit', lossy: true },
  '1.2.840.10008.1.2.4.51': { name: 'JPEG Extended', coding: 'jpeg-12bit', lossy: true },
  '1.2.840.10008.1.2.4.57': { name: 'JPEG Lossless', coding: 'jpeg-lossless' },
  '1.2.840.10008.1.2.4.70': { name: 'JPEG Lossless SV1', coding: 'jpeg-lossless' },
  '1.2.840.10008.1.2.4.80': { name: 'JPEG-LS Lossless', coding: 'jpeg-ls' },
  '1.2.840.10008.1.2.4.81': { name: 'JPEG-LS Near-lossless', coding: 'jpeg-ls', lossy: true },
  '1.2.840.10008.1.2.4.90': { name: 'JPEG 2000 Lossless', coding: 'jpeg-2000' },
  '1.2.840.10008.1.2.4.91': { name: 'JPEG 2000', coding: 'jpeg-2000', lossy: true },
  '1.2.840.10008.1.2.4.201': { name: 'HTJ2K Lossless', coding: 'htj2k' },
  '1.2.840.10008.1.2.4.202': { name: 'HTJ2K Lossless RPCL', coding: 'htj2k' },
  '1.2.840.10008.1.2.4.203': { name: 'HTJ2K', coding: 'htj2k', lossy: true },
  '1.2.840.10008.1.2.4.92': { name: 'JPEG 2000 Part 2 Lossless' },
  '1.2.840.10008.1.2.4.93': { name: 'JPEG 2000 Part 2', lossy: true },
  '1.2.840.10008.1.2.4.110': { name: 'JPEG XL Lossless' },
  '1.2.840.10008.1.2.4.111': { name: 'JPEG XL JPEG Recompression', lossy: true },
  '1.2.840.10008.1.2.4.112': { name: 'JPEG XL', lossy: true },
  '1.2.840.10008.1.2.8.1': { name: 'Deflated Image Frame' },
};

const VIDEO = /^1\.2\.840\.10008\.1\.2\.4\.10[0-8](\.1)?$/;

export function coding(uid: string): Coding | undefined {
  return SYNTAXES[uid]?.coding;
}

export function syntaxName(uid: string): string {
  if (VIDEO.test(uid)) return 'MPEG video';
  return SYNTAXES[uid]?.name ?? uid;
}

export function isVideo(uid: string): boolean {
  return VIDEO.test(uid);
}

export function isLossySyntax(uid: string): boolean {
  return VIDEO.test(uid) || SYNTAXES[uid]?.lossy === true;
}
