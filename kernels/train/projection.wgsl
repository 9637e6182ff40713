// projection: dice of a mask's maxima over columns and over rows against a box's projections (DaTaSeg Eq. 3), and its gradient, which goes to the first
// largest pixel of each column and row.
// logits, gradient [M, H, W], targets_x [M, W], targets_y [M, H], weights, rows [M], best [M, W + H]: pixel of the maximum. Logits are read by columns and
// by rows.
// Overrides: alone: a mask has one invocation.
// Dispatch: one workgroup for 256 / lanes masks.
#import "../shared/rows.wgsl"
#import "../shared/logistic.wgsl"

struct Shape {
  M: u32,
  H: u32,
  W: u32,
  lanes: u32,
  has_weights: u32,
  smooth_by: f32,
  squared: u32,
  scale: f32,
}

@group(0) @binding(0) var<storage, read> logits: array<f32>;
@group(0) @binding(1) var<storage, read> targets_x: array<f32>;
@group(0) @binding(2) var<storage, read> targets_y: array<f32>;
@group(0) @binding(3) var<storage, read> weights: array<f32>;
@group(0) @binding(4) var<storage, read_write> best: array<u32>;
@group(0) @binding(5) var<storage, read_write> rows: array<f32>;
@group(0) @binding(6) var<storage, read_write> gradient: array<f32>;
@group(0) @binding(7) var<uniform> shape: Shape;

struct Fraction {
  top: f32,
  bottom: f32,
}

fn value_of(f: Fraction) -> f32 {
  return select(0.0, 1.0 - f.top / f.bottom, f.bottom != 0.0);
}

fn slope_of(f: Fraction, x: f32, t: f32) -> f32 {
  if (f.bottom == 0.0) {
    return 0.0;
  }
  let p = sigmoid(x);
  let rise = select(1.0, 2.0 * p, shape.squared == 1u);
  return (f.top / f.bottom * rise - 2.0 * t) / f.bottom * p * sigmoid(-x);
}

// The first largest of `count` logits that are `step` apart.
fn first_largest(first: u32, count: u32, step: u32) -> u32 {
  var at = first;
  var most = logits[first];
  for (var k = 1u; k < count; k++) {
    let x = logits[first + k * step];
    if (x > most) {
      most = x;
      at = first + k * step;
    }
  }
  return at;
}

// (p t, p + t) or (p t, p^2 + t^2)
fn terms(x: f32, t: f32) -> vec2<f32> {
  let p = sigmoid(x);
  return vec2<f32>(p * t, select(p + t, p * p + t * t, shape.squared == 1u));
}

@compute @workgroup_size(256)
fn main(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) index: u32,
) {
  let lanes = shape.lanes;
  let share = share_of(group, groups, index, lanes);
  let m = share.row;
  let inside = m < shape.M;
  let H = shape.H;
  let W = shape.W;
  let base = m * H * W;
  let marks = m * (W + H);
  var weight = 1.0;
  if (inside && shape.has_weights == 1u) {
    weight = weights[m];
  }
  var across = vec2<f32>(0.0);
  for (var x = share.lane; inside && x < W; x += lanes) {
    let at = first_largest(base + x, H, W);
    best[marks + x] = at;
    across += terms(logits[at], targets_x[m * W + x]);
  }
  var down = vec2<f32>(0.0);
  for (var y = share.lane; inside && y < H; y += lanes) {
    let at = first_largest(base + y * W, W, 1u);
    best[marks + W + y] = at;
    down += terms(logits[at], targets_y[m * H + y]);
  }
  if (!alone) {
    // What the others marked is seen from here on.
    storageBarrier();
  }
  var fx: Fraction;
  fx.top = 2.0 * sum_of_row(share, lanes, across.x) + shape.smooth_by;
  fx.bottom = sum_of_row(share, lanes, across.y) + shape.smooth_by;
  var fy: Fraction;
  fy.top = 2.0 * sum_of_row(share, lanes, down.x) + shape.smooth_by;
  fy.bottom = sum_of_row(share, lanes, down.y) + shape.smooth_by;
  if (inside && share.lane == 0u) {
    rows[m] = select(0.0, weight * (value_of(fx) + value_of(fy)), weight != 0.0);
  }
  for (var i = share.lane; inside && i < H * W; i += lanes) {
    let at = base + i;
    let y = i / W;
    let x = i - y * W;
    var slope = 0.0;
    if (weight != 0.0) {
      if (best[marks + x] == at) {
        slope += slope_of(fx, logits[at], targets_x[m * W + x]);
      }
      if (best[marks + W + y] == at) {
        slope += slope_of(fy, logits[at], targets_y[m * H + y]);
      }
    }
    gradient[at] = shape.scale * weight * slope;
  }
}
