/** Small things about page elements. */

export function element<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  className = '',
  text = '',
): HTMLElementTagNameMap[K] {
  const made = document.createElement(tag);
  if (className) made.className = className;
  if (text) made.textContent = text;
  return made;
}

export function find<T extends HTMLElement>(root: ParentNode, selector: string): T {
  const found = root.querySelector<T>(selector);
  if (!found) throw new Error(`The page has no ${selector}`);
  return found;
}

const SVG = 'http://www.w3.org/2000/svg';

/** An icon of the sprite that the tool bar uses. */
export function icon(name: string): SVGSVGElement {
  const sprite = document.querySelector('#viewer use')?.getAttribute('href')?.split('#')[0] ?? '';
  const drawing = document.createElementNS(SVG, 'svg');
  drawing.setAttribute('class', 'tool__icon');
  drawing.setAttribute('aria-hidden', 'true');
  const use = document.createElementNS(SVG, 'use');
  use.setAttribute('href', `${sprite}#${name}`);
  drawing.append(use);
  return drawing;
}

export function setText(node: HTMLElement, text: string): void {
  if (node.textContent !== text) node.textContent = text;
  node.hidden = text === '';
}
