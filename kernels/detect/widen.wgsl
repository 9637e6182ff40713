// pairwise_iou and non_max_suppression: boxes that are stored as float16, as float32.
// x [any shape], y [same shape] float32, read in fours.
// Overrides: none.
// Dispatch: flat, one invocation for four elements.
#import "../shared/flat.wgsl"

struct Shape {
  total: u32,
}

@group(0) @binding(0) var<storage, read> x: array<vec4<scalar>>;
@group(0) @binding(1) var<storage, read_write> y: array<vec4<f32>>;
@group(0) @binding(2) var<uniform> shape: Shape;

@compute @workgroup_size(64)
fn main(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) lane: u32,
) {
  let i = flat_index(group, groups, lane);
  if (i >= shape.total) {
    return;
  }
  y[i] = vec4<f32>(x[i]);
}
