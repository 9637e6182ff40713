// A mapping T between label lists as a sparse Boolean matrix: which source labels each target label stands for. Indices only, no names.
import { describe } from '../errors.js';
import { invalid } from './label-space.js';

/**
 * How the scores of several source labels become one: the largest; the mean (UniDet, Eq. 5); or the noisy-or 1 - prod(1 - p), which treats
 * them as independent evidence. `max` may work on logits; `mean` and `noisy_or` work on probabilities and give probabilities.
 */
export type Combine = 'max' | 'mean' | 'noisy_or';

/** What scores are: `probability` p, or `logit` x with p = 1 / (1 + e^-x). */
export type ScoreKind = 'logit' | 'probability';

export const combines: readonly Combine[] = ['max', 'mean', 'noisy_or'];

/**
 * T in {0,1}^(K x U) by columns: target label u stands for the source labels members[offsets[u] .. offsets[u + 1]).
 * Law: a source label stands in at most one target label, and once. A target label without members is allowed: it is never found.
 */
export interface LabelMapping {
  /** Number of source labels, K. */
  readonly sources: number;
  /** Int32 [U + 1], from 0 to members.length, never falling. */
  readonly offsets: Int32Array;
  /** Int32 [at most K], rising within each target label. */
  readonly members: Int32Array;
}

/** Builds a mapping from the source indices of each target label, in any order. Throws LabelSpaceError `invalid-label-space`. */
export function mappingOf(groups: readonly (readonly number[])[], sources: number): LabelMapping {
  const offsets = new Int32Array(groups.length + 1);
  groups.forEach((group, u) => (offsets[u + 1] = offsets[u]! + group.length));
  const members = new Int32Array(offsets[groups.length]!);
  groups.forEach((group, u) =>
    members.set(
      [...group].sort((a, b) => a - b),
      offsets[u]!,
    ),
  );
  const mapping = { sources, offsets, members };
  checkMapping(mapping);
  return mapping;
}

/** Number of target labels, U. */
export function targetsOf(mapping: LabelMapping): number {
  return mapping.offsets.length - 1;
}

/** The source indices of target label `u`, as a view. */
export function membersOf(mapping: LabelMapping, u: number): Int32Array {
  return mapping.members.subarray(mapping.offsets[u], mapping.offsets[u + 1]);
}

/** Whether every label stands for itself, so that nothing needs to be computed. */
export function isIdentity(mapping: LabelMapping): boolean {
  const { sources, offsets, members } = mapping;
  return (
    targetsOf(mapping) === sources &&
    members.length === sources &&
    offsets.every((offset, i) => offset === i) &&
    members.every((m, i) => m === i)
  );
}

/** For each source label the target label it stands in, -1 where none: T by rows. Int32 [K]. */
export function targetOfSource(mapping: LabelMapping): Int32Array {
  const targets = new Int32Array(mapping.sources).fill(-1);
  for (let u = 0; u < targetsOf(mapping); u++) for (const k of membersOf(mapping, u)) targets[k] = u;
  return targets;
}

/**
 * First K -> U, then U -> V, as one mapping K -> V (the product of the two matrices). Associative; {@link isIdentity identities} change nothing.
 * Throws LabelSpaceError `invalid-label-space` where the first does not end where the second starts.
 */
export function composeMappings(first: LabelMapping, second: LabelMapping): LabelMapping {
  if (targetsOf(first) !== second.sources)
    throw invalid('composed mappings', `${targetsOf(first)} labels, then ${second.sources}`, 'as many as the first one ends in');
  const groups = Array.from({ length: targetsOf(second) }, (_, v) =>
    Array.from(membersOf(second, v)).flatMap((u) => Array.from(membersOf(first, u))),
  );
  return mappingOf(groups, first.sources);
}

/** Checks shape, ranges and law. Throws LabelSpaceError `invalid-label-space`. */
export function checkMapping(mapping: LabelMapping): void {
  const { sources, offsets, members } = mapping;
  if (!Number.isSafeInteger(sources) || sources < 0)
    throw invalid('mapping.sources', describe(sources), 'the number of source labels');
  if (!(offsets instanceof Int32Array) || offsets.length === 0)
    throw invalid('mapping.offsets', describe(offsets), 'an Int32Array [U + 1]');
  if (!(members instanceof Int32Array)) throw invalid('mapping.members', describe(members), 'an Int32Array');
  if (offsets[0] !== 0 || offsets[offsets.length - 1] !== members.length) {
    throw invalid(
      'mapping.offsets',
      `${offsets[0]} to ${offsets[offsets.length - 1]}`,
      `offsets from 0 to the number of members, ${members.length}`,
    );
  }
  const owner = new Int32Array(sources).fill(-1);
  for (let u = 0; u + 1 < offsets.length; u++) {
    if (offsets[u + 1]! < offsets[u]!) throw invalid(`mapping.offsets[${u + 1}]`, `${offsets[u + 1]}`, `${offsets[u]} or more`);
    for (const k of membersOf(mapping, u)) {
      if (k < 0 || k >= sources)
        throw invalid(`mapping, members of target ${u}`, `source ${k}`, `sources from 0 to ${sources - 1}`);
      if (owner[k]! >= 0)
        throw invalid(
          `mapping, members of target ${u}`,
          `source ${k}, which stands in target ${owner[k]} already`,
          'each source label once',
        );
      owner[k] = u;
    }
  }
}
