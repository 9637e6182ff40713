// Entry of the training module: losses with gradients and optimiser steps in 32-bit floats, for sdk/train.
export { softmax_cross_entropy } from './train/softmax_cross_entropy';
export { sigmoid_cross_entropy } from './train/sigmoid_cross_entropy';
export { hard_soft_labels } from './train/hard_soft_labels';
export { heatmap_focal } from './train/heatmap_focal';
export { dice } from './train/dice';
export { projection } from './train/projection';
export { merge_classes, merge_largest, merge_slopes } from './train/merge_masks';
export { matmul, transpose } from './train/matmul';
export { box_iou_loss } from './train/box_iou_loss';
export { smooth_l1 } from './train/smooth_l1';
export { sgd, adamw, square_sum } from './train/optimizers';
