// dice: 1 - (2 sum p t + s) / (sum p + sum t + s) of each mask (Milletari et al. 2016), or with squares in the denominator, and its gradient.
// logits, targets, gradient [M, N], weights, rows [M]. The sums come before the slopes: masks of more than 3072 pixels a row are read twice, and all
// where a mask has one invocation.
// Overrides: alone: a mask has one invocation.
// Dispatch: one workgroup for 256 / lanes masks.
#import "../shared/rows.wgsl"
#import "../shared/logistic.wgsl"

struct Shape {
  P: u32,
  C: u32,
  lanes: u32,
  has_weights: u32,
  smooth_by: f32,
  squared: u32,
  scale: f32,
}

@group(0) @binding(0) var<storage, read> logits: array<f32>;
@group(0) @binding(1) var<storage, read> targets: array<f32>;
@group(0) @binding(2) var<storage, read> weights: array<f32>;
@group(0) @binding(3) var<storage, read_write> rows: array<f32>;
@group(0) @binding(4) var<storage, read_write> gradient: array<f32>;
@group(0) @binding(5) var<uniform> shape: Shape;

const kept = 3072u;

// What an invocation reads it keeps for itself: pixel k of its mask stands at (k / lanes) * 256 + slot.
var<workgroup> cache: array<f32, 3072>;

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
  var weight = 1.0;
  if (inside && shape.has_weights == 1u) {
    weight = weights[share.row];
  }
  let counts = inside && weight != 0.0;
  let fits = !alone && (shape.C + lanes - 1u) / lanes * 256u <= kept;
  var shared_part = 0.0;
  var all = 0.0;
  for (var c = share.lane; counts && c < shape.C; c += lanes) {
    let x = logits[base + c];
    if (fits) {
      cache[c / lanes * 256u + share.slot] = x;
    }
    let p = sigmoid(x);
    let t = targets[base + c];
    shared_part += p * t;
    all += select(p + t, p * p + t * t, shape.squared == 1u);
  }
  let top = 2.0 * sum_of_row(share, lanes, shared_part) + shape.smooth_by;
  let bottom = sum_of_row(share, lanes, all) + shape.smooth_by;
  if (!inside) {
    return;
  }
  let defined = counts && bottom != 0.0;
  if (share.lane == 0u) {
    rows[share.row] = select(0.0, weight * (1.0 - top / bottom), defined);
  }
  for (var c = share.lane; c < shape.C; c += lanes) {
    var slope = 0.0;
    if (defined) {
      var x = 0.0;
      if (fits) {
        x = cache[c / lanes * 256u + share.slot];
      } else {
        x = logits[base + c];
      }
      let p = sigmoid(x);
      let rise = select(1.0, 2.0 * p, shape.squared == 1u);
      slope = shape.scale * weight * (top / bottom * rise - 2.0 * targets[base + c]) / bottom * p * sigmoid(-x);
    }
    gradient[base + c] = slope;
  }
}
