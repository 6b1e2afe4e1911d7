/** Reading the DICOM JSON model (PS3.18 F.2): values may be missing, null, or numbers written as text. */

export interface Element {
  vr: string;
  Value?: unknown[];
  InlineBinary?: string;
  BulkDataURI?: string;
}

export type Dataset = Record<string, Element>;

export function values(dataset: Dataset, tag: string): unknown[] {
  return dataset[tag]?.Value ?? [];
}

/** The first value as text; '' when there is none. A person name is its first filled representation. */
export function text(dataset: Dataset, tag: string): string {
  const value = values(dataset, tag)[0];
  if (value === null || value === undefined) return '';
  if (typeof value === 'object') return personName(value as Record<string, string>);
  return String(value).trim();
}

export function texts(dataset: Dataset, tag: string): string[] {
  return values(dataset, tag).map((value) => (value === null || value === undefined ? '' : String(value).trim()));
}

function toNumber(value: unknown): number | undefined {
  if (typeof value === 'number') return Number.isFinite(value) ? value : undefined;
  if (typeof value !== 'string' || value.trim() === '') return undefined;
  const read = Number(value);
  return Number.isFinite(read) ? read : undefined;
}

export function number(dataset: Dataset, tag: string): number | undefined {
  return toNumber(values(dataset, tag)[0]);
}

/** All values as numbers, or undefined unless every one of at least `count` values is a number. */
export function numbers(dataset: Dataset, tag: string, count = 1): number[] | undefined {
  const read = values(dataset, tag).map(toNumber);
  if (read.length < count || read.some((value) => value === undefined)) return undefined;
  return read as number[];
}

export function items(dataset: Dataset, tag: string): Dataset[] {
  return values(dataset, tag).filter((item): item is Dataset => typeof item === 'object' && item !== null);
}

/** `Family^Given^Middle^Prefix^Suffix` as people write it: "Family, Given Middle". */
export function personName(value: Record<string, string>): string {
  const representations = [value.Alphabetic, value.Ideographic, value.Phonetic].filter((name) => name?.trim());
  return representations.map(readableName).join(' · ');
}

function readableName(name: string): string {
  const [family = '', given = '', middle = '', prefix = '', suffix = ''] = name.split('^').map((part) => part.trim());
  const first = [prefix, given, middle, suffix].filter(Boolean).join(' ');
  return [family, first].filter(Boolean).join(', ');
}

/** Look-up-table bytes in the element itself, or the address to fetch them from. */
export function bytes(dataset: Dataset, tag: string): Uint8Array | string | undefined {
  const element = dataset[tag];
  if (!element) return undefined;
  if (element.InlineBinary !== undefined) {
    return Uint8Array.from(atob(element.InlineBinary), (character) => character.charCodeAt(0));
  }
  return element.BulkDataURI;
}
