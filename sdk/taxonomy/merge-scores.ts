// Scores along a mapping, on arrays: several labels to one (Eq. 5 of UniDet, max, noisy-or) and back. Devices do the same with score_merge.
import { ArgumentError } from '../errors.js';
import { checkMapping, type Combine, type LabelMapping, type ScoreKind, targetsOf } from './mapping.js';

/** How scores are merged. */
export interface MergeOptions {
  /** How several labels become one; see {@link Combine}. `mean` is UniDet's Eq. 5. */
  combine: Combine;
  /** What the scores are. */
  from: ScoreKind;
}

/** The scores of one head, [P, columns] flat. */
export interface ScorePart {
  /** P x columns numbers, row after row. */
  scores: ArrayLike<number>;
  /** Labels of this head, Kd. */
  columns: number;
}

/**
 * Merges scores [P, K] -> Float32 [P, U] (into `out` if given), computed in double precision and rounded once.
 * A label without members gets -Infinity as a logit (`max` of logits), otherwise 0. NaN among its members makes a score NaN.
 * Throws ArgumentError where lengths do not fit, LabelSpaceError where the mapping breaks its law.
 */
export function mergeScores(
  scores: ArrayLike<number>,
  rows: number,
  mapping: LabelMapping,
  options: MergeOptions,
  out?: Float32Array,
): Float32Array {
  return mergeParts([{ scores, columns: mapping.sources }], rows, mapping, options, out);
}

/** The same where the K source labels stand in several arrays, one after another: one array a head. */
export function mergeParts(
  parts: readonly ScorePart[],
  rows: number,
  mapping: LabelMapping,
  { combine, from }: MergeOptions,
  out: Float32Array = new Float32Array(rows * targetsOf(mapping)),
): Float32Array {
  checkMapping(mapping);
  const targets = targetsOf(mapping);
  for (const { scores, columns } of parts) checkLength('scores', scores.length, rows, columns);
  checkLength('out', out.length, rows, targets);
  const { offsets, members } = mapping;
  const empty = emptyScore(combine, from);
  const squash = from === 'logit' && combine !== 'max';
  // Most labels have one member and are copied in one go; only the others are combined.
  const first = Int32Array.from({ length: targets }, (_, u) => (offsets[u] === offsets[u + 1] ? -1 : members[offsets[u]!]!));
  const several = Int32Array.from({ length: targets }, (_, u) => u).filter((u) => offsets[u + 1]! - offsets[u]! > 1);
  const row = new Float64Array(mapping.sources);
  for (let p = 0; p < rows; p++) {
    let filled = 0;
    for (const { scores, columns } of parts) {
      const start = p * columns;
      if (scores instanceof Float32Array) row.set(scores.subarray(start, start + columns), filled);
      else for (let k = 0; k < columns; k++) row[filled + k] = scores[start + k]!;
      filled += columns;
    }
    if (squash) for (let k = 0; k < filled; k++) row[k] = 1 / (1 + Math.exp(-row[k]!));
    copySingles(row, first, empty, out, p * targets);
    combineOthers(row, several, mapping, combine, out, p * targets);
  }
  return out;
}

/** The first member of every target label. Functions of a row, so that engines compile them whole. */
function copySingles(row: Float64Array, first: Int32Array, empty: number, out: Float32Array, at: number): void {
  for (let u = 0; u < first.length; u++) {
    const k = first[u]!;
    out[at + u] = k < 0 ? empty : row[k]!;
  }
}

/** The target labels with several members. */
function combineOthers(
  row: Float64Array,
  several: Int32Array,
  { offsets, members }: LabelMapping,
  combine: Combine,
  out: Float32Array,
  at: number,
): void {
  for (let j = 0; j < several.length; j++) {
    const u = several[j]!;
    const end = offsets[u + 1]!;
    let i = offsets[u]!;
    const count = end - i;
    let score = row[members[i++]!]!;
    if (combine === 'max') {
      while (i < end) score = Math.max(score, row[members[i++]!]!);
    } else if (combine === 'mean') {
      while (i < end) score += row[members[i++]!]!;
      score /= count;
    } else {
      let none = 1 - score;
      while (i < end) none *= 1 - row[members[i++]!]!;
      score = 1 - none;
    }
    out[at + u] = score;
  }
}

/**
 * T d, the way back: scores [P, U] of target labels -> Float32 [P, K], each source label with the score of its target label. Source labels in no
 * target label get `empty`. `target` is {@link targetOfSource} of the mapping. Throws ArgumentError where lengths do not fit.
 */
export function unmergeScores(
  scores: ArrayLike<number>,
  rows: number,
  target: Int32Array,
  targets: number,
  empty: number,
  out: Float32Array = new Float32Array(rows * target.length),
): Float32Array {
  const sources = target.length;
  checkLength('scores', scores.length, rows, targets);
  checkLength('out', out.length, rows, sources);
  for (let p = 0; p < rows; p++) {
    for (let k = 0; k < sources; k++) {
      const u = target[k]!;
      out[p * sources + k] = u < 0 ? empty : scores[p * targets + u]!;
    }
  }
  return out;
}

/** The score of a label that nothing stands for. */
function emptyScore(combine: Combine, from: ScoreKind): number {
  return combine === 'max' && from === 'logit' ? Number.NEGATIVE_INFINITY : 0;
}

function checkLength(thing: string, length: number, rows: number, columns: number): void {
  if (length === rows * columns) return;
  throw new ArgumentError({ thing, found: `${length} numbers`, wanted: `${rows * columns}: [${rows}, ${columns}]` });
}
