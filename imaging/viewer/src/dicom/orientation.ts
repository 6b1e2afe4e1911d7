/** The letters at the edges of an image: R, L, A, P, H, F (PS3.3 C.7.6.1.1.1). */

export interface Letters {
  left: string;
  right: string;
  top: string;
  bottom: string;
}

const OPPOSITE: Record<string, string> = { R: 'L', L: 'R', A: 'P', P: 'A', H: 'F', F: 'H', T: 'D', D: 'T' };

/** Where a direction in patient coordinates (to the left, to the back, to the head) points, e.g. "L" or "LA". */
export function directionLetters(direction: readonly number[]): string {
  const axes = [
    { size: Math.abs(direction[0]), letter: direction[0] < 0 ? 'R' : 'L' },
    { size: Math.abs(direction[1]), letter: direction[1] < 0 ? 'A' : 'P' },
    { size: Math.abs(direction[2]), letter: direction[2] < 0 ? 'F' : 'H' },
  ];
  const told = axes.filter((axis) => axis.size > 0.26).sort((a, b) => b.size - a.size);
  return told
    .slice(0, 2)
    .map((axis) => axis.letter)
    .join('');
}

export function oppositeLetters(letters: string): string {
  return [...letters].map((letter) => OPPOSITE[letter] ?? '').join('');
}

/** Letters of the image as stored; undefined when the file does not say how the patient lies in it. */
export function storedLetters(
  orientation: readonly number[] | undefined,
  patientOrientation: readonly string[],
): Letters | undefined {
  let right = '';
  let bottom = '';
  if (orientation) {
    right = directionLetters(orientation.slice(0, 3));
    bottom = directionLetters(orientation.slice(3, 6));
  } else if (patientOrientation.length >= 2) {
    right = patientOrientation[0].toUpperCase();
    bottom = patientOrientation[1].toUpperCase();
  }
  if (!/^[RLAPHFTD]{1,3}$/.test(right) || !/^[RLAPHFTD]{1,3}$/.test(bottom)) return undefined;
  return { right, bottom, left: oppositeLetters(right), top: oppositeLetters(bottom) };
}

/** The letters after mirroring and then turning clockwise by quarters. */
export function shownLetters(stored: Letters, view: { rotation: number; flipH: boolean; flipV: boolean }): Letters {
  let { left, right, top, bottom } = stored;
  if (view.flipH) [left, right] = [right, left];
  if (view.flipV) [top, bottom] = [bottom, top];
  for (let turned = 0; turned < view.rotation; turned += 90) {
    [top, right, bottom, left] = [left, top, right, bottom];
  }
  return { left, right, top, bottom };
}
