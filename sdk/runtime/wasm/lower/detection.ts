// What only detectors need: image_to_tensor, score_merge, peak_top_k, gather_rows, box_decode, pairwise_iou, non_max_suppression, top_k.
import {
  BoxDecode,
  BoxExtent,
  BoxForm,
  BoxPosition,
  Combine,
  GatherRows,
  ImageToTensor,
  Op,
  PairwiseIou,
  PeakTopK,
  ScoreMerge,
  Suppression,
  TopK,
} from '../../../../assembly/records.js';
import type { Attributes } from '../../../ir/operators.js';
import { Step } from '../step.js';
import { room, type Address, type Lowering } from './context.js';

/** The words that do not change from frame to frame; image.ts sets the others. */
export const imageToTensor: Lowering<'image_to_tensor'> = (node, c) => {
  const { height, width, order, mean, std, padValue, background } = node.attributes;
  const y = c.address(node.outputs[0]!);
  return {
    emit: () => {
      const step = new Step(Op.image_to_tensor)
        .set({ [ImageToTensor.y]: y(), [ImageToTensor.height]: height, [ImageToTensor.width]: width })
        .set({ [ImageToTensor.swap]: order === 'BGR' ? 1 : 0 })
        .real(ImageToTensor.pad_value, padValue)
        .real(ImageToTensor.background, background);
      for (let i = 0; i < 3; i++) step.real(ImageToTensor.mean + i, mean[i]!).real(ImageToTensor.std + i, std[i]!);
      // The size of the image is not known yet: taken for one of several megapixels, so that it is done in parts.
      return [step.costs(IMAGE_COST)];
    },
  };
};

const IMAGE_COST = 4e8;

const combines: Readonly<Record<Attributes['score_merge']['combine'], Combine>> = {
  max: Combine.max,
  mean: Combine.mean,
  noisy_or: Combine.noisy_or,
};

export const scoreMerge: Lowering<'score_merge'> = (node, c) => {
  const [scoresId, offsetsId, membersId] = node.inputs as [number, number, number];
  const [P, K] = c.shape(scoresId) as [number, number];
  const U = c.shape(node.outputs[0]!)[1]!;
  const memberValues = c.numbers(membersId);
  if (memberValues?.some((k) => k < 0 || k >= K)) throw c.unsupported(node, 'a member outside the scores', `0 to ${K - 1}`);
  const scores = c.address(scoresId);
  const offsets = c.address(offsetsId);
  const members = c.address(membersId);
  const y = c.address(node.outputs[0]!);
  const { threads } = c.settings;
  const rowBytes = room(K * 4);
  return {
    scratch: rowBytes * threads,
    emit: (base) => [
      new Step(Op.score_merge)
        .set({
          [ScoreMerge.scores]: scores(),
          [ScoreMerge.offsets]: offsets(),
          [ScoreMerge.members]: members(),
          [ScoreMerge.y]: y(),
        })
        .set({ [ScoreMerge.rows]: P, [ScoreMerge.columns]: K, [ScoreMerge.labels]: U })
        .set({
          [ScoreMerge.combine]: combines[node.attributes.combine],
          [ScoreMerge.logits]: node.attributes.from === 'logit' ? 1 : 0,
        })

        .set({ [ScoreMerge.member_count]: c.size(membersId) })
        .set({ [ScoreMerge.row]: base, [ScoreMerge.row_bytes]: threads > 1 ? rowBytes : 0 })
        .costs(P * (K + U) * 8),
    ],
  };
};

export const peakTopK: Lowering<'peak_top_k'> = (node, c) => {
  const { window, k } = node.attributes;
  const [mapId, thresholdId] = node.inputs as [number, number];
  const [, H, W, U] = c.shape(mapId) as [number, number, number, number];
  const [value, index, count] = node.outputs.map((id) => c.address(id)) as [() => number, () => number, () => number];
  const map = c.address(mapId);
  const threshold = c.address(thresholdId);
  const { threads } = c.settings;
  const heapBytes = room(8 + k * 8);
  return {
    scratch: heapBytes * threads,
    emit: (base) =>
      [Op.peak_top_k, Op.peak_top_k_merge].map((op) =>
        new Step(op)
          .set({ [PeakTopK.map]: map(), [PeakTopK.threshold]: threshold(), [PeakTopK.value]: value(), [PeakTopK.index]: index() })
          .set({ [PeakTopK.count]: count(), [PeakTopK.height]: H, [PeakTopK.width]: W, [PeakTopK.labels]: U })
          .set({ [PeakTopK.radius]: (window - 1) / 2, [PeakTopK.k]: k, [PeakTopK.heaps]: base, [PeakTopK.heap_bytes]: heapBytes })
          .costs(op === Op.peak_top_k ? H * W * U : k * 8)
          .whole(true),
      ),
  };
};

