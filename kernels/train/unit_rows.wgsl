// unit_rows: rows of length 1, and the lengths they had: what cosines are made of.
// x [P, D], unit [P, D], lengths [P], at least 1e-12.
// Overrides: alone: a row has one invocation.
// Dispatch: one workgroup for 256 / lanes rows.
#import "../shared/rows.wgsl"

struct Shape {
  P: u32,
  D: u32,
  lanes: u32,
}

@group(0) @binding(0) var<storage, read> x: array<f32>;
@group(0) @binding(1) var<storage, read_write> unit: array<f32>;
@group(0) @binding(2) var<storage, read_write> lengths: array<f32>;
@group(0) @binding(3) var<uniform> shape: Shape;

@compute @workgroup_size(256)
fn main(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) index: u32,
) {
  let lanes = shape.lanes;
  let share = share_of(group, groups, index, lanes);
  let inside = share.row < shape.P;
  var sum = 0.0;
  for (var d = share.lane; inside && d < shape.D; d += lanes) {
    let value = x[share.row * shape.D + d];
    sum += value * value;
  }
  let length = max(sqrt(sum_of_row(share, lanes, sum)), 1e-12);
  for (var d = share.lane; inside && d < shape.D; d += lanes) {
    unit[share.row * shape.D + d] = x[share.row * shape.D + d] / length;
  }
  if (inside && share.lane == 0u) {
    lengths[share.row] = length;
  }
}
