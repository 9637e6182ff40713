// merge_means: second step of MERGE (DaTaSeg Eq. 2): how many proposals each merged class has, which they are, and the mean of their class logits; 0
// where there is none.
// classes [M, C], class_of [M], means [K, C], counts [K], members [K, M]: the proposals of class k are the first counts[k] of row k.
// Overrides: alone: a class has one invocation.
// Dispatch: one workgroup for 256 / lanes classes.
#import "../shared/rows.wgsl"

struct Shape {
  K: u32,
  M: u32,
  C: u32,
  lanes: u32,
}

@group(0) @binding(0) var<storage, read> classes: array<f32>;
@group(0) @binding(1) var<storage, read> class_of: array<i32>;
@group(0) @binding(2) var<storage, read_write> means: array<f32>;
@group(0) @binding(3) var<storage, read_write> counts: array<i32>;
@group(0) @binding(4) var<storage, read_write> members: array<u32>;
@group(0) @binding(5) var<uniform> shape: Shape;

@compute @workgroup_size(256)
fn main(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) index: u32,
) {
  let lanes = shape.lanes;
  let share = share_of(group, groups, index, lanes);
  let k = share.row;
  let inside = k < shape.K;
  if (inside && share.lane == 0u) {
    var n = 0u;
    for (var m = 0u; m < shape.M; m++) {
      if (class_of[m] == i32(k)) {
        members[k * shape.M + n] = m;
        n++;
      }
    }
    counts[k] = i32(n);
  }
  if (!alone) {
    // What the first invocation of the class listed is seen from here on.
    storageBarrier();
  }
  if (!inside) {
    return;
  }
  let count = u32(counts[k]);
  for (var c = share.lane; c < shape.C; c += lanes) {
    var sum = 0.0;
    for (var i = 0u; i < count; i++) {
      sum += classes[members[k * shape.M + i] * shape.C + c];
    }
    // One proposal keeps its very logits.
    means[k * shape.C + c] = select(sum, sum / f32(count), count > 1u);
  }
}
