// The public list of labelweave/train: losses with gradients, optimisers, schedules, samplers, on plain data; and training of heads on a frozen model.
export {
  boxLoss,
  computeLoss,
  diceLoss,
  focalLoss,
  hardSoftLoss,
  heatmapLoss,
  hierarchyLoss,
  maskFocalLoss,
  nullLoss,
  orthogonalityLoss,
  projectionLoss,
  relationalLoss,
  sigmoidLoss,
  smoothL1Loss,
  softmaxLoss,
  type BoxLoss,
  type ColumnOptions,
  type DiceLoss,
  type FocalOptions,
  type HardSoftLoss,
  type HeatmapLoss,
  type Loss,
  type LossInput,
  type LossOptions,
  type LossValue,
  type Normaliser,
  type OrthogonalityLoss,
  type SigmoidLoss,
  type SmoothL1Loss,
  type SoftmaxLoss,
} from './losses.js';
export {
  boxProjections,
  columnMask,
  federatedColumns,
  hierarchyTargets,
  labelSimilarity,
  nullTargets,
  relationalTargets,
  type TargetTable,
} from './targets.js';

// Between features and losses
export {
  absentMaskLogit,
  cosineGradients,
  cosineLogits,
  mapLabels,
  mapLabelsGradients,
  mergeMasks,
  mergeMasksGradients,
  type CosineClassifier,
  type LabelMapping,
  type MaskMerge,
} from './layers.js';

// Steps
export {
  adamwOptimizer,
  deviceOptimizer,
  sgdOptimizer,
  type AdamWOptions,
  type DeviceOptimizer,
  type DeviceOptimizerOptions,
  type DeviceParameter,
  type Optimizer,
  type OptimizerOptions,
  type OptimizerState,
  type Parameter,
  type SgdOptions,
} from './optimizers.js';
export { schedule, type Schedule, type ScheduleOptions } from './schedules.js';
export {
  classAwareWeights,
  openSampler,
  repeatFactors,
  type Sampled,
  type SampledDataset,
  type Sampler,
  type SamplerOptions,
} from './samplers.js';
export { randomFrom, seededRandom, type Random } from './random.js';

// Heads on frozen features
export { trainHeads, type TrainedHeads } from './heads.js';
export type { CheckpointOptions, HeadSpec, TrainEpoch, TrainHeadsOptions, TrainProgress } from './head-options.js';
export type { TrainAnnotations, TrainDataset, TrainImage } from './head-data.js';
export type { HeadScore } from './head-evaluation.js';
export type { Classifier } from './head-layer.js';
export type { HeadLayer } from './head-package.js';
export { openOpfsStore } from '../store/opfs.js';

// Relations of labels
export {
  measureSimilarities,
  relatedTaxonomy,
  relationThreshold,
  similarityRelations,
  type LabelSimilarities,
  type SimilarityMeter,
} from './relations.js';

// Kernels
export {
  target,
  type Floats,
  type LossOutput,
  type MaskSlopes,
  type MergedMasks,
  type TrainKernelName,
  type TrainKernels,
} from './kernels.js';
export { referenceKernels } from './reference/index.js';
export { wasmTrainKernels } from './wasm.js';
export { hostTrainDevice, type DeviceArray, type HostArray, type OnDevice, type TrainDevice } from './device.js';
export { webgpuTrainKernels, type WebgpuTrainKernels, type WebgpuTrainOptions } from './webgpu.js';
export { ArgumentError, DeviceError } from '../errors.js';
