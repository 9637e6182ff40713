// Panoptic quality: the evaluator and the reader of COCO's files.
export {
  evaluatePanoptic,
  type EvaluatePanopticOptions,
  type PanopticAnnotation,
  type PanopticFile,
  type PanopticPixels,
} from './files.js';
export {
  PanopticEvaluator,
  type PanopticCategory,
  type PanopticClassResult,
  type PanopticImage,
  type PanopticMeans,
  type PanopticOptions,
  type PanopticResult,
  type PanopticSegment,
  type PanopticShard,
} from './panoptic.js';
export { segmentIdsOf, type SegmentIds } from './pixels.js';
