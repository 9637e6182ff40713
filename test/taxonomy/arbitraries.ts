// Random lawful label spaces, unified spaces and scores for property tests.
import fc from 'fast-check';
import { type LabelId, labelSpace, type LabelSpace } from '../../sdk/taxonomy/label-space.js';
import { unifiedLabelSpace, type UnifiedLabelInput, type UnifiedLabelSpace } from '../../sdk/taxonomy/unified.js';

/** A data set of `size` labels whose ids are neither positions nor all of one kind. */
export function dataset(name: string, size: number): LabelSpace {
  return labelSpace(
    name,
    Array.from({ length: size }, (_, k) => ({ id: k % 2 ? `/${name}/${k}` : 10 * k + 1, name: `${name} ${k}` })),
  );
}

/** Which slot each label of each data set goes to: no slot twice within a data set. */
const slots = (names: readonly string[], most: number) =>
  fc.tuple(
    ...names.map(() => fc.shuffledSubarray(Array.from({ length: most }, (_, slot) => slot), { minLength: 1 })), // prettier-ignore
  );

/** A unified space from the slot of each label of each data set. */
export function fromSlots(
  names: readonly string[],
  assigned: readonly (readonly number[])[],
  name = 'unified',
): UnifiedLabelSpace {
  const datasets = names.map((own, d) => dataset(own, assigned[d]!.length));
  const members = new Map<number, [string, LabelId][]>();
  assigned.forEach((own, d) =>
    own.forEach((slot, k) => {
      members.set(slot, [...(members.get(slot) ?? []), [names[d]!, datasets[d]!.at(k).id]]);
    }),
  );
  const labels = [...members].map(([slot, entries]): UnifiedLabelInput => ({ id: slot, name: `slot ${slot}`, members: Object.fromEntries(entries) })); // prettier-ignore
  return unifiedLabelSpace(name, datasets, labels) as UnifiedLabelSpace;
}

/** Any lawful unified space over data sets with these names. */
export const unifiedOver = (names: readonly string[], most = 6): fc.Arbitrary<UnifiedLabelSpace> =>
  slots(names, most).map((assigned) => fromSlots(names, assigned));

/** Any lawful unified space over 1 to 4 data sets. */
export const anyUnified = fc.integer({ min: 1, max: 4 }).chain((d) => unifiedOver(['a', 'b', 'c', 'd'].slice(0, d)));

/** Several unified spaces over the same data sets. */
export const severalOver = (count: number, names: readonly string[], most: number): fc.Arbitrary<UnifiedLabelSpace[]> =>
  fc.tuple(...names.map(() => fc.integer({ min: 1, max: most }))).chain((sizes) => {
    const all = Array.from({ length: most }, (_, slot) => slot);
    const one = fc.tuple(...sizes.map((size) => fc.shuffledSubarray(all, { minLength: size, maxLength: size })));
    return fc.array(one, { minLength: count, maxLength: count }).map((many) => many.map((slots) => fromSlots(names, slots)));
  });

/** Float32 probabilities [rows, columns]. */
export const probabilities = (rows: number, columns: number): fc.Arbitrary<Float32Array> =>
  fc
    .array(fc.float({ min: 0, max: 1, noNaN: true }), { minLength: rows * columns, maxLength: rows * columns })
    .map((values) => Float32Array.from(values));

/** A unified space with scores of all its heads. */
export const withScores = (rows: number, spaces: fc.Arbitrary<UnifiedLabelSpace> = anyUnified) =>
  spaces.chain(
    (space) =>
    fc
      .tuple(...space.datasets.map(({ size }) => probabilities(rows, size)))
      .map((heads) => ({ space, scores: Object.fromEntries(space.datasets.map(({ name }, d) => [name, heads[d]!])) as Record<string, Float32Array> })), // prettier-ignore
  );

/** The partition that a unified space makes, as texts that do not depend on order. */
export const partition = (space: UnifiedLabelSpace): string[] =>
  space.labels.map(({ members }) => JSON.stringify(Object.entries(members).sort(([x], [y]) => (x < y ? -1 : 1)))).sort();
