// reduce on int32: sum, max, min or prod along one run of axes; wraps at 32 bits.
// x [outer, length, inner], y [outer, inner].
// Overrides: kind, a number of lower/spatial.ts; lanes, contiguous (shared/lines.wgsl).
// Dispatch: one workgroup for 256 / lanes results.
#import "../shared/lines.wgsl"

override kind: u32 = 1u;

@group(0) @binding(0) var<storage, read> x: array<i32>;
@group(0) @binding(1) var<storage, read_write> y: array<i32>;
@group(0) @binding(2) var<uniform> shape: Shape;

var<workgroup> parts: array<i32, 256>;

fn start() -> i32 {
  switch kind {
    case 2u: { return i32(0x80000000u); }
    case 3u: { return 0x7fffffff; }
    case 4u: { return 1; }
    default: { return 0; }
  }
}

fn join(p: i32, q: i32) -> i32 {
  switch kind {
    case 2u: { return max(p, q); }
    case 3u: { return min(p, q); }
    case 4u: { return p * q; }
    default: { return p + q; }
  }
}

@compute @workgroup_size(256)
fn main(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) index: u32,
) {
  let share = share_of(group, groups, index);
  let inside = share.line < shape.lines;
  var total = start();
  if (inside) {
    for (var k = share.lane; k < shape.length; k += lanes) {
      total = join(total, x[share.base + k * shape.inner]);
    }
  }
  parts[share.slot] = total;
  // Up to 16 invocations combine the parts of a line, then the first of them what these have: two barriers compile much faster than a loop.
  workgroupBarrier();
  if (share.lane < 16u) {
    for (var k = share.lane + 16u; k < lanes; k += 16u) {
      total = join(total, parts[share.slot + (k - share.lane) * share.step]);
    }
    parts[share.slot] = total;
  }
  workgroupBarrier();
  if (inside && share.lane == 0u) {
    for (var k = 1u; k < min(lanes, 16u); k++) {
      total = join(total, parts[share.slot + k * share.step]);
    }
    y[share.line] = total;
  }
}
