// 1 - GIoU or CIoU of pairs of boxes, with slopes written out, in doubles. The plain twin, by forward mode, is sdk/train/reference/boxes.ts.

const guard: f64 = 1e-7;

/** Share of the slope that `a` gets of a maximum of two: half where they are equal. */
// @ts-ignore: decorator
@inline
function above(a: f64, b: f64): f64 {
  return a > b ? 1 : a == b ? 0.5 : 0;
}

/** @param logits [P, 4] f32 corners, @param targets [P, 4] f32, @param weights [P] f32 or 0; out: rows [P], gradient [P, 4] f32 */
export function box_iou_loss(
  logits: usize, P: i32, targets: usize, weights: usize, complete: bool, scale: f32, rows: usize, gradient: usize,
): void {
  for (let p = 0; p < P; p++) {
    const weight: f64 = weights ? <f64>load<f32>(weights + ((<usize>p) << 2)) : 1;
    const at = (<usize>p) << 4;
    const slopes = gradient + at;
    if (weight == 0) {
      store<f32>(rows + ((<usize>p) << 2), 0);
      memory.fill(slopes, 0, 16);
      continue;
    }
    const x1 = <f64>load<f32>(logits + at), y1 = <f64>load<f32>(logits + at, 4);
    const x2 = <f64>load<f32>(logits + at, 8), y2 = <f64>load<f32>(logits + at, 12);
    const u1 = <f64>load<f32>(targets + at), v1 = <f64>load<f32>(targets + at, 4);
    const u2 = <f64>load<f32>(targets + at, 8), v2 = <f64>load<f32>(targets + at, 12);
    const acrossX = min(x2, u2) - max(x1, u1);
    const acrossY = min(y2, v2) - max(y1, v1);
    // Below 0 there is no slope; at 0 that of the number.
    const openX: f64 = acrossX >= 0 ? 1 : 0;
    const openY: f64 = acrossY >= 0 ? 1 : 0;
    const sharedW = acrossX * openX;
    const sharedH = acrossY * openY;
    const shared = sharedW * sharedH;
    const w = x2 - x1, h = y2 - y1, wt = u2 - u1, ht = v2 - v1;
    const union = w * h + wt * ht - shared;
    const outerW = max(x2, u2) - min(x1, u1);
    const outerH = max(y2, v2) - min(y1, v1);
    // Slopes of the shared area by x1, y1, x2, y2; of the box's own area they are -h, -w, h, w.
    const sx1 = -above(x1, u1) * openX * sharedH, sx2 = above(u2, x2) * openX * sharedH;
    const sy1 = -above(y1, v1) * openY * sharedW, sy2 = above(v2, y2) * openY * sharedW;
    // Of the sides of the box around both.
    const ox1 = -above(u1, x1), ox2 = above(x2, u2), oy1 = -above(v1, y1), oy2 = above(y2, v2);
    const bottom = union + guard;
    const iou = shared / bottom;
    // -iou by the shared area and by the own one, which is in the union.
    let byShared = -1 / bottom - shared / (bottom * bottom);
    let byOwn = shared / (bottom * bottom);
    let value = 1 - iou;
    let gx1: f64 = 0, gy1: f64 = 0, gx2: f64 = 0, gy2: f64 = 0;
    if (complete) {
      const diagonal = outerW * outerW + outerH * outerH + guard;
      const dx = 0.5 * (x1 + x2 - u1 - u2);
      const dy = 0.5 * (y1 + y2 - v1 - v2);
      const distance = (dx * dx + dy * dy) / diagonal;
      const turn = Math.atan(wt / ht) - Math.atan(w / h);
      const v = (4 / (Math.PI * Math.PI)) * turn * turn;
      const alpha = v / (1 - iou + v + guard);
      value += distance + alpha * v;
      const far = (-2 * distance) / diagonal;
      // Of alpha v by the angle of the box, and of that by its sides.
      const byAngle = (-8 / (Math.PI * Math.PI)) * alpha * turn;
      const byW = (byAngle * h) / (w * w + h * h);
      const byH = (-byAngle * w) / (w * w + h * h);
      gx1 = dx / diagonal + far * outerW * ox1 - byW;
      gx2 = dx / diagonal + far * outerW * ox2 + byW;
      gy1 = dy / diagonal + far * outerH * oy1 - byH;
      gy2 = dy / diagonal + far * outerH * oy2 + byH;
    } else {
      const outer = outerW * outerH;
      const whole = outer + guard;
      value += (outer - union) / whole;
      const byOuter = 1 / whole - (outer - union) / (whole * whole);
      byShared += 1 / whole;
      byOwn -= 1 / whole;
      gx1 = byOuter * outerH * ox1;
      gx2 = byOuter * outerH * ox2;
      gy1 = byOuter * outerW * oy1;
      gy2 = byOuter * outerW * oy2;
    }
    const factor = <f64>scale * weight;
    store<f32>(rows + ((<usize>p) << 2), <f32>(weight * value));
    store<f32>(slopes, <f32>(factor * (gx1 + byShared * sx1 - byOwn * h)));
    store<f32>(slopes, <f32>(factor * (gy1 + byShared * sy1 - byOwn * w)), 4);
    store<f32>(slopes, <f32>(factor * (gx2 + byShared * sx2 + byOwn * h)), 8);
    store<f32>(slopes, <f32>(factor * (gy2 + byShared * sy2 + byOwn * w)), 12);
  }
}
