// Open Images: the metrics of its challenges, the label hierarchy, and the files.
export {
  joinBoxesAndMasks,
  readOpenImagesBoxes,
  readOpenImagesLabelMap,
  readOpenImagesLabels,
  readOpenImagesPredictions,
  writeOpenImagesMetrics,
  type OpenImagesClass,
  type OpenImagesFileOptions,
} from './files.js';
export { expandLabels, expandObjects, labelRelations, type LabelRelations, type OpenImagesHierarchy } from './hierarchy.js';
export {
  evaluateOpenImages,
  OpenImagesEvaluator,
  type OpenImagesBox,
  type OpenImagesClassResult,
  type OpenImagesDetection,
  type OpenImagesLabel,
  type OpenImagesObject,
  type OpenImagesOptions,
  type OpenImagesProtocol,
  type OpenImagesResult,
} from './openimages.js';
