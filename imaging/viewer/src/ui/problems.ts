/** Problems in words. */

import type { Problem } from '../pixels/problem.ts';
import { t } from './texts.ts';

export function problemText(problem: Problem): string {
  const fields = { photometric: '', coding: '', reason: '', status: '', ...problem.detail };
  if (problem.code === 'data_damaged' && fields.coding) return t('damaged_coding', fields);
  return t(`problem_${problem.code}`, fields).trim();
}
