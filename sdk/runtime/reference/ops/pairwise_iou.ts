// pairwise_iou: overlap of every pair of boxes.
import { need, type ReferenceOperator } from '../operand.js';

/** a [n,4], b [m,4] -> [n,m]. */
export const pairwise_iou: ReferenceOperator<'pairwise_iou'> = (inputs, outputs) => {
  const [a, b, y] = [need(inputs, 0), need(inputs, 1), need(outputs, 0).data];
  const [n, m] = [a.shape[0]!, b.shape[0]!];
  for (let i = 0; i < n; i++) {
    for (let j = 0; j < m; j++) y[i * m + j] = iou(a.data, i, b.data, j);
  }
};

/** Intersection over union of box i of `a` and box j of `b`, xyxy: 0 where they do not overlap, negative extents count as 0. */
export function iou(a: ArrayLike<number>, i: number, b: ArrayLike<number>, j: number): number {
  const extent = (axis: number): number =>
    Math.max(0, Math.min(a[i * 4 + axis + 2]!, b[j * 4 + axis + 2]!) - Math.max(a[i * 4 + axis]!, b[j * 4 + axis]!));
  const intersection = extent(0) * extent(1);
  return intersection > 0 ? intersection / (area(a, i) + area(b, j) - intersection) : 0;
}

function area(boxes: ArrayLike<number>, i: number): number {
  return Math.max(0, boxes[i * 4 + 2]! - boxes[i * 4]!) * Math.max(0, boxes[i * 4 + 3]! - boxes[i * 4 + 1]!);
}
