// heatmap_focal: CenterNet's penalty-reduced focal loss (Zhou et al. 2019, Eq. 1) and its gradient: (1 - p)^alpha softplus(-x) where t = 1, elsewhere
// (1 - t)^beta p^alpha softplus(x), summed over a row.
// logits, targets, gradient [P, C], weights [P] or [P, C], rows [P].
// Overrides: alone: a row has one invocation.
// Dispatch: one workgroup for 256 / lanes rows.
#import "../shared/rows.wgsl"
#import "../shared/logistic.wgsl"

struct Shape {
  P: u32,
  C: u32,
  lanes: u32,
  // 0: none, 1: a row, 2: an element.
  weighted: u32,
  alpha: f32,
  beta: f32,
  scale: f32,
}

@group(0) @binding(0) var<storage, read> logits: array<f32>;
@group(0) @binding(1) var<storage, read> targets: array<f32>;
@group(0) @binding(2) var<storage, read> weights: array<f32>;
@group(0) @binding(3) var<storage, read_write> rows: array<f32>;
@group(0) @binding(4) var<storage, read_write> gradient: array<f32>;
@group(0) @binding(5) var<uniform> shape: Shape;

@compute @workgroup_size(256)
fn main(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) index: u32,
) {
  let lanes = shape.lanes;
  let share = share_of(group, groups, index, lanes);
  let inside = share.row < shape.P;
  var row_weight = 1.0;
  if (inside && shape.weighted == 1u) {
    row_weight = weights[share.row];
  }
  var sum = 0.0;
  for (var c = share.lane; inside && c < shape.C; c += lanes) {
    let i = share.row * shape.C + c;
    var weight = row_weight;
    if (shape.weighted == 2u) {
      weight = weights[i];
    }
    var slope = 0.0;
    if (weight != 0.0) {
      // A centre is the mirror image of background: x -> -x.
      let target_value = targets[i];
      let mirrored = select(1.0, -1.0, target_value == 1.0);
      let x = mirrored * logits[i];
      var factor = weight;
      if (target_value != 1.0) {
        factor *= power(1.0 - target_value, shape.beta);
      }
      let p = sigmoid(x);
      let entropy = softplus(x);
      let focus = power(p, shape.alpha);
      sum += factor * focus * entropy;
      slope = shape.scale * mirrored * factor * focus * (shape.alpha * sigmoid(-x) * entropy + p);
    }
    gradient[i] = slope;
  }
  sum = sum_of_row(share, lanes, sum);
  if (inside && share.lane == 0u) {
    rows[share.row] = sum;
  }
}
