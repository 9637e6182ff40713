// The body of select_collect. Kernels give `alias element` and `fn key(x: element) -> u32`, the order of a value.
#import "select.wgsl"

struct Shape {
  length: u32,
  best_pitch: u32,
  largest: u32,
  // Room in a row of best.
  most: u32,
  // 1 where all elements are taken, and cut says nothing.
  all: u32,
  rows: u32,
}

@group(0) @binding(0) var<storage, read> x: array<element>;
@group(0) @binding(1) var<storage, read> mask: array<u32>;
@group(0) @binding(2) var<storage, read> cut: array<Selection>;
@group(0) @binding(3) var<storage, read_write> state: array<atomic<u32>>;
@group(0) @binding(4) var<storage, read_write> best: array<vec2<u32>>;
@group(0) @binding(5) var<uniform> shape: Shape;

fn collect(row: u32, i: u32, least: Selection) {
  let rank = key(x[row * shape.length + i]);
  if (rank > least.order || (rank == least.order && shape.largest - i >= least.inverse)) {
    let slot = atomicAdd(&state[row * state_words + 1u], 1u);
    if (slot < shape.most) {
      best[row * shape.best_pitch + slot] = vec2<u32>(rank, i);
    }
  }
}

@compute @workgroup_size(256)
fn main(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) lane: u32,
) {
  let row = group.z * groups.y + group.y;
  if (row >= shape.rows) {
    return;
  }
  var least = Selection(1u, 0u, 0u, 0u);
  if (shape.all == 0u) {
    least = cut[row];
  }
  if (masked == 1u) {
    let words = (shape.length + 31u) / 32u;
    for (var w = group.x * 256u + lane; w < words; w += groups.x * 256u) {
      for (var rest = mask[row * words + w]; rest != 0u; rest &= rest - 1u) {
        collect(row, w * 32u + firstTrailingBit(rest), least);
      }
    }
  } else {
    for (var i = group.x * 256u + lane; i < shape.length; i += groups.x * 256u) {
      collect(row, i, least);
    }
  }
}
