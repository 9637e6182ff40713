// score_merge: scores of one label space combined into those of another by a sparse mapping (UniDet, Eq. 5 for mean; re-projection with the
// transposed mapping). max keeps what the scores are; mean and noisy-or give probabilities.
// scores [P, K], offsets int32 [U + 1], members int32 [offsets[U]], y [P, U], written in fours.
// Overrides: combine, 0 max, 1 mean, 2 noisy-or; logits, 1 where the scores are logits.
// Dispatch: flat, one invocation for four elements.
#import "../shared/math.wgsl"
#import "../shared/bits.wgsl"
#import "../shared/flat.wgsl"

override combine: u32 = 0u;
override logits: u32 = 0u;

struct Shape {
  vectors: u32,
  columns: u32,
  labels: u32,
}

@group(0) @binding(0) var<storage, read> scores: array<scalar>;
@group(0) @binding(1) var<storage, read> offsets: array<i32>;
@group(0) @binding(2) var<storage, read> members: array<i32>;
@group(0) @binding(3) var<storage, read_write> y: array<vec4<scalar>>;
@group(0) @binding(4) var<uniform> shape: Shape;

fn probability(score: f32) -> f32 {
  if (logits == 1u) {
    return sigmoid4(vec4<f32>(score)).x;
  }
  return score;
}

// The score of label u from the scores of a row that begin at `row`.
fn merged(row: u32, u: u32) -> f32 {
  let first = offsets[u];
  let last = offsets[u + 1u];
  if (combine == 0u) {
    var best = 0.0;
    if (logits == 1u || last > first) {
      best = -infinity();
    }
    var nan = false;
    for (var k = first; k < last; k++) {
      let score = f32(scores[row + u32(members[k])]);
      nan |= is_nan(score);
      best = max(best, score);
    }
    return select(best, bitcast<f32>(bitcast<u32>(best) | 0x7fc00000u), nan);
  }
  var sum = 0.0;
  var rest = 1.0;
  for (var k = first; k < last; k++) {
    let p = probability(f32(scores[row + u32(members[k])]));
    sum += p;
    rest *= 1.0 - p;
  }
  if (combine == 2u) {
    return 1.0 - rest;
  }
  return sum / f32(max(last - first, 1));
}

@compute @workgroup_size(64)
fn main(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) lane: u32,
) {
  let i = flat_index(group, groups, lane);
  if (i >= shape.vectors) {
    return;
  }
  var row = (i * 4u) / shape.labels;
  var u = i * 4u - row * shape.labels;
  var value = vec4<f32>(0.0);
  for (var e = 0u; e < 4u; e++) {
    value[e] = merged(row * shape.columns, u);
    u++;
    if (u == shape.labels) {
      u = 0u;
      row++;
    }
  }
  y[i] = vec4<scalar>(value);
}
