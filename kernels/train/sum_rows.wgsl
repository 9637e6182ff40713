// sum_rows: the sum of the rows of a table: the gradient of a bias, the value of a loss.
// x [P, C], out [C], written from `first` on.
// Overrides: none.
// Dispatch: one workgroup for 16 columns.

struct Shape {
  P: u32,
  C: u32,
  first: u32,
}

@group(0) @binding(0) var<storage, read> x: array<f32>;
@group(0) @binding(1) var<storage, read_write> out: array<f32>;
@group(0) @binding(2) var<uniform> shape: Shape;

// [16, 16]: sixteen invocations share a column, each takes every sixteenth row.
var<workgroup> sums: array<f32, 256>;

@compute @workgroup_size(256)
fn main(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) index: u32,
) {
  let lane = index / 16u;
  let c = (group.y * groups.x + group.x) * 16u + index % 16u;
  var sum = 0.0;
  for (var p = lane; c < shape.C && p < shape.P; p += 16u) {
    sum += x[p * shape.C + c];
  }
  sums[index] = sum;
  workgroupBarrier();
  if (lane == 0u && c < shape.C) {
    for (var k = 1u; k < 16u; k++) {
      sum += sums[k * 16u + index];
    }
    out[shape.first + c] = sum;
  }
}
