// merge_masks_gradient: the way back through MERGE (DaTaSeg Eq. 1, 2): of a maximum to the proposal that gave it, of a mean to all in equal parts; 0 for
// proposals that were not merged.
// giver [K, N], class_of [M], counts [K] of the merge, mask_slopes [K, N], class_slopes [K, C], masks [M, N], classes [M, C].
// Overrides: none.
// Dispatch: flat, one invocation for a pixel or a class of a proposal.
#import "../shared/flat.wgsl"

struct Shape {
  n: u32,
  N: u32,
  C: u32,
}

@group(0) @binding(0) var<storage, read> giver: array<i32>;
@group(0) @binding(1) var<storage, read> class_of: array<i32>;
@group(0) @binding(2) var<storage, read> counts: array<i32>;
@group(0) @binding(3) var<storage, read> mask_slopes: array<f32>;
@group(0) @binding(4) var<storage, read> class_slopes: array<f32>;
@group(0) @binding(5) var<storage, read_write> masks: array<f32>;
@group(0) @binding(6) var<storage, read_write> classes: array<f32>;
@group(0) @binding(7) var<uniform> shape: Shape;

@compute @workgroup_size(64)
fn main(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) index: u32,
) {
  let i = flat_index(group, groups, index);
  if (i >= shape.n) {
    return;
  }
  let m = i / (shape.N + shape.C);
  let column = i - m * (shape.N + shape.C);
  let k = class_of[m];
  var slope = 0.0;
  if (column < shape.N) {
    if (k >= 0) {
      let at = u32(k) * shape.N + column;
      if (giver[at] == i32(m)) {
        slope = mask_slopes[at];
      }
    }
    masks[m * shape.N + column] = slope;
  } else {
    let c = column - shape.N;
    if (k >= 0) {
      let count = counts[k];
      let given = class_slopes[u32(k) * shape.C + c];
      slope = select(given, given / f32(count), count > 1);
    }
    classes[m * shape.C + c] = slope;
  }
}
