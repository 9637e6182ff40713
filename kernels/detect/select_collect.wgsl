// peak_top_k and top_k: gathers the k best pairs, whose cut the passes of selection have found, in any order.
// list [rows, pitch] pairs; state (shared/select.wgsl); best [rows, best_pitch] pairs.
// Overrides: none.
// Dispatch: [groups that share a row, rows].
#import "../shared/select.wgsl"

struct Shape {
  pitch: u32,
  state_pitch: u32,
  best_pitch: u32,
  last_pass: u32,
  order_passes: u32,
  shift: u32,
  largest: u32,
  k: u32,
}

@group(0) @binding(0) var<storage, read> list: array<vec2<u32>>;
@group(0) @binding(1) var<storage, read_write> state: array<atomic<u32>>;
@group(0) @binding(2) var<storage, read_write> best: array<vec2<u32>>;
@group(0) @binding(3) var<uniform> shape: Shape;

var<workgroup> cut: Selection;

@compute @workgroup_size(256)
fn main(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) lane: u32,
) {
  let row = group.y * shape.state_pitch;
  let count = atomicLoad(&state[row]);
  let last = row + state_head + shape.last_pass * 4u;
  if (lane == 0u) {
    cut = Selection(
      atomicLoad(&state[last]),
      atomicLoad(&state[last + 1u]),
      atomicLoad(&state[last + 2u]),
      atomicLoad(&state[last + 3u]),
    );
    if (cut.settled == 0u) {
      // The last digit is still open: the bin of each digit holds one pair, and the `remaining` best of them are taken.
      var left = cut.remaining;
      for (var d = 256u; d > 0u && left > 0u; d--) {
        let n = atomicLoad(&state[row + state_bins + shape.last_pass * 256u + d - 1u]);
        left -= min(n, left);
        if (left == 0u) {
          cut.inverse |= (d - 1u) << shape.shift;
        }
      }
    }
  }
  workgroupBarrier();
  for (var i = group.x * 256u + lane; i < count; i += groups.x * 256u) {
    let pair = list[group.y * shape.pitch + i];
    if (pair.x > cut.order || (pair.x == cut.order && shape.largest - pair.y >= cut.inverse)) {
      let slot = atomicAdd(&state[row + 1u], 1u);
      if (slot < shape.k) {
        best[group.y * shape.best_pitch + slot] = pair;
      }
    }
  }
}
