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

// Other protocols
export { datasetProtocols, type DatasetProtocol, type Protocol } from './protocols.js';
export type { ProtocolDiagnostic } from './diagnostics.js';
export {
  evaluateLvis,
  LvisEvaluator,
  type LvisAnnotation,
  type LvisCategory,
  type LvisClassResult,
  type LvisDataset,
  type LvisEvaluatorOptions,
  type LvisImage,
  type LvisMetric,
  type LvisOptions,
  type LvisResult,
} from './lvis/index.js';
export {
  evaluateOpenImages,
  expandLabels,
  expandObjects,
  joinBoxesAndMasks,
  labelRelations,
  OpenImagesEvaluator,
  readOpenImagesBoxes,
  readOpenImagesLabelMap,
  readOpenImagesLabels,
  readOpenImagesPredictions,
  writeOpenImagesMetrics,
  type LabelRelations,
  type OpenImagesBox,
  type OpenImagesClass,
  type OpenImagesClassResult,
  type OpenImagesDetection,
  type OpenImagesFileOptions,
  type OpenImagesHierarchy,
  type OpenImagesLabel,
  type OpenImagesObject,
  type OpenImagesOptions,
  type OpenImagesProtocol,
  type OpenImagesResult,
} from './openimages/index.js';
export {
  detectron2IouThresholds,
  evaluateVoc,
  VocEvaluator,
  readVocAnnotation,
  readVocDetections,
  type VocAnnotation,
  type VocBox,
  type VocClassResult,
  type VocConvention,
  type VocCurve,
  type VocDetection,
  type VocObject,
  type VocOptions,
  type VocResult,
} from './voc/index.js';
export {
  evaluatePanoptic,
  PanopticEvaluator,
  segmentIdsOf,
  type EvaluatePanopticOptions,
  type PanopticAnnotation,
  type PanopticCategory,
  type PanopticClassResult,
  type PanopticFile,
  type PanopticImage,
  type PanopticMeans,
  type PanopticOptions,
  type PanopticPixels,
  type PanopticResult,
  type PanopticSegment,
  type PanopticShard,
  type SegmentIds,
} from './panoptic/index.js';
export {
  classOfPixels,
  SemanticEvaluator,
  sharedChannels,
  type MiouConvention,
  type SemanticClassResult,
  type SemanticOptions,
  type SemanticResult,
  type SemanticShard,
  type SharedChannels,
} from './semantic/index.js';

// Several data sets in one label space
export * from './cross/index.js';

// Reports and analysis
export * from './report/index.js';

// Masks as runs
export {
  decodeRle,
  encodeRle,
  mergeRles,
  rleArea,
  rleBoundary,
  rleFromBox,
  rleFromMask,
  rleFromPolygon,
  rleFromSegmentation,
  rleIntersection,
  rleToBox,
  rleToMask,
  type CocoSegmentation,
  type Rle,
} from './rle.js';
