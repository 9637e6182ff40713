// The training kernels as plain double-precision loops: the truth that every other runtime is compared with.
import type { TrainKernels } from '../kernels.js';
import { boxIouLoss, smoothL1 } from './boxes.js';
import { dice, projection } from './dice.js';
import { hardSoftLabels } from './hard_soft_labels.js';
import { heatmapFocal } from './heatmap_focal.js';
import { matmul } from './matmul.js';
import { mergeMasks, mergeMasksGradient } from './merge_masks.js';
import { adamw, sgd, squareSum } from './optimizers.js';
import { orthogonality } from './orthogonality.js';
import { addRows, sumRows, unitRows, unitRowsGradient } from './rows.js';
import { sigmoidCrossEntropy } from './sigmoid_cross_entropy.js';
import { softmaxCrossEntropy } from './softmax_cross_entropy.js';

/** Every kernel on plain loops. */
export const referenceKernels: TrainKernels = {
  softmax_cross_entropy: softmaxCrossEntropy,
  sigmoid_cross_entropy: sigmoidCrossEntropy,
  hard_soft_labels: hardSoftLabels,
  heatmap_focal: heatmapFocal,
  dice,
  projection,
  smooth_l1: smoothL1,
  box_iou_loss: boxIouLoss,
  orthogonality,
  matmul,
  add_rows: addRows,
  sum_rows: sumRows,
  unit_rows: unitRows,
  unit_rows_gradient: unitRowsGradient,
  merge_masks: mergeMasks,
  merge_masks_gradient: mergeMasksGradient,
  sgd,
  adamw,
  square_sum: squareSum,
};
