/**
 * The start: asks for the study and warms up a decoder at once, and brings in the large part of the code
 * meanwhile.
 */

import { readStudy } from './dicom/study.ts';
import { Decoders } from './load/decoders.ts';
import { Dicomweb } from './load/dicomweb.ts';
import { Problem } from './pixels/problem.ts';
import { element } from './ui/dom.ts';
import { problemText } from './ui/problems.ts';
import { readTexts, t } from './ui/texts.ts';

const root = document.querySelector<HTMLElement>('#viewer');
if (root) void start(root);

async function start(viewer: HTMLElement): Promise<void> {
  readTexts(viewer);
  const { studyUid = '', dicomweb = '/dicom-web' } = viewer.dataset;
  const client = new Dicomweb(dicomweb.replace(/\/$/, ''), studyUid);
  const decoders = new Decoders();
  decoders.warm();
  try {
    const [datasets, { App }] = await Promise.all([client.metadata(), import('./ui/app.ts')]);
    new App(viewer, client, decoders).show(readStudy(studyUid, datasets));
    viewer.dataset.ready = 'true';
  } catch (error) {
    console.error(error);
    showFailure(viewer, error);
  }
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
