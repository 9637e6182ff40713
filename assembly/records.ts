// The layout of a step in linear memory, read by the kernels and written by sdk/runtime/wasm. Declarations only: valid as AssemblyScript and as TypeScript.

/** A step is this many 32-bit words. Words hold i32 (addresses, sizes) or f32 (named so in the comments). */
export const enum Step {
  words = 64,
  bytes = 256,
}

export const enum Op {
  conv2d,
  depthwise_conv2d,
  matmul,
  pack_panels,
  scale_panels,
  scale_rows,
  activation,
  unary,
  binary,
  compare,
  max_pool,
  average_pool,
  reduce,
  resize,
  copy,
  fill,
  softmax,
  cast,
  gather,
  top_k,
  score_merge,
  peak_top_k,
  peak_top_k_merge,
  gather_rows,
  image_to_tensor,
  where,
  box_decode,
  pairwise_iou,
  non_max_suppression,
  winograd_input,
  winograd_output,
}

/** Words that every step has. */
export const enum Head {
  op = 0,
  flags = 1,
}

export const enum Flag {
  /** Only thread 0 works on this step. */
  serial = 1,
  /** The next step may start without waiting for all threads. */
  no_barrier = 2,
}

/** How results are finished before they are stored; the same words in every step that fuses an activation. */
export const enum Fused {
  mode = 2,
  kind = 3,
  /** f32 */
  alpha = 4,
  /** f32 */
  beta = 5,
  /** f32: clamp of mode `clamp`; infinite where there is none. */
  low = 6,
  /** f32 */
  high = 7,
  /** Address of the residual minus address of the result. */
  residual = 8,
  /** 0 none, 1 added before the activation, 2 after it. */
  residual_place = 9,
  end = 10,
}

export const enum Mode {
  /** min(max(v, low), high), nothing else. */
  clamp = 0,
  /** hard_swish without residual. */
  hard_swish = 1,
  /** min(max(v + residual, low), high). */
  residual_clamp = 2,
  /** Everything else: any activation, residual before or after. */
  general = 3,
}

export const enum Act {
  none,
  relu,
  relu6,
  leaky_relu,
  elu,
  sigmoid,
  tanh,
  silu,
  mish,
  gelu,
  softplus,
  clip,
  hard_sigmoid,
  hard_swish,
}

/** Rows of the register tile are 4, 5 or 6; a panel has 8 columns, the last one may have 4. */
export const enum Tile {
  panel = 8,
  most_rows = 6,
  /** Bytes in front of a thread's table where partial tiles are put before they are stored. */
  spill = 256,
}

/** conv2d. x [N,H,W,C]; weights packed [groups][panels][K][8 or 4], K = KH*KW*C/groups; bias padded to whole panels. */
export const enum Conv2d {
  x = Fused.end,
  weights,
  bias,
  y,
  batch,
  height,
  width,
  channels,
  out_height,
  out_width,
  out_channels,
  kernel_height,
  kernel_width,
  stride_y,
  stride_x,
  pad_top,
  pad_left,
  dilation_y,
  dilation_x,
  groups,
  /** Floats of the packed weights of one group. */
  group_weights,
  /** Floats of the padded bias of one group. */
  group_bias,
  tile_rows,
  /** Rows of a block; a multiple of tile_rows. */
  block_rows,
  /** Scratch: pointer tables, one a thread. */
  table,
  table_bytes,
  /** Scratch: gathered rows, one region a thread, or 0: rows are read in place. */
  columns,
  columns_bytes,
  /** kernel_width * channels zeros. */
  zeros,
  /** 1: threads share the panels, not the rows. */
  by_panels,
}

/** depthwise_conv2d. weights packed [channels / 4, rounded up][KH*KW][4]. */
export const enum Depthwise {
  x = Fused.end,
  weights,
  bias,
  y,
  batch,
  height,
  width,
  channels,
  out_height,
  out_width,
  kernel_height,
  kernel_width,
  stride_y,
  stride_x,
  pad_top,
  pad_left,
  dilation_y,
  dilation_x,
  /** Channels of one pass; a multiple of 4. */
  block_channels,
}

