// Stage 4: per-dataset scores to scores of the wanted labels, on a device (score_merge) or on arrays. It applies a mapping; it finds none.
import { ArgumentError } from '../errors.js';
import type { ValueId } from '../ir/graph.js';
import type { GraphBuilder } from '../ir/builder.js';
import { formatShape, sizeOf } from '../tensor/shape.js';
import { checkMapping, type Combine, type LabelMapping, type ScoreKind, targetsOf } from '../taxonomy/mapping.js';

export interface MergeOptions {
  /** How several labels become one; see {@link Combine}. `mean` is UniDet's Eq. 5. */
  combine: Combine;
  /** What the scores are. */
  from: ScoreKind;
}

/** What merged scores are: `max` leaves them as they are, `mean` and `noisy_or` give probabilities. */
export function mergedKind({ combine, from }: MergeOptions): ScoreKind {
  return combine === 'max' ? from : 'probability';
}

/**
 * Adds score_merge: scores [..., K] -> [..., U]; leading dimensions stay as they are. Returns the merged value; {@link mergedKind} says what it holds.
 * Throws ArgumentError where K is not the mapping's number of sources, LabelSpaceError where the mapping breaks its law.
 */
export function addScoreMerge(
  builder: GraphBuilder,
  scores: ValueId,
  mapping: LabelMapping,
  { combine, from }: MergeOptions,
): ValueId {
  checkMapping(mapping);
  const { name, shape } = builder.type(scores);
  const leading = shape.slice(0, -1);
  const rows = sizeOf(leading);
  checkColumns(`scores ${JSON.stringify(name)} ${formatShape(shape)}`, shape[shape.length - 1] ?? 0, mapping);
  const targets = targetsOf(mapping);
  const node = builder.freeName(`${name}/merged`);
  const flat = leading.length === 1 ? scores : builder.reshape(`${node}/rows`, scores, [rows, mapping.sources]);
  const offsets = builder.constant(`${node}/offsets`, mapping.offsets, [targets + 1]);
  const members = builder.constant(`${node}/members`, mapping.members, [mapping.members.length]);
  const [merged] = builder.add('score_merge', node, [flat, offsets, members], { combine, from });
  return leading.length === 1 ? merged : builder.reshape(`${node}/map`, merged, [...leading, targets]);
}

/**
 * The same on arrays, in double precision: scores Float32 [P, K] -> Float32 [P, U] (into `out` if given).
 * A label without members gets -Infinity as a logit, 0 as a probability. NaN among its members makes a score NaN.
 */
export function mergeScores(
  scores: ArrayLike<number>,
  rows: number,
  mapping: LabelMapping,
  { combine, from }: MergeOptions,
  out: Float32Array = new Float32Array(rows * targetsOf(mapping)),
): Float32Array {
  checkMapping(mapping);
  const columns = mapping.sources;
  const targets = targetsOf(mapping);
  checkLength('scores', scores.length, rows, columns);
  checkLength('out', out.length, rows, targets);
  const probability = from === 'logit' ? sigmoid : (p: number): number => p;
  const { offsets, members } = mapping;
  const empty = combine === 'max' && from === 'logit' ? Number.NEGATIVE_INFINITY : 0;
  for (let p = 0; p < rows; p++) {
    for (let u = 0; u < targets; u++) {
      const first = offsets[u]!;
      const end = offsets[u + 1]!;
      let score = combine === 'max' ? Number.NEGATIVE_INFINITY : combine === 'mean' ? 0 : 1;
      for (let i = first; i < end; i++) {
        const x = scores[p * columns + members[i]!]!;
        if (combine === 'max') score = Math.max(score, x);
        else if (combine === 'mean') score += probability(x);
        else score *= 1 - probability(x);
      }
      if (first === end) score = empty;
      else if (combine === 'mean') score /= end - first;
      else if (combine === 'noisy_or') score = 1 - score;
      out[p * targets + u] = score;
    }
  }
  return out;
}

function sigmoid(x: number): number {
  return 1 / (1 + Math.exp(-x));
}

function checkColumns(thing: string, columns: number, mapping: LabelMapping): void {
  if (columns === mapping.sources) return;
  throw new ArgumentError({
    thing,
    found: `${columns} labels in the last dimension`,
    wanted: `${mapping.sources}, the labels the mapping starts from`,
  });
}

function checkLength(thing: string, length: number, rows: number, columns: number): void {
  if (length === rows * columns) return;
  throw new ArgumentError({ thing, found: `${length} numbers`, wanted: `${rows * columns}: [${rows}, ${columns}]` });
}
