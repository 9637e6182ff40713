// Between probabilities and logits, with the rounding that thresholds need.

/** 1 / (1 + e^-x) in double precision; 0 and 1 at the infinities. */
export function sigmoid(x: number): number {
  return 1 / (1 + Math.exp(-x));
}

/** ln(p / (1 - p)), the inverse of {@link sigmoid}: 0 gives -Infinity, 1 gives +Infinity. */
export function logit(p: number): number {
  return Math.log(p) - Math.log1p(-p);
}

const float = new Float32Array(1);
const bits = new Int32Array(float.buffer);

/** The smallest float32 that is not below `x`: a float32 is >= it exactly where it is >= x. */
export function ceilToFloat32(x: number): number {
  float[0] = x;
  if (float[0]! >= x || Number.isNaN(x)) return float[0]!;
  // The next float32 upwards: bit patterns rise with positive numbers and fall with negative ones.
  if (float[0] === 0) bits[0] = 1;
  else bits[0]! += float[0]! > 0 ? 1 : -1;
  return float[0]!;
}
