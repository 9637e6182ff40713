// Writes taxonomy files: the same taxonomy always gives the same text, so that files can be compared line by line.
import type { Label, LabelId } from '../label-space.js';
import type { LabelKey } from '../problems.js';
import { endKey, flipRelation, type Relation, type RelationEnd } from '../relations.js';
import type { Taxonomy } from '../taxonomy.js';
import { type TaxonomyFile, version } from './schema.js';

/**
 * The JSON value of a taxonomy, version 1. Keys have one order; data sets, labels and unified labels stay in theirs (it is the order of the
 * channels); members follow the data sets; everything that has no order of its own is sorted.
 */
export function taxonomyToJSON({ name, description, datasets, unified, relations, pins, origin }: Taxonomy): TaxonomyFile {
  const mustMerge = sortedPins(pins.mustMerge);
  const cannotMerge = sortedPins(pins.cannotMerge);
  const locked = sortedPins(pins.locked ?? []);
  const names = some((pins.names ?? []).map(({ dataset, id, name: own }) => ({ dataset, id, name: own })).sort(byKey(endKey))) as
    { dataset: string; id: LabelId; name: string }[] | undefined;
  const file = {
    labelweaveTaxonomy: version,
    name,
    description,
    datasets: datasets.map((dataset) => ({
      name: dataset.name,
      labels: dataset.labels.map(({ id, name: own, synonyms, parents, frequency, isThing, color, externalIds }: Label) => ({
        id,
        name: own,
        synonyms: some(synonyms),
        parents: some(parents),
        frequency: typeof frequency === 'object' ? { images: frequency.images, instances: frequency.instances } : frequency,
        isThing,
        color,
        externalIds: externalIds && sortedKeys(externalIds),
      })),
    })),
    unified: unified.labels.map(({ id, name: own, synonyms, color, members, cost, margin }) => ({
      id,
      name: own,
      synonyms: some(synonyms),
      color,
      members,
      cost,
      margin,
    })),
    relations: some(relations.list.map(sortedRelation).sort(byKey(({ a, b }) => `${endKey(a)} ${endKey(b)}`))),
    pins: mustMerge || cannotMerge || locked || names ? { mustMerge, cannotMerge, locked, names } : undefined,
    origin: origin && {
      method: origin.method,
      loss: origin.loss,
      parameters: origin.parameters && sortedKeys(origin.parameters),
      objective: origin.objective,
      bound: origin.bound,
      note: origin.note,
    },
  };
  return withoutUndefined(file) as TaxonomyFile;
}

/** The text of a taxonomy file: JSON, two spaces, a line feed at the end. */
export function writeTaxonomy(taxonomy: Taxonomy): string {
  return `${JSON.stringify(taxonomyToJSON(taxonomy), undefined, 2)}\n`;
}

/** The smaller end first, supersets as subsets. */
function sortedRelation(relation: Relation): Relation {
  const { kind } = relation;
  const flip = kind === 'superset' || (kind !== 'subset' && endKey(relation.a) > endKey(relation.b));
  const { a, b, score, evidence, ...rest } = flip ? flipRelation(relation) : relation;
  return {
    a: sortedEnd(a),
    kind: rest.kind,
    b: sortedEnd(b),
    score,
    evidence: some((evidence ?? []).map(({ source, forward, backward, note }) => ({ source, forward, backward, note }))),
  };
}

function sortedEnd<E extends RelationEnd>(end: E): RelationEnd {
  return 'unified' in end ? { unified: end.unified } : { dataset: end.dataset, id: end.id };
}

function sortedPins(pins: readonly (readonly LabelKey[])[]): LabelKey[][] | undefined {
  const sorted = pins.map((keys) => keys.map((key) => sortedEnd(key) as LabelKey).sort(byKey(endKey)));
  return some(sorted.sort(byKey((keys) => keys.map(endKey).join(' ')))) as LabelKey[][] | undefined;
}

function sortedKeys<T>(record: Readonly<Record<string, T>>): Record<string, T> {
  return Object.fromEntries(Object.entries(record).sort(byKey(([key]) => key)));
}

/** By UTF-16 code units, the same everywhere. */
function byKey<T>(keyOf: (item: T) => string): (x: T, y: T) => number {
  return (x, y) => {
    const [a, b] = [keyOf(x), keyOf(y)];
    return a < b ? -1 : a > b ? 1 : 0;
  };
}

function some<T>(list: readonly T[]): readonly T[] | undefined {
  return list.length ? list : undefined;
}

/** A copy without the keys that say nothing. */
function withoutUndefined(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutUndefined);
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value).filter(([, item]) => item !== undefined);
  return Object.fromEntries(entries.map(([key, item]) => [key, withoutUndefined(item)]));
}
