// Relations of labels from what a trained classifier says (UniSeg, 3.3): similarities over images, the automatic threshold, relations of a taxonomy.
// Targets made of them: relationalTargets in targets.ts.
import { ArgumentError, describe } from '../errors.js';
import type { Relation } from '../taxonomy/relations.js';
import { type Taxonomy, taxonomy } from '../taxonomy/taxonomy.js';
import type { UnifiedLabelSpace } from '../taxonomy/unified.js';
import { columnMask, relationalTargets } from './targets.js';

/** Similarities of the labels of one data set with all columns. */
export interface LabelSimilarities {
  /** R columns: those of the labels of the data set, in its order. */
  readonly columns: readonly number[];
  /** C */
  readonly classes: number;
  /** [R, C] s of Eq. 7: the mean score of each column where the truth is the label; NaN for a label that was never seen. */
  readonly similarity: Float64Array;
  /** [R] M of Eq. 7: how often each label was seen. */
  readonly counts: Float64Array;
}

/** Adds up similarities, batch by batch; the order of batches changes last bits only. */
export interface SimilarityMeter {
  /**
   * Takes scores [P, C] (UniSeg: cosines; activations of another classifier as well) and labels [P] of the data set, -1 for none.
   * Throws ArgumentError for a score that is not finite, with its row and column; nothing is added then.
   */
  add(scores: ArrayLike<number>, labels: ArrayLike<number>): void;
  /** The means so far. */
  result(): LabelSimilarities;
}

const wrong = (thing: string, found: unknown, wanted: string) =>
  new ArgumentError({ thing, found: typeof found === 'string' ? found : describe(found), wanted });

/** Measures s_{i,c} of UniSeg's Eq. 7 for one data set. @param columns column of each of its labels. Throws ArgumentError. */
export function measureSimilarities(classes: number, columns: readonly number[]): SimilarityMeter {
  columnMask(columns, classes);
  const sums = new Float64Array(columns.length * classes);
  const counts = new Float64Array(columns.length);
  return {
    add(scores, labels) {
      if (scores.length !== labels.length * classes)
        throw wrong('scores', `${scores.length} numbers`, `[${labels.length}, ${classes}]`);
      for (let p = 0; p < labels.length; p++) {
        const label = labels[p]!;
        if (!(Number.isInteger(label) && label >= -1 && label < columns.length))
          throw wrong(`labels[${p}]`, label, `a whole number from 0 to ${columns.length - 1}, or -1`);
        for (let c = 0; label >= 0 && c < classes; c++)
          if (!Number.isFinite(scores[p * classes + c]!))
            throw wrong(`scores[${p}, ${c}]`, scores[p * classes + c], 'a finite number');
      }
      for (let p = 0; p < labels.length; p++) {
        const label = labels[p]!;
        if (label < 0) continue;
        counts[label]!++;
        for (let c = 0; c < classes; c++) sums[label * classes + c]! += scores[p * classes + c]!;
      }
    },
    result: () => ({
      columns: [...columns],
      classes,
      similarity: sums.map((sum, i) => sum / counts[Math.floor(i / classes)]!),
      counts: counts.slice(),
    }),
  };
}

/**
 * The automatic threshold of UniSeg, 3.3: the mean, over labels whose largest similarity is to a column of another data set, of that similarity (0.48 in
 * the paper). undefined where there is none: then no label is in conflict.
 */
export function relationThreshold(datasets: readonly LabelSimilarities[]): number | undefined {
  let [sum, count] = [0, 0];
  for (const { columns, classes, similarity } of datasets) {
    const own = columnMask(columns, classes);
    for (let row = 0; row < columns.length; row++) {
      const values = similarity.subarray(row * classes, (row + 1) * classes);
      let best = 0;
      for (let c = 1; c < classes; c++) if (values[c]! > values[best]!) best = c;
      if (own[best] || !Number.isFinite(values[best]!)) continue;
      sum += values[best]!;
      count++;
    }
  }
  return count > 0 ? sum / count : undefined;
}

