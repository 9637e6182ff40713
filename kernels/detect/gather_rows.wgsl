// gather_rows: the row floor(index / divisor) of a table for each index before count, zeros after; rows outside are clamped.
// rows [P, C], index int32 [k], count int32 [1], y [k, C].
// Overrides: none.
// Dispatch: flat, one invocation for one element of y.
#import "../shared/flat.wgsl"

struct Shape {
  total: u32,
  rows: u32,
  columns: u32,
  divisor: u32,
}

@group(0) @binding(0) var<storage, read> rows: array<scalar>;
@group(0) @binding(1) var<storage, read> index: array<i32>;
@group(0) @binding(2) var<storage, read> count: array<i32>;
@group(0) @binding(3) var<storage, read_write> y: array<scalar>;
@group(0) @binding(4) var<uniform> shape: Shape;

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
  let slot = i / shape.columns;
  if (i32(slot) >= count[0]) {
    y[i] = scalar(0.0);
    return;
  }
  let row = min(u32(max(index[slot], 0)) / shape.divisor, shape.rows - 1u);
  y[i] = rows[row * shape.columns + i % shape.columns];
}
