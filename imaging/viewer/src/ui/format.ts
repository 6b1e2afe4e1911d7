/** Dates and figures as people here write them. */

/** The language of the page; plain English dates are written day first, as on the other pages. */
function language(): string {
  const { lang } = document.documentElement;
  return lang === '' || lang === 'en' ? 'en-GB' : lang;
}

/** DICOM DA (YYYYMMDD, or a shorter part of it) in words; '' when it is none. */
export function date(value: string): string {
  const parts = /^(\d{4})(\d{2})?(\d{2})?$/.exec(value.replaceAll(/[.-]/g, ''));
  if (!parts) return value;
  const [, year, month, day] = parts;
  const at = new Date(Number(year), Number(month ?? 1) - 1, Number(day ?? 1));
  return new Intl.DateTimeFormat(language(), {
    year: 'numeric',
    ...(month && { month: 'short' }),
    ...(day && { day: 'numeric' }),
  }).format(at);
}

/** DICOM TM to hours and minutes. */
export function time(value: string): string {
  const parts = /^(\d{2}):?(\d{2})/.exec(value);
  return parts ? `${parts[1]}:${parts[2]}` : '';
}

/** Window values: whole numbers, except where the window is narrow. */
export function level(value: number, width: number): string {
  return width >= 20 ? String(Math.round(value)) : value.toFixed(2);
}

export function plain(value: number, decimals = 1): string {
  return value.toFixed(decimals).replace(/\.0+$/, '');
}

/** Names and numbers compared by letters and digits, in any order, without accents of Latin letters. */
export function sameIdentity(a: string, b: string): boolean {
  const key = (text: string): string =>
    text
      .normalize('NFKD')
      .replace(/[\u0300-\u036f]/g, '')
      .toLowerCase()
      .replace(/[^\p{L}\p{M}\p{N}]+/gu, ' ')
      .trim()
      .split(' ')
      .sort()
      .join(' ');
  return key(a) === key(b);
}
