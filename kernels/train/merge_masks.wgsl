// merge_masks: last step of MERGE (DaTaSeg Eq. 1): the largest mask logit of the proposals of a class at each pixel and who gave it, the earlier of equal
// ones; -100 and -1 where there is no proposal.
// masks [M, N], counts [K] and members [K, M] of merge_means, largest [K, N], giver [K, N].
// Overrides: none.
// Dispatch: flat, one invocation for a pixel of a class.
#import "../shared/flat.wgsl"

struct Shape {
  n: u32,
  N: u32,
  M: u32,
}

@group(0) @binding(0) var<storage, read> masks: array<f32>;
@group(0) @binding(1) var<storage, read> counts: array<i32>;
@group(0) @binding(2) var<storage, read> members: array<u32>;
@group(0) @binding(3) var<storage, read_write> largest: array<f32>;
@group(0) @binding(4) var<storage, read_write> giver: array<i32>;
@group(0) @binding(5) var<uniform> shape: Shape;

const absent = -100.0;

@compute @workgroup_size(64)
fn main(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) index: u32,
) {
  let at = flat_index(group, groups, index);
  if (at >= shape.n) {
    return;
  }
  let k = at / shape.N;
  let pixel = at - k * shape.N;
  let count = u32(counts[k]);
  var most = absent;
  var who = -1;
  for (var i = 0u; i < count; i++) {
    let m = members[k * shape.M + i];
    let x = masks[m * shape.N + pixel];
    if (who < 0 || x > most) {
      most = x;
      who = i32(m);
    }
  }
  largest[at] = most;
  giver[at] = who;
}