/**
 * The targets of Eq. 6 as relations: where a label of a data set is also a positive of a foreign column, it is a subset of that label; where both are
 * positives of each other, they are the same. Similarities stand as evidence. Relations that would close a circle of subsets are left out, the least
 * similar first.
 * @param unified its labels are the columns
 * @param datasets similarities of its data sets
 * @param threshold default: {@link relationThreshold}
 */
export function similarityRelations(
  unified: UnifiedLabelSpace,
  datasets: readonly LabelSimilarities[],
  threshold: number | undefined = relationThreshold(datasets),
): Relation[] {
  const C = unified.size;
  const bad = datasets.find(({ classes }) => classes !== C);
  if (bad) throw wrong('similarities', `${bad.classes} columns`, `${C}, the labels of ${unified.name}`);
  if (threshold === undefined) return [];
  // from -> to -> similarity, the largest of several data sets.
  const found = new Map<number, Map<number, number>>();
  const measured = new Map<string, number>();
  for (const { columns, similarity } of datasets) {
    const { states } = relationalTargets(C, columns, similarity, threshold);
    columns.forEach((own, row) => {
      for (let c = 0; c < C; c++) {
        const value = similarity[row * C + c]!;
        if (!Number.isFinite(value)) continue;
        measured.set(`${own},${c}`, Math.max(value, measured.get(`${own},${c}`) ?? -Infinity));
        if (c === own || columns.includes(c) || states[row * C + c] !== 1) continue;
        const of = found.get(own) ?? found.set(own, new Map()).get(own)!;
        of.set(c, Math.max(value, of.get(c) ?? -Infinity));
      }
    });
  }
  const edges = [...found].flatMap(([from, to]) => [...to].map(([c, value]) => ({ from, to: c, value })));
  edges.sort((a, b) => b.value - a.value || a.from - b.from || a.to - b.to);
  // Labels that are the same count as one when circles are looked for.
  const same = Int32Array.from({ length: C }, (_, c) => c);
  const isBoth = ({ from, to }: { from: number; to: number }) => found.get(to)?.has(from) ?? false;
  const identities = edges.filter((edge) => isBoth(edge) && edge.from < edge.to);
  for (const { from, to } of identities) {
    const [a, b] = [same[from]!, same[to]!];
    for (let c = 0; c < C; c++) if (same[c] === b) same[c] = a;
  }
  const next = new Map<number, Set<number>>();
  const reaches = (from: number, to: number): boolean =>
    from === to || [...(next.get(from) ?? [])].some((one) => reaches(one, to));
  const subsets = edges.filter((edge) => {
    const [from, to] = [same[edge.from]!, same[edge.to]!];
    if (isBoth(edge) || reaches(to, from)) return false;
    next.set(from, (next.get(from) ?? new Set()).add(to));
    return true;
  });
  const relations = [...identities, ...subsets].map((edge): Relation => {
    const { from, to, value } = edge;
    const backward = measured.get(`${to},${from}`);
    return {
      a: { unified: unified.space.at(from).id },
      kind: isBoth(edge) ? 'identity' : 'subset',
      b: { unified: unified.space.at(to).id },
      score: Math.min(1, Math.max(0, value)),
      evidence: [{ source: 'mean activation', forward: value, ...(backward !== undefined && { backward }) }],
    };
  });
  return relations;
}

/** A taxonomy of the unified labels with {@link similarityRelations}. Throws TaxonomyError where relations contradict each other. */
export function relatedTaxonomy(
  unified: UnifiedLabelSpace,
  datasets: readonly LabelSimilarities[],
  threshold?: number,
): Taxonomy {
  const tau = threshold ?? relationThreshold(datasets);
  return taxonomy(unified, {
    relations: similarityRelations(unified, datasets, tau),
    origin: { method: 'mean activations', ...(tau !== undefined && { parameters: { threshold: tau } }) },
  });
}
