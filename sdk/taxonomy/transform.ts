// What a grouping and a unified label space have in common: labels made from those of data sets by a sparse Boolean map, and scores along it both ways.
import { ArgumentError, describe, LabelSpaceError } from '../errors.js';
import { partsOf } from './concatenate.js';
import { formatSpace, type LabelSpace } from './label-space.js';
import { type LabelMapper, resolved, type ResolvedLabels, type ResolveOptions } from './mapper.js';
import { type Combine, type LabelMapping, mappingOf, membersOf, type ScoreKind, targetOfSource, targetsOf } from './mapping.js';
import { matchLabel } from './match.js';
import { mergeParts, unmergeScores } from './merge-scores.js';
import { didYouMean } from './names.js';

/**
 * Scores of the heads, one row a box: an object with the scores [P, Kd] of every data set by its name; or one array [P, K], the labels of all data
 * sets one after another.
 */
export type HeadScores = ArrayLike<number> | Readonly<Record<string, ArrayLike<number>>>;

/** Options of {@link LabelTransform.project}. */
export interface ProjectOptions {
  /** How several labels become one. Default: {@link LabelTransform.combine}. */
  combine?: Combine;
  /** What the scores are. Default: `probability`. `mean` and `noisy_or` of logits give probabilities. */
  from?: ScoreKind;
  /** Float32 [P, U] to write into. Default: a new array. */
  out?: Float32Array;
}

/** Options of {@link LabelTransform.reproject}. */
export interface ReprojectOptions {
  /** Score of labels that have no label here. Default: 0; give -Infinity for logits. */
  empty?: number;
  /** Float32 [P, Kd] to write into. Default: a new array. */
  out?: Float32Array;
}

/** Labels that stand for labels of one or several data sets. Taken wherever labels are asked for. Immutable. */
export interface LabelTransform<L extends string = string> extends LabelMapper<L> {
  /** The new labels, U. */
  readonly space: LabelSpace<L>;
  /** The data sets, in the order of `mapping`. */
  readonly datasets: readonly LabelSpace[];
  /** From the labels of all data sets, one after another, to `space`. */
  readonly mapping: LabelMapping;
  /** How the scores of several labels become one, unless a call says otherwise. */
  readonly combine: Combine;
  /** T_k of one data set by columns, [Kd x U]. Throws LabelSpaceError `unknown-label` where there is no such data set. */
  mappingFor(dataset: string): LabelMapping;
  /**
   * Scores of the heads -> scores [P, U] of the new labels. With `mean` this is UniDet's Eq. 5: the mean over the data sets that have the label.
   * Throws ArgumentError where a head is missing or an array has another length.
   */
  project(scores: HeadScores, options?: ProjectOptions): Float32Array;
  /** T_k d: scores [P, U] of the new labels -> scores [P, Kd] of one data set. Throws ArgumentError, LabelSpaceError `unknown-label`. */
  reproject(scores: ArrayLike<number>, dataset: string, options?: ReprojectOptions): Float32Array;
}

/** The parts of a transform that its scores need. */
type Parts = Pick<LabelTransform, 'space' | 'datasets' | 'mapping' | 'combine'>;

/** The one implementation of {@link LabelTransform}. */
export class ListedTransform implements LabelTransform {
  readonly space: LabelSpace;
  readonly datasets: readonly LabelSpace[];
  readonly mapping: LabelMapping;
  readonly combine: Combine;

  constructor({ space, datasets, mapping, combine }: Parts) {
    this.space = space;
    this.datasets = Object.freeze([...datasets]);
    this.mapping = mapping;
    this.combine = combine;
  }

  mappingFor(dataset: string): LabelMapping {
    const { start, space } = place(this, dataset);
    const own = Array.from({ length: targetsOf(this.mapping) }, (_, u) =>
      Array.from(membersOf(this.mapping, u), (k) => k - start).filter((k) => k >= 0 && k < space.size),
    );
    return mappingOf(own, space.size);
  }

