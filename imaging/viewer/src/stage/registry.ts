/** Every frame by its image id, and what Cornerstone's tools ask about it. */

import type { FrameRef, Study } from '../dicom/study.ts';
import { planeOf } from './viewport.ts';

const frames = new Map<string, FrameRef>();

export function registerStudy(study: Study): void {
  for (const stack of study.stacks) for (const frame of stack.frames) frames.set(frame.id, frame);
}

export function frameById(id: string): FrameRef | undefined {
  return frames.get(id);
}

export function provideMetadata(type: string, id: string): unknown {
  const frame = frames.get(id);
  if (!frame) return undefined;
  const { instance, values } = frame;
  if (type === 'imagePlaneModule') {
    const { origin, row, column, spacing } = planeOf(frame);
    return {
      frameOfReferenceUID: values.frameOfReference,
      rows: instance.pixel.rows,
      columns: instance.pixel.columns,
      imagePositionPatient: origin,
      imageOrientationPatient: [...row, ...column],
      rowCosines: row,
      columnCosines: column,
      pixelSpacing: [spacing[1], spacing[0]],
      rowPixelSpacing: spacing[1],
      columnPixelSpacing: spacing[0],
      usingDefaultValues: false,
    };
  }
  if (type === 'generalSeriesModule') {
    return { modality: instance.modality, seriesInstanceUID: instance.seriesUid, studyInstanceUID: instance.studyUid };
  }
  if (type === 'imagePixelModule') {
    return { ...instance.pixel, samplesPerPixel: instance.pixel.samples, photometricInterpretation: instance.pixel.photometric };
  }
  if (type === 'sopCommonModule') return { sopClassUID: instance.sopClass, sopInstanceUID: instance.uid };
  return undefined;
}
