/** Window presets by modality, and what the file itself offers. */

import type { FrameRef } from '../dicom/study.ts';
import { fullWindow, modalityFunction, type Voi } from '../pixels/lut.ts';
import type { Picture } from '../pixels/picture.ts';
import { t } from './texts.ts';

export interface Preset {
  key: string;
  label: string;
  voi: Voi;
}

const CT_PRESETS: [key: string, name: string, center: number, width: number][] = [
  ['1', 'preset_lung', -600, 1500],
  ['2', 'preset_bone', 400, 1800],
  ['3', 'preset_brain', 40, 80],
  ['4', 'preset_abdomen', 50, 400],
  ['5', 'preset_mediastinum', 50, 350],
];

export function modalityPresets(frame: FrameRef): Preset[] {
  if (frame.instance.modality !== 'CT' || frame.values.unit !== 'HU') return [];
  return CT_PRESETS.map(([key, name, center, width]) => ({
    key,
    label: t(name),
    voi: { kind: 'window', center, width },
  }));
}

/** The windows and tables of the file, in its order. */
export function filePresets(frame: FrameRef): Preset[] {
  const { windows, voiTables } = frame.values;
  const name = (explanation: string): string => [t('preset_file'), explanation].filter(Boolean).join(': ');
  return [
    ...windows.map(({ center, width, explanation }) => ({
      key: '0',
      label: name(explanation),
      voi: { kind: 'window', center, width } as Voi,
    })),
    ...voiTables.map(({ explanation }, index) => ({
      key: '0',
      label: name(explanation),
      voi: { kind: 'table', index } as Voi,
    })),
  ];
}

/** From the darkest to the brightest value of this image. */
export function fullPreset(frame: FrameRef, picture: Picture): Preset {
  if (picture.isColour) return { key: '9', label: t('preset_full'), voi: { kind: 'window', center: 128, width: 256 } };
  const modality = modalityFunction(frame.values);
  const ends = [modality(picture.low), modality(picture.high)];
  return { key: '9', label: t('preset_full'), voi: { kind: 'window', ...fullWindow(Math.min(...ends), Math.max(...ends)) } };
}
