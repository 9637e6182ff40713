// Reads UniDet's published label spaces (shared data) into taxonomies, for tests only: every label keyed by data set and id.
import { readFileSync } from 'node:fs';
import { labelSpace, type LabelSpace } from '../../sdk/taxonomy/label-space.js';
import { taxonomy, type Taxonomy } from '../../sdk/taxonomy/taxonomy.js';
import { unifiedLabelSpace, type UnifiedLabelInput } from '../../sdk/taxonomy/unified.js';
import { sharedData } from '../shared-data.js';

const json = <T>(path: string): T => JSON.parse(readFileSync(sharedData(`taxonomies/${path}`), 'utf8')) as T;

interface Lists {
  [name: string]: { labels: { id: number; name: string; freebase_id?: string }[] };
}
interface UnidetFile {
  categories: { id: number; name: string }[];
  /** By data set: the unified id of each label, in the order of the data set's ids. */
  label_map: Record<'coco' | 'objects365' | 'oid', number[]>;
}

/** COCO 80, Objects365 v1 and OpenImages challenge 500, in the order that UniDet's files use. */
function unidetDatasets(): Record<'coco' | 'objects365' | 'oid', LabelSpace> {
  const lists = json<Lists>('label-spaces.json');
  const list = (name: string) => [...lists[name]!.labels].sort((x, y) => x.id - y.id);
  return {
    coco: labelSpace('coco', list('coco').map(({ id, name }) => ({ id, name }))),
    objects365: labelSpace('objects365', list('objects365-v1').map(({ id, name }) => ({ id, name: name.trim() }))),
    oid: labelSpace('oid', list('openimages-challenge-500').map(({ freebase_id: id, name }) => ({ id: id!, name }))),
  }; // prettier-ignore
}

/** `learned_mAP` (701 labels) or `manual` (659). */
export function unidetTaxonomy(name: 'learned_mAP' | 'manual'): Taxonomy {
  const file = json<UnidetFile>(`unidet/${name}.json`);
  const datasets = unidetDatasets();
  const labels = file.categories.map(({ id, name: own }): UnifiedLabelInput & { members: Record<string, string | number> } => ({ id, name: own, members: {} })); // prettier-ignore
  for (const key of ['coco', 'objects365', 'oid'] as const) {
    file.label_map[key].forEach((u, k) => {
      if (key in labels[u]!.members) throw new Error(`${name}: two labels of ${key} in ${u}`);
      labels[u]!.members[key] = datasets[key].at(k).id;
    });
  }
  // One entry of the expert's file has no name: that of its member serves.
  const named = labels.map((label) => {
    const [[key, id] = []] = Object.entries(label.members) as [keyof typeof datasets, string | number][];
    return { ...label, name: label.name || datasets[key!].byId(id!).name };
  });
  const unified = unifiedLabelSpace(name, [datasets.coco, datasets.objects365, datasets.oid], named);
  return taxonomy(unified, {
    description: name === 'manual' ? 'Made by an expert.' : 'Learned by UniDet from COCO, Objects365 and OpenImages.',
    origin:
      name === 'manual'
        ? { method: 'by hand' }
        : { method: 'learned', loss: 'average precision', parameters: { lambda: 0.5, tau: 0.2 } },
  });
}

/** The same with the merge costs that UniDet's run printed, where they can be told apart by name. */
export function unidetTaxonomyWithCosts(): Taxonomy {
  const selected = json<{ m: string[]; c: number }[]>('unidet/notebook/unidet_notebook_selected.json');
  const costs = new Map(selected.map(({ m, c }) => [[...m].sort().join('|'), c]));
  const plain = unidetTaxonomy('learned_mAP');
  const labels = plain.unified.labels.map(({ id, name, members }): UnifiedLabelInput => {
    const keys = Object.entries(members).map(
      ([dataset, label]) => `${dataset}_${plain.unified.dataset(dataset).byId(label).name}`,
    );
    const cost = costs.get(keys.sort().join('|'));
    return { id, name, members, ...(cost !== undefined && { cost }) };
  });
  return taxonomy(unifiedLabelSpace(plain.name, plain.datasets, labels), { ...plain, relations: plain.relations.list });
}
