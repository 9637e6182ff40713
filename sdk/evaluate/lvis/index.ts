// LVIS v1: average precision over federated ground truth.
export type { LvisAnnotation, LvisCategory, LvisDataset, LvisImage } from './dataset.js';
export {
  evaluateLvis,
  LvisEvaluator,
  type LvisClassResult,
  type LvisEvaluatorOptions,
  type LvisMetric,
  type LvisOptions,
  type LvisResult,
} from './lvis.js';
