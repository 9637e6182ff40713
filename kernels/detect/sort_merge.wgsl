// peak_top_k and top_k: one far step of a bitonic merge, for lists longer than a block of sort_block.
// best [rows, pitch] pairs, pitch a power of two.
// Overrides: none.
// Dispatch: flat, one invocation for a pair of pairs.
#import "../shared/flat.wgsl"

struct Shape {
  // Comparisons of all rows, and of one row.
  total: u32,
  pitch: u32,
  run: u32,
  reach: u32,
}

@group(0) @binding(0) var<storage, read_write> best: array<vec2<u32>>;
@group(0) @binding(1) var<uniform> shape: Shape;

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
  let half = shape.pitch / 2u;
  let row = i / half;
  let pair = i - row * half;
  let place = (pair / shape.reach) * shape.reach * 2u + pair % shape.reach;
  let at = row * shape.pitch + place;
  let p = best[at];
  let q = best[at + shape.reach];
  let swaps = q.x > p.x || (q.x == p.x && q.y < p.y);
  if (swaps == ((place & shape.run) == 0u)) {
    best[at] = q;
    best[at + shape.reach] = p;
  }
}
