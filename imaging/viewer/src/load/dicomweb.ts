/** Requests to the DICOMweb service (PS3.18), each ending in an answer, a Problem or an AbortError. */

import type { FrameRef } from '../dicom/study.ts';
import type { Dataset } from '../dicom/json.ts';
import { Problem } from '../pixels/problem.ts';

export interface StoredFrame {
  bytes: Uint8Array;
  transferSyntax: string;
}

const FRAME_TYPES =
  'application/octet-stream; transfer-syntax=*, multipart/related; type="application/octet-stream"; transfer-syntax=*';

export class Dicomweb {
  constructor(
    readonly base: string,
    readonly study: string,
  ) {}

  async metadata(): Promise<Dataset[]> {
    const answer = await request(`${this.base}/studies/${this.study}/metadata`, {
      headers: { Accept: 'application/dicom+json' },
    });
    return (await answer.json()) as Dataset[];
  }

  /** A JPEG by the server, no larger than the canvas that shows it. */
  renderedUrl(frame: FrameRef, width: number, height: number): string {
    return `${this.instanceUrl(frame)}/frames/${frame.number}/rendered?viewport=${width},${height}`;
  }

  instanceUrl(frame: { instance: { seriesUid: string; uid: string } }): string {
    const { seriesUid, uid } = frame.instance;
    return `${this.base}/studies/${this.study}/series/${seriesUid}/instances/${uid}`;
  }

  seriesThumbnailUrl(seriesUid: string): string {
    return `${this.base}/studies/${this.study}/series/${seriesUid}/thumbnail`;
  }

  /** What is fetched ahead of the reader (`isAhead`) does not count as use of the session. */
  async frame(frame: FrameRef, isAhead: boolean, signal: AbortSignal): Promise<StoredFrame> {
    const answer = await request(`${this.instanceUrl(frame)}/frames/${frame.number}`, {
      headers: { Accept: FRAME_TYPES, ...(isAhead && { 'X-Cedar-Background': '1' }) },
      signal,
    });
    let bytes: Uint8Array;
    try {
      bytes = new Uint8Array(await answer.arrayBuffer());
    } catch (error) {
      if (signal.aborted) throw error;
      throw new Problem('broken_off');
    }
    const type = answer.headers.get('Content-Type') ?? '';
    const part = type.toLowerCase().startsWith('multipart/') ? firstPart(bytes) : { bytes, type };
    const syntax = /transfer-syntax="?([\d.]+)/i.exec(part.type)?.[1];
    return { bytes: part.bytes, transferSyntax: syntax ?? frame.instance.pixel.transferSyntax };
  }

  /** Look-up-table bytes that the metadata only points at. */
  async bulk(address: string): Promise<Uint8Array> {
    const url = new URL(address, new URL(`${this.base}/studies/${this.study}/`, document.baseURI));
    if (url.origin !== location.origin) throw new Problem('not_allowed');
    const answer = await request(url.href, { headers: { Accept: FRAME_TYPES } });
    const bytes = new Uint8Array(await answer.arrayBuffer());
    const type = answer.headers.get('Content-Type') ?? '';
    return type.toLowerCase().startsWith('multipart/') ? firstPart(bytes).bytes : bytes;
  }
}

async function request(url: string, options: RequestInit): Promise<Response> {
  let answer: Response;
  try {
    answer = await fetch(url, { credentials: 'same-origin', redirect: 'manual', ...options });
  } catch (error) {
    if (options.signal?.aborted) throw error;
    throw new Problem('network');
  }
  if (answer.ok) return answer;
  // A redirect can only lead to the sign-in page.
  if (answer.type === 'opaqueredirect' || answer.status === 401) throw new Problem('signed_out');
  if (answer.status === 403) throw new Problem('not_allowed');
  if ([502, 503, 504].includes(answer.status)) throw new Problem('network');
  const said = await reason(answer);
  if (answer.status === 404 || answer.status === 410) throw new Problem('not_found', { reason: said });
  throw new Problem('server', { status: answer.status, reason: said || answer.statusText });
}

/** The sentence a JSON or plain text error carries, cut to a line. */
async function reason(answer: Response): Promise<string> {
  const type = answer.headers.get('Content-Type') ?? '';
  try {
    if (type.includes('json')) {
      const body = (await answer.json()) as { detail?: unknown; message?: unknown; error?: unknown };
      return String(body.detail ?? body.message ?? body.error ?? '').slice(0, 300);
    }
    return type.startsWith('text/plain') ? (await answer.text()).slice(0, 300) : '';
  } catch {
    return '';
  }
}

/** The first part of a multipart body: between its header's empty line and the next boundary line. */
export function firstPart(body: Uint8Array): { bytes: Uint8Array; type: string } {
  const lineEnd = body.indexOf(0x0a);
  const boundary = body.subarray(0, lineEnd > 0 && body[lineEnd - 1] === 0x0d ? lineEnd - 1 : lineEnd);
  if (lineEnd < 0 || boundary[0] !== 0x2d || boundary[1] !== 0x2d) throw new Problem('data_damaged');
  let start = -1;
  for (let at = lineEnd; at + 3 < body.length; at++) {
    if (body[at] === 0x0d && body[at + 1] === 0x0a && body[at + 2] === 0x0d && body[at + 3] === 0x0a) {
      start = at + 4;
      break;
    }
  }
  if (start < 0) throw new Problem('data_damaged');
  const head = new TextDecoder('latin1').decode(body.subarray(lineEnd + 1, start));
  const type = /content-type:\s*(.*)/i.exec(head)?.[1] ?? '';
  const length = Number(/content-length:\s*(\d+)/i.exec(head)?.[1] ?? NaN);
  if (Number.isFinite(length) && start + length <= body.length) {
    return { bytes: body.subarray(start, start + length), type };
  }
  for (let at = body.length - boundary.length; at >= start; at--) {
    if (boundary.every((byte, index) => body[at + index] === byte)) {
      const end = body[at - 1] === 0x0a && body[at - 2] === 0x0d ? at - 2 : at;
      return { bytes: body.subarray(start, end), type };
    }
  }
  throw new Problem('data_short', { read: body.length - start, needed: '?' });
}
