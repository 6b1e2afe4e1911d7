/** Which key does what. The list a person sees is in templates/imaging/_viewer_keys.html. */

export type Act = (name: string, value?: string | number) => void;

const LETTERS: Record<string, string> = {
  w: 'tool window',
  s: 'tool scroll',
  z: 'tool zoom',
  p: 'tool pan',
  l: 'tool length',
  a: 'tool angle',
  e: 'tool ellipse',
  b: 'tool rectangle',
  q: 'tool probe',
  i: 'invert',
  f: 'fit',
  F: 'full-screen',
  o: 'one',
  r: 'rotate-right',
  R: 'rotate-left',
  h: 'flip-horizontal',
  v: 'flip-vertical',
  x: 'reset',
  k: 'key-image',
  g: 'next-layout',
  n: 'next-pane',
  '[': 'series -1',
  ']': 'series 1',
  '<': 'speed -1',
  '>': 'speed 1',
  '+': 'zoom 1.25',
  '=': 'zoom 1.25',
  '-': 'zoom 0.8',
  '−': 'zoom 0.8',
  '?': 'keys',
  ' ': 'play',
};

const MOVES: Record<string, string> = {
  ArrowUp: 'step -1',
  ArrowDown: 'step 1',
  ArrowLeft: 'step -1',
  ArrowRight: 'step 1',
  PageUp: 'step -10',
  PageDown: 'step 10',
  Home: 'first',
  End: 'last',
};

const SHIFTED: Record<string, string> = {
  ArrowUp: 'pan-up 40',
  ArrowDown: 'pan-down 40',
  ArrowLeft: 'pan-left 40',
  ArrowRight: 'pan-right 40',
};

const CONTROLLED: Record<string, string> = {
  ArrowUp: 'level -1',
  ArrowDown: 'level 1',
  ArrowLeft: 'width -1',
  ArrowRight: 'width 1',
};

export type Press = Pick<KeyboardEvent, 'key' | 'code' | 'ctrlKey' | 'metaKey' | 'altKey' | 'shiftKey'>;

/** The command of a key press, as "name" or "name value"; undefined when the viewer has no use for it. */
export function commandFor(press: Press, hasSingleKeys: boolean): string | undefined {
  if (press.altKey || press.metaKey) return undefined;
  if (press.ctrlKey) return CONTROLLED[press.key];
  if (!hasSingleKeys) return press.key.length > 1 && !press.shiftKey ? MOVES[press.key] : undefined;
  if (press.shiftKey && SHIFTED[press.key]) return SHIFTED[press.key];
  if (press.key === 'Delete' || press.key === 'Backspace') return 'delete';
  // Digits by their place: some keyboards have them only with Shift.
  const digit = /^(?:Digit|Numpad)(\d)$/.exec(press.code)?.[1];
  if (digit && /^[\d&é"'(\-è_çà]$/.test(press.key) && !press.shiftKey) return `preset ${digit}`;
  if (/^\d$/.test(press.key)) return `preset ${press.key}`;
  return MOVES[press.key] ?? LETTERS[press.key] ?? LETTERS[press.key.toLowerCase()];
}

const TYPING = 'input:not([type=range]):not([type=checkbox]), textarea, select, [contenteditable], dialog, [role=menu]';

/** Keys belong to the viewer while the reader is in it or nowhere, never while typing. */
function isForViewer(event: KeyboardEvent, root: HTMLElement): boolean {
  const target = event.target as HTMLElement;
  if (target === document.body || target === document.documentElement) return true;
  if (!root.contains(target) || target.closest(TYPING)) return false;
  const isPress = event.key === ' ' || event.key === 'Enter';
  if (isPress && target.closest('button, a, input')) return false;
  return !(event.key.startsWith('Arrow') && target.closest('input'));
}

export function listen(root: HTMLElement, act: Act, hasSingleKeys: () => boolean): void {
  document.addEventListener('keydown', (event) => {
    if (event.defaultPrevented || !isForViewer(event, root)) return;
    const command = commandFor(event, hasSingleKeys());
    if (!command) return;
    event.preventDefault();
    const [name, value] = command.split(' ');
    act(name, value);
  });
}