/** winograd_input: x [N,H,W,C], C a multiple of 4 -> v [16][count][C]: the transformed 4x4 patches of `count` tiles from tile `first` on. */
export const enum WinogradInput {
  x = 2,
  v,
  height,
  width,
  channels,
  pad_top,
  pad_left,
  tiles_y,
  tiles_x,
  first,
  count,
}

/** winograd_output: m [16][count][O], O a multiple of 4 -> the 2x2 results of each tile, with bias and finished. */
export const enum WinogradOutput {
  m = Fused.end,
  bias,
  y,
  out_height,
  out_width,
  out_channels,
  tiles_y,
  tiles_x,
  first,
  count,
}

/** matmul: batch of a [M,K] times packed panels [K][8 or 4]. Address i of a batch is base + index[i] * size. */
export const enum MatMul {
  a = Fused.end,
  weights,
  bias,
  y,
  batch,
  rows,
  inner,
  columns,
  /** int32 [batch]: byte offset of each a. */
  a_offsets,
  /** int32 [batch]: byte offset of each packed b. */
  b_offsets,
  tile_rows,
  block_rows,
  table,
  table_bytes,
  by_panels,
}

/** pack_panels: batch of b [K,N] (element (k, n) at k*stride_k + n*stride_n floats) -> panels. */
export const enum PackPanels {
  b = 2,
  y,
  batch,
  inner,
  columns,
  stride_k,
  stride_n,
  /** Floats of one matrix and of its panels. */
  b_size,
  y_size,
}

/** scale_panels: packed weights with row k of K multiplied by scale[k % channels]. */
export const enum ScalePanels {
  x = 2,
  scale,
  y,
  inner,
  channels,
  out_channels,
}

/** scale_rows: depthwise weights [columns / 4][rows][4], columns a multiple of 4, times scale[columns]. */
export const enum ScaleRows {
  x = 2,
  scale,
  y,
  rows,
  columns,
}

export const enum Elementwise {
  x = Fused.end,
  y,
  count,
  /** Kind of unary. */
  kind,
  /** 1: int32. */
  integer,
}

export const enum UnaryKind {
  neg,
  abs,
  exp,
  log,
  sqrt,
  rsqrt,
  square,
  reciprocal,
  floor,
  ceil,
  round,
  sign,
  erf,
  sin,
  cos,
  tan,
  asin,
  acos,
  atan,
  sinh,
  cosh,
  asinh,
  acosh,
  atanh,
}

/** Operands over at most 6 merged axes, outermost first, missing axes in front of size 1; strides in elements. The last axis is the inner loop. */
export const enum Axes {
  most = 6,
}

/** binary, compare: y is dense. */
export const enum Binary {
  a = Fused.end,
  b,
  y,
  kind,
  /** Numeric type of the operands: 0 float32, 1 int32, 2 bytes. */
  type,
  dims,
  a_strides = 21,
  b_strides = 27,
}

export const enum BinaryKind {
  add,
  sub,
  mul,
  div,
  maximum,
  minimum,
  pow,
  floor_div,
  floor_mod,
  squared_difference,
  prelu,
}

/** where: condition is bytes, a, b and the dense y have 4 bytes an element. */
export const enum Where {
  condition = 2,
  a,
  b,
  y,
  dims,
  condition_strides = 12,
  a_strides = 18,
  b_strides = 24,
}

export const enum CompareKind {
  equal,
  not_equal,
  less,
  less_equal,
  greater,
  greater_equal,
}

export const enum ElementType {
  float32,
  int32,
  byte,
}

export const enum Pool {
  x = 2,
  y,
  batch,
  height,
  width,
  channels,
  out_height,
  out_width,
  kernel_height,
  kernel_width,
  stride_y,
  stride_x,
  pad_top,
  pad_left,
  count_padding,
}

/** reduce: x [outer, length, inner] -> [outer, inner]. */
export const enum Reduce {
  x = 2,
  y,
  outer,
  length,
  inner,
  kind,
  integer,
  /** f32: what the sum is divided by. */
  divisor,
}

export const enum ReduceKind {
  mean,
  sum,
  max,
  min,
  prod,
}

