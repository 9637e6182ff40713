// The public surface of `labelweave/taxonomy`: label spaces, groupings and how labels are resolved. No device, no I/O.

export { isLabelSpace, labelSpace, labelSpaceFromJSON } from './label-space.js';
export type { Label, LabelCounts, LabelId, LabelInput, LabelSpace, LabelSpaceJSON, NamesOf } from './label-space.js';

export { grouping } from './grouping.js';
export type { GroupedNames, Grouping, GroupingOptions, GroupingSpec, Groups } from './grouping.js';

export { resolveLabels } from './resolve.js';
export type { GroupsOf, KeepingSpec, LabelListSpec, LabelsSpec } from './resolve.js';
export type { LabelMapper, Missing, ResolvedLabels, ResolveOptions } from './mapper.js';

export { checkMapping, isIdentity, mappingOf, membersOf, targetOfSource, targetsOf } from './mapping.js';
export type { Combine, LabelMapping, ScoreKind } from './mapping.js';

export { matchLabel, matchName } from './match.js';
export type { LabelMatch, LabelRef, MatchKind } from './match.js';

export { parseLabelFile, parseLabelSpec } from './parse.js';

export { LabelSpaceError } from '../errors.js';
