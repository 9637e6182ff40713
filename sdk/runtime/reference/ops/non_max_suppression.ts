// non_max_suppression: greedy, by falling score, as sdk/postprocess/nms.ts does it on the results of a detector.
import { need, type ReferenceOperator } from '../operand.js';
import { iou } from './pairwise_iou.js';
import { descending } from './top_k.js';

/** boxes [k,4], scores [k], labels int32 [k], count int32 [1] -> index int32 [k], kept int32 [1]; zeros from `kept` on. */
export const non_max_suppression: ReferenceOperator<'non_max_suppression'> = (inputs, outputs, { iouThreshold, perClass }) => {
  const [boxes, scores, labels] = [need(inputs, 0).data, need(inputs, 1).data, need(inputs, 2).data];
  const count = Math.min(Math.max(need(inputs, 3).data[0]!, 0), scores.length);
  const order = Array.from({ length: count }, (_, i) => i).sort((p, q) => descending(scores[p]!, scores[q]!) || p - q);
  const kept: number[] = [];
  for (const i of order) {
    const dropped = kept.some((j) => (!perClass || labels[i] === labels[j]) && iou(boxes, i, boxes, j) > iouThreshold);
    if (!dropped) kept.push(i);
  }
  const index = need(outputs, 0).data.fill(0);
  index.set(kept);
  need(outputs, 1).data[0] = kept.length;
};