/** resize: taps are { first, second: byte offsets, weight of second: f32, 0 } for each output row and column. */
export const enum Resize {
  x = Fused.end,
  y,
  batch,
  height,
  width,
  channels,
  out_height,
  out_width,
  row_taps,
  column_taps,
  nearest,
}

/** copy: elements of 1 or 4 bytes over at most 6 axes, strides in elements on both sides. */
export const enum Copy {
  x = 2,
  y,
  element,
  dims,
  x_strides = 11,
  y_strides = 17,
}

/** fill: `count` elements of 1 or 4 bytes with the same bits. */
export const enum Fill {
  y = 2,
  count,
  element,
  value,
}

/** softmax: x [outer, length, inner] along `length`. */
export const enum Softmax {
  x = 2,
  y,
  outer,
  length,
  inner,
}

export const enum Cast {
  x = 2,
  y,
  count,
  from,
  /** 0 float32, 1 int32, 2 uint8, 3 bool */
  to,
}

export const enum CastType {
  float32,
  int32,
  uint8,
  bool,
}

/** gather: x [outer, length, inner], index [count] -> [outer, count, inner]; elements of 1 or 4 bytes; indices are clamped. */
export const enum Gather {
  x = 2,
  index,
  y,
  outer,
  length,
  inner,
  count,
  element,
}

/** top_k: x [rows, length] -> values, index [rows, k]; heap is k i64 a thread. */
export const enum TopK {
  x = 2,
  values,
  index,
  rows,
  length,
  k,
  integer,
  heap,
}

/** score_merge: see operators.ts. `row` is scratch for K floats a thread. */
export const enum ScoreMerge {
  scores = 2,
  offsets,
  members,
  y,
  rows,
  columns,
  labels,
  combine,
  logits,
  row,
  row_bytes,
  /** Length of members. */
  member_count,
}

export const enum Combine {
  max,
  mean,
  noisy_or,
}

/** peak_top_k and peak_top_k_merge. heaps: a thread's count (8 bytes), then k i64. */
export const enum PeakTopK {
  map = 2,
  threshold,
  value,
  index,
  count,
  height,
  width,
  labels,
  radius,
  k,
  heaps,
  heap_bytes,
}

export const enum GatherRows {
  rows = 2,
  index,
  count,
  y,
  row_count,
  columns,
  k,
  divisor,
}

/** box_decode: see operators.ts. `priors` has one row for each row of `rows`, or one for all (prior_count 1). */
export const enum BoxDecode {
  rows = 2,
  priors,
  index,
  count,
  y,
  row_count,
  prior_count,
  row_columns,
  k,
  divisor,
  form,
  bins,
  position,
  extent,
  /** Four of them. */
  columns,
  /** f32, across and down. */
  scale_x = 20,
  scale_y,
  /** f32 */
  limit,
}

export const enum BoxForm {
  center,
  distances,
  corners,
}

export const enum BoxPosition {
  identity,
  sigmoid,
  tanh,
}

export const enum BoxExtent {
  identity,
  exp,
  sigmoid,
  sigmoid_squared,
  relu,
}

/**
 * image_to_tensor. Taps of an output row or column: { first source pixel, number of taps, index of the first weight }; number 0: padding.
 * `row` is scratch for one source row as floats a thread.
 */
export const enum ImageToTensor {
  pixels = 2,
  y,
  image_width,
  image_channels,
  height,
  width,
  row_taps,
  row_weights,
  column_taps,
  column_weights,
  row,
  row_bytes,
  swap,
  /** f32 [3] each, by result channel. */
  mean,
  std = 18,
  /** f32 */
  pad_value = 21,
  /** f32 */
  background,
}

/** pairwise_iou: boxes a [n, 4], b [m, 4] -> y [n, m]. */
export const enum PairwiseIou {
  a = 2,
  b,
  y,
  n,
  m,
}

/** non_max_suppression: see operators.ts. */
export const enum Suppression {
  boxes = 2,
  scores,
  labels,
  count,
  index,
  kept,
  k,
  per_class,
  /** f64, two words. */
  threshold,
  /** Scratch of k i64 keys. */
  heap = 12,
}
