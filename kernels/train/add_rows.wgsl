// add_rows: adds one row to every row of a table, in place: the bias of a layer.
// row [C], x [P, C].
// Overrides: none.
// Dispatch: flat, one invocation for an element.
#import "../shared/flat.wgsl"

struct Shape {
  n: u32,
  C: u32,
}

@group(0) @binding(0) var<storage, read> row: array<f32>;
@group(0) @binding(1) var<storage, read_write> x: array<f32>;
@group(0) @binding(2) var<uniform> shape: Shape;

@compute @workgroup_size(64)
fn main(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) index: u32,
) {
  let i = flat_index(group, groups, index);
  if (i < shape.n) {
    x[i] += row[i % shape.C];
  }
}
