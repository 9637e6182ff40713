// The body of rank_keys: every element of each row as a pair (order of the value, index in the row). Kernels give `alias element` and
// `fn key(x: element) -> u32`.
#import "flat.wgsl"

struct Shape {
  total: u32,
  // Elements of a row, and pairs from one row of the list to the next.
  length: u32,
  pitch: u32,
}

@group(0) @binding(0) var<storage, read> x: array<element>;
@group(0) @binding(1) var<storage, read_write> list: array<vec2<u32>>;
@group(0) @binding(2) var<storage, read_write> state: array<u32>;
@group(0) @binding(3) var<uniform> shape: Shape;

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
  let row = i / shape.length;
  let at = i - row * shape.length;
  list[row * shape.pitch + at] = vec2<u32>(key(x[i]), at);
  if (at == 0u) {
    state[row * 2u] = shape.length;
  }
}
