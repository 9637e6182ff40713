// compare on floats: y = f(a, b), 0 or 1, element by element, with NumPy broadcasting.
// a, b [shapes that broadcast], y [broadcast shape] bool, read in fours.
// Overrides: kind, a number of lower/elementwise.ts; read_a, read_b (shared/broadcast.wgsl).
// Dispatch: flat, one invocation for four elements.
#import "../shared/math.wgsl"
#import "../shared/operands.wgsl"

alias element = scalar;
override kind: u32 = 0u;

@group(0) @binding(2) var<storage, read_write> y: array<vec4<u32>>;
@group(0) @binding(3) var<uniform> shape: Shape;

// Four comparisons as IEEE 754 says: with NaN all are false but not_equal.
fn holds(p: vec4<f32>, q: vec4<f32>) -> vec4<bool> {
  let ordered = !(is_nan4(p) | is_nan4(q));
  switch kind {
    case 0u: { return ordered & (p == q); }
    case 1u: { return !(ordered & (p == q)); }
    case 2u: { return ordered & (p < q); }
    case 3u: { return ordered & (p <= q); }
    case 4u: { return ordered & (p > q); }
    default: { return ordered & (p >= q); }
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
  y[i] = select(vec4<u32>(0u), vec4<u32>(1u), holds(vec4<f32>(load_a(i)), vec4<f32>(load_b(i))));
}
