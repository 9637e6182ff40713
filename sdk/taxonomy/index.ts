// The public surface of `labelweave/taxonomy`: label spaces, groupings, unified label spaces and how labels are resolved. No device, no
// I/O. Whole taxonomies, with relations, pins and files, are in `labelweave/taxonomy/file`, so that pages which need none carry no reader.

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

// Whole taxonomies are made and read with `labelweave/taxonomy/file`; here are their types.
export type { NamePin, Origin, Pins, Taxonomy, TaxonomyParts } from './taxonomy.js';
export type { Evidence, Relation, RelationEnd, RelationKind, RelationOptions, Relations } from './relations.js';
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
