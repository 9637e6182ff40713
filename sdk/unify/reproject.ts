// The labels of one data set, scored by every head that a taxonomy joins to them: re-projection of unified scores, as a label space to ask for.
import type { LabelSpace } from '../taxonomy/label-space.js';
import { type LabelMapper, resolved } from '../taxonomy/mapper.js';
import { mappingOf, membersOf, targetOfSource } from '../taxonomy/mapping.js';
import type { LabelTransform } from '../taxonomy/transform.js';

/**
 * Results in the label space of one data set, through a unified one: the score of a label is that of its unified label, so that heads of other data
 * sets speak for it too, and a detector without a head for the data set can answer in its labels (UniDet, section 4.1: d = T_k applied to the joint
 * scores of Eq. 5).
 *
 * ```ts
 * await detector.detect(photo, { labels: reprojected(taxonomy, 'voc') });
 * ```
 *
 * @param labels A taxonomy, or a unified label space.
 * @param dataset Name of one of its data sets.
 * @throws LabelSpaceError `unknown-label` where there is no such data set.
 */
export function reprojected(labels: LabelTransform, dataset: string): LabelMapper {
  const own = labels.mappingFor(dataset);
  const space = labels.datasets.find(({ name }) => name === dataset) as LabelSpace;
  const unified = targetOfSource(own);
  return {
    resolveFor(model, { allowNone = false } = {}) {
      const { mapping, combine } = labels.resolveFor(model, { allowNone });
      const groups = Array.from(unified, (u) => {
        if (u < 0) return [];
        return mapping ? Array.from(membersOf(mapping, u)) : [u];
      });
      const missing = space.names.filter((_, i) => groups[i]!.length === 0);
      return resolved(space, mappingOf(groups, model.size), combine, missing, allowNone);
    },
  };
}
