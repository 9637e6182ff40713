// sgd: one step in place, as PyTorch has it: g += decay w; v = momentum v + g; w -= rate (nesterov ? g + momentum v : v).
// weights, velocity, gradient [n], norm [2]: global norm and the factor of its clipping.
// Overrides: none.
// Dispatch: flat, one invocation for an element.
#import "../shared/flat.wgsl"

struct Shape {
  n: u32,
  nesterov: u32,
  rate: f32,
  momentum: f32,
  decay: f32,
  clip: f32,
}

@group(0) @binding(0) var<storage, read> gradient: array<f32>;
@group(0) @binding(1) var<storage, read> norm: array<f32>;
@group(0) @binding(2) var<storage, read_write> weights: array<f32>;
@group(0) @binding(3) var<storage, read_write> velocity: array<f32>;
@group(0) @binding(4) var<uniform> shape: Shape;

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
  let w = weights[i];
  let g = shape.clip * norm[1] * gradient[i] + shape.decay * w;
  let v = shape.momentum * velocity[i] + g;
  velocity[i] = v;
  weights[i] = w - shape.rate * select(v, g + shape.momentum * v, shape.nesterov == 1u);
}
