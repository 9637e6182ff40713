// The public surface of `labelweave/learn`: a unified label space learnt from what detectors see. Offline work; nothing of it is in a bundle that only
// detects. Reading and writing taxonomies stands in `labelweave/taxonomy/file`.

export type { Candidates, Column, CrossScores, LabelRef, LearnProgress, MemberEvidence, MissReason, NearMiss } from './types.js';

export { LearnError } from '../errors.js';
export { solve, solverNames } from './solve/solve.js';
export type { Solution, SolveOptions, SolverName } from './solve/solve.js';
export { solveWithMargins } from './solve/margins.js';
export type { Margin, MarginOptions } from './solve/margins.js';
export { readColumns } from './solve/columns-file.js';
export type { ColumnsFile } from './solve/columns-file.js';
export type { NodePins } from './solve/prepare.js';

export { FiringsBuilder } from './firings/firings.js';
export type { Firings, FiringsBuilderOptions, ImageFirings, MaskRuns, TruthInput } from './firings/firings.js';
export { readFirings, writeFirings } from './firings/file.js';
export type { ReadFiringsOptions } from './firings/file.js';
export { joinFirings } from './firings/join.js';
export { readCocoFirings } from './firings/coco.js';
export type { CocoFiringsInput, CocoFiringsOptions } from './firings/coco.js';
export { fireDetectors } from './firings/fire.js';
export type { FireOptions, FiringDetector, FiringImage } from './firings/fire.js';
export { readCocoTruths } from './firings/truths.js';
export type { CocoImage, CocoTruthOptions, CocoTruths } from './firings/truths.js';
export type { Nodes } from './nodes.js';

export { candidates, columnsFor, costOf, lossNames } from './candidates/index.js';
export type { CandidateOptions } from './candidates/index.js';
export { candidatesOf, columnOf } from './candidates/candidates.js';
export type { CandidateRule } from './candidates/candidates.js';

export { apLoss } from './costs/ap-loss.js';
export type { ApLoss, ApLossOptions, Form, LongOptions } from './costs/ap-loss.js';
export { ApTable } from './costs/ap-table.js';
export type { ApOptions, FiringPair, MergeRule, RankedOutcomes } from './costs/ap-table.js';
export type { Geometry } from './costs/overlap.js';
export { distortionLoss } from './costs/distortion.js';
export type { DistortionOptions } from './costs/distortion.js';
export { weightedLoss } from './costs/loss.js';
export type { Loss, LossValue, WeightedLoss } from './costs/loss.js';
export { recallLoss } from './costs/recall.js';
export type { Confusion } from './costs/recall.js';
export { standInLoss } from './costs/stand-in.js';
export type { StandInLoss, StandInOptions } from './costs/stand-in.js';
export { addSynonyms, nameLoss } from './text/names.js';
export type { NameLossOptions } from './text/names.js';
export { languageLoss } from './text/vectors.js';
export type { LanguageOptions } from './text/vectors.js';

export { learnTaxonomy } from './taxonomy/learn.js';
export type { Learned, LearnOptions } from './taxonomy/learn.js';
export { addDatasets } from './taxonomy/add.js';
export type { AddedLabel, AddOptions } from './taxonomy/add.js';
export { joinPins, labelRefs, nodePins } from './pins/pins.js';
export type {
  AloneReason,
  LearnReport,
  ReportAlone,
  ReportLabel,
  ReportMerge,
  ReportMiss,
  ReportRelation,
  Suspicion,
} from './report/report.js';
export { learnReportToHtml } from './report/html.js';
export type { LearnHtmlOptions } from './report/html.js';
export { chooseCrops } from './report/crops.js';
export type { CropRequest } from './report/crops.js';
export { learnReportToText } from './report/text.js';

export { findRelations } from './relations/relations.js';
export type { RelationsOptions } from './relations/relations.js';
export { additionCandidates, joinDataset } from './relations/join.js';
export type { AdditionOptions, Join, JoinOptions } from './relations/join.js';
export { clustersOf, foldHeads } from './baselines/fold-heads.js';
export type { FoldedHead, LinearHead } from './baselines/fold-heads.js';
export { apUnder, compareMerges } from './baselines/compare.js';
export type { Agreement, DatasetAp } from './baselines/compare.js';
