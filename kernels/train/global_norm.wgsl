// global_norm: the norm of all gradients together from their partial sums of squares, and the factor that clips it, as PyTorch's clip_grad_norm_ has it.
// sums [count], norm [2]: norm, min(1, most / (norm + 1e-6)); 1 where most is 0.
// Overrides: alone: one invocation does all.
// Dispatch: one workgroup.
#import "../shared/rows.wgsl"

struct Shape {
  count: u32,
  most: f32,
}

@group(0) @binding(0) var<storage, read> sums: array<f32>;
@group(0) @binding(1) var<storage, read_write> norm: array<f32>;
@group(0) @binding(2) var<uniform> shape: Shape;

@compute @workgroup_size(256)
fn main(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) index: u32,
) {
  let lanes = select(256u, 1u, alone);
  let share = share_of(group, groups, index, lanes);
  var sum = 0.0;
  for (var i = share.lane; share.row == 0u && i < shape.count; i += lanes) {
    sum += sums[i];
  }
  let size = sqrt(sum_of_row(share, lanes, sum));
  if (index == 0u) {
    norm[0] = size;
    norm[1] = select(1.0, min(1.0, shape.most / (size + 1e-6)), shape.most > 0.0);
  }
}
