// Pascal VOC: average precision and the files of the data set.
export { readVocAnnotation, readVocDetections, type VocAnnotation } from './files.js';
export {
  detectron2IouThresholds,
  evaluateVoc,
  VocEvaluator,
  type VocBox,
  type VocClassResult,
  type VocConvention,
  type VocCurve,
  type VocDetection,
  type VocObject,
  type VocOptions,
  type VocResult,
} from './voc.js';
