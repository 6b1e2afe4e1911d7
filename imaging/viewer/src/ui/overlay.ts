/** What is written over an image: who, what, where in the stack, how it is shown. */

import { shownLetters, storedLetters } from '../dicom/orientation.ts';
import type { FrameRef, Stack, Study } from '../dicom/study.ts';
import type { Voi } from '../pixels/lut.ts';
import type { Picture } from '../pixels/picture.ts';
import type { View } from '../stage/geometry.ts';
import { element, setText } from './dom.ts';
import { date, level, plain, sameIdentity, time } from './format.ts';
import { t } from './texts.ts';

export interface Identity {
  name: string;
  id: string;
  born: string;
  /** What the images themselves say, where it differs. */
  difference: string;
}

/** The patient of the record, and how the images contradict it; the images alone when there is no record. */
export function identityOf(study: Study, record: DOMStringMap): Identity {
  const { person } = study;
  if (!record.patientName && !record.patientId) {
    return { name: person.name, id: person.id, born: date(person.birthDate), difference: '' };
  }
  const name = record.patientName ?? '';
  const id = record.patientId ?? '';
  // The server compares both when images come in; here only what agrees in neither is worth a warning.
  const isOther = !sameIdentity(person.id, id) && !sameNames(person.name, name);
  const difference = !isOther ? '' : t('images_say', { identity: [person.name, person.id].filter(Boolean).join(', ') });
  return { name, id, born: record.patientBirth || date(person.birthDate), difference };
}

/** A name with further representations ("Yamada, Tarou · 山田, 太郎") agrees when any of them does. */
function sameNames(inImages: string, inRecord: string): boolean {
  return inImages.split(' · ').some((name) => sameIdentity(name, inRecord)) || sameIdentity(inImages, inRecord);
}

type Corner = 'who' | 'what' | 'where' | 'how';
const LINES: Record<Corner, string[]> = {
  who: ['name', 'id', 'birth', 'difference'],
  what: ['study', 'date', 'series', 'description'],
  where: ['slice', 'depth', 'side'],
  how: ['remark', 'zoom', 'window'],
};

export class Overlay {
  readonly root = element('div', 'overlay');
  private readonly lines = new Map<string, HTMLElement>();
  private readonly letters = new Map<string, HTMLElement>();

  constructor() {
    for (const corner of Object.keys(LINES) as Corner[]) {
      const box = element('div', `overlay__corner overlay__corner--${corner}`);
      for (const name of LINES[corner]) {
        const line = element('div', `overlay__${name}`);
        line.dataset.overlay = name;
        this.lines.set(name, line);
        box.append(line);
      }
      this.root.append(box);
    }
    for (const side of ['left', 'right', 'top', 'bottom']) {
      const letter = element('div', `overlay__letter overlay__letter--${side}`);
      letter.dataset.letter = side;
      this.letters.set(side, letter);
      this.root.append(letter);
    }
  }

  private set(name: string, text: string): void {
    const line = this.lines.get(name);
    if (line) setText(line, text);
  }

  setStudy(study: Study, identity: Identity): void {
    this.set('name', identity.name);
    this.set('id', identity.id);
    this.set('birth', identity.born);
    this.set('difference', identity.difference);
    this.set('study', study.description);
    this.set('date', [date(study.date), time(study.time)].filter(Boolean).join(' '));
  }

  setStack(stack: Stack): void {
    this.set('series', [stack.number === undefined ? '' : t('series_line', { number: stack.number }), stack.modality].filter(Boolean).join(' · '));
    this.set('description', stack.description);
  }

  setFrame(stack: Stack, frame: FrameRef, index: number): void {
    const { thickness, position, location, laterality, isLossy, lossyRatio } = frame.values;
    const depth = location ?? (stack.frames.length > 1 ? position?.[2] : undefined);
    this.set('slice', t('image_of', { number: index + 1, count: stack.frames.length }));
    this.set(
      'depth',
      [
        thickness && t('thickness', { thickness: plain(thickness) }),
        depth !== undefined && t('location', { location: plain(depth) }),
      ]
        .filter(Boolean)
        .join(' · '),
    );
    this.set('side', laterality && t('side', { side: laterality }));
    this.lossy = isLossy ? (lossyRatio ? t('lossy_ratio', { ratio: plain(lossyRatio) }) : t('lossy')) : '';
  }

  private lossy = '';

  setLook(picture: Picture | undefined, voi: Voi | undefined, view: View, isInverted: boolean): void {
    this.set('remark', [picture?.isCut && t('cut'), this.lossy].filter(Boolean).join(' · '));
    this.set('zoom', picture ? t('zoom_line', { percent: Math.round(view.scale * 100) }) : '');
    const isPlain = picture?.isColour && voi?.kind === 'window' && voi.center === 128 && voi.width === 256;
    let window = '';
    if (picture && voi && !isPlain) {
      window =
        voi.kind === 'window'
          ? t('window_line', { center: level(voi.center, voi.width), width: level(voi.width, voi.width) })
          : t('table_line');
    }
    this.set('window', [window, isInverted && t('inverted')].filter(Boolean).join(' · '));
  }

  setLetters(frame: FrameRef | undefined, view: View): void {
    const stored = frame && storedLetters(frame.values.orientation, frame.values.patientOrientation);
    const shown = stored && shownLetters(stored, view);
    for (const [side, letter] of this.letters) {
      setText(letter, shown?.[side as keyof typeof shown] ?? '');
    }
  }
}
