// smooth_l1: d^2 / (2 beta) where |d| < beta, else |d| - beta / 2 (Girshick 2015), summed over a row, and its gradient.
// logits, targets, gradient [P, C], weights [P] or [P, C], rows [P].
// Overrides: alone: a row has one invocation.
// Dispatch: one workgroup for 256 / lanes rows.
#import "../shared/rows.wgsl"

struct Shape {
  P: u32,
  C: u32,
  lanes: u32,
  // 0: none, 1: a row, 2: an element.
  weighted: u32,
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
      let off = logits[i] - targets[i];
      let size = abs(off);
      if (size < shape.beta) {
        sum += weight * off * off / (2.0 * shape.beta);
        slope = off / shape.beta;
      } else {
        sum += weight * (size - 0.5 * shape.beta);
        slope = sign(off);
      }
      slope *= shape.scale * weight;
    }
    gradient[i] = slope;
  }
  sum = sum_of_row(share, lanes, sum);
  if (inside && share.lane == 0u) {
    rows[share.row] = sum;
  }
}
