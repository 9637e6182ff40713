// The table of WGSL kernels that networks run on: name -> text. Those for training stand in train-kernels.ts; no other file imports kernels/.
import boxDecode from '../../../kernels/detect/box_decode.wgsl';
import gatherRows from '../../../kernels/detect/gather_rows.wgsl';
import nmsKeys from '../../../kernels/detect/nms_keys.wgsl';
import nmsOverlap from '../../../kernels/detect/nms_overlap.wgsl';
import nmsScan from '../../../kernels/detect/nms_scan.wgsl';
import pairwiseIou from '../../../kernels/detect/pairwise_iou.wgsl';
import peakScan from '../../../kernels/detect/peak_scan.wgsl';
import rankPairs from '../../../kernels/detect/rank_pairs.wgsl';
import scoreMerge from '../../../kernels/detect/score_merge.wgsl';
import selectClear from '../../../kernels/detect/select_clear.wgsl';
import selectCollect from '../../../kernels/detect/select_collect.wgsl';
import selectCollectInt from '../../../kernels/detect/select_collect_int.wgsl';
import selectHistogram from '../../../kernels/detect/select_histogram.wgsl';
import selectHistogramInt from '../../../kernels/detect/select_histogram_int.wgsl';
import selectWrite from '../../../kernels/detect/select_write.wgsl';
import selectWriteInt from '../../../kernels/detect/select_write_int.wgsl';
import sortBlock from '../../../kernels/detect/sort_block.wgsl';
import sortMerge from '../../../kernels/detect/sort_merge.wgsl';
import widen from '../../../kernels/detect/widen.wgsl';
import activation from '../../../kernels/ops/activation.wgsl';
import averagePool from '../../../kernels/ops/average_pool.wgsl';
import binary from '../../../kernels/ops/binary.wgsl';
import binaryInt from '../../../kernels/ops/binary_int.wgsl';
import castFloatInt from '../../../kernels/ops/cast_float_int.wgsl';
import castInt from '../../../kernels/ops/cast_int.wgsl';
import castIntFloat from '../../../kernels/ops/cast_int_float.wgsl';
import compare from '../../../kernels/ops/compare.wgsl';
import compareInt from '../../../kernels/ops/compare_int.wgsl';
import conv2dDirect from '../../../kernels/ops/conv2d_direct.wgsl';
import conv2dQuad from '../../../kernels/ops/conv2d_quad.wgsl';
import conv2dQuadScalar from '../../../kernels/ops/conv2d_quad_scalar.wgsl';
import conv2dRow from '../../../kernels/ops/conv2d_row.wgsl';
import conv2dScalar from '../../../kernels/ops/conv2d_scalar.wgsl';
import conv2dTiled from '../../../kernels/ops/conv2d_tiled.wgsl';
import copy from '../../../kernels/ops/copy.wgsl';
import copyFours from '../../../kernels/ops/copy_fours.wgsl';
import copyWords from '../../../kernels/ops/copy_words.wgsl';
import copyWordsFours from '../../../kernels/ops/copy_words_fours.wgsl';
import depthwiseConv2d from '../../../kernels/ops/depthwise_conv2d.wgsl';
import depthwiseConv2dScalar from '../../../kernels/ops/depthwise_conv2d_scalar.wgsl';
import gather from '../../../kernels/ops/gather.wgsl';
import gatherFours from '../../../kernels/ops/gather_fours.wgsl';
import gatherWords from '../../../kernels/ops/gather_words.wgsl';
import gatherWordsFours from '../../../kernels/ops/gather_words_fours.wgsl';
import imageToTensor from '../../../kernels/ops/image_to_tensor.wgsl';
import imageToTensorTexture from '../../../kernels/ops/image_to_tensor_texture.wgsl';
import matmul from '../../../kernels/ops/matmul.wgsl';
import maxPool from '../../../kernels/ops/max_pool.wgsl';
import packWeights from '../../../kernels/ops/pack_weights.wgsl';
import pad from '../../../kernels/ops/pad.wgsl';
import padFours from '../../../kernels/ops/pad_fours.wgsl';
import padWords from '../../../kernels/ops/pad_words.wgsl';
import padWordsFours from '../../../kernels/ops/pad_words_fours.wgsl';
import reduce from '../../../kernels/ops/reduce.wgsl';
import reduceInt from '../../../kernels/ops/reduce_int.wgsl';
import resize from '../../../kernels/ops/resize.wgsl';
import softmax from '../../../kernels/ops/softmax.wgsl';
import unary from '../../../kernels/ops/unary.wgsl';
import unaryInt from '../../../kernels/ops/unary_int.wgsl';
import where from '../../../kernels/ops/where.wgsl';
import whereWords from '../../../kernels/ops/where_words.wgsl';
import winogradInput from '../../../kernels/ops/winograd_input.wgsl';
import winogradOutput from '../../../kernels/ops/winograd_output.wgsl';
import scalarF16 from '../../../kernels/shared/scalar_f16.wgsl';
import scalarF32 from '../../../kernels/shared/scalar_f32.wgsl';

