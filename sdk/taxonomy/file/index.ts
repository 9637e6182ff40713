// The public surface of `labelweave/taxonomy/file`: taxonomy files read, checked, written and compared. Apart from `labelweave/taxonomy`, so that pages
// which only use a taxonomy carry no reader. Values and texts only, no I/O.

export { MAX_PROBLEMS, readTaxonomy, taxonomyFromJSON, validateTaxonomy } from './read.js';
export type { ReadTaxonomyOptions, TaxonomyReport } from './read.js';
export { taxonomyToJSON, writeTaxonomy } from './write.js';
export type { TaxonomyFile } from './schema.js';

export { agreement, diff, formatChange } from './diff.js';
export type { Agreement, Change, NamedKey, Part, UnifiedRef } from './diff.js';

export { formatPath, formatProblem, TaxonomyError } from '../problems.js';
export type { LabelKey, Problem, ProblemCode, ProblemPath } from '../problems.js';
