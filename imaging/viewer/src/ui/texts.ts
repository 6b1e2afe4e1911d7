/** The sentences of the viewer. They stand in the page, translated; `{name}` is filled in here. */

let table = new Map<string, string>();

export function readTexts(root: ParentNode): void {
  const template = root.querySelector<HTMLTemplateElement>('template[data-viewer-texts]');
  const lines = template?.content.querySelectorAll<HTMLElement>('[data-text]') ?? [];
  table = new Map([...lines].map((line) => [line.dataset.text ?? '', (line.textContent ?? '').trim()]));
}

export function t(name: string, fields: Record<string, string | number> = {}): string {
  const sentence = table.get(name) ?? name;
  return sentence.replace(/\{(\w+)\}/g, (whole, field: string) => (field in fields ? String(fields[field]) : whole));
}
