// unit_rows_gradient: from the gradient of rows of length 1 to that of the rows, in place: what points along a row has no effect; the rest is divided by
// its length.
// unit [P, D] and lengths [P] of unit_rows, gradient [P, D].
// Overrides: alone: a row has one invocation.
// Dispatch: one workgroup for 256 / lanes rows.
#import "../shared/rows.wgsl"

struct Shape {
  P: u32,
  D: u32,
  lanes: u32,
}

@group(0) @binding(0) var<storage, read> unit: array<f32>;
@group(0) @binding(1) var<storage, read> lengths: array<f32>;
@group(0) @binding(2) var<storage, read_write> gradient: array<f32>;
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
    let i = share.row * shape.D + d;
    sum += gradient[i] * unit[i];
  }
  let along = sum_of_row(share, lanes, sum);
  var length = 1.0;
  if (inside) {
    length = lengths[share.row];
  }
  for (var d = share.lane; inside && d < shape.D; d += lanes) {
    let i = share.row * shape.D + d;
    gradient[i] = (gradient[i] - along * unit[i]) / length;
  }
}
