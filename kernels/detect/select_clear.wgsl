// peak_top_k and top_k: zeroes the words that the steps of selection count in.
// state [words].
// Overrides: none.
// Dispatch: flat, one invocation for a word.
#import "../shared/flat.wgsl"

struct Shape {
  words: u32,
}

@group(0) @binding(0) var<storage, read_write> state: array<u32>;
@group(0) @binding(1) var<uniform> shape: Shape;

@compute @workgroup_size(64)
fn main(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) lane: u32,
) {
  let i = flat_index(group, groups, lane);
  if (i < shape.words) {
    state[i] = 0u;
  }
}
