// binary: y = activation(f(a, b)) on floats, element by element, with NumPy broadcasting.
// a, b [shapes that broadcast], y [broadcast shape], read in fours.
// Overrides: kind, a number of lower/elementwise.ts; read_a, read_b (shared/broadcast.wgsl); activation, alpha, beta (shared/activation.wgsl).
// Dispatch: flat, one invocation for four elements.
#import "../shared/activation.wgsl"
#import "../shared/operands.wgsl"

alias element = scalar;
override kind: u32 = 0u;
@group(0) @binding(2) var<storage, read_write> y: array<vec4<scalar>>;
@group(0) @binding(3) var<uniform> shape: Shape;

// The quotient rounded towards minus infinity, and what is left. Division may be one unit off, so the remainder decides.
fn floor_division(p: vec4<f32>, q: vec4<f32>) -> vec4<f32> {
  let whole = floor(p / q);
  let rest = p - whole * q;
  let zero = vec4<f32>(0.0);
  let low = (rest != zero) & ((rest < zero) != (q < zero));
  let high = !low & (abs(rest) >= abs(q)) & (q != zero);
  return whole - select(zero, vec4<f32>(1.0), low) + select(zero, vec4<f32>(1.0), high);
}

// p^q with the signs of C's pow: a negative base has a power only for whole exponents.
fn power(p: vec4<f32>, q: vec4<f32>) -> vec4<f32> {
  let magnitude = pow(abs(p), q);
  let whole = floor(q) == q;
  let odd = abs(q - 2.0 * floor(q * 0.5)) == vec4<f32>(1.0);
  let negative = select(magnitude, -magnitude, odd);
  // Shifted in at run time: a shader must not contain NaN as a constant.
  let nan = bitcast<vec4<f32>>(vec4<u32>(0x7fc00000u) | (bitcast<vec4<u32>>(p) & vec4<u32>(1u)));
  var result = select(magnitude, select(nan, negative, whole), p < vec4<f32>(0.0));
  // Exact where most exponents are.
  result = select(result, p * p, q == vec4<f32>(2.0));
  result = select(result, p * p * p, q == vec4<f32>(3.0));
  result = select(result, p, q == vec4<f32>(1.0));
  return select(result, vec4<f32>(1.0), q == vec4<f32>(0.0));
}

fn combine(p: vec4<f32>, q: vec4<f32>) -> vec4<f32> {
  switch kind {
    case 0u: { return p + q; }
    case 1u: { return p - q; }
    case 2u: { return p * q; }
    case 3u: { return p / q; }
    case 4u: { return select(select(max(p, q), p, is_nan4(p)), q, is_nan4(q)); }
    case 5u: { return select(select(min(p, q), p, is_nan4(p)), q, is_nan4(q)); }
    case 6u: { return power(p, q); }
    case 7u: { return floor_division(p, q); }
    case 8u: { return p - floor_division(p, q) * q; }
    case 9u: { return (p - q) * (p - q); }
    default: { return select(p, p * q, p < vec4<f32>(0.0)); }
  }
}

@compute @workgroup_size(64)
fn main(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) lane: u32,
) {
  let i = flat_index(group, groups, lane);
  if (i >= shape.vectors) {
    return;
  }
  y[i] = vec4<scalar>(activate4(combine(vec4<f32>(load_a(i)), vec4<f32>(load_b(i)))));
}
