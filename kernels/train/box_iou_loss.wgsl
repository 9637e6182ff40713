// box_iou_loss: 1 - GIoU (Rezatofighi et al. 2019) or 1 - CIoU (Zheng et al. 2020) of each pair of boxes xyxy, and its gradient by forward mode: every
// number carries its slopes by the four corners. CIoU's alpha is a constant to the gradient.
// logits, targets, gradient [P, 4], weights, rows [P].
// Overrides: none.
// Dispatch: flat, one invocation for a pair.
#import "../shared/flat.wgsl"

struct Shape {
  P: u32,
  has_weights: u32,
  complete: u32,
  scale: f32,
}

@group(0) @binding(0) var<storage, read> logits: array<vec4<f32>>;
@group(0) @binding(1) var<storage, read> targets: array<vec4<f32>>;
@group(0) @binding(2) var<storage, read> weights: array<f32>;
@group(0) @binding(3) var<storage, read_write> rows: array<f32>;
@group(0) @binding(4) var<storage, read_write> gradient: array<vec4<f32>>;
@group(0) @binding(5) var<uniform> shape: Shape;

const guard = 1e-7;

struct Dual {
  v: f32,
  d: vec4<f32>,
}

fn fixed(v: f32) -> Dual {
  return Dual(v, vec4<f32>(0.0));
}
fn plus(a: Dual, b: Dual) -> Dual {
  return Dual(a.v + b.v, a.d + b.d);
}
fn minus(a: Dual, b: Dual) -> Dual {
  return Dual(a.v - b.v, a.d - b.d);
}
fn times(a: Dual, b: Dual) -> Dual {
  return Dual(a.v * b.v, a.d * b.v + b.d * a.v);
}
fn over(a: Dual, b: Dual) -> Dual {
  let ratio = a.v / b.v;
  return Dual(ratio, (a.d - ratio * b.d) / b.v);
}
// Equal ones share the slope.
fn larger(a: Dual, b: Dual) -> Dual {
  if (a.v == b.v) {
    return Dual(a.v, 0.5 * (a.d + b.d));
  }
  if (a.v > b.v) {
    return a;
  }
  return b;
}
fn smaller(a: Dual, b: Dual) -> Dual {
  if (a.v == b.v) {
    return Dual(a.v, 0.5 * (a.d + b.d));
  }
  if (a.v < b.v) {
    return a;
  }
  return b;
}
// Not below 0; at 0 the slope is that of the number.
fn positive(a: Dual) -> Dual {
  if (a.v >= 0.0) {
    return a;
  }
  return fixed(0.0);
}

// atan x. The built-in one may be 2^-11 off. Reduced to |x| <= tan(pi / 8) by atan x = pi / 4 + atan((x - 1) / (x + 1)) and pi / 2 - atan(1 / x); then
// its series, whose next term is below 2e-8.
fn arc_tangent(x: f32) -> f32 {
  let a = abs(x);
  var base = 0.0;
  var r = a;
  if (a > 2.4142136) {
    base = 1.5707964;
    r = -1.0 / a;
  } else if (a > 0.41421357) {
    base = 0.7853982;
    r = (a - 1.0) / (a + 1.0);
  }
  let q = r * r;
  let series = 1.0 - q * (1.0 / 3.0 - q * (1.0 / 5.0 - q * (1.0 / 7.0 - q * (1.0 / 9.0 - q * (1.0 / 11.0 - q * (1.0 / 13.0 - q / 15.0))))));
  let angle = base + r * series;
  return select(angle, -angle, x < 0.0);
}

// atan(w / h)
fn angle_of(w: Dual, h: Dual) -> Dual {
  let ratio = over(w, h);
  return Dual(arc_tangent(ratio.v), ratio.d / (1.0 + ratio.v * ratio.v));
}

fn loss_of(box: vec4<f32>, other: vec4<f32>) -> Dual {
  let x1 = Dual(box.x, vec4<f32>(1.0, 0.0, 0.0, 0.0));
  let y1 = Dual(box.y, vec4<f32>(0.0, 1.0, 0.0, 0.0));
  let x2 = Dual(box.z, vec4<f32>(0.0, 0.0, 1.0, 0.0));
  let y2 = Dual(box.w, vec4<f32>(0.0, 0.0, 0.0, 1.0));
  let u1 = fixed(other.x);
  let v1 = fixed(other.y);
  let u2 = fixed(other.z);
  let v2 = fixed(other.w);
  let eps = fixed(guard);
  let inner = times(positive(minus(smaller(x2, u2), larger(x1, u1))), positive(minus(smaller(y2, v2), larger(y1, v1))));
  let w = minus(x2, x1);
  let h = minus(y2, y1);
  let wt = minus(u2, u1);
  let ht = minus(v2, v1);
  let joined = minus(plus(times(w, h), times(wt, ht)), inner);
  let iou = over(inner, plus(joined, eps));
  let outer_w = minus(larger(x2, u2), smaller(x1, u1));
  let outer_h = minus(larger(y2, v2), smaller(y1, v1));
  let apart = minus(fixed(1.0), iou);
  if (shape.complete == 0u) {
    let outer = times(outer_w, outer_h);
    return plus(apart, over(minus(outer, joined), plus(outer, eps)));
  }
  let diagonal = plus(plus(times(outer_w, outer_w), times(outer_h, outer_h)), eps);
  let half = fixed(0.5);
  let dx = times(half, plus(minus(x1, u1), minus(x2, u2)));
  let dy = times(half, plus(minus(y1, v1), minus(y2, v2)));
  let distance_part = over(plus(times(dx, dx), times(dy, dy)), diagonal);
  let turn = minus(angle_of(wt, ht), angle_of(w, h));
  // 4 / pi^2
  let v = times(fixed(0.40528473), times(turn, turn));
  let alpha = v.v / (apart.v + v.v + guard);
  return plus(plus(apart, distance_part), times(fixed(alpha), v));
}

@compute @workgroup_size(64)
fn main(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) index: u32,
) {
  let p = flat_index(group, groups, index);
  if (p >= shape.P) {
    return;
  }
  var weight = 1.0;
  if (shape.has_weights == 1u) {
    weight = weights[p];
  }
  var value = 0.0;
  var slopes = vec4<f32>(0.0);
  if (weight != 0.0) {
    let loss = loss_of(logits[p], targets[p]);
    value = weight * loss.v;
    slopes = shape.scale * weight * loss.d;
  }
  rows[p] = value;
  gradient[p] = slopes;
}
