// where on int32: y = condition ? a : b, element by element, with NumPy broadcasting of all three.
// a, b, condition (bool) [shapes that broadcast], y [broadcast shape], read in fours.
// Overrides: read_a, read_b, read_c (shared/broadcast.wgsl); c is the condition.
// Dispatch: flat, one invocation for four elements.
#import "../shared/operands.wgsl"

alias element = u32;
override read_c: u32 = 0u;

@group(0) @binding(2) var<storage, read> c: array<vec4<u32>>;
@group(0) @binding(3) var<storage, read_write> y: array<vec4<element>>;
@group(0) @binding(4) var<uniform> shape: Shape;

fn element_c(i: u32) -> u32 {
  return c[i >> 2u][i & 3u];
}

fn load_c(i: u32) -> vec4<u32> {
  switch read_c {
    case read_same: { return c[i]; }
    case read_one: { return vec4<u32>(c[0].x); }
    case read_repeated: { return c[i % shape.period_c]; }
    case read_rows: { return c[operand_offset(2u, i * 4u) >> 2u]; }
    case read_splat: { return vec4<u32>(element_c(operand_offset(2u, i * 4u))); }
    default: {
      let e = i * 4u;
      return vec4<u32>(
        element_c(operand_offset(2u, e)),
        element_c(operand_offset(2u, e + 1u)),
        element_c(operand_offset(2u, e + 2u)),
        element_c(operand_offset(2u, e + 3u)),
      );
    }
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
  y[i] = select(load_b(i), load_a(i), load_c(i) != vec4<u32>(0u));
}
