// Shape inference: one good row an operator, and for each rule one row that breaks just it.
import { describe, expect, it } from 'vitest';
import { ModelError } from '../../sdk/errors.js';
import { inferShapes, type InferOptions, type OperandType, type ValueDType } from '../../sdk/ir/infer.js';
import type { Attributes, OperatorName } from '../../sdk/ir/operators.js';
import type { Shape } from '../../sdk/tensor/shape.js';

const f = (...shape: number[]): OperandType => ({ dtype: 'float32', shape });
const i = (...shape: number[]): OperandType => ({ dtype: 'int32', shape });
const image: OperandType = { dtype: 'uint8', shape: [], image: true };
const none = { kind: 'none' } as const;
const toTensor = { height: 4, width: 5, order: 'RGB', mean: [0, 0, 0], std: [1, 1, 1], padValue: 0, background: 0 } as const;
const conv = {
  strides: [1, 1],
  padding: [0, 0, 0, 0],
  dilations: [1, 1],
  groups: 1,
  activation: none,
  residual: 'before_activation',
} as const;
const dw = { strides: [1, 1], padding: [0, 0, 0, 0], dilations: [1, 1], activation: none } as const;
const window = { kernel: [2, 2], strides: [2, 2], padding: [0, 0, 0, 0] } as const;
const plain = { transposeA: false, transposeB: false, activation: none };

type Good = {
  [K in OperatorName]: [
    K,
    readonly (OperandType | undefined)[],
    Attributes[K],
    Shape[],
    (ValueDType[] | undefined)?,
    InferOptions['result']?,
  ];
}[OperatorName];
const good: Good[] = [
  ['image_to_tensor', [image], toTensor, [[1, 4, 5, 3]]],
  ['conv2d', [f(1, 8, 8, 3), f(3, 3, 3, 16)], { ...conv, strides: [2, 2], padding: [0, 0, 1, 1] }, [[1, 4, 4, 16]]],
  ['conv2d', [f(2, 7, 9, 4), f(3, 3, 2, 6), f(6), undefined, f(2, 4)], { ...conv, groups: 2, dilations: [2, 2] }, [[2, 3, 5, 6]]],
  ['conv2d', [f(1, 2, 2, 3), f(1, 1, 3, 5), undefined, f(1, 2, 2, 5)], conv, [[1, 2, 2, 5]]],
  ['depthwise_conv2d', [f(1, 5, 5, 8), f(3, 3, 8), f(8), f(1, 8)], { ...dw, padding: [1, 1, 1, 1] }, [[1, 5, 5, 8]]],
  ['matmul', [f(3, 4), f(4, 5), f(5)], plain, [[3, 5]]],
  ['matmul', [f(2, 1, 4, 3), f(5, 6, 4)], { ...plain, transposeA: true, transposeB: true }, [[2, 5, 3, 6]]],
  ['activation', [f(2, 3)], { activation: { kind: 'relu' } }, [[2, 3]]],
  ['unary', [f(2)], { kind: 'exp' }, [[2]]],
  ['unary', [i(2)], { kind: 'neg' }, [[2]], ['int32']],
  ['binary', [f(2, 1, 3), f(4, 1)], { kind: 'add', activation: none }, [[2, 4, 3]]],
  ['compare', [i(2), i(1)], { kind: 'equal' }, [[2]], ['bool']],
  ['max_pool', [f(1, 5, 6, 2)], window, [[1, 2, 3, 2]]],
  ['average_pool', [f(1, 5, 6, 2)], { ...window, padding: [0, 0, 1, 0], countPadding: true }, [[1, 3, 3, 2]]],
  ['reduce', [f(2, 3, 4)], { kind: 'mean', axes: [0, 2], keepDims: false }, [[3]]],
  ['reduce', [f(2, 3, 4)], { kind: 'sum', axes: [1], keepDims: true }, [[2, 1, 4]]],
  ['resize', [f(1, 2, 3, 4)], { mode: 'nearest', height: 5, width: 6, coordinates: 'asymmetric', nearest: 'floor' }, [[1, 5, 6, 4]]],
  ['resize', [f(1, 2, 3, 4)], { mode: 'nearest', height: 5, width: 6, coordinates: 'asymmetric', nearest: 'floor', activation: { kind: 'relu' } }, [[1, 5, 6, 4]]],
  ['concat', [f(1, 2), f(1, 3)], { axis: 1 }, [[1, 5]]],
  ['slice', [f(4, 5)], { begin: [3, 0], size: [2, 5], strides: [-2, 1] }, [[2, 5]]],
  ['transpose', [f(2, 3, 4)], { perm: [2, 0, 1] }, [[4, 2, 3]]],
  ['reshape', [f(2, 6)], {}, [[3, 4]], undefined, { shape: [3, 4] }],
  ['pad', [f(2, 3)], { before: [1, 0], after: [0, 2], mode: 'constant', value: 0 }, [[3, 5]]],
  ['softmax', [f(2, 3)], { axis: 1 }, [[2, 3]]],
  ['cast', [f(2)], {}, [[2]], ['int32'], { dtype: 'int32' }],
  ['gather', [f(4, 5, 6), i(2, 3)], { axis: 1 }, [[4, 2, 3, 6]]],
  ['top_k', [f(2, 9)], { k: 3 }, [[2, 3], [2, 3]], ['float32', 'int32']],
  ['score_merge', [f(7, 80), i(4), i(9)], { combine: 'max', from: 'logit' }, [[7, 3]]],
  ['peak_top_k', [f(1, 4, 4, 8), f(1)], { window: 3, k: 5 }, [[5], [5], [1]], ['float32', 'int32', 'int32']],
  ['gather_rows', [f(16, 4), i(5), i(1)], { divisor: 8 }, [[5, 4]]],
]; // prettier-ignore

