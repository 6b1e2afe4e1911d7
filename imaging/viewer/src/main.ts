/**
 * The start: asks for the study, then for its first frames, while a decoder warms up and the large part of the
 * code is on its way.
 */

import { readStudy, type Study } from './dicom/study.ts';
import { Decoders } from './load/decoders.ts';
import { Dicomweb } from './load/dicomweb.ts';
import { FrameStore } from './load/store.ts';
import { Problem } from './pixels/problem.ts';
import { element } from './ui/dom.ts';
import { problemText } from './ui/problems.ts';
import { readTexts, t } from './ui/texts.ts';

const OPENING = 'opening';
const AT_FIRST = 4;

const root = document.querySelector<HTMLElement>('#viewer');
if (root) void start(root);

async function start(viewer: HTMLElement): Promise<void> {
  readTexts(viewer);
  const { studyUid = '', dicomweb = '/dicom-web' } = viewer.dataset;
  const client = new Dicomweb(dicomweb.replace(/\/$/, ''), studyUid);
  const decoders = new Decoders();
  decoders.warm();
  const store = new FrameStore(client, decoders);
  try {
    const [study, { App }] = await Promise.all([open(client, store), import('./ui/app.ts')]);
    new App(viewer, client, store).show(study);
    store.plan(OPENING, []);
    viewer.dataset.ready = 'true';
  } catch (error) {
    console.error(error);
    showFailure(viewer, error);
  }
}

/** The study, with its first frames already asked for. */
async function open(client: Dicomweb, store: FrameStore): Promise<Study> {
  const study = readStudy(client.study, await client.metadata());
  store.plan(OPENING, study.stacks[0]?.frames.slice(0, AT_FIRST) ?? []);
  return study;
}

function showFailure(viewer: HTMLElement, error: unknown): void {
  const stage = viewer.querySelector('[data-stage]');
  const reason = error instanceof Problem ? problemText(error) : error instanceof Error ? error.message : String(error);
  const again = element('button', 'btn', t('try_again'));
  again.type = 'button';
  again.addEventListener('click', () => location.reload());
  const box = element('div', 'viewer__failure');
  box.setAttribute('role', 'alert');
  box.append(element('p', '', t('study_failed', { reason })), again);
  stage?.replaceChildren(box);
}
