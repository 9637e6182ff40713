// Joins labels of several data sets whose vectors (of a text encoder, say) point the same way: the language baseline. It makes no vectors itself.
import { describe } from '../../errors.js';
import { formatLabel, formatSpace, invalid, type LabelSpace } from '../label-space.js';
import { checkSpaces, Clusters, type MergeResult } from './clusters.js';

/** A data set with one vector a label. */
export interface EmbeddedSpace {
  /** The labels. */
  readonly space: LabelSpace;
  /** [K, D], rows in label order. A row of zeros says that the label has no vector: it is never joined. Length of rows does not matter. */
  readonly vectors: ArrayLike<number>;
}

/** Options of {@link mergeByEmbedding}. */
export interface MergeByEmbeddingOptions {
  /** Least cosine of two labels of a group, -1 to 1. Default: 0.95. */
  threshold?: number;
  /** Name of the unified label space. Default: the names of the data sets, joined by ` + `. */
  name?: string;
}

/**
 * Joins labels of different data sets, the most similar pair first, as long as every pair in a group has a cosine of `threshold` or more. Equal
 * cosines are taken in the order of the data sets. O(K^2 D) for K labels in all.
 * Throws LabelSpaceError `invalid-label-space` where vectors do not fit the labels, differ in length or are not finite.
 */
export function mergeByEmbedding(embedded: readonly EmbeddedSpace[], options: MergeByEmbeddingOptions = {}): MergeResult {
  if (!Array.isArray(embedded)) throw invalid('data sets to merge', describe(embedded), 'an array of { space, vectors }');
  const spaces = embedded.map((one) => one?.space);
  checkSpaces(spaces);
  const { threshold = 0.95, name = spaces.map((space) => space.name).join(' + ') } = options;
  if (typeof threshold !== 'number' || !(threshold >= -1 && threshold <= 1))
    throw invalid('option threshold', describe(threshold), 'a cosine from -1 to 1');
  const rows = unitRows(embedded);
  const clusters = new Clusters(spaces);
  const pairs: { a: number; b: number; cosine: number }[] = [];
  for (let d = 0; d < spaces.length; d++) {
    for (let e = d + 1; e < spaces.length; e++) {
      for (let i = 0; i < spaces[d]!.size; i++) {
        for (let j = 0; j < spaces[e]!.size; j++) {
          const cosine = dot(rows[d]![i], rows[e]![j]);
          if (cosine >= threshold) pairs.push({ a: clusters.nodeOf(d, i), b: clusters.nodeOf(e, j), cosine });
        }
      }
    }
  }
  pairs.sort((p, q) => q.cosine - p.cosine || p.a - q.a || p.b - q.b);
  const rowOf = (node: number): Float64Array | undefined => rows[clusters.datasetOf(node)]![clusters.labelOf(node).index];
  for (const { a, b, cosine } of pairs) {
    const fits = clusters.membersOf(a).every((p) => clusters.membersOf(b).every((q) => dot(rowOf(p), rowOf(q)) >= threshold));
    if (!fits && clusters.rootOf(a) !== clusters.rootOf(b)) continue;
    const rounded = Math.round(cosine * 1e6) / 1e6;
    clusters.join(a, b, Math.max(0, Math.min(1, rounded)), { source: 'cosine', forward: rounded, backward: rounded });
  }
  return clusters.finish(name, { method: 'by embedding', parameters: { threshold } });
}

/** Rows of length 1; undefined for a row of zeros. */
function unitRows(embedded: readonly EmbeddedSpace[]): (Float64Array | undefined)[][] {
  let width: number | undefined;
  return embedded.map(({ space, vectors }) => {
    const thing = `vectors of ${formatSpace(space)}`;
    const length = typeof vectors === 'object' && vectors !== null ? vectors.length : Number.NaN;
    if (!(length > 0) || length % space.size !== 0) {
      const found = Number.isNaN(length) ? describe(vectors) : `${length} numbers`;
      throw invalid(
        thing,
        found,
        `[${space.size}, D]: a row for each label`,
        'Are they those of another version of the data set?',
      );
    }
    const own = length / space.size;
    width ??= own;
    if (own !== width) throw invalid(thing, `rows of ${own}`, `rows of ${width}, as those of ${formatSpace(embedded[0]!.space)}`);
    return space.labels.map((label, k) => {
      const row = Float64Array.from({ length: own }, (_, i) => vectors[k * own + i]!);
      let sum = 0;
      for (const value of row) sum += value * value;
      if (!Number.isFinite(sum)) throw invalid(`${thing}, row ${k}`, `a number that is not finite for ${formatLabel(label)}`, 'finite numbers'); // prettier-ignore
      if (sum === 0) return undefined;
      const norm = Math.sqrt(sum);
      for (let i = 0; i < own; i++) row[i] = row[i]! / norm;
      return row;
    });
  });
}

function dot(a: Float64Array | undefined, b: Float64Array | undefined): number {
  if (!a || !b) return Number.NEGATIVE_INFINITY;
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += a[i]! * b[i]!;
  return sum;
}