type Bad = {
  [K in OperatorName]: [why: string, K, readonly (OperandType | undefined)[], Attributes[K], InferOptions['result']?];
}[OperatorName];
const bad: Bad[] = [
  ['a tensor where an image is needed', 'image_to_tensor', [f(1, 2, 2, 3)], toTensor],
  ['std of 0', 'image_to_tensor', [image], { ...toTensor, std: [1, 0, 1] }],
  ['height of 0', 'image_to_tensor', [image], { ...toTensor, height: 0 }],
  ['an image where a tensor is needed', 'activation', [image], { activation: none }],
  ['no weight', 'conv2d', [f(1, 2, 2, 3)], conv],
  ['three axes', 'conv2d', [f(2, 2, 3), f(1, 1, 3, 4)], conv],
  ['channels that do not fit', 'conv2d', [f(1, 2, 2, 3), f(1, 1, 4, 4)], conv],
  ['filters that groups do not divide', 'conv2d', [f(1, 2, 2, 4), f(1, 1, 2, 3)], { ...conv, groups: 2 }],
  ['a kernel larger than the image', 'conv2d', [f(1, 2, 2, 3), f(3, 3, 3, 4)], conv],
  ['a stride of 0', 'conv2d', [f(1, 2, 2, 3), f(1, 1, 3, 4)], { ...conv, strides: [0, 1] }],
  ['negative padding', 'conv2d', [f(1, 2, 2, 3), f(1, 1, 3, 4)], { ...conv, padding: [-1, 0, 0, 0] }],
  ['a bias of the wrong length', 'conv2d', [f(1, 2, 2, 3), f(1, 1, 3, 4), f(3)], conv],
  ['a residual of another shape', 'conv2d', [f(1, 2, 2, 3), f(1, 1, 3, 4), undefined, f(1, 1, 2, 4)], conv],
  ['a scale of another length', 'conv2d', [f(1, 2, 2, 3), f(1, 1, 3, 4), undefined, undefined, f(1, 4)], conv],
  ['int32 weights', 'conv2d', [f(1, 2, 2, 3), i(1, 1, 3, 4)], conv],
  ['filters of another count than channels', 'depthwise_conv2d', [f(1, 3, 3, 4), f(3, 3, 3)], dw],
  ['inner dimensions that differ', 'matmul', [f(2, 3), f(4, 5)], plain],
  ['a vector', 'matmul', [f(3), f(3, 5)], plain],
  ['batches that do not broadcast', 'matmul', [f(2, 1, 3), f(3, 3, 5)], plain],
  ['leaky relu without alpha', 'activation', [f(2)], { activation: { kind: 'leaky_relu' } }],
  ['clip from high to low', 'activation', [f(2)], { activation: { kind: 'clip', alpha: 1, beta: 0 } }],
  ['exp of int32', 'unary', [i(2)], { kind: 'exp' }],
  ['shapes that do not broadcast', 'binary', [f(2), f(3)], { kind: 'add', activation: none }],
  ['two types', 'binary', [f(2), i(2)], { kind: 'add', activation: none }],
  ['an activation of int32', 'binary', [i(2), i(2)], { kind: 'add', activation: { kind: 'relu' } }],
  ['two types compared', 'compare', [f(2), i(2)], { kind: 'less' }],
  ['padding as large as the kernel', 'max_pool', [f(1, 4, 4, 1)], { ...window, padding: [2, 0, 0, 0] }],
  ['axes out of order', 'reduce', [f(2, 3)], { kind: 'sum', axes: [1, 0], keepDims: false }],
  ['an axis that is not there', 'reduce', [f(2, 3)], { kind: 'sum', axes: [2], keepDims: false }],
  ['the mean of int32', 'reduce', [i(2)], { kind: 'mean', axes: [0], keepDims: false }],
  ['the maximum of nothing', 'reduce', [f(0)], { kind: 'max', axes: [0], keepDims: false }],
  ['leaky relu without alpha', 'resize', [f(1, 2, 2, 1)], { mode: 'nearest', height: 1, width: 1, coordinates: 'asymmetric', nearest: 'floor', activation: { kind: 'leaky_relu' } }],
  ['a width of 0', 'resize', [f(1, 2, 2, 1)], { mode: 'nearest', height: 1, width: 0, coordinates: 'asymmetric', nearest: 'floor' }],
  ['operands that differ off the axis', 'concat', [f(1, 2), f(2, 2)], { axis: 1 }],
  ['operands of two types', 'concat', [f(1), i(1)], { axis: 0 }],
  ['nothing to join', 'concat', [], { axis: 0 }],
  ['elements beyond the end', 'slice', [f(4)], { begin: [3], size: [2], strides: [1] }],
  ['elements before the start', 'slice', [f(4)], { begin: [1], size: [3], strides: [-1] }],
  ['a stride of 0 in a slice', 'slice', [f(4)], { begin: [0], size: [1], strides: [0] }],
  ['an axis twice', 'transpose', [f(2, 3)], { perm: [0, 0] }],
  ['another number of elements', 'reshape', [f(2, 3)], {}, { shape: [7] }],
  ['no shape', 'reshape', [f(2, 3)], {}],
  ['no type', 'cast', [f(2)], {}],
  ['a reflection longer than the axis', 'pad', [f(2)], { before: [2], after: [0], mode: 'reflect', value: 0 }],
  ['negative pads', 'pad', [f(2)], { before: [-1], after: [0], mode: 'constant', value: 0 }],
  ['an axis beyond the rank', 'softmax', [f(2)], { axis: 1 }],
  ['float indices', 'gather', [f(2), f(1)], { axis: 0 }],
  ['more than there is', 'top_k', [f(3)], { k: 4 }],
  ['three axes of scores', 'score_merge', [f(1, 7, 80), i(4), i(9)], { combine: 'max', from: 'logit' }],
  ['no offsets', 'score_merge', [f(7, 80), i(0), i(9)], { combine: 'max', from: 'logit' }],
  ['an even window', 'peak_top_k', [f(1, 4, 4, 8), f(1)], { window: 2, k: 5 }],
  ['a batch', 'peak_top_k', [f(2, 4, 4, 8), f(1)], { window: 3, k: 5 }],
  ['a divisor of 0', 'gather_rows', [f(16, 4), i(5), i(1)], { divisor: 0 }],
  ['a result beyond 32-bit indices', 'pad', [f(2)], { before: [0], after: [2 ** 31], mode: 'constant', value: 0 }],
  ['too many operands', 'activation', [f(2), f(2)], { activation: none }],
]; // prettier-ignore