/** Text of every kernel by the name of its file. */
export const kernels = {
  // convolution and matrix products
  conv2d_direct: conv2dDirect,
  conv2d_quad: conv2dQuad,
  conv2d_quad_scalar: conv2dQuadScalar,
  conv2d_row: conv2dRow,
  conv2d_scalar: conv2dScalar,
  conv2d_tiled: conv2dTiled,
  depthwise_conv2d: depthwiseConv2d,
  depthwise_conv2d_scalar: depthwiseConv2dScalar,
  matmul,
  pack_weights: packWeights,
  winograd_input: winogradInput,
  winograd_output: winogradOutput,
  // element-wise, data movement, reductions
  pad_words_fours: padWordsFours,
  pad_words: padWords,
  pad_fours: padFours,
  pad,
  gather_words_fours: gatherWordsFours,
  gather_words: gatherWords,
  gather_fours: gatherFours,
  gather,
  copy_words_fours: copyWordsFours,
  copy_words: copyWords,
  copy_fours: copyFours,
  copy,
  softmax,
  reduce_int: reduceInt,
  reduce,
  resize,
  average_pool: averagePool,
  max_pool: maxPool,
  cast_int: castInt,
  cast_int_float: castIntFloat,
  cast_float_int: castFloatInt,
  where_words: whereWords,
  where,
  compare_int: compareInt,
  compare,
  binary_int: binaryInt,
  unary_int: unaryInt,
  unary,
  activation,
  binary,
  // image and detection
  select_collect_int: selectCollectInt,
  select_histogram_int: selectHistogramInt,
  rank_pairs: rankPairs,
  nms_scan: nmsScan,
  nms_overlap: nmsOverlap,
  nms_keys: nmsKeys,
  widen,
  pairwise_iou: pairwiseIou,
  select_write_int: selectWriteInt,
  select_write: selectWrite,
  sort_merge: sortMerge,
  sort_block: sortBlock,
  select_collect: selectCollect,
  select_histogram: selectHistogram,
  select_clear: selectClear,
  peak_scan: peakScan,
  box_decode: boxDecode,
  gather_rows: gatherRows,
  score_merge: scoreMerge,
  image_to_tensor_texture: imageToTensorTexture,
  image_to_tensor: imageToTensor,
} as const satisfies Readonly<Record<string, string>>;

/** A key of {@link kernels}. */
export type KernelName = keyof typeof kernels;

/** Storage type of float tensors on the device. Arithmetic accumulates in f32. */
export type Scalar = 'f32' | 'f16';

const scalars: Readonly<Record<Scalar, string>> = { f32: scalarF32, f16: scalarF16 };

/** The text to compile: directives of the kernel (`enable subgroups;`), storage precision, the kernel. */
export function compiledText(source: string, scalar: Scalar): string {
  const [directives] = /^(?:(?:enable|requires|diagnostic)\b[^;]*;\s*)*/.exec(source)!;
  return `${directives}${scalars[scalar]}\n${source.slice(directives.length)}`;
}
