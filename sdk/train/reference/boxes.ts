// Losses of boxes: smooth L1 of numbers, and 1 - GIoU or CIoU of corners.
import type { BoxIouLoss, LossOutput, SmoothL1 } from '../kernels.js';

/** |d| < beta: d^2 / (2 beta), else |d| - beta / 2 (Girshick 2015, with detectron2's beta). */
export function smoothL1(input: SmoothL1, { rows, gradient }: LossOutput): void {
  const { logits, P, C, targets, weights, beta, scale } = input;
  const byElement = weights !== undefined && weights.length === P * C && C !== 1;
  for (let p = 0; p < P; p++) {
    let sum = 0;
    for (let c = 0; c < C; c++) {
      const i = p * C + c;
      const weight = weights ? weights[byElement ? i : p]! : 1;
      const off = logits[i]! - targets[i]!;
      const size = Math.abs(off);
      gradient[i] = 0;
      if (weight === 0) continue;
      const isNear = size < beta;
      sum += weight * (isNear ? (off * off) / (2 * beta) : size - beta / 2);
      gradient[i] = scale * weight * (isNear ? off / beta : Math.sign(off));
    }
    rows[p] = sum;
  }
}

const guard = 1e-7;

/**
 * 1 - GIoU (Rezatofighi et al. 2019) or 1 - CIoU (Zheng et al. 2020); alpha of CIoU is a constant to the gradient, as there. Derivatives by
 * forward mode: every number carries its slopes by the four corners.
 */
export function boxIouLoss(input: BoxIouLoss, { rows, gradient }: LossOutput): void {
  const { logits, P, targets, weights, kind, scale } = input;
  for (let p = 0; p < P; p++) {
    const weight = weights ? weights[p]! : 1;
    rows[p] = 0;
    gradient.fill(0, 4 * p, 4 * p + 4);
    if (weight === 0) continue;
    const box = [0, 1, 2, 3].map((k) => variable(logits[4 * p + k]!, k)) as [Dual, Dual, Dual, Dual];
    const loss = boxLoss(box, [0, 1, 2, 3].map((k) => constant(targets[4 * p + k]!)) as [Dual, Dual, Dual, Dual], kind);
    rows[p] = weight * loss.value;
    for (let k = 0; k < 4; k++) gradient[4 * p + k] = scale * weight * loss.slopes[k]!;
  }
}

interface Dual {
  readonly value: number;
  readonly slopes: readonly [number, number, number, number];
}
const variable = (value: number, k: number): Dual => ({ value, slopes: [0, 1, 2, 3].map((i) => Number(i === k)) as never });
const constant = (value: number): Dual => ({ value, slopes: [0, 0, 0, 0] });
const combine = (value: number, a: Dual, da: number, b: Dual, db: number): Dual => ({
  value,
  slopes: a.slopes.map((slope, k) => da * slope + db * b.slopes[k]!) as never,
});
const add = (a: Dual, b: Dual) => combine(a.value + b.value, a, 1, b, 1);
const sub = (a: Dual, b: Dual) => combine(a.value - b.value, a, 1, b, -1);
const mul = (a: Dual, b: Dual) => combine(a.value * b.value, a, b.value, b, a.value);
const div = (a: Dual, b: Dual) => combine(a.value / b.value, a, 1 / b.value, b, -a.value / (b.value * b.value));
/** Equal ones share the slope, as PyTorch's maximum and minimum do. */
const pick = (a: Dual, b: Dual, first: boolean): Dual => (a.value === b.value ? combine(a.value, a, 0.5, b, 0.5) : first ? a : b);
const max = (a: Dual, b: Dual) => pick(a, b, a.value > b.value);
const min = (a: Dual, b: Dual) => pick(a, b, a.value < b.value);
/** Not below 0; the slope is that of the number at 0, as PyTorch's clamp has it. */
const positive = (a: Dual): Dual => (a.value >= 0 ? a : constant(0));

type Box = readonly [x1: Dual, y1: Dual, x2: Dual, y2: Dual];

function boxLoss([x1, y1, x2, y2]: Box, [u1, v1, u2, v2]: Box, kind: 'giou' | 'ciou'): Dual {
  const width = positive(sub(min(x2, u2), max(x1, u1)));
  const height = positive(sub(min(y2, v2), max(y1, v1)));
  const shared = mul(width, height);
  const [w, h, wt, ht] = [sub(x2, x1), sub(y2, y1), sub(u2, u1), sub(v2, v1)];
  const union = sub(add(mul(w, h), mul(wt, ht)), shared);
  const eps = constant(guard);
  const iou = div(shared, add(union, eps));
  const [outerW, outerH] = [sub(max(x2, u2), min(x1, u1)), sub(max(y2, v2), min(y1, v1))];
  const one = constant(1);
  if (kind === 'giou') {
    const outer = mul(outerW, outerH);
    return add(sub(one, iou), div(sub(outer, union), add(outer, eps)));
  }
  const diagonal = add(add(mul(outerW, outerW), mul(outerH, outerH)), eps);
  const half = constant(0.5);
  const dx = mul(half, sub(add(x1, x2), add(u1, u2)));
  const dy = mul(half, sub(add(y1, y2), add(v1, v2)));
  const distance = div(add(mul(dx, dx), mul(dy, dy)), diagonal);
  const angle = (a: Dual, b: Dual): Dual => {
    const ratio = div(a, b);
    return combine(Math.atan(ratio.value), ratio, 1 / (1 + ratio.value * ratio.value), constant(0), 0);
  };
  const turn = sub(angle(wt, ht), angle(w, h));
  const v = mul(constant(4 / Math.PI ** 2), mul(turn, turn));
  const alpha = v.value / (1 - iou.value + v.value + guard);
  return add(add(sub(one, iou), distance), mul(constant(alpha), v));
}