// The pairing of operator and attributes is checked by the row types above.
const infer = inferShapes as (
  op: OperatorName,
  inputs: readonly (OperandType | undefined)[],
  attributes: object,
  options?: InferOptions,
) => ReturnType<typeof inferShapes>;

describe('inferShapes', () => {
  it.each(good.map((row) => [row[0], row] as const))('%s', (_, [op, inputs, attributes, shapes, dtypes, result]) => {
    expect(infer(op, inputs, attributes, { result })).toEqual(
      shapes.map((shape, k) => ({ dtype: dtypes?.[k] ?? 'float32', shape })),
    );
  });

  it('has a row for every operator', () => {
    expect(new Set(good.map(([op]) => op)).size).toBe(24);
  });

  it.each(bad.map((row) => [row[0], row[1], row] as const))('refuses %s (%s)', (_, __, [, op, inputs, attributes, result]) => {
    const run = () => infer(op, inputs, attributes, { name: 'the node', result });
    expect(run).toThrow(ModelError);
    expect(run).toThrow(/node "the node"/);
    expect(run).toThrow(new RegExp(op));
  });

  it('names the operand shapes', () => {
    expect(() => inferShapes('matmul', [f(2, 3), f(4, 5)], plain, { name: 'fc' })).toThrow(
      'node "fc" (matmul) of operands (float32 [2, 3], float32 [4, 5]): found',
    );
  });

  it('refuses operators that do not exist', () => {
    expect(() => infer('toString' as OperatorName, [], {})).toThrow(ModelError);
    expect(() => infer('softplus' as OperatorName, [], {})).toThrow(/softplus/);
  });
});
