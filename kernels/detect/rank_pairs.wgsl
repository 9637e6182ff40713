// peak_top_k, top_k and non_max_suppression: sorts short lists of pairs, best first: each pair counts those that are better and goes to that place.
// Larger order is better, then lower index; all pairs differ. No barriers, and all reads are shared, which suits up to some thousand pairs.
// list [rows, pitch] pairs; state: word 1 of two a row counts its pairs; best [rows, pitch] pairs.
// Overrides: none.
// Dispatch: flat, one invocation for a pair.
#import "../shared/flat.wgsl"

struct Shape {
  total: u32,
  // Pairs of a row that count at most.
  limit: u32,
  pitch: u32,
}

@group(0) @binding(0) var<storage, read> list: array<vec2<u32>>;
@group(0) @binding(1) var<storage, read> state: array<u32>;
@group(0) @binding(2) var<storage, read_write> best: array<vec2<u32>>;
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
  let row = i / shape.limit;
  let place = i - row * shape.limit;
  let first = row * shape.pitch;
  let held = min(state[row * 2u + 1u], shape.limit);
  if (place >= held) {
    return;
  }
  let mine = list[first + place];
  var rank = 0u;
  for (var j = 0u; j < held; j++) {
    let other = list[first + j];
    if (other.x > mine.x || (other.x == mine.x && other.y < mine.y)) {
      rank++;
    }
  }
  best[first + rank] = mine;
}
