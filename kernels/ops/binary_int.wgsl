// binary on int32: y = f(a, b), element by element, with NumPy broadcasting. Results wrap at 32 bits; division by zero gives 0.
// a, b [shapes that broadcast], y [broadcast shape], read in fours.
// Overrides: kind, a number of lower/elementwise.ts; read_a, read_b (shared/broadcast.wgsl).
// Dispatch: flat, one invocation for four elements.
#import "../shared/operands.wgsl"

alias element = i32;
override kind: u32 = 0u;

@group(0) @binding(2) var<storage, read_write> y: array<vec4<i32>>;
@group(0) @binding(3) var<uniform> shape: Shape;

// p / q towards zero, 0 where q is 0.
fn quotient(p: vec4<i32>, q: vec4<i32>) -> vec4<i32> {
  let zero = vec4<i32>(0);
  let safe = select(q, vec4<i32>(1), q == zero);
  return select(p / safe, zero, q == zero);
}

// p / q towards minus infinity.
fn floor_division(p: vec4<i32>, q: vec4<i32>) -> vec4<i32> {
  let zero = vec4<i32>(0);
  let whole = quotient(p, q);
  let rest = p - whole * q;
  let low = (q != zero) & (rest != zero) & ((rest < zero) != (q < zero));
  return whole - select(zero, vec4<i32>(1), low);
}

// p^q by squaring; a negative exponent leaves 0 but for p = 1 and -1.
fn power(p: i32, q: i32) -> i32 {
  if (q < 0) {
    if (p == 1) {
      return 1;
    }
    return select(0, select(-1, 1, (q & 1) == 0), p == -1);
  }
  var result = 1;
  var base = p;
  for (var rest = u32(q); rest > 0u; rest >>= 1u) {
    if ((rest & 1u) == 1u) {
      result *= base;
    }
    base *= base;
  }
  return result;
}

fn combine(p: vec4<i32>, q: vec4<i32>) -> vec4<i32> {
  switch kind {
    case 0u: { return p + q; }
    case 1u: { return p - q; }
    case 2u: { return p * q; }
    case 3u: { return quotient(p, q); }
    case 4u: { return max(p, q); }
    case 5u: { return min(p, q); }
    case 6u: { return vec4<i32>(power(p.x, q.x), power(p.y, q.y), power(p.z, q.z), power(p.w, q.w)); }
    case 7u: { return floor_division(p, q); }
    case 8u: { return select(p - floor_division(p, q) * q, vec4<i32>(0), q == vec4<i32>(0)); }
    case 9u: { return (p - q) * (p - q); }
    default: { return select(p, p * q, p < vec4<i32>(0)); }
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
  y[i] = combine(load_a(i), load_b(i));
}
