// The public surface of `labelweave/taxonomy`: label spaces, groupings, taxonomies and how labels are resolved. No device, no I/O. Files of
// taxonomies are in `labelweave/taxonomy/file`.

export { isLabelSpace, labelSpace, labelSpaceFromJSON } from './label-space.js';
export type { Label, LabelCounts, LabelId, LabelInput, LabelSpace, LabelSpaceJSON, NamesOf } from './label-space.js';

export { grouping } from './grouping.js';
export type { GroupedNames, Grouping, GroupingOptions, GroupingSpec, Groups } from './grouping.js';

export { resolveLabels } from './resolve.js';
export type { GroupsOf, KeepingSpec, LabelListSpec, LabelsSpec } from './resolve.js';
export type { LabelMapper, Missing, ResolvedLabels, ResolveOptions } from './mapper.js';

export { concatenate } from './concatenate.js';
export { isUnifiedLabelSpace, unifiedLabelSpace } from './unified.js';
export type { Members, Renamed, UnifiedLabel, UnifiedLabelInput, UnifiedLabelSpace, UnifiedOptions } from './unified.js';
export type { HeadScores, LabelTransform, ProjectOptions, ReprojectOptions } from './transform.js';

export { isTaxonomy, taxonomy } from './taxonomy.js';
export type { Origin, Pins, Taxonomy, TaxonomyParts } from './taxonomy.js';
export { flipRelation, Relations } from './relations.js';
export type { Evidence, Relation, RelationEnd, RelationKind, RelationOptions } from './relations.js';
export { Hierarchy, hierarchyOf } from './hierarchy.js';
export type { Expanded } from './hierarchy.js';

export { checkMapping, composeMappings, isIdentity, mappingOf, membersOf, targetOfSource, targetsOf } from './mapping.js';
export type { Combine, LabelMapping, ScoreKind } from './mapping.js';

export { mergeScores } from './merge-scores.js';
export type { MergeOptions } from './merge-scores.js';

export { matchLabel, matchName } from './match.js';
export type { LabelMatch, LabelRef, MatchKind } from './match.js';

export { parseLabelFile, parseLabelSpec } from './parse.js';

export { formatPath, formatProblem, TaxonomyError } from './problems.js';
export type { LabelKey, Problem, ProblemCode, ProblemPath } from './problems.js';
export { LabelSpaceError } from '../errors.js';
