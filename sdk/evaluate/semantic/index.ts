// Semantic segmentation: confusion matrix, mean IoU with both conventions, channel selection.
export { classOfPixels, sharedChannels, type SharedChannels } from './channels.js';
export {
  SemanticEvaluator,
  type MiouConvention,
  type SemanticClassResult,
  type SemanticOptions,
  type SemanticResult,
  type SemanticShard,
} from './semantic.js';
