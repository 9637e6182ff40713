// NonMaxSuppression of tails: boxes are selected on the device, in a result of fixed size.
import { identity, type Tensor } from '../algebra.js';
import { ElementType as T } from '../model.js';
import type { Converter, NodeContext } from '../node.js';
import { toInt } from './elementwise.js';

/** Pairs of image and class; each becomes a sort and a suppression of its own. */
const MOST_CLASSES = 256;

/** Corners of boxes [P, 4] in falling or rising order, or centre and size, as corners in rising order. */
function corners(c: NodeContext, boxes: Tensor): Tensor {
  const { g } = c;
  const part = (at: number): Tensor => g.part(boxes, 1, at, 2);
  if (c.int('center_point_box', 0) === 0)
    return g.concat([g.binary('minimum', part(0), part(2)), g.binary('maximum', part(0), part(2))], 1);
  const half = g.number('mul', part(2), 0.5);
  return g.concat([g.binary('sub', part(0), half), g.binary('add', part(0), half)], 1);
}

/**
 * boxes [N, P, 4], scores [N, K, P] -> rows (image, class, box), by image, by class, by falling score. ONNX's result has as many rows as boxes were
 * selected; here it has N*K*min(limit, P), and those behind the selected ones are -1. No other node may read it.
 */
const nonMaxSuppression: Converter = (c) => {
  const { g } = c;
  const [boxes, scores] = [c.input(0), c.input(1)];
  const [n, p, four] = boxes.shape;
  const [sn, k, sp] = scores.shape;
  if (boxes.shape.length !== 3 || scores.shape.length !== 3 || four !== 4 || n !== sn || p !== sp)
    c.fail(`boxes ${boxes.shape.join(', ')}, scores ${scores.shape.join(', ')}`, '[N, P, 4] and [N, K, P]');
  const number = (at: number, what: string, fallback: number): number => (c.has(at) ? c.number(at, what) : fallback);
  const limit = Math.min(Math.max(0, Math.trunc(number(2, 'max_output_boxes_per_class', 0))), p!);
  const iouThreshold = number(3, 'iou_threshold', 0);
  const scoreThreshold = number(4, 'score_threshold', -Infinity);
  const pairs = n! * k!;
  if (pairs > MOST_CLASSES) {
    const next = 'Choose outputs before it, the boxes and the scores, and let nms of the manifest do it.';
    c.unsupported(`${pairs} classes`, `at most ${MOST_CLASSES}`, next);
  }
  const empty = (): Tensor => ({ ...g.constant(new Int32Array(0), [0, 3], T.int64), ragged: true });
  if (limit === 0 || pairs === 0) return empty();
  const places = g.constant(Int32Array.from(identity(limit)), [limit], T.int64);
  const zeros = g.constant(new Int32Array(p!), [p!], T.int32);
  const rows: Tensor[] = [];
  const valid: Tensor[] = [];
  for (let image = 0; image < n!; image++) {
    const all = corners(c, g.reshape(g.part(boxes, 0, image, 1), [p!, 4]));
    for (let label = 0; label < k!; label++) {
      const row = g.reshape(g.part(g.part(scores, 0, image, 1), 1, label, 1), [p!]);
      const [valueId, orderId] = g.emitAll('top_k', [g.plain(row)], { k: p! });
      const [values, order] = [g.tensor(valueId, T.float), g.tensor(orderId!, T.int64)];
      const above = toInt(c, g.compare('greater', values, g.scalar(scoreThreshold, values)), T.int32);
      const count = g.reduce('sum', above, [0], true);
      const sorted = g.gather(all, order, 0);
      const [keptId, numberId] = g.emitAll('non_max_suppression', [g.plain(sorted), valueId, g.plain(zeros), g.plain(count)], {
        iouThreshold,
        perClass: false,
      });
      const box = g.gather(order, g.part(g.tensor(keptId, T.int64), 0, 0, limit), 0);
      const is = g.compare('less', places, g.tensor(numberId!, T.int64));
      const columns = [
        g.constant(new Int32Array(limit).fill(image), [limit, 1], T.int64),
        g.constant(new Int32Array(limit).fill(label), [limit, 1], T.int64),
        g.reshape(box, [limit, 1]),
      ];
      const joined = g.concat(columns, 1);
      rows.push(g.where(g.reshape(is, [limit, 1]), joined, g.scalar(-1, joined)));
      valid.push(is);
    }
  }
  if (pairs === 1) return { ...rows[0]!, ragged: true };
  // Rows that are there first, in their order: keys count down, those of the others below zero.
  const total = pairs * limit;
  const all = g.concat(rows, 0);
  const there = g.concat(valid, 0);
  g.room([total, 2]);
  const first = g.constant(Int32Array.from({ length: total }, (_, i) => total - i), [total], T.int32); // prettier-ignore
  const behind = g.constant(
    Int32Array.from({ length: total }, (_, i) => -i),
    [total],
    T.int32,
  );
  const [, place] = g.emitAll('top_k', [g.plain(g.where(there, first, behind))], { k: total });
  return { ...g.gather(all, g.tensor(place!, T.int64), 0), ragged: true };
};

export const detection: Readonly<Record<string, Converter>> = { NonMaxSuppression: nonMaxSuppression };
