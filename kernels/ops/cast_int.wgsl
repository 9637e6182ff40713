// cast between int32, uint8 and bool: saturated; to bool 1 where x is not 0.
// x, y [any shape], read in fours.
// Overrides: target_type, 0 int32, 1 uint8, 2 bool.
// Dispatch: flat, one invocation for four elements.
#import "../shared/flat.wgsl"

override target_type: u32 = 0u;

struct Shape {
  vectors: u32,
}

@group(0) @binding(0) var<storage, read> x: array<vec4<i32>>;
@group(0) @binding(1) var<storage, read_write> y: array<vec4<i32>>;
@group(0) @binding(2) var<uniform> shape: Shape;

fn convert(v: vec4<i32>) -> vec4<i32> {
  switch target_type {
    case 1u: { return clamp(v, vec4<i32>(0), vec4<i32>(255)); }
    case 2u: { return select(vec4<i32>(0), vec4<i32>(1), v != vec4<i32>(0)); }
    default: { return v; }
  }
}

@compute @workgroup_size(64)
fn main(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) lane: u32,
) {
  let i = flat_index(group, groups, lane);
  if (i >= shape.vectors) {
    return;
  }
  y[i] = convert(x[i]);
}
