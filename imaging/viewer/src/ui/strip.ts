/** The strip of series: a thumbnail each, and a line for everything that is not an image. */

import type { OtherObject, Stack, Study } from '../dicom/study.ts';
import type { Dicomweb } from '../load/dicomweb.ts';
import { element, icon } from './dom.ts';
import { t } from './texts.ts';

export const STACK_TYPE = 'application/x-cedar-stack';

const ICONS: Record<OtherObject['kind'], string> = {
  pdf: 'file-text',
  document: 'file-text',
  report: 'file-text',
  video: 'film',
  waveform: 'activity',
  presentation: 'sliders-horizontal',
  segmentation: 'layers',
  other: 'file-text',
};

export class Strip {
  private readonly buttons = new Map<string, HTMLButtonElement>();

  constructor(
    private readonly root: HTMLElement,
    private readonly client: Dicomweb,
    private readonly open: (stack: Stack) => void,
  ) {}

  fill(study: Study): void {
    this.root.replaceChildren(
      ...study.stacks.map((stack) => this.thumbnail(stack)),
      ...study.others.map((other) => this.line(other)),
    );
  }

  /** Marks the series in the active window, and those in the others. */
  mark(active: string | undefined, shown: ReadonlySet<string>): void {
    for (const [id, button] of this.buttons) {
      button.setAttribute('aria-pressed', String(id === active));
      button.classList.toggle('is-shown', shown.has(id));
    }
  }

  private thumbnail(stack: Stack): HTMLElement {
    const button = element('button', 'viewer-series');
    button.type = 'button';
    button.draggable = true;
    button.setAttribute('aria-pressed', 'false');
    button.title = t('series_label', {
      number: stack.number ?? '',
      description: stack.description,
      modality: stack.modality,
      count: stack.frames.length,
    });
    button.setAttribute('aria-label', button.title);
    const picture = element('img', 'viewer-series__picture');
    picture.alt = '';
    picture.loading = 'lazy';
    picture.draggable = false;
    picture.src = stack.isClip || stack.frames[0].instance.frames > 1
      ? `${this.client.instanceUrl(stack.frames[0])}/thumbnail`
      : this.client.seriesThumbnailUrl(stack.seriesUid);
    picture.addEventListener('error', () => picture.classList.add('is-missing'), { once: true });
    const frame = element('span', 'viewer-series__frame');
    frame.append(picture, element('span', 'viewer-series__count', String(stack.frames.length)));
    const caption = element('span', 'viewer-series__caption', stack.description || stack.bodyPart || stack.modality);
    const modality = element('span', 'viewer-series__modality', [stack.number, stack.modality].filter((part) => part !== undefined).join(' · '));
    button.append(frame, modality, caption);
    button.addEventListener('click', () => this.open(stack));
    button.addEventListener('dragstart', (event) => event.dataTransfer?.setData(STACK_TYPE, stack.id));
    this.buttons.set(stack.id, button);
    return button;
  }

  private line(other: OtherObject): HTMLElement {
    const line = element('div', 'viewer-series viewer-series--other');
    const words = element('span', 'viewer-series__caption', other.title);
    const kind = element('span', 'viewer-series__modality', t(`kind_${other.kind}`));
    const link = element('a', 'viewer-series__link', t('download'));
    link.href = this.client.instanceUrl(other);
    link.download = '';
    line.append(icon(ICONS[other.kind]), kind, words, link);
    return line;
  }
}
