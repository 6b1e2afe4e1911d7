import assert from 'node:assert/strict';
import { test } from 'node:test';

import { readFrame, readInstance } from '../src/dicom/instance.ts';
import { number, numbers, personName, text } from '../src/dicom/json.ts';
import { shownLetters, storedLetters } from '../src/dicom/orientation.ts';
import { displayAspect, readCalibration, scaleAt, type Point } from '../src/dicom/spacing.ts';
import { readStudy } from '../src/dicom/study.ts';
import { TAG } from '../src/dicom/tags.ts';
import { dataset, el } from './factory.ts';

test('numbers may be missing, null or text', () => {
  const data = { a: el('DS', '40.5 '), b: el('DS', null), c: { vr: 'DS' }, d: el('DS', 1, 'x'), e: el('IS', '7', 8) };

  const read = [number(data, 'a'), number(data, 'b'), number(data, 'c'), numbers(data, 'd'), numbers(data, 'e', 2), numbers(data, 'e', 3)];

  assert.deepEqual(read, [40.5, undefined, undefined, undefined, [7, 8], undefined]);
});

test('a person name is readable in all its representations', () => {
  const name = personName({ Alphabetic: 'Yamada^Tarou', Ideographic: '山田^太郎', Phonetic: '' });

  assert.equal(name, 'Yamada, Tarou · 山田, 太郎');
  assert.equal(text({ n: { vr: 'PN', Value: [{ Alphabetic: 'Haddad^Leila^^Dr.' }] } }, 'n'), 'Haddad, Dr. Leila');
});

test('values of a frame come from its own group before the shared one', () => {
  const window = (center: number) => ({ [TAG.FrameVOILUTSequence]: el('SQ', { [TAG.WindowCenter]: el('DS', center), [TAG.WindowWidth]: el('DS', 400) }) });
  const data = dataset({
    [TAG.NumberOfFrames]: el('IS', 2),
    [TAG.SharedFunctionalGroups]: el('SQ', {
      [TAG.PixelMeasuresSequence]: el('SQ', { [TAG.PixelSpacing]: el('DS', 0.5, 0.25), [TAG.SliceThickness]: el('DS', 5) }),
      [TAG.PixelValueTransformationSequence]: el('SQ', { [TAG.RescaleSlope]: el('DS', 2), [TAG.RescaleIntercept]: el('DS', -1024), [TAG.RescaleType]: el('LO', 'HU') }),
    }),
    [TAG.PerFrameFunctionalGroups]: el('SQ', window(40), window(50)),
  });

  const frame = readFrame(readInstance(data), 2);

  assert.deepEqual(frame.windows, [{ center: 50, width: 400, explanation: '' }]);
  assert.deepEqual(frame.calibration, { kind: 'patient', row: 0.5, column: 0.25 });
  assert.deepEqual([frame.slope, frame.intercept, frame.unit, frame.thickness], [2, -1024, 'HU', 5]);
});

test('windows without a positive width are ignored', () => {
  const data = dataset({ [TAG.WindowCenter]: el('DS', 40, 50, null), [TAG.WindowWidth]: el('DS', 0, 100) });

  const { windows } = readFrame(readInstance(data), 1);

  assert.deepEqual(windows, [{ center: 50, width: 100, explanation: '' }]);
});

test('an orientation that is no pair of perpendicular unit vectors is not believed', () => {
  const good = dataset({ [TAG.ImageOrientationPatient]: el('DS', 1, 0, 0, 0, 1, 0) });
  const bad = dataset({ [TAG.ImageOrientationPatient]: el('DS', 1, 0, 0, 1, 0, 0) });

  assert.deepEqual(readFrame(readInstance(good), 1).orientation, [1, 0, 0, 0, 1, 0]);
  assert.equal(readFrame(readInstance(bad), 1).orientation, undefined);
});

