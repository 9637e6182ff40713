// non_max_suppression: which of the sorted boxes would drop which later ones, one bit a pair. Overlap is compared without a division:
// intersection > threshold * union.
// boxes [k, 4] float32, labels int32 [k]; best: sorted pairs (order, index); state: word 1 counts them; mask [k, words]: bit j of word w of row i
// says that box 32 w + j falls with box i.
// Overrides: per_class, 1 where only boxes of one label drop each other.
// Dispatch: flat, one invocation for a word of mask.
#import "../shared/boxes.wgsl"
#import "../shared/flat.wgsl"

override per_class: u32 = 1u;

struct Shape {
  total: u32,
  words: u32,
  k: u32,
  threshold: f32,
}

@group(0) @binding(0) var<storage, read> boxes: array<vec4<f32>>;
@group(0) @binding(1) var<storage, read> labels: array<i32>;
@group(0) @binding(2) var<storage, read> best: array<vec2<u32>>;
@group(0) @binding(3) var<storage, read> state: array<u32>;
@group(0) @binding(4) var<storage, read_write> mask: array<u32>;
@group(0) @binding(5) var<uniform> shape: Shape;

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
  let row = i / shape.words;
  let word = i - row * shape.words;
  let held = min(state[1], shape.k);
  var bits = 0u;
  if (row < held && word >= row / 32u) {
    let mine = best[row].y;
    let box = boxes[mine];
    let label = labels[mine];
    let last = min(held, word * 32u + 32u);
    for (var j = max(row + 1u, word * 32u); j < last; j++) {
      let other = best[j].y;
      if (per_class == 0u || labels[other] == label) {
        let both = overlap(box, boxes[other]);
        if (both.x > 0.0 && both.x > shape.threshold * both.y) {
          bits |= 1u << (j & 31u);
        }
      }
    }
  }
  mask[i] = bits;
}
