// The closed list of operators: what each reads, writes and computes. Every runtime implements this list and nothing else.
//
// Conventions. Activations are dense, row-major and channels-last: [N, H, W, C]. Operands are positional; an absent optional
// operand is NONE. All shapes are static. Padding is [top, left, bottom, right] in pixels. Arithmetic is float32 unless it says so.
// An operator has the same name here, in assembly/ops, kernels/, sdk/runtime/reference and test/kernels.

/** An absent optional operand. */
export const NONE = -1;

/**
 * Element-wise functions that can also be fused behind other operators. `alpha` and `beta` are kept exactly as the model stored them.
 *
 * none x | relu max(x,0) | relu6 min(max(x,0),6) | leaky_relu x<0 ? alpha*x : x | elu x<0 ? alpha*(e^x-1) : x | sigmoid 1/(1+e^-x)
 * tanh | silu x*sigmoid(x) | mish x*tanh(ln(1+e^x)) | gelu x*(1+erf(x/sqrt2))/2 | softplus ln(1+e^x) | clip min(max(x,alpha),beta)
 * hard_sigmoid alpha*min(max(x+3,0),6) | hard_swish (alpha*x)*min(max(x+3,0),6)   (alpha is about 1/6, as stored by the model)
 */
export type ActivationKind =
  | 'none' | 'relu' | 'relu6' | 'leaky_relu' | 'elu' | 'sigmoid' | 'tanh' | 'silu' | 'mish' | 'gelu' | 'softplus' | 'clip'
  | 'hard_sigmoid' | 'hard_swish'; // prettier-ignore

export interface Activation {
  kind: ActivationKind;
  alpha?: number;
  beta?: number;
}

export type Padding = readonly [top: number, left: number, bottom: number, right: number];

interface Window {
  /** Kernel height and width. */
  kernel: readonly [number, number];
  strides: readonly [number, number];
  padding: Padding;
}

