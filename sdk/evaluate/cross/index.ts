// Evaluation across data sets in a unified label space, and on data sets whose labels the model never saw.
export { labelMapOf, matchTestLabels, type DatasetLabelMap, type TestLabelMatch, type TestMatchOptions } from './label-map.js';
export {
  evaluateUnified,
  unifiedTable,
  type TableFormat,
  type UnifiedCocoDataset,
  type UnifiedDataset,
  type UnifiedDatasetResult,
  type UnifiedDetections,
  type UnifiedLvisDataset,
  type UnifiedOpenImagesDataset,
  type UnifiedOptions,
  type UnifiedResult,
  type UnifiedVocDataset,
} from './unified.js';
