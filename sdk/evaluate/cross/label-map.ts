// From labels of a model to labels of a data set: through a unified label space, or to labels that the model never saw, by vectors of their names.
import { ArgumentError, describe } from '../../errors.js';
import type { Label, LabelId, LabelSpace } from '../../taxonomy/label-space.js';
import type { EmbeddedSpace } from '../../taxonomy/merge/by-embedding.js';
import type { UnifiedLabel, UnifiedLabelSpace } from '../../taxonomy/unified.js';

/** Which labels of a data set a detection of a unified label stands for: none, one, or (matched by vectors) several. */
export interface DatasetLabelMap {
  /** The unified labels, which detections carry. */
  readonly unified: LabelSpace;
  /** Labels of the data set by the id of the unified label. */
  readonly targets: ReadonlyMap<LabelId, readonly Label[]>;
}

/** The map that the taxonomy itself gives for one of its data sets: T_k of UniDet, 4.1. Throws LabelSpaceError for an unknown data set. */
export function labelMapOf(unified: UnifiedLabelSpace, dataset: string): DatasetLabelMap {
  const targets = new Map<LabelId, readonly Label[]>();
  for (const { id, label } of unified
    .dataset(dataset)
    .labels.map((own) => ({ id: unified.unifiedOf(dataset, { id: own.id }).id, label: own }))) {
    targets.set(id, [...(targets.get(id) ?? []), label]);
  }
  return { unified: unified.space, targets };
}

/** How a label of a new data set was matched. */
export interface TestLabelMatch {
  /** Label of the test data set. */
  readonly label: Label;
  /** The unified label that stands for it, or undefined where nothing came near enough. */
  readonly unified: UnifiedLabel | undefined;
  /** Training data set and label whose vector was nearest. */
  readonly dataset: string | undefined;
  /** That label. */
  readonly nearest: Label | undefined;
  /** Cosine of the two vectors; NaN for a label without vector. */
  readonly cosine: number;
}

/** Options of {@link matchTestLabels}. */
export interface TestMatchOptions {
  /** Least cosine of a match. Default: -1, every label with a vector is matched, as UniDet does. */
  readonly threshold?: number;
  /** Cosines that differ by no more are equal: the earlier data set wins. Default: 1e-6, as vectors are 32-bit floats. */
  readonly tie?: number;
}

/**
 * Matches labels of a data set that the model was not trained on (UniDet, 5.3): each goes to the unified label of the training label whose vector
 * is nearest; of equally near ones the first in the order of the unified space's data sets, then of its labels.
 * @param trained one entry for each data set of `unified`, with vectors of the same encoder
 * @throws ArgumentError where vectors do not fit their labels or each other, or a data set is missing
 */
export function matchTestLabels(
  unified: UnifiedLabelSpace,
  trained: readonly EmbeddedSpace[],
  test: EmbeddedSpace,
  options: TestMatchOptions = {},
): { readonly map: DatasetLabelMap; readonly matches: readonly TestLabelMatch[] } {
  const { threshold = -1, tie = 1e-6 } = options;
  const ordered = unified.datasets.map((dataset) => {
    const found = trained.find(({ space }) => space.name === dataset.name);
    if (!found) throw new ArgumentError({ thing: 'trained', found: `no vectors of "${dataset.name}"`, wanted: 'vectors of every data set of the unified space' }); // prettier-ignore
    return { dataset, rows: unitRows(found) };
  });
  const own = unitRows(test);
  const width = own[0]?.length ?? 0;
  for (const { dataset, rows } of ordered) {
    if (rows[0]!.length !== width) throw new ArgumentError({ thing: `vectors of "${dataset.name}"`, found: `rows of ${rows[0]!.length}`, wanted: `rows of ${width}, as the test labels have` }); // prettier-ignore
  }
  const matches = test.space.labels.map((label, t): TestLabelMatch => {
    const row = own[t]!;
    let best: { dataset: string; nearest: Label; cosine: number } | undefined;
    if (row.some((value) => value !== 0)) {
      for (const { dataset, rows } of ordered) {
        rows.forEach((other, k) => {
          const cosine = other.reduce((sum, value, i) => sum + value * row[i]!, 0);
          if (other.every((value) => value === 0) || cosine < threshold) return;
          if (!best || cosine > best.cosine + tie) best = { dataset: dataset.name, nearest: dataset.labels[k]!, cosine };
        });
      }
    }
    if (!best) return { label, unified: undefined, dataset: undefined, nearest: undefined, cosine: Number.NaN };
    return { label, unified: unified.unifiedOf(best.dataset, { id: best.nearest.id }), ...best };
  });
  const targets = new Map<LabelId, Label[]>();
  for (const { label, unified: match } of matches) {
    if (!match) continue;
    const list = targets.get(match.id);
    if (list) list.push(label);
    else targets.set(match.id, [label]);
  }
  return { map: { unified: unified.space, targets }, matches };
}

/** Rows of length 1, or of zeros. */
function unitRows({ space, vectors }: EmbeddedSpace): Float64Array[] {
  const width = vectors.length / space.size;
  if (!Number.isInteger(width) || width === 0) {
    throw new ArgumentError({ thing: `vectors of "${space.name}"`, found: `${vectors.length} numbers`, wanted: `[${space.size}, D]: a row for each label` }); // prettier-ignore
  }
  return space.labels.map((_, k) => {
    const row = Float64Array.from({ length: width }, (__, i) => vectors[k * width + i]!);
    const length = Math.hypot(...row);
    if (!Number.isFinite(length)) throw new ArgumentError({ thing: `vectors of "${space.name}", row ${k}`, found: describe(length), wanted: 'finite numbers' }); // prettier-ignore
    return length > 0 ? row.map((value) => value / length) : row;
  });
}
