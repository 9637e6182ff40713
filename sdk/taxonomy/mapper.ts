// What anything must offer that can stand for the labels of a detector: a grouping now, a unified label space or a taxonomy alike.
import { LabelSpaceError } from '../errors.js';
import { formatSpace, invalid, type LabelSpace } from './label-space.js';
import { type Combine, isIdentity, type LabelMapping } from './mapping.js';
import { didYouMean } from './names.js';

/** What to do where a wanted label is not in the model: `error`, or `ignore` it (it is then never found). */
export type Missing = 'error' | 'ignore';

/** Options of resolving labels. */
export interface ResolveOptions {
  /** Default: `error`. */
  missing?: Missing;
  /** Whether a model without any of the labels gets an empty mapping instead of an error: one of several may have none. Default: false. */
  allowNone?: boolean;
}

/** The labels results will carry, and how they come from the labels of the model. */
export interface ResolvedLabels<L extends string = string> {
  /** The labels of the results. */
  readonly space: LabelSpace<L>;
  /** From the labels of the model to those of `space`; undefined where each stands for itself. */
  readonly mapping: LabelMapping | undefined;
  /** How scores are combined; has an effect only where a label has several members. */
  readonly combine: Combine;
  /** Wanted names that the model has not. Empty unless `missing: 'ignore'`, or labels of a taxonomy for which the model has no head. */
  readonly missing: readonly string[];
}

/** Turns the label space of a model into labels of its own. Everything with this method is taken where labels are asked for. */
export interface LabelMapper<L extends string = string> {
  /** Throws LabelSpaceError where the labels of the model do not fit. */
  resolveFor(model: LabelSpace, options?: ResolveOptions): ResolvedLabels<L>;
}

export function isMapper(value: unknown): value is LabelMapper {
  return typeof value === 'object' && value !== null && typeof (value as Partial<LabelMapper>).resolveFor === 'function';
}

/** Puts a result together; refuses a mapping in which no label can ever be found, unless `allowNone`. */
export function resolved<L extends string>(
  space: LabelSpace<L>,
  mapping: LabelMapping,
  combine: Combine,
  missing: readonly string[],
  allowNone = false,
): ResolvedLabels<L> {
  if (mapping.members.length === 0 && !allowNone)
    throw invalid(formatSpace(space), 'no label that the model has', 'one label of the model or more');
  return { space, mapping: isIdentity(mapping) ? undefined : mapping, combine, missing };
}

/** The error for several names that a space has not, each with its close names. */
export function describeMissing(space: LabelSpace, names: readonly string[]): LabelSpaceError {
  const known = [...space.names, ...space.labels.flatMap((label) => label.synonyms)];
  const shown = names.slice(0, 8).map((name) => {
    const close = didYouMean(name, known);
    return JSON.stringify(name) + (close ? ` (${close.replace('Did you mean', 'close:').replace('?', '')})` : '');
  });
  const more = names.length > shown.length ? ` and ${names.length - shown.length} more` : '';
  return new LabelSpaceError('unknown-label', {
    thing: `${formatSpace(space)}, ${names.length} labels`,
    found: `no such names: ${shown.join(', ')}${more}`,
    wanted: `some of its ${space.size} names`,
    next: 'Name labels of the model, or ignore those it has not with missing: "ignore".',
  });
}