  project(scores: HeadScores, options: ProjectOptions = {}): Float32Array {
    const { datasets, mapping } = this;
    const { combine = this.combine, from = 'probability', out } = options;
    const parts = isNumbers(scores)
      ? [{ thing: 'scores', scores, columns: mapping.sources }]
      : datasets.map(({ name, size }) => ({ thing: `scores of ${JSON.stringify(name)}`, scores: scores[name]!, columns: size }));
    let rows: number | undefined;
    for (const { thing, scores, columns } of parts) rows = rowsOf(thing, scores, columns, rows);
    return mergeParts(parts, rows!, mapping, { combine, from }, out);
  }

  reproject(scores: ArrayLike<number>, dataset: string, { empty = 0, out }: ReprojectOptions = {}): Float32Array {
    const { start, space } = place(this, dataset);
    const targets = targetsOf(this.mapping);
    const target = targetOfSource(this.mapping).subarray(start, start + space.size);
    return unmergeScores(scores, rowsOf('scores', scores, targets), target, targets, empty, out);
  }

  /** Labels are found by (data set, id). What the model has no head for is never found, and listed as missing. */
  resolveFor(model: LabelSpace, { allowNone = false }: ResolveOptions = {}): ResolvedLabels {
    const targets = targetOfSource(this.mapping);
    const groups: number[][] = this.space.labels.map(() => []);
    let start = 0;
    for (const part of partsOf(model)) {
      // A model may also have been trained on the new labels themselves.
      const isOwn = part.name === this.space.name && !this.datasets.some(({ name }) => name === part.name);
      const at = isOwn ? { start: 0, space: this.space } : place(this, part.name);
      for (const label of at.space.labels) {
        const u = isOwn ? label.index : targets[at.start + label.index]!;
        const match = u < 0 ? undefined : matchLabel(part, label, at.space);
        if (match) groups[u]!.push(start + match.label.index);
      }
      start += part.size;
    }
    const missing = this.space.names.filter((_, u) => groups[u]!.length === 0);
    // Where nothing is joined, the maximum is the score itself and may stay a logit: nothing needs to be computed.
    const combine = groups.some((group) => group.length > 1) ? this.combine : 'max';
    return resolved(this.space, mappingOf(groups, model.size), combine, missing, allowNone);
  }
}

/** A data set, and where its labels start in the mapping. Throws LabelSpaceError `unknown-label`. */
export function place(
  { space, datasets }: Pick<Parts, 'space' | 'datasets'>,
  dataset: string,
): { start: number; space: LabelSpace } {
  let start = 0;
  for (const own of datasets) {
    if (own.name === dataset) return { start, space: own };
    start += own.size;
  }
  const names = datasets.map((own) => own.name);
  const next = typeof dataset === 'string' ? didYouMean(dataset, names) : undefined;
  throw new LabelSpaceError('unknown-label', {
    thing: `${formatSpace(space)}, data set`,
    found: describe(dataset),
    wanted: names.map((name) => JSON.stringify(name)).join(', '),
    ...(next !== undefined && { next }),
  });
}

/** Number of rows of an array [P, columns]; throws where it is none, or where another array has `rows`. */
function rowsOf(thing: string, scores: ArrayLike<number>, columns: number, rows?: number): number {
  const length = isNumbers(scores) ? scores.length : Number.NaN;
  const found = rows ?? length / columns;
  if (Number.isInteger(found) && length === found * columns) return found;
  throw new ArgumentError({
    thing,
    found: Number.isNaN(length) ? describe(scores) : `${length} numbers`,
    wanted: Number.isInteger(found) ? `${found * columns}: [${found}, ${columns}]` : `an array [P, ${columns}]`,
    ...(scores === undefined && { next: 'To leave out a data set, restrict() to the others first.' }),
  });
}

function isNumbers(value: unknown): value is ArrayLike<number> {
  return Array.isArray(value) || (ArrayBuffer.isView(value) && !(value instanceof DataView));
}
