// Two broadcast operands a and b of one element type, bound at 0 and 1. The kernel declares `alias element` and binds the uniform `shape`.
// Overrides: read_a, read_b, how each is read (broadcast.wgsl).
#import "broadcast.wgsl"

override read_a: u32 = 0u;
override read_b: u32 = 0u;

@group(0) @binding(0) var<storage, read> a: array<vec4<element>>;
@group(0) @binding(1) var<storage, read> b: array<vec4<element>>;

fn element_a(i: u32) -> element {
  return a[i >> 2u][i & 3u];
}

fn load_a(i: u32) -> vec4<element> {
  switch read_a {
    case read_same: { return a[i]; }
    case read_one: { return vec4<element>(a[0].x); }
    case read_repeated: { return a[i % shape.period_a]; }
    case read_rows: { return a[operand_offset(0u, i * 4u) >> 2u]; }
    case read_splat: { return vec4<element>(element_a(operand_offset(0u, i * 4u))); }
    default: {
      let e = i * 4u;
      return vec4<element>(
        element_a(operand_offset(0u, e)),
        element_a(operand_offset(0u, e + 1u)),
        element_a(operand_offset(0u, e + 2u)),
        element_a(operand_offset(0u, e + 3u)),
      );
    }
  }
}

fn element_b(i: u32) -> element {
  return b[i >> 2u][i & 3u];
}

fn load_b(i: u32) -> vec4<element> {
  switch read_b {
    case read_same: { return b[i]; }
    case read_one: { return vec4<element>(b[0].x); }
    case read_repeated: { return b[i % shape.period_b]; }
    case read_rows: { return b[operand_offset(1u, i * 4u) >> 2u]; }
    case read_splat: { return vec4<element>(element_b(operand_offset(1u, i * 4u))); }
    default: {
      let e = i * 4u;
      return vec4<element>(
        element_b(operand_offset(1u, e)),
        element_b(operand_offset(1u, e + 1u)),
        element_b(operand_offset(1u, e + 2u)),
        element_b(operand_offset(1u, e + 3u)),
      );
    }
  }
}
