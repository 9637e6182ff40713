// Short ways to write long label lists down, for the catalogue. They only make label inputs; the checks are those of labelSpace().
import type { LabelInput } from './label-space.js';

/** Labels with consecutive ids from `first`. */
export function idsFrom<const N extends string>(first: number, names: readonly N[]): LabelInput<N>[] {
  return names.map((name, i) => ({ id: first + i, name }));
}

/** Labels whose ids have gaps: rows of id and name. */
export function idNames<const N extends string>(rows: readonly (readonly [id: number, name: N])[]): LabelInput<N>[] {
  return rows.map(([id, name]) => ({ id, name }));
}

/** Labels with Freebase ids: rows of id, name and the ids of the parents. */
export function midNames<const N extends string>(
  rows: readonly (readonly [mid: string, name: N, ...parents: string[]])[],
): LabelInput<N>[] {
  return rows.map(([id, name, ...parents]) => ({ id, name, parents }));
}
