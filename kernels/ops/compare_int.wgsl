// compare on int32, bool and uint8: y = f(a, b), 0 or 1, element by element, with NumPy broadcasting.
// a, b [shapes that broadcast], y [broadcast shape] bool, read in fours.
// Overrides: kind, a number of lower/elementwise.ts; read_a, read_b (shared/broadcast.wgsl).
// Dispatch: flat, one invocation for four elements.
#import "../shared/operands.wgsl"

alias element = i32;
override kind: u32 = 0u;

@group(0) @binding(2) var<storage, read_write> y: array<vec4<u32>>;
@group(0) @binding(3) var<uniform> shape: Shape;

fn holds(p: vec4<i32>, q: vec4<i32>) -> vec4<bool> {
  switch kind {
    case 0u: { return p == q; }
    case 1u: { return p != q; }
    case 2u: { return p < q; }
    case 3u: { return p <= q; }
    case 4u: { return p > q; }
    default: { return p >= q; }
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
  y[i] = select(vec4<u32>(0u), vec4<u32>(1u), holds(load_a(i), load_b(i)));
}
