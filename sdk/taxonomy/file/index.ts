// The public surface of `labelweave/taxonomy/file`: whole taxonomies made, read, checked, written and compared. Apart from `labelweave/taxonomy`, so
// that pages which need none carry neither reader nor schema. Values and texts only, no I/O.

export { isTaxonomy, taxonomy } from '../taxonomy.js';
export type { NamePin, Origin, Pins, Taxonomy, TaxonomyParts } from '../taxonomy.js';
export { flipRelation, Relations } from '../relations.js';
export type { Evidence, Relation, RelationEnd, RelationKind, RelationOptions } from '../relations.js';

export { MAX_PROBLEMS, readPins, readTaxonomy, taxonomyFromJSON, validateTaxonomy } from './read.js';
export type { ReadTaxonomyOptions, TaxonomyReport } from './read.js';
export { taxonomyToJSON, writeTaxonomy } from './write.js';
export type { TaxonomyFile } from './schema.js';

export { agreement, diff, formatChange } from './diff.js';
export type { Agreement, Change, NamedKey, Part, UnifiedRef } from './diff.js';

export { formatPath, formatProblem, TaxonomyError } from '../problems.js';
export type { LabelKey, Problem, ProblemCode, ProblemPath } from '../problems.js';
