// box_decode: what a head predicts for a row, with the row's prior, as a box xyxy in input pixels; only for the rows that peak_top_k chose.
// rows [P, C], priors [P, 6] or [1, 6] float32, index int32 [k], count int32 [1], y [k, 4] float32.
// Overrides: form, 0 center, 1 distances, 2 corners; position, 0 identity, 1 sigmoid, 2 tanh; extent, 0 identity, 1 exp, 2 sigmoid,
// 3 sigmoid squared, 4 relu.
// Dispatch: flat, one invocation for a box.
#import "../shared/math.wgsl"
#import "../shared/flat.wgsl"

override form: u32 = 0u;
override position: u32 = 0u;
override extent: u32 = 0u;

struct Shape {
  k: u32,
  rows: u32,
  columns: u32,
  divisor: u32,
  first_columns: vec4<u32>,
  scale: vec2<f32>,
  limit: f32,
  bins: u32,
  // 1 where one prior serves all rows.
  one_prior: u32,
}

@group(0) @binding(0) var<storage, read> rows: array<scalar>;
@group(0) @binding(1) var<storage, read> priors: array<f32>;
@group(0) @binding(2) var<storage, read> index: array<i32>;
@group(0) @binding(3) var<storage, read> count: array<i32>;
@group(0) @binding(4) var<storage, read_write> y: array<vec4<f32>>;
@group(0) @binding(5) var<uniform> shape: Shape;

// The number itself, or the mean of 0, 1, ... under the softmax of `bins` logits (Generalized Focal Loss, Eq. 5).
fn expectation(at: u32) -> f32 {
  if (shape.bins == 1u) {
    return f32(rows[at]);
  }
  var most = f32(rows[at]);
  for (var b = 1u; b < shape.bins; b++) {
    most = max(most, f32(rows[at + b]));
  }
  var sum = 0.0;
  var weighted = 0.0;
  for (var b = 0u; b < shape.bins; b++) {
    let e = exp(f32(rows[at + b]) - most);
    sum += e;
    weighted += f32(b) * e;
  }
  return weighted / sum;
}

fn place(t: vec4<f32>) -> vec4<f32> {
  switch position {
    case 1u: { return sigmoid4(t); }
    case 2u: { return tanh4(t); }
    default: { return t; }
  }
}

// Widths and heights; t holds (across, down) twice.
fn length_of(t: vec4<f32>) -> vec4<f32> {
  let x = min(t * shape.scale.xyxy, vec4<f32>(shape.limit));
  switch extent {
    case 1u: { return exp(x); }
    case 2u: { return sigmoid4(x); }
    case 3u: {
      let s = sigmoid4(x);
      return s * s;
    }
    case 4u: { return max(x, vec4<f32>(0.0)); }
    default: { return x; }
  }
}

@compute @workgroup_size(64)
fn main(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) lane: u32,
) {
  let i = flat_index(group, groups, lane);
  if (i >= shape.k) {
    return;
  }
  if (i32(i) >= count[0]) {
    y[i] = vec4<f32>(0.0);
    return;
  }
  let row = min(u32(max(index[i], 0)) / shape.divisor, shape.rows - 1u);
  let first = row * shape.columns;
  let prior = select(row * 6u, 0u, shape.one_prior == 1u);
  let a = vec4<f32>(priors[prior], priors[prior + 1u], priors[prior], priors[prior + 1u]);
  let b = vec4<f32>(priors[prior + 2u], priors[prior + 3u], priors[prior + 2u], priors[prior + 3u]);
  let c = vec4<f32>(priors[prior + 4u], priors[prior + 5u], priors[prior + 4u], priors[prior + 5u]);
  let t = vec4<f32>(
    expectation(first + shape.first_columns.x),
    expectation(first + shape.first_columns.y),
    expectation(first + shape.first_columns.z),
    expectation(first + shape.first_columns.w),
  );
  let signs = vec4<f32>(-1.0, -1.0, 1.0, 1.0);
  if (form == 0u) {
    y[i] = a + b * place(t.xyxy) + signs * (c * length_of(t.zwzw) * 0.5);
  } else if (form == 1u) {
    y[i] = a + signs * (c * length_of(t));
  } else {
    y[i] = a + b * place(t);
  }
}