export const gatherRows: Lowering<'gather_rows'> = (node, c) => {
  const [rowsId, indexId, countId] = node.inputs as [number, number, number];
  const [P, C] = c.shape(rowsId) as [number, number];
  const k = c.shape(indexId)[0]!;
  const rows = c.address(rowsId);
  const index = c.address(indexId);
  const count = c.address(countId);
  const y = c.address(node.outputs[0]!);
  if (P === 0 && k > 0) throw c.unsupported(node, 'a table without rows', 'at least one row');
  return {
    emit: () => [
      new Step(Op.gather_rows)
        .set({ [GatherRows.rows]: rows(), [GatherRows.index]: index(), [GatherRows.count]: count(), [GatherRows.y]: y() })
        .set({
          [GatherRows.row_count]: P,
          [GatherRows.columns]: C,
          [GatherRows.k]: k,
          [GatherRows.divisor]: node.attributes.divisor,
        })
        .costs(k * C * 4),
    ],
  };
};

const boxForms = { center: BoxForm.center, distances: BoxForm.distances, corners: BoxForm.corners };
const boxPositions = { identity: BoxPosition.identity, sigmoid: BoxPosition.sigmoid, tanh: BoxPosition.tanh };
const boxExtents = {
  identity: BoxExtent.identity, exp: BoxExtent.exp, sigmoid: BoxExtent.sigmoid, sigmoid_squared: BoxExtent.sigmoid_squared, relu: BoxExtent.relu,
}; // prettier-ignore

export const boxDecode: Lowering<'box_decode'> = (node, c) => {
  const { divisor, form, columns, bins, position, extent, scale, limit } = node.attributes;
  const [rows, priors, index, count] = node.inputs.map((id) => c.address(id)) as [Address, Address, Address, Address];
  const [P, C] = c.shape(node.inputs[0]!) as [number, number];
  const k = c.shape(node.inputs[2]!)[0]!;
  const y = c.address(node.outputs[0]!);
  return {
    emit: () => [
      new Step(Op.box_decode)
        .set({ [BoxDecode.rows]: rows(), [BoxDecode.priors]: priors(), [BoxDecode.index]: index(), [BoxDecode.count]: count() })
        .set({ [BoxDecode.y]: y(), [BoxDecode.row_count]: P, [BoxDecode.prior_count]: c.shape(node.inputs[1]!)[0]! })
        .set({ [BoxDecode.row_columns]: C, [BoxDecode.k]: k, [BoxDecode.divisor]: divisor, [BoxDecode.bins]: bins })
        .set({ [BoxDecode.form]: boxForms[form], [BoxDecode.position]: boxPositions[position] })
        .set({ [BoxDecode.extent]: boxExtents[extent] })
        .list(BoxDecode.columns, columns)
        .real(BoxDecode.scale_x, scale[0])
        .real(BoxDecode.scale_y, scale[1])
        .real(BoxDecode.limit, limit)
        .costs(k * (32 + bins * 16)),
    ],
  };
};

export const pairwiseIou: Lowering<'pairwise_iou'> = (node, c) => {
  const [n, m] = node.inputs.map((id) => c.shape(id)[0]!) as [number, number];
  const [a, b] = node.inputs.map((id) => c.address(id)) as [() => number, () => number];
  const y = c.address(node.outputs[0]!);
  return {
    emit: () => [
      new Step(Op.pairwise_iou)
        .set({ [PairwiseIou.a]: a(), [PairwiseIou.b]: b(), [PairwiseIou.y]: y(), [PairwiseIou.n]: n, [PairwiseIou.m]: m })
        .costs(n * m * 16),
    ],
  };
};

export const nonMaxSuppression: Lowering<'non_max_suppression'> = (node, c) => {
  const { iouThreshold, perClass } = node.attributes;
  const k = c.shape(node.inputs[0]!)[0]!;
  const [boxes, scores, labels, count] = node.inputs.map((id) => c.address(id)) as (() => number)[];
  const [index, kept] = node.outputs.map((id) => c.address(id)) as (() => number)[];
  return {
    scratch: room(k * 8),
    emit: (base) => [
      new Step(Op.non_max_suppression)
        .set({ [Suppression.boxes]: boxes!(), [Suppression.scores]: scores!(), [Suppression.labels]: labels!() })
        .set({ [Suppression.count]: count!(), [Suppression.index]: index!(), [Suppression.kept]: kept!(), [Suppression.k]: k })
        .set({ [Suppression.per_class]: perClass ? 1 : 0, [Suppression.heap]: base })
        .list(Suppression.threshold, [...new Int32Array(Float64Array.of(iouThreshold).buffer)])
        .costs(k * 64)
        .whole(),
    ],
  };
};

export const topK: Lowering<'top_k'> = (node, c) => {
  const { k } = node.attributes;
  const xId = node.inputs[0]!;
  const length = c.shape(xId).at(-1)!;
  const rows = c.size(xId) / length;
  const x = c.address(xId);
  const values = c.address(node.outputs[0]!);
  const index = c.address(node.outputs[1]!);
  const { threads } = c.settings;
  return {
    scratch: threads * k * 8,
    emit: (base) => [
      new Step(Op.top_k)
        .set({ [TopK.x]: x(), [TopK.values]: values(), [TopK.index]: index(), [TopK.rows]: rows, [TopK.length]: length })
        .set({ [TopK.k]: k, [TopK.integer]: c.value(xId).dtype === 'int32' ? 1 : 0, [TopK.heap]: base })
        .costs(rows * length * 8)
        .whole(),
    ],
  };
};
