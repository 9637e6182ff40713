// The table of WGSL kernels for training: name -> text. Apart from the others, so that pages that only detect do not load them.
import adamw from '../../../kernels/train/adamw.wgsl';
import addRows from '../../../kernels/train/add_rows.wgsl';
import boxIouLoss from '../../../kernels/train/box_iou_loss.wgsl';
import dice from '../../../kernels/train/dice.wgsl';
import globalNorm from '../../../kernels/train/global_norm.wgsl';
import hardSoftLabels from '../../../kernels/train/hard_soft_labels.wgsl';
import heatmapFocal from '../../../kernels/train/heatmap_focal.wgsl';
import matmul from '../../../kernels/train/matmul.wgsl';
import matmulDirect from '../../../kernels/train/matmul_direct.wgsl';
import mergeClasses from '../../../kernels/train/merge_classes.wgsl';
import mergeMasks from '../../../kernels/train/merge_masks.wgsl';
import mergeMasksGradient from '../../../kernels/train/merge_masks_gradient.wgsl';
import mergeMeans from '../../../kernels/train/merge_means.wgsl';
import orthogonality from '../../../kernels/train/orthogonality.wgsl';
import projection from '../../../kernels/train/projection.wgsl';
import sgd from '../../../kernels/train/sgd.wgsl';
import sigmoidCrossEntropy from '../../../kernels/train/sigmoid_cross_entropy.wgsl';
import smoothL1 from '../../../kernels/train/smooth_l1.wgsl';
import softmaxCrossEntropy from '../../../kernels/train/softmax_cross_entropy.wgsl';
import squareSum from '../../../kernels/train/square_sum.wgsl';
import sumRows from '../../../kernels/train/sum_rows.wgsl';
import unitRows from '../../../kernels/train/unit_rows.wgsl';
import unitRowsGradient from '../../../kernels/train/unit_rows_gradient.wgsl';

/** Text of every training kernel by the name of its file. */
export const trainKernels = {
  adamw,
  add_rows: addRows,
  box_iou_loss: boxIouLoss,
  dice,
  global_norm: globalNorm,
  hard_soft_labels: hardSoftLabels,
  heatmap_focal: heatmapFocal,
  matmul,
  matmul_direct: matmulDirect,
  merge_classes: mergeClasses,
  merge_masks: mergeMasks,
  merge_masks_gradient: mergeMasksGradient,
  merge_means: mergeMeans,
  orthogonality,
  projection,
  sgd,
  sigmoid_cross_entropy: sigmoidCrossEntropy,
  smooth_l1: smoothL1,
  softmax_cross_entropy: softmaxCrossEntropy,
  square_sum: squareSum,
  sum_rows: sumRows,
  unit_rows: unitRows,
  unit_rows_gradient: unitRowsGradient,
} as const satisfies Readonly<Record<string, string>>;

/** A key of {@link trainKernels}. */
export type TrainKernelFile = keyof typeof trainKernels;
