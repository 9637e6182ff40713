// non_max_suppression, first step: the first `count` scores as pairs (order of the score, index); NaN is behind all numbers.
// scores [k], count int32 [1]; list: pairs; state: word 1 is set to the number of pairs.
// Overrides: none.
// Dispatch: flat, one invocation for a score.
#import "../shared/order.wgsl"
#import "../shared/flat.wgsl"

struct Shape {
  total: u32,
}

@group(0) @binding(0) var<storage, read> scores: array<scalar>;
@group(0) @binding(1) var<storage, read> count: array<i32>;
@group(0) @binding(2) var<storage, read_write> list: array<vec2<u32>>;
@group(0) @binding(3) var<storage, read_write> state: array<u32>;
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
  if (i == 0u) {
    state[1] = u32(clamp(count[0], 0, i32(shape.total)));
  }
  list[i] = vec2<u32>(order(f32(scores[i]), 0u), i);
}
