/** The decoding worker: frames in, values out. One frame at a time; several workers share the work. */

import { makeCodecs, type CodecSources } from './codecs.ts';
import { decodeFrame, type Decoded, type DecodeRequest } from './decode.ts';
import { Problem, type ProblemCode } from './problem.ts';

export interface Job extends DecodeRequest {
  job: number;
}

export interface JobAnswer {
  job: number;
  decoded?: Decoded;
  problem?: { code: ProblemCode; detail: Record<string, string | number> };
}

const here = (file: string): string => new URL(file, import.meta.url).href;

const sources: CodecSources = {
  charls: async () => {
    const [glue, wasm] = await Promise.all([
      import('@cornerstonejs/codec-charls/decodewasmjs'),
      import('@cornerstonejs/codec-charls/decodewasm'),
    ]);
    return { factory: glue.default, wasm: here(wasm.default) };
  },
  openjpeg: async () => {
    const [glue, wasm] = await Promise.all([
      import('@cornerstonejs/codec-openjpeg/decodewasmjs'),
      import('@cornerstonejs/codec-openjpeg/decodewasm'),
    ]);
    return { factory: glue.default, wasm: here(wasm.default) };
  },
  openjph: async () => {
    const [glue, wasm] = await Promise.all([
      import('@cornerstonejs/codec-openjph/wasmjs'),
      import('@cornerstonejs/codec-openjph/wasm'),
    ]);
    return { factory: glue.default, wasm: here(wasm.default) };
  },
  libjpeg: async () => {
    const [glue, wasm] = await Promise.all([
      import('@cornerstonejs/codec-libjpeg-turbo-8bit/decodewasmjs'),
      import('@cornerstonejs/codec-libjpeg-turbo-8bit/decodewasm'),
    ]);
    return { factory: glue.default, wasm: here(wasm.default) };
  },
  lossless: async () => (await import('@cornerstonejs/jpeg-lossless-decoder-js')).Decoder,
};

const codecs = makeCodecs(sources);

self.addEventListener('message', async (event: MessageEvent<Job>) => {
  const answer: JobAnswer = { job: event.data.job };
  const moved: Transferable[] = [];
  try {
    answer.decoded = await decodeFrame(event.data, codecs);
    moved.push(answer.decoded.data.buffer as ArrayBuffer);
  } catch (error) {
    answer.problem =
      error instanceof Problem
        ? { code: error.code, detail: error.detail }
        : { code: 'data_damaged', detail: { coding: '', reason: error instanceof Error ? error.message : '' } };
  }
  (self as unknown as Worker).postMessage(answer, moved);
});
