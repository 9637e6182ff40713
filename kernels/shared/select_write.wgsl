// The body of select_write: the first k of the sorted pairs of each row as values and indices, zeros from the count on. Kernels give
// `alias element`.
#import "flat.wgsl"

struct Shape {
  total: u32,
  k: u32,
  pitch: u32,
  // Elements of a row of x.
  length: u32,
}

@group(0) @binding(0) var<storage, read> x: array<element>;
@group(0) @binding(1) var<storage, read> best: array<vec2<u32>>;
@group(0) @binding(2) var<storage, read> state: array<u32>;
@group(0) @binding(3) var<storage, read_write> value: array<element>;
@group(0) @binding(4) var<storage, read_write> index: array<i32>;
@group(0) @binding(5) var<storage, read_write> count: array<i32>;
@group(0) @binding(6) var<uniform> shape: Shape;

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
  let row = i / shape.k;
  let place = i - row * shape.k;
  let held = min(state[row * 2u + 1u], shape.k);
  if (place == 0u) {
    count[row] = i32(held);
  }
  if (place < held) {
    let at = best[row * shape.pitch + place].y;
    value[i] = x[row * shape.length + at];
    index[i] = i32(at);
  } else {
    value[i] = element(0);
    index[i] = 0;
  }
}
