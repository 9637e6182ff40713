// The body of gather: slices of one axis picked by index, indices outside the axis clamped to it. Kernels name the element type `alias element`,
// one number or four neighbours of it; `inner` counts elements.
// x [outer, length, inner], index [count], y [outer, count, inner].
#import "flat.wgsl"

struct Shape {
  total: u32,
  length: u32,
  inner: u32,
  count: u32,
}

@group(0) @binding(0) var<storage, read> x: array<element>;
@group(0) @binding(1) var<storage, read> index: array<i32>;
@group(0) @binding(2) var<storage, read_write> y: array<element>;
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
  let j = i % shape.inner;
  let slot = i / shape.inner;
  let picked = u32(clamp(index[slot % shape.count], 0, i32(shape.length) - 1));
  y[i] = x[((slot / shape.count) * shape.length + picked) * shape.inner + j];
}
