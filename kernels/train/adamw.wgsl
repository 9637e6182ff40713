// adamw: one step in place (Loshchilov & Hutter 2019): decay apart from the gradient, moments without their bias.
// weights, first, second, gradient [n], norm [2]: global norm and the factor of its clipping.
// Overrides: none.
// Dispatch: flat, one invocation for an element.
#import "../shared/flat.wgsl"

struct Shape {
  n: u32,
  // rate / (1 - beta1^step)
  rate: f32,
  beta1: f32,
  // 1 - beta1, rounded once
  fresh1: f32,
  beta2: f32,
  fresh2: f32,
  epsilon: f32,
  // 1 - rate decay
  kept: f32,
  // 1 / sqrt(1 - beta2^step)
  root: f32,
  clip: f32,
}

@group(0) @binding(0) var<storage, read> gradient: array<f32>;
@group(0) @binding(1) var<storage, read> norm: array<f32>;
@group(0) @binding(2) var<storage, read_write> weights: array<f32>;
@group(0) @binding(3) var<storage, read_write> first: array<f32>;
@group(0) @binding(4) var<storage, read_write> second: array<f32>;
@group(0) @binding(5) var<uniform> shape: Shape;

@compute @workgroup_size(64)
fn main(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) index: u32,
) {
  let i = flat_index(group, groups, index);
  if (i >= shape.n) {
    return;
  }
  let g = shape.clip * norm[1] * gradient[i];
  let m = shape.beta1 * first[i] + shape.fresh1 * g;
  let v = shape.beta2 * second[i] + shape.fresh2 * g * g;
  first[i] = m;
  second[i] = v;
  weights[i] = shape.kept * weights[i] - shape.rate * m / (sqrt(v) * shape.root + shape.epsilon);
}
