// square_sum: sums of squares of 4096 numbers at a time, for global_norm.
// values [n], sums [first + ceil(n / 4096)].
// Overrides: none.
// Dispatch: one workgroup for 4096 numbers.
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
  let share = share_of(group, groups, index, 256u);
  let part = group.y * groups.x + group.x;
  let end = min(shape.n, (part + 1u) * chunk);
  var sum = 0.0;
  for (var i = part * chunk + index; i < end; i += 256u) {
    sum += values[i] * values[i];
  }
  sum = sum_of_row(share, 256u, sum);
  if (index == 0u && part * chunk < shape.n) {
    sums[shape.first + part] = sum;
  }
}
