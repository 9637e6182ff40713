// Label spaces one after another, nothing merged: the labels of a detector with one head a data set, and ScaleDet's label space.
import { describe } from '../errors.js';
import { invalid, isLabelSpace, type Label, type LabelInput, type LabelSpace, labelSpace } from './label-space.js';

const parts = new WeakMap<LabelSpace, readonly LabelSpace[]>();

/**
 * Puts the labels of several data sets one after another, [sum Kd]. Ids become `data set/id`; names stay, so that they may stand twice.
 * Default name: those of the data sets joined by ` + `. Throws LabelSpaceError `invalid-label-space` where two data sets have one name.
 */
export function concatenate<L extends string>(spaces: readonly LabelSpace<L>[], name?: string): LabelSpace<L> {
  if (!Array.isArray(spaces) || !spaces.every(isLabelSpace))
    throw invalid('concatenate', describe(spaces), 'an array of label spaces');
  const labels = spaces.flatMap((space) =>
    space.labels.map(({ index: _, ...label }: Label): LabelInput => ({
      ...label,
      id: `${space.name}/${label.id}`,
      parents: label.parents.map((id) => `${space.name}/${id}`),
    })),
  );
  const joined = labelSpace(name ?? spaces.map((space) => space.name).join(' + '), labels) as LabelSpace as LabelSpace<L>;
  parts.set(joined, Object.freeze([...spaces]));
  return joined;
}

/** The data sets that a label space was put together from; itself where it is one data set. */
export function partsOf(space: LabelSpace): readonly LabelSpace[] {
  return parts.get(space) ?? [space];
}