test('cine speed: recommended rate, else frame time, else the mean of the time vector', () => {
  const rate = (more: object) => readInstance(dataset(more as never)).frameRate;

  assert.equal(rate({ [TAG.RecommendedDisplayFrameRate]: el('IS', 20), [TAG.FrameTime]: el('DS', 100) }), 20);
  assert.equal(rate({ [TAG.FrameTime]: el('DS', 40) }), 25);
  assert.equal(rate({ [TAG.FrameTimeVector]: el('DS', 0, 50, 50) }), 20);
  assert.equal(rate({}), undefined);
});

const spacing = (row: number, column: number) => el('DS', row, column);
const calibrated = (more: object) => {
  const data = dataset(more as never);
  return readCalibration(data, data);
};

test('Pixel Spacing is in the patient, Imager Pixel Spacing at the detector, neither is pixels', () => {
  assert.equal(calibrated({ [TAG.PixelSpacing]: spacing(0.2, 0.2) }).kind, 'patient');
  assert.equal(calibrated({ [TAG.ImagerPixelSpacing]: spacing(0.2, 0.2) }).kind, 'detector');
  assert.equal(calibrated({ [TAG.PixelSpacing]: spacing(0.2, 0.2), [TAG.ImagerPixelSpacing]: spacing(0.2, 0.2) }).kind, 'detector');
  assert.equal(calibrated({ [TAG.PixelSpacing]: spacing(0.18, 0.18), [TAG.ImagerPixelSpacing]: spacing(0.2, 0.2) }).kind, 'patient');
  assert.equal(
    calibrated({ [TAG.PixelSpacing]: spacing(0.2, 0.2), [TAG.ImagerPixelSpacing]: spacing(0.2, 0.2), [TAG.PixelSpacingCalibrationType]: el('CS', 'FIDUCIAL') }).kind,
    'patient',
  );
  assert.equal(calibrated({ [TAG.PixelSpacing]: spacing(0, 0) }).kind, 'none');
});

test('non-square pixels of unknown size have a shape but no length', () => {
  const calibration = calibrated({ [TAG.PixelAspectRatio]: el('IS', 2, 1) });

  assert.equal(displayAspect(calibration), 2);
  assert.equal(scaleAt(calibration, [[0, 0], [1, 1]]), undefined);
});

const region = (box: number[], delta: number, units = 3, flags = 0) => ({
  [TAG.RegionMinX]: el('UL', box[0]),
  [TAG.RegionMinY]: el('UL', box[1]),
  [TAG.RegionMaxX]: el('UL', box[2]),
  [TAG.RegionMaxY]: el('UL', box[3]),
  [TAG.PhysicalUnitsX]: el('US', units),
  [TAG.PhysicalUnitsY]: el('US', 3),
  [TAG.PhysicalDeltaX]: el('FD', delta),
  [TAG.PhysicalDeltaY]: el('FD', -delta),
  [TAG.RegionFlags]: el('UL', flags),
});

test('ultrasound lengths follow the region both ends lie in, and are pixels elsewhere', () => {
  const calibration = calibrated({
    [TAG.UltrasoundRegions]: el('SQ', region([0, 0, 99, 99], 0.01), region([100, 0, 199, 99], 0.05), region([0, 100, 99, 199], 0.01, 4)),
  });
  const scale = (...points: Point[]) => {
    const found = scaleAt(calibration, points);
    return found && [found.unit, Math.round(found.x * 1000) / 1000];
  };

  assert.deepEqual(scale([10, 10], [90, 90]), ['mm', 0.1]);
  assert.deepEqual(scale([110, 10], [190, 90]), ['mm', 0.5]);
  assert.deepEqual(scale([10, 10], [190, 90]), ['px', 1]);
  assert.deepEqual(scale([10, 110], [90, 190]), ['px', 1]);
});

