// unary on int32: y = f(x), element by element: neg, abs, square, sign.
// x, y [any shape], read in fours.
// Overrides: kind, a number of lower/elementwise.ts.
// Dispatch: flat, one invocation for four elements.
#import "../shared/flat.wgsl"

override kind: u32 = 0u;

struct Shape {
  vectors: u32,
}

@group(0) @binding(0) var<storage, read> x: array<vec4<i32>>;
@group(0) @binding(1) var<storage, read_write> y: array<vec4<i32>>;
@group(0) @binding(2) var<uniform> shape: Shape;

fn apply(v: vec4<i32>) -> vec4<i32> {
  switch kind {
    case 0u: { return -v; }
    case 1u: { return abs(v); }
    case 6u: { return v * v; }
    case 11u: { return sign(v); }
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
  y[i] = apply(x[i]);
}
