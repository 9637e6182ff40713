// The public surface of `labelweave/taxonomy/merge`: taxonomies from several label spaces by names and by vectors, to compare learned ones with.

export { mergeByName, nameLevels } from './by-name.js';
export type { MergeByNameOptions, NameLevel } from './by-name.js';

export { mergeByEmbedding } from './by-embedding.js';
export type { EmbeddedSpace, MergeByEmbeddingOptions } from './by-embedding.js';
export { readVectors } from './vectors.js';

export type { MergeResult, NotMerged } from './clusters.js';
