// peak_top_k and top_k: gathers the k best pairs, whose cut the passes of selection have found, in any order.
// list [rows, pitch] pairs; cut, state (shared/select.wgsl); best [rows, best_pitch] pairs.
// Overrides: none.
// Dispatch: [groups that share a row, rows].
#import "../shared/select.wgsl"

struct Shape {
  pitch: u32,
  best_pitch: u32,
  largest: u32,
  k: u32,
}

@group(0) @binding(0) var<storage, read> list: array<vec2<u32>>;
@group(0) @binding(1) var<storage, read> cut: array<Selection>;
@group(0) @binding(2) var<storage, read_write> state: array<atomic<u32>>;
@group(0) @binding(3) var<storage, read_write> best: array<vec2<u32>>;
@group(0) @binding(4) var<uniform> shape: Shape;

@compute @workgroup_size(256)
fn main(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) lane: u32,
) {
  let row = group.y;
  let count = atomicLoad(&state[row * state_words]);
  let least = cut[row];
  for (var i = group.x * 256u + lane; i < count; i += groups.x * 256u) {
    let pair = list[row * shape.pitch + i];
    if (pair.x > least.order || (pair.x == least.order && shape.largest - pair.y >= least.inverse)) {
      let slot = atomicAdd(&state[row * state_words + 1u], 1u);
      if (slot < shape.k) {
        best[row * shape.best_pitch + slot] = pair;
      }
    }
  }
}
