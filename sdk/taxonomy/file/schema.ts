// The shape of a taxonomy file, version 1. Data only; what must hold between its parts is checked where it is read. taxonomy.schema.json says the
// same with words, for editors and other languages.
import * as v from 'valibot';

/** A text that is not blank. */
const text = v.pipe(v.string(), v.regex(/\S/));
const id = v.union([v.pipe(v.number(), v.safeInteger()), text]);
const count = v.pipe(v.number(), v.safeInteger(), v.minValue(0));
const byte = v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(255));
const finite = v.pipe(v.number(), v.finite());
const color = v.strictTuple([byte, byte, byte]);

const label = v.strictObject({
  id,
  name: text,
  synonyms: v.optional(v.array(text)),
  parents: v.optional(v.array(id)),
  frequency: v.optional(
    v.union([v.picklist(['r', 'c', 'f']), v.strictObject({ images: v.optional(count), instances: v.optional(count) })]),
  ),
  isThing: v.optional(v.boolean()),
  color: v.optional(color),
  externalIds: v.optional(v.record(v.string(), text)),
});

const unified = v.strictObject({
  id,
  name: text,
  synonyms: v.optional(v.array(text)),
  color: v.optional(color),
  members: v.record(v.string(), id),
  cost: v.optional(finite),
  margin: v.optional(finite),
});

const key = v.strictObject({ dataset: text, id });
const end = v.union([key, v.strictObject({ unified: id })]);

const relation = v.strictObject({
  a: end,
  kind: v.picklist(['identity', 'subset', 'superset', 'overlap']),
  b: end,
  score: v.optional(v.pipe(v.number(), v.minValue(0), v.maxValue(1))),
  evidence: v.optional(
    v.array(
      v.strictObject({ source: text, forward: v.optional(finite), backward: v.optional(finite), note: v.optional(v.string()) }),
    ),
  ),
});

const pin = v.pipe(v.array(key), v.minLength(2));

/** The number of the version that is written. */
export const version = 1;

/** A taxonomy file as JSON. */
export const taxonomyFile = v.strictObject({
  $schema: v.optional(v.string()),
  labelweaveTaxonomy: v.literal(version),
  name: text,
  description: v.optional(v.string()),
  datasets: v.pipe(v.array(v.strictObject({ name: text, labels: v.pipe(v.array(label), v.minLength(1)) })), v.minLength(1)),
  unified: v.pipe(v.array(unified), v.minLength(1)),
  relations: v.optional(v.array(relation)),
  pins: v.optional(
    v.strictObject({
      mustMerge: v.optional(v.array(pin)),
      cannotMerge: v.optional(v.array(pin)),
      locked: v.optional(v.array(v.pipe(v.array(key), v.minLength(1)))),
      names: v.optional(v.array(v.strictObject({ dataset: text, id, name: text }))),
    }),
  ),
  origin: v.optional(
    v.strictObject({
      method: text,
      loss: v.optional(text),
      parameters: v.optional(v.record(v.string(), v.union([finite, v.string(), v.boolean()]))),
      objective: v.optional(finite),
      bound: v.optional(finite),
      note: v.optional(v.string()),
    }),
  ),
});

/** The JSON value of a taxonomy file, version 1. */
export type TaxonomyFile = v.InferOutput<typeof taxonomyFile>;
