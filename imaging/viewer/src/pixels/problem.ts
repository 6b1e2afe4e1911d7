/** Why an image cannot be shown: a code for the text table of the page, and what was read. */

export type ProblemCode =
  | 'data_short'
  | 'data_damaged'
  | 'size_differs'
  | 'syntax_unknown'
  | 'pixels_unknown'
  | 'palette_missing'
  | 'network'
  | 'broken_off'
  | 'not_found'
  | 'not_allowed'
  | 'signed_out'
  | 'server'
  | 'empty';

export class Problem extends Error {
  constructor(
    readonly code: ProblemCode,
    readonly detail: Record<string, string | number> = {},
  ) {
    super(`${code} ${JSON.stringify(detail)}`);
    this.name = 'Problem';
  }
}

export function isAborted(error: unknown): boolean {
  return error instanceof DOMException && error.name === 'AbortError';
}
