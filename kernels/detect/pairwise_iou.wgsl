// pairwise_iou: intersection over union of every pair of boxes, 0 where they do not overlap.
// a [n, 4], b [m, 4] float32, y [n, m].
// Overrides: none.
// Dispatch: flat, one invocation for a pair.
#import "../shared/boxes.wgsl"
#import "../shared/flat.wgsl"

struct Shape {
  total: u32,
  m: u32,
}

@group(0) @binding(0) var<storage, read> a: array<vec4<f32>>;
@group(0) @binding(1) var<storage, read> b: array<vec4<f32>>;
@group(0) @binding(2) var<storage, read_write> y: array<scalar>;
@group(0) @binding(3) var<uniform> shape: Shape;

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
  let row = i / shape.m;
  let both = overlap(a[row], b[i - row * shape.m]);
  var ratio = 0.0;
  if (both.x > 0.0) {
    ratio = both.x / both.y;
  }
  y[i] = scalar(ratio);
}
