// sigmoid_cross_entropy: sum over columns of w a (1 - q)^gamma (softplus(x) - t x), plain or focal, and its gradient; targets t come from the column of
// the label, from its row of a table (negative, positive, none), or dense.
// logits, gradient, states [P, C] or [R, C] bytes, targets [P, C], labels, rows [P], columns [C] bytes, weights [P] or [P, C].
// Overrides: alone: a row has one invocation.
// Dispatch: one workgroup for 256 / lanes rows.
#import "../shared/rows.wgsl"
#import "../shared/states.wgsl"
#import "../shared/logistic.wgsl"

struct Shape {
  P: u32,
  C: u32,
  lanes: u32,
  has_labels: u32,
  has_table: u32,
  has_targets: u32,
  has_columns: u32,
  // 0: none, 1: a row, 2: an element.
  weighted: u32,
  gamma: f32,
  alpha: f32,
  scale: f32,
}

@group(0) @binding(0) var<storage, read> logits: array<f32>;
@group(0) @binding(1) var<storage, read> labels: array<i32>;
@group(0) @binding(2) var<storage, read> states: array<u32>;
@group(0) @binding(3) var<storage, read> targets: array<f32>;
@group(0) @binding(4) var<storage, read> columns: array<u32>;
@group(0) @binding(5) var<storage, read> weights: array<f32>;
@group(0) @binding(6) var<storage, read_write> rows: array<f32>;
@group(0) @binding(7) var<storage, read_write> gradient: array<f32>;
@group(0) @binding(8) var<uniform> shape: Shape;

const none = 2.0;

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
  var label = 0;
  var row_weight = 1.0;
  if (inside) {
    if (shape.has_labels == 1u) {
      label = labels[share.row];
    }
    if (shape.weighted == 1u) {
      row_weight = weights[share.row];
    }
  }
  let gamma = shape.gamma;
  var sum = 0.0;
  for (var c = share.lane; inside && c < shape.C; c += lanes) {
    let i = base + c;
    var weight = row_weight;
    if (shape.weighted == 2u) {
      weight = weights[i];
    }
    var t = none;
    if (label >= 0 && weight != 0.0 && (shape.has_columns == 0u || byte_of(columns[c >> 2u], c) != 0u)) {
      if (shape.has_targets == 1u) {
        t = targets[i];
      } else if (shape.has_table == 1u) {
        let at = u32(label) * shape.C + c;
        t = f32(byte_of(states[at >> 2u], at));
      } else {
        t = select(0.0, 1.0, i32(c) == label);
      }
    }
    var slope = 0.0;
    if (t != none) {
      let x = logits[i];
      let p = sigmoid(x);
      let q = sigmoid(-x);
      // softplus(x) - t x, from the side where nothing cancels.
      let entropy = select(softplus(x) - t * x, softplus(-x) + (1.0 - t) * x, x > 0.0);
      // 1 - (p t + q (1 - t))
      let miss = q * t + p * (1.0 - t);
      let share_of_class = select(weight * (shape.alpha * t + (1.0 - shape.alpha) * (1.0 - t)), weight, shape.alpha < 0.0);
      let focus = power(miss, gamma);
      sum += share_of_class * focus * entropy;
      // p - t
      slope = focus * (p * (1.0 - t) - q * t);
      if (gamma > 0.0 && miss > 0.0) {
        slope -= gamma * power(miss, gamma - 1.0) * (2.0 * t - 1.0) * p * q * entropy;
      }
      slope *= shape.scale * share_of_class;
    }
    gradient[i] = slope;
  }
  sum = sum_of_row(share, lanes, sum);
  if (inside && share.lane == 0u) {
    rows[share.row] = sum;
  }
}
