// The public list of labelweave/evaluate: official metrics, exact to the bit. Matching by itself: labelweave/evaluate/match.
export { evaluateCoco, CocoEvaluator, type CocoEvaluatorOptions, type CocoOptions } from './coco/evaluator.js';
export type { CocoDataset, CocoDetection, DetectionInput, GroundTruthInput } from './coco/inputs.js';
export { cocoAreaRanges, type AreaRange, type CocoParameters, type IouType, type Mode } from './coco/parameters.js';
export type { CocoClassResult, CocoCounts, CocoResult, Corrections } from './coco/result.js';
export type { DetectionColumns } from './input/columns.js';
export {
  readDetections,
  readGroundTruth,
  type Category,
  type GroundTruthColumns,
  type ReadColumnsOptions,
} from './input/reader.js';
export { cocoIouThresholds, cocoRecallPoints, linspace, numpyMean, type CurveShape } from './stats.js';
export type { Diagnostic, DiagnosticCode, EvaluationProgress, FileSource, LongOptions, Severity } from './types.js';
export { EvaluationError } from '../errors.js';
