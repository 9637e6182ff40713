// unary on floats: y = f(x), element by element. NaN stays NaN; outside its domain a function gives NaN.
// x, y [any shape], read in fours.
// Overrides: kind, a number of lower/elementwise.ts.
// Dispatch: flat, one invocation for four elements.
#import "../shared/math.wgsl"
#import "../shared/flat.wgsl"

override kind: u32 = 0u;

struct Shape {
  vectors: u32,
}

@group(0) @binding(0) var<storage, read> x: array<vec4<scalar>>;
@group(0) @binding(1) var<storage, read_write> y: array<vec4<scalar>>;
@group(0) @binding(2) var<uniform> shape: Shape;

const half_pi = 1.5707963267948966;

// The sine of v and of v + a quarter turn, by the quarter that v lies in. Built-in sin may be 2^-11 off.
fn sine(v: vec4<f32>, turn: i32) -> vec4<f32> {
  let quarter = round(v * (1.0 / half_pi));
  // pi / 2 in three parts (Cody and Waite), so that the rest keeps its digits.
  let r = ((v - quarter * 1.5703125) - quarter * 4.83751296997e-4) - quarter * 7.54978995489e-8;
  let z = r * r;
  let sine_part = r * (1.0 + z * (-1.6666654611e-1 + z * (8.3321608736e-3 + z * -1.9515295891e-4)));
  let cosine_part = 1.0 + z * (-0.5 + z * (4.166664568298827e-2 + z * (-1.388731625493765e-3 + z * 2.443315711809948e-5)));
  let index = (vec4<i32>(quarter) + vec4<i32>(turn)) & vec4<i32>(3);
  let part = select(sine_part, cosine_part, (index & vec4<i32>(1)) == vec4<i32>(1));
  return select(part, -part, index >= vec4<i32>(2));
}

// arctan by its polynomial on [0, tan(pi/8)]; larger arguments are turned into it.
fn arctan(v: vec4<f32>) -> vec4<f32> {
  let m = abs(v);
  let large = m > vec4<f32>(2.414213562373095);
  let middle = !large & (m > vec4<f32>(0.4142135623730950));
  let turned = select(select(m, (m - 1.0) / (m + 1.0), middle), -1.0 / m, large);
  let base = select(select(vec4<f32>(0.0), vec4<f32>(half_pi * 0.5), middle), vec4<f32>(half_pi), large);
  let z = turned * turned;
  let p = (((8.05374449538e-2 * z - 1.38776856032e-1) * z + 1.99777106478e-1) * z - 3.33329491539e-1) * z * turned + turned;
  return sign(v) * (base + p);
}

// ln(1 + v) without cancellation: 2 artanh(v / (2 + v)) near zero.
fn log1p(v: vec4<f32>) -> vec4<f32> {
  let s = v / (2.0 + v);
  let z = s * s;
  let near = 2.0 * s * (1.0 + z * (1.0 / 3.0 + z * (0.2 + z * (1.0 / 7.0 + z * (1.0 / 9.0)))));
  return select(log(1.0 + v), near, abs(v) < vec4<f32>(0.25));
}

// f where `inside` holds, NaN elsewhere. NaN is made at run time: a shader must not contain it as a constant.
fn on_domain(value: vec4<f32>, inside: vec4<bool>) -> vec4<f32> {
  let nan = bitcast<vec4<f32>>(vec4<u32>(0x7fc00000u) | (bitcast<vec4<u32>>(value) & vec4<u32>(1u)));
  return select(nan, value, inside);
}

fn arcsin(v: vec4<f32>) -> vec4<f32> {
  let m = abs(v);
  let one = vec4<f32>(1.0);
  // Near 1 the half angle keeps the digits: asin m = pi/2 - 2 asin(sqrt((1 - m) / 2)).
  let steep = m > vec4<f32>(0.5);
  let s = select(m, sqrt(max((one - m) * 0.5, vec4<f32>(0.0))), steep);
  let z = s * s;
  let p = s * (1.0 + z * (1.6666752422e-1 + z * (7.4953002686e-2 + z * (4.5470025998e-2 + z * (2.4181311049e-2 + z * 4.2163199048e-2)))));
  return sign(v) * select(p, half_pi - 2.0 * p, steep);
}

fn apply(v: vec4<f32>) -> vec4<f32> {
  let zero = vec4<f32>(0.0);
  let one = vec4<f32>(1.0);
  switch kind {
    case 0u: { return -v; }
    case 1u: { return abs(v); }
    case 2u: { return exp(v); }
    case 3u: { return on_domain(log(v), v >= zero); }
    case 4u: { return on_domain(sqrt(v), v >= zero); }
    case 5u: { return on_domain(inverseSqrt(v), v >= zero); }
    case 6u: { return v * v; }
    case 7u: { return 1.0 / v; }
    case 8u: { return floor(v); }
    case 9u: { return ceil(v); }
    case 10u: { return round(v); }
    case 11u: { return sign(v); }
    case 12u: { return erf4(v); }
    case 13u: { return sine(v, 0); }
    case 14u: { return sine(v, 1); }
    case 15u: { return sine(v, 0) / sine(v, 1); }
    case 16u: { return on_domain(arcsin(v), abs(v) <= one); }
    case 17u: { return on_domain(half_pi - arcsin(v), abs(v) <= one); }
    case 18u: { return arctan(v); }
    case 19u: {
      let e = expm1_4(abs(v));
      return sign(v) * 0.5 * (e + e / (e + 1.0));
    }
    case 20u: { return 0.5 * (exp(v) + exp(-v)); }
    case 21u: {
      let m = abs(v);
      return sign(v) * log1p(m + m * m / (1.0 + sqrt(m * m + 1.0)));
    }
    case 22u: {
      let m = v - one;
      return on_domain(log1p(m + sqrt(max(m * (v + 1.0), zero))), v >= one);
    }
    case 23u: { return on_domain(0.5 * log1p(2.0 * v / (one - v)), abs(v) <= one); }
    default: { return v; }
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
  let v = vec4<f32>(x[i]);
  y[i] = vec4<scalar>(select(apply(v), v, is_nan4(v)));
}
