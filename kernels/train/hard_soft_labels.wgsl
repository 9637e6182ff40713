// hard_soft_labels: sum over labels of BCE(sigmoid(cos / tau), c = label) + soft_weight (cos - similarity[label, c])^2 (ScaleDet Eq. 6 to 8), and its
// gradient by the cosines; background (label C and above) has no soft part.
// logits, gradient [P, C], similarity [C, C], labels, weights, rows [P].
// Overrides: alone: a row has one invocation.
// Dispatch: one workgroup for 256 / lanes rows.
#import "../shared/rows.wgsl"
#import "../shared/logistic.wgsl"

struct Shape {
  P: u32,
  C: u32,
  lanes: u32,
  has_weights: u32,
  temperature: f32,
  soft_weight: f32,
  scale: f32,
}

@group(0) @binding(0) var<storage, read> logits: array<f32>;
@group(0) @binding(1) var<storage, read> labels: array<i32>;
@group(0) @binding(2) var<storage, read> similarity: array<f32>;
@group(0) @binding(3) var<storage, read> weights: array<f32>;
@group(0) @binding(4) var<storage, read_write> rows: array<f32>;
@group(0) @binding(5) var<storage, read_write> gradient: array<f32>;
@group(0) @binding(6) var<uniform> shape: Shape;

@compute @workgroup_size(256)
fn main(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) index: u32,
) {
  let lanes = shape.lanes;
  let share = share_of(group, groups, index, lanes);
  let inside = share.row < shape.P;
  let base = share.row * shape.C;
  var label = -1;
  var weight = 1.0;
  if (inside) {
    label = labels[share.row];
    if (shape.has_weights == 1u) {
      weight = weights[share.row];
    }
  }
  let counts = label >= 0 && weight != 0.0;
  let has_soft = label >= 0 && u32(max(label, 0)) < shape.C && shape.soft_weight != 0.0;
  var sum = 0.0;
  for (var c = share.lane; inside && c < shape.C; c += lanes) {
    var slope = 0.0;
    if (counts) {
      let cosine = logits[base + c];
      let x = cosine / shape.temperature;
      let own = i32(c) == label;
      sum += softplus(select(x, -x, own));
      slope = select(sigmoid(x), -sigmoid(-x), own) / shape.temperature;
      if (has_soft) {
        let off = cosine - similarity[u32(label) * shape.C + c];
        sum += shape.soft_weight * off * off;
        slope += 2.0 * shape.soft_weight * off;
      }
    }
    gradient[base + c] = shape.scale * weight * slope;
  }
  sum = sum_of_row(share, lanes, sum);
  if (inside && share.lane == 0u) {
    rows[share.row] = select(0.0, weight * sum, counts);
  }
}
