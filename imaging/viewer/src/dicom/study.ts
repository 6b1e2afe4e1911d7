/** A study as the reader sees it: stacks of frames to look at, and objects that are not images. */

import { readFrame, readInstance, type FrameValues, type Instance } from './instance.ts';
import { number, text, type Dataset } from './json.ts';
import { TAG } from './tags.ts';
import { isVideo } from './transfer.ts';

export interface FrameRef {
  /** `cedar:<SOP Instance UID>/<frame>`: the image id Cornerstone knows it by. */
  id: string;
  instance: Instance;
  /** From 1, as in DICOMweb. */
  number: number;
  values: FrameValues;
}

export interface Stack {
  id: string;
  seriesUid: string;
  number?: number;
  description: string;
  modality: string;
  bodyPart: string;
  frames: FrameRef[];
  isClip: boolean;
}

export type OtherKind = 'pdf' | 'document' | 'report' | 'video' | 'waveform' | 'presentation' | 'segmentation' | 'other';

export interface OtherObject {
  kind: OtherKind;
  title: string;
  instance: Instance;
}

export interface Person {
  name: string;
  id: string;
  birthDate: string;
  sex: string;
}

export interface Study {
  uid: string;
  person: Person;
  date: string;
  time: string;
  description: string;
  accession: string;
  stacks: Stack[];
  others: OtherObject[];
}

export function readStudy(uid: string, datasets: Dataset[]): Study {
  const first = datasets[0] ?? {};
  const stacks: Stack[] = [];
  const others: OtherObject[] = [];
  for (const group of bySeries(datasets)) {
    const images: Instance[] = [];
    for (const instance of group.map(readInstance)) {
      if (!instance.hasPixels || isVideo(instance.pixel.transferSyntax) || isNotForReading(instance)) {
        others.push(describeOther(instance));
      } else if (instance.frames > 1) {
        stacks.push(makeStack(`${instance.uid}`, [instance]));
      } else {
        images.push(instance);
      }
    }
    if (images.length > 0) stacks.push(makeStack(images[0].seriesUid, images));
  }
  stacks.sort((a, b) => compare(a.number, b.number) || compare(a.frames[0].instance.number, b.frames[0].instance.number));
  return {
    uid,
    person: {
      name: text(first, TAG.PatientName),
      id: text(first, TAG.PatientID),
      birthDate: text(first, TAG.PatientBirthDate),
      sex: text(first, TAG.PatientSex),
    },
    date: text(first, TAG.StudyDate),
    time: text(first, TAG.StudyTime),
    description: text(first, TAG.StudyDescription),
    accession: text(first, TAG.AccessionNumber),
    stacks,
    others,
  };
}

function compare(a: number | undefined, b: number | undefined): number {
  return (a ?? Infinity) === (b ?? Infinity) ? 0 : (a ?? Infinity) - (b ?? Infinity);
}

function bySeries(datasets: Dataset[]): Dataset[][] {
  const series = new Map<string, Dataset[]>();
  for (const dataset of datasets) {
    const uid = text(dataset, TAG.SeriesInstanceUID);
    const known = series.get(uid);
    if (known) known.push(dataset);
    else series.set(uid, [dataset]);
  }
  return [...series.values()];
}

function makeStack(id: string, instances: Instance[]): Stack {
  const { dataset, seriesUid, modality } = instances[0];
  const isClip = instances[0].frames > 1;
  const frames = instances.flatMap((instance) =>
    Array.from({ length: instance.frames }, (_, index) => frameRef(instance, index + 1)),
  );
  return {
    id,
    seriesUid,
    number: number(dataset, TAG.SeriesNumber),
    description: text(dataset, TAG.SeriesDescription),
    modality,
    bodyPart: text(dataset, TAG.BodyPartExamined),
    frames: isClip ? frames : sortFrames(frames),
    isClip: isClip && frames[0].values.position === undefined,
  };
}

/** Functional groups of a frame are read when it is first looked at: a clip may have thousands. */
function frameRef(instance: Instance, frame: number): FrameRef {
  let values: FrameValues | undefined;
  return {
    id: `cedar:${instance.uid}/${frame}`,
    instance,
    number: frame,
    get values() {
      return (values ??= readFrame(instance, frame));
    },
  };
}

/** By Instance Number when it tells the images apart, else along the normal of their common plane. */
function sortFrames(frames: FrameRef[]): FrameRef[] {
  const numbered = new Set(frames.map((frame) => frame.instance.number));
  const isNumbered = numbered.size === frames.length && !numbered.has(undefined);
  if (isNumbered) return frames.sort((a, b) => a.instance.number! - b.instance.number!);
  const depths = new Map(frames.map((frame) => [frame, depth(frame)]));
  return frames.sort(
    (a, b) =>
      compare(depths.get(a), depths.get(b)) ||
      compare(a.instance.number, b.instance.number) ||
      a.instance.uid.localeCompare(b.instance.uid),
  );
}

function depth(frame: FrameRef): number | undefined {
  const { orientation, position } = frame.values;
  if (!orientation || !position) return undefined;
  const [a, b, c, d, e, f] = orientation;
  return (b * f - c * e) * position[0] + (c * d - a * f) * position[1] + (a * e - b * d) * position[2];
}

const PRESENTATION = /^1\.2\.840\.10008\.5\.1\.4\.1\.1\.11\./;
const SEGMENTATIONS = ['1.2.840.10008.5.1.4.1.1.66.4', '1.2.840.10008.5.1.4.1.1.481.3'];

/** Objects with pixels that are not pictures to read on their own. */
function isNotForReading(instance: Instance): boolean {
  return SEGMENTATIONS.includes(instance.sopClass);
}

function describeOther(instance: Instance): OtherObject {
  const { dataset } = instance;
  const title =
    text(dataset, TAG.DocumentTitle) || text(dataset, TAG.SeriesDescription) || text(dataset, TAG.StudyDescription);
  return { kind: otherKind(instance), title, instance };
}

function otherKind(instance: Instance): OtherKind {
  const { sopClass, pixel } = instance;
  if (isVideo(pixel.transferSyntax)) return 'video';
  if (sopClass === '1.2.840.10008.5.1.4.1.1.104.1') return 'pdf';
  if (sopClass.startsWith('1.2.840.10008.5.1.4.1.1.104.')) return 'document';
  if (sopClass.startsWith('1.2.840.10008.5.1.4.1.1.88.')) return 'report';
  if (sopClass.startsWith('1.2.840.10008.5.1.4.1.1.9.')) return 'waveform';
  if (PRESENTATION.test(sopClass)) return 'presentation';
  return SEGMENTATIONS.includes(sopClass) ? 'segmentation' : 'other';
}
