// Stage 4: per-dataset scores to scores of the wanted labels, on a device (score_merge); on arrays it is taxonomy's mergeScores. It applies a
// mapping; it finds none.
import { ArgumentError } from '../errors.js';
import type { ValueId } from '../ir/graph.js';
import type { GraphBuilder } from '../ir/builder.js';
import { formatShape, sizeOf } from '../tensor/shape.js';
import { checkMapping, type LabelMapping, type ScoreKind, targetsOf } from '../taxonomy/mapping.js';
import type { MergeOptions } from '../taxonomy/merge-scores.js';

export { mergeScores, type MergeOptions } from '../taxonomy/merge-scores.js';

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

function checkColumns(thing: string, columns: number, mapping: LabelMapping): void {
  if (columns === mapping.sources) return;
  throw new ArgumentError({
    thing,
    found: `${columns} labels in the last dimension`,
    wanted: `${mapping.sources}, the labels the mapping starts from`,
  });
}