test('where ultrasound regions overlap the one of high priority holds, and none when those disagree', () => {
  const flagged = calibrated({ [TAG.UltrasoundRegions]: el('SQ', region([0, 0, 99, 99], 0.01, 3, 1), region([0, 0, 99, 99], 0.02, 3, 0)) });
  const unclear = calibrated({ [TAG.UltrasoundRegions]: el('SQ', region([0, 0, 99, 99], 0.01), region([0, 0, 99, 99], 0.02)) });

  assert.equal(scaleAt(flagged, [[1, 1], [9, 9]])?.x, 0.2);
  assert.equal(scaleAt(unclear, [[1, 1], [9, 9]])?.unit, 'px');
});

test('orientation letters from cosines and from Patient Orientation', () => {
  assert.deepEqual(storedLetters([1, 0, 0, 0, 1, 0], []), { left: 'R', right: 'L', top: 'A', bottom: 'P' });
  assert.deepEqual(storedLetters(undefined, ['L', 'F']), { left: 'R', right: 'L', top: 'H', bottom: 'F' });
  assert.deepEqual(storedLetters([0.8, 0.6, 0, 0, 0, -1], []), { left: 'RA', right: 'LP', top: 'H', bottom: 'F' });
  assert.equal(storedLetters(undefined, ['L']), undefined);
});

test('orientation letters go with mirroring and turning', () => {
  const stored = { left: 'R', right: 'L', top: 'A', bottom: 'P' };

  const turned = shownLetters(stored, { rotation: 90, flipH: false, flipV: false });
  const mirrored = shownLetters(stored, { rotation: 0, flipH: true, flipV: false });
  const both = shownLetters(stored, { rotation: 90, flipH: true, flipV: false });

  assert.deepEqual(turned, { top: 'R', right: 'A', bottom: 'L', left: 'P' });
  assert.deepEqual(mirrored, { left: 'L', right: 'R', top: 'A', bottom: 'P' });
  assert.deepEqual(both, { top: 'L', right: 'A', bottom: 'R', left: 'P' });
});

test('stacks are sorted by Instance Number, else along the normal of the images', () => {
  const slice = (uid: string, z: number, instanceNumber?: number) =>
    dataset({
      [TAG.SOPInstanceUID]: el('UI', uid),
      [TAG.InstanceNumber]: instanceNumber === undefined ? { vr: 'IS' } : el('IS', instanceNumber),
      [TAG.ImageOrientationPatient]: el('DS', 1, 0, 0, 0, 1, 0),
      [TAG.ImagePositionPatient]: el('DS', 0, 0, z),
    });
  const order = (data: ReturnType<typeof slice>[]) => readStudy('1', data).stacks[0].frames.map((frame) => frame.instance.uid);

  assert.deepEqual(order([slice('b', 0, 2), slice('a', 9, 1)]), ['a', 'b']);
  assert.deepEqual(order([slice('b', 5, 1), slice('a', -5, 1), slice('c', 7, 1)]), ['a', 'b', 'c']);
});

test('clips are stacks of their own, and what is no image is listed apart', () => {
  const study = readStudy('1', [
    dataset({ [TAG.SOPInstanceUID]: el('UI', 'clip'), [TAG.NumberOfFrames]: el('IS', 3) }),
    dataset({ [TAG.SOPInstanceUID]: el('UI', 'one') }),
    dataset({ [TAG.SOPInstanceUID]: el('UI', 'pdf'), [TAG.SOPClassUID]: el('UI', '1.2.840.10008.5.1.4.1.1.104.1'), [TAG.Rows]: { vr: 'US' }, [TAG.DocumentTitle]: el('ST', 'Letter') }),
    dataset({ [TAG.SOPInstanceUID]: el('UI', 'film'), [TAG.AvailableTransferSyntaxUID]: el('UI', '1.2.840.10008.1.2.4.102') }),
  ]);

  assert.deepEqual(study.stacks.map((stack) => [stack.id, stack.frames.length]), [['clip', 3], ['1.2', 1]]);
  assert.deepEqual(study.others.map((other) => [other.kind, other.title]), [['pdf', 'Letter'], ['video', '']]);
});