/** Attributes of each operator. The comment gives `operands -> results`, with shapes, and the formula. */
export interface Attributes {
  /**
   * image: any size, 8-bit, 1, 3 or 4 channels (an {@link ImageFeed}) -> [1, height, width, 3] float32.
   * The image is resampled into the feed's target rectangle with a triangle filter whose support is max(1, scale) source pixels
   * (plain bilinear when enlarging, antialiased when shrinking, the identity at equal size); pixel centres are at half integers; alpha
   * is composited over `background` before. Then (v - mean[c]) / std[c], v in 0..255, c in `order`; outside the rectangle
   * v = padValue; an output pixel is inside when its centre is in [left, left + width) x [top, top + height). Grey images give three equal channels.
   */
  image_to_tensor: {
    height: number;
    width: number;
    order: 'RGB' | 'BGR';
    mean: readonly [number, number, number];
    std: readonly [number, number, number];
    padValue: number;
    background: number;
  };
  /**
   * x [N,H,W,C], weight [kh,kw,C/groups,O], bias? [O], residual? [N,OH,OW,O], scale? [N,C] -> [N,OH,OW,O].
   * y = conv(x * scale, weight) + bias; then `activation`, with `residual` added before or after it. `scale` is the gate of a
   * squeeze-excite block, applied to the input channels (runtimes may scale the weights instead).
   */
  conv2d: {
    strides: readonly [number, number];
    padding: Padding;
    dilations: readonly [number, number];
    groups: number;
    activation: Activation;
    residual: 'before_activation' | 'after_activation';
  };
  /** x [N,H,W,C], weight [kh,kw,C], bias? [C], scale? [N,C] -> [N,OH,OW,C]: one filter a channel, then `activation`. */
  depthwise_conv2d: {
    strides: readonly [number, number];
    padding: Padding;
    dilations: readonly [number, number];
    activation: Activation;
  };
  /** a [...,M,K], b [...,K,N], bias? [N] -> [...,M,N]; leading dimensions broadcast; `transposeA`/`transposeB` swap the last two first. */
  matmul: { transposeA: boolean; transposeB: boolean; activation: Activation };
  /** x -> same shape. */
  activation: { activation: Activation };
  /** x -> same shape. `round` takes the nearest integer, ties to even; `sign` is -1, 0 or 1; angles are in radians. neg, abs, square and sign also int32. */
  unary: {
    kind:
      | 'neg' | 'abs' | 'exp' | 'log' | 'sqrt' | 'rsqrt' | 'square' | 'reciprocal' | 'floor' | 'ceil' | 'round' | 'sign' | 'erf'
      | 'sin' | 'cos' | 'tan' | 'asin' | 'acos' | 'atan' | 'sinh' | 'cosh' | 'asinh' | 'acosh' | 'atanh'; // prettier-ignore
  };
  /** a, b (NumPy broadcasting) -> broadcast shape; then `activation`. floor_div and floor_mod round towards minus infinity; prelu is a < 0 ? a * b : a. */
  binary: {
    kind:
      'add' | 'sub' | 'mul' | 'div' | 'maximum' | 'minimum' | 'pow' | 'floor_div' | 'floor_mod' | 'squared_difference' | 'prelu';
    activation: Activation;
  };
  /** a, b (broadcasting) -> broadcast shape, dtype bool (0 or 1). */
  compare: { kind: 'equal' | 'not_equal' | 'less' | 'less_equal' | 'greater' | 'greater_equal' };
  /** condition bool, a, b of one type, float32 or int32 (all three broadcast) -> broadcast shape: condition ? a : b. */
  where: Record<never, never>;
  /** x [N,H,W,C] -> [N,OH,OW,C]: maximum over the part of the window inside the image. */
  max_pool: Window;
  /** x [N,H,W,C] -> [N,OH,OW,C]: mean over the window; the divisor counts padding only with `countPadding`. */
  average_pool: Window & { countPadding: boolean };
  /** x -> reduced shape. `axes` are non-negative and sorted; with keepDims they stay as 1. */
  reduce: { kind: 'mean' | 'sum' | 'max' | 'min' | 'prod'; axes: readonly number[]; keepDims: boolean };
  /**
   * x [N,H,W,C] -> [N,height,width,C]. Source coordinate of output i with scale s = in/out: half_pixel (i+0.5)*s-0.5; asymmetric i*s;
   * align_corners i*(in-1)/(out-1). Nearest rounds as `nearest` says; bilinear clamps at the border. Then `activation`, none by default.
   */
  resize: {
    mode: 'nearest' | 'bilinear';
    height: number;
    width: number;
    coordinates: 'half_pixel' | 'asymmetric' | 'align_corners';
    nearest: 'floor' | 'ceil' | 'round_prefer_floor' | 'round_prefer_ceil';
    activation?: Activation | undefined;
  };
  /** xs, all equal but for `axis` -> joined along `axis`. */
  concat: { axis: number };
  /** x -> x[begin : begin + size*stride : stride] on every axis; negative strides run backwards. */
  slice: { begin: readonly number[]; size: readonly number[]; strides: readonly number[] };
  /** x -> axis i of the result is axis perm[i] of x. */
  transpose: { perm: readonly number[] };
  /** x -> the same elements in the result's shape (no data moves). */
  reshape: Record<never, never>;
  /** x -> x with before[i] and after[i] elements added on axis i. */
  pad: { before: readonly number[]; after: readonly number[]; mode: 'constant' | 'reflect' | 'edge'; value: number };
  /** x -> exp(x - max) / sum along `axis`. */
  softmax: { axis: number };
  /** x -> the result's dtype; float to int truncates towards zero and saturates, NaN gives 0; bool is x != 0. */
  cast: Record<never, never>;
  /** x [..., A, ...], index int32 -> x with `axis` replaced by the shape of index; indices outside the axis are clamped to it. */
  gather: { axis: number };
  /** x [..., K] -> values [..., k], index int32 [..., k]: the k largest of the last axis, descending; ties by lower index. */
  top_k: { k: number };
  /**
   * scores [P, K], offsets int32 [U+1], members int32 [offsets[U]] (both constants) -> [P, U]: column u combines the columns
   * members[offsets[u]..offsets[u+1]) of its row. A sparse mapping T applied to scores (UniDet, Eq. 5 for `mean`).
   * `from` says what the scores are; max works on them as they are; mean and noisy_or (1 - prod(1 - p)) give probabilities.
   * A label without members gets -Infinity as a logit, 0 as a probability.
   */
  score_merge: { combine: 'max' | 'mean' | 'noisy_or'; from: 'logit' | 'probability' };
  /**
   * map [1, H, W, U], threshold [1] -> value float32 [k], index int32 [k], count int32 [1].
   * Elements >= threshold that are >= all their neighbours in a `window` x `window` square of the same channel, the k largest, descending, ties by
   * lower index (index = (y*W + x)*U + u). From `count` on, value and index are unspecified. NaN is never a peak.
   */
  peak_top_k: { window: number; k: number };
  /** rows [P, C], index int32 [k], count int32 [1] -> [k, C]: row floor(index / divisor) for each index before `count`, zeros after; rows outside are clamped. */
  gather_rows: { divisor: number };
  /**
   * rows [P, C], priors [P, 6] or [1, 6], index int32 [k], count int32 [1] -> boxes [k, 4], xyxy in input pixels; zeros from `count` on.
   * Row r = floor(index / divisor), clamped, with its prior (ax, ay, bx, by, cw, ch), or the only one. t_j is column columns[j] of the row or, with
   * bins > 1, the expectation sum_b b * softmax_b of `bins` columns from there (Generalized Focal Loss, Li et al. 2020, Eq. 5).
   * f = position, g(t, axis) = extent(min(scale[axis] * t, limit)); sigmoid_squared is sigmoid(x)^2.
   *
   * center     x = ax + bx*f(t0), y = ay + by*f(t1), w = cw*g(t2, 0), h = ch*g(t3, 1) -> x -+ w/2, y -+ h/2
   * distances  x1 = ax - cw*g(t0, 0), y1 = ay - ch*g(t1, 1), x2 = ax + cw*g(t2, 0), y2 = ay + ch*g(t3, 1)
   * corners    x1 = ax + bx*f(t0), y1 = ay + by*f(t1), x2 = ax + bx*f(t2), y2 = ay + by*f(t3)
   *
   * Priors and boxes are float32 on every device: half floats have steps of half a pixel at 512.
   */
  box_decode: {
    divisor: number;
    form: 'center' | 'distances' | 'corners';
    columns: readonly [number, number, number, number];
    bins: number;
    position: 'identity' | 'sigmoid' | 'tanh';
    extent: 'identity' | 'exp' | 'sigmoid' | 'sigmoid_squared' | 'relu';
    scale: readonly [number, number];
    limit: number;
  };
  /**
   * a [n, 4], b [m, 4], boxes xyxy -> [n, m]: intersection over union of each pair, 0 where they do not overlap. Areas are width times
   * height without the old `+ 1`, negative extents count as 0.
   */
  pairwise_iou: Record<never, never>;
  /**
   * boxes [k, 4] xyxy, scores [k], labels int32 [k], count int32 [1] -> index int32 [k], kept int32 [1]. Of the first `count` boxes the best is kept,
   * those that overlap it by more than the threshold (strictly; with perClass only those of its label) are dropped, and so on with the best
   * that is left. Equal scores by lower index, NaN behind all numbers. `index` holds those kept, best first; from `kept` on it is unspecified.
   * Where float64 is not to be had, pairs whose overlap is within 1e-6 of the threshold may fall on either side.
   */
  non_max_suppression: { iouThreshold: number; perClass: boolean };
}

export type OperatorName = keyof Attributes;
