// square_sum: sums of squares of 4096 numbers at a time, for global_norm.
// values [n], sums [first + ceil(n / 4096)].
// Overrides: alone: 4096 numbers have one invocation.
// Dispatch: one workgroup for 4096 numbers, or 256 times as many.
#import "../shared/rows.wgsl"

struct Shape {
  n: u32,
  first: u32,
}

@group(0) @binding(0) var<storage, read> values: array<f32>;
@group(0) @binding(1) var<storage, read_write> sums: array<f32>;
@group(0) @binding(2) var<uniform> shape: Shape;

const chunk = 4096u;

@compute @workgroup_size(256)
fn main(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) index: u32,
) {
  let lanes = select(256u, 1u, alone);
  let share = share_of(group, groups, index, lanes);
  let end = min(shape.n, (share.row + 1u) * chunk);
  var sum = 0.0;
  for (var i = share.row * chunk + share.lane; i < end; i += lanes) {
    sum += values[i] * values[i];
  }
  sum = sum_of_row(share, lanes, sum);
  if (share.lane == 0u && share.row * chunk < shape.n) {
    sums[shape.first + share.row] = sum;
  }
}
