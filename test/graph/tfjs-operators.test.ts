// TF operators one by one: attributes, masks and paddings as TensorFlow defines them, with answers by hand, run on the reference.
import { describe, expect, it } from 'vitest';
import { ModelError } from '../../sdk/errors.js';
import type { TensorData } from '../../sdk/tensor/dtype.js';
import { converters } from '../../sdk/graph/tfjs/operators.js';
import {
  bytesOf,
  importNodes,
  list,
  ops,
  placeholder,
  runReference,
  texts,
  type,
  type TfConstant,
  type TfNode,
} from './support.js';

interface Row {
  name: string;
  op: string;
  /** Shape and values of the placeholder `x`. */
  shape: number[];
  x: number[];
  dtype?: 'FLOAT' | 'INT32';
  /** Operands in order; default: x and then the constants as they stand. */
  input?: string[];
  constants?: Record<string, TfConstant>;
  attr?: TfNode['attr'];
  /** Result 0, or the result that `output` names. */
  output?: string;
  wanted: number[];
  wantedShape?: number[];
}

const ints = (...values: number[]): TfConstant => ({ dtype: 'int32', shape: [values.length], values });
const int = (value: number): TfConstant => ({ dtype: 'int32', shape: [], values: [value] });
const floats = (shape: number[], ...values: number[]): TfConstant => ({ shape, values });
const conv = (padding: string, stride = 1, dilation = 1): NonNullable<TfNode['attr']> => ({
  strides: list(1, stride, stride, 1),
  dilations: list(1, dilation, dilation, 1),
  padding: bytesOf(padding),
  data_format: bytesOf('NHWC'),
});
const ones = (...shape: number[]): TfConstant => ({
  shape,
  values: Array.from({ length: shape.reduce((a, b) => a * b, 1) }, () => 1),
});
const three = Array.from({ length: 9 }, (_, i) => i + 1);
const masks = (begin: number, end: number, ellipsis = 0, axis = 0, shrink = 0): NonNullable<TfNode['attr']> => ({
  begin_mask: { i: String(begin) },
  end_mask: { i: end },
  ellipsis_mask: { i: String(ellipsis) },
  new_axis_mask: { i: String(axis) },
  shrink_axis_mask: { i: String(shrink) },
});
const cube = Array.from({ length: 24 }, (_, i) => i);

const rows: Row[] = [
  // Convolutions: SAME puts the odd row and column behind.
  { name: 'Conv2D VALID', op: 'Conv2D', shape: [1, 3, 3, 1], x: three, constants: { w: ones(2, 2, 1, 1) }, attr: conv('VALID'), wanted: [12, 16, 24, 28], wantedShape: [1, 2, 2, 1] },
  { name: 'Conv2D SAME, even kernel: padding behind', op: 'Conv2D', shape: [1, 3, 3, 1], x: three, constants: { w: ones(2, 2, 1, 1) }, attr: conv('SAME'), wanted: [12, 16, 9, 24, 28, 15, 15, 17, 9] },
  { name: 'Conv2D SAME, stride 2 on even size', op: 'Conv2D', shape: [1, 1, 4, 1], x: [1, 2, 3, 4], constants: { w: ones(1, 3, 1, 1) }, attr: conv('SAME', 2), wanted: [6, 7] },
  { name: 'Conv2D SAME, stride 2 on odd size', op: 'Conv2D', shape: [1, 1, 5, 1], x: [1, 2, 3, 4, 5], constants: { w: ones(1, 3, 1, 1) }, attr: conv('SAME', 2), wanted: [3, 9, 9] },
  { name: 'Conv2D SAME, dilation 2', op: 'Conv2D', shape: [1, 1, 5, 1], x: [1, 2, 3, 4, 5], constants: { w: ones(1, 3, 1, 1) }, attr: conv('SAME', 1, 2), wanted: [4, 6, 9, 6, 8] },
  {
    name: 'Conv2D EXPLICIT', op: 'Conv2D', shape: [1, 1, 2, 1], x: [1, 2], constants: { w: ones(1, 3, 1, 1) },
    attr: { ...conv('EXPLICIT'), explicit_paddings: list(0, 0, 0, 0, 2, 1, 0, 0) }, wanted: [1, 3, 3],
  },
  { name: 'Conv2D with groups by channel counts', op: 'Conv2D', shape: [1, 1, 1, 4], x: [1, 2, 3, 4], constants: { w: floats([1, 1, 2, 2], 1, 10, 1, 10) }, attr: conv('VALID'), wanted: [3, 70] },
  { name: '_FusedConv2D with bias and relu6', op: '_FusedConv2D', shape: [1, 1, 1, 2], x: [1, 2], constants: { w: floats([1, 1, 2, 3], 1, -1, 4, 1, -1, 4), b: floats([3], 1, 1, 1) }, attr: { ...conv('VALID'), fused_ops: texts('BiasAdd', 'Relu6') }, wanted: [4, 0, 6] },
  { name: '_FusedConv2D with leaky relu', op: '_FusedConv2D', shape: [1, 1, 1, 1], x: [-4], constants: { w: ones(1, 1, 1, 1), b: floats([1], 0) }, attr: { ...conv('VALID'), fused_ops: texts('BiasAdd', 'LeakyRelu'), leakyrelu_alpha: { f: 0.25 } }, wanted: [-1] },
  { name: '_FusedConv2D with prelu', op: '_FusedConv2D', shape: [1, 1, 1, 2], x: [-4, 3], constants: { w: floats([1, 1, 2, 2], 1, 0, 0, 1), b: floats([2], 0, 0), a: floats([2], 0.5, 0.5) }, attr: { ...conv('VALID'), fused_ops: texts('BiasAdd', 'Prelu') }, wanted: [-2, 3] },
  { name: 'DepthwiseConv2dNative', op: 'DepthwiseConv2dNative', shape: [1, 1, 2, 2], x: [1, 2, 3, 4], constants: { w: floats([1, 2, 2, 1], 1, 10, 2, 20) }, attr: conv('VALID'), wanted: [7, 100] },
  { name: 'DepthwiseConv2dNative with multiplier 2: channel by channel', op: 'DepthwiseConv2dNative', shape: [1, 1, 1, 2], x: [1, 2], constants: { w: floats([1, 1, 2, 2], 1, 2, 3, 4) }, attr: conv('VALID'), wanted: [1, 2, 6, 8] },
  { name: 'FusedDepthwiseConv2dNative', op: 'FusedDepthwiseConv2dNative', shape: [1, 1, 1, 2], x: [1, 2], constants: { w: floats([1, 1, 2, 1], 1, -2), b: floats([2], 1, 1) }, attr: { ...conv('SAME'), fused_ops: texts('BiasAdd', 'Relu') }, wanted: [2, 0] },
  { name: 'FusedBatchNormV3', op: 'FusedBatchNormV3', shape: [1, 1, 1, 2], x: [3, 5], constants: { s: floats([2], 2, 1), o: floats([2], 1, 0), m: floats([2], 1, 5), v: floats([2], 4, 1) }, attr: { epsilon: { f: 0 } }, wanted: [3, 0] },
  { name: 'BiasAdd', op: 'BiasAdd', shape: [1, 2], x: [1, 2], constants: { b: floats([2], 10, 20) }, wanted: [11, 22] },
  { name: 'MatMul, transposed b', op: 'MatMul', shape: [1, 2], x: [1, 2], constants: { b: floats([2, 2], 1, 2, 3, 4) }, attr: { transpose_b: { b: true } }, wanted: [5, 11] },
  { name: '_FusedMatMul', op: '_FusedMatMul', shape: [1, 2], x: [1, 2], constants: { b: floats([2, 1], -1, -1), c: floats([1], 1) }, attr: { fused_ops: texts('BiasAdd', 'Relu') }, wanted: [0] },
  // Arithmetic.
  { name: 'RealDiv', op: 'RealDiv', shape: [2], x: [1, 9], constants: { k: floats([], 4) }, wanted: [0.25, 2.25] },
  { name: 'FloorMod of int32', op: 'FloorMod', shape: [2], x: [-7, 7], dtype: 'INT32', constants: { k: int(3) }, wanted: [2, 1] },
  { name: 'SquaredDifference', op: 'SquaredDifference', shape: [2], x: [1, 9], constants: { k: floats([], 4) }, wanted: [9, 25] },
  { name: 'AddN', op: 'AddN', shape: [2], x: [1, 2], constants: { a: floats([2], 10, 20), b: floats([2], 100, 200) }, wanted: [111, 222] },
  { name: 'constant first', op: 'Sub', shape: [2], x: [1, 2], input: ['c', 'x'], constants: { c: floats([], 1) }, wanted: [0, -1] },
  { name: 'GreaterEqual', op: 'GreaterEqual', shape: [3], x: [1, 2, 3], constants: { k: floats([], 2) }, wanted: [0, 1, 1] },
  { name: 'LeakyRelu, default alpha 0.2', op: 'LeakyRelu', shape: [2], x: [-10, 10], wanted: [Math.fround(-2), 10] },
  { name: 'Elu', op: 'Elu', shape: [1], x: [-1], wanted: [Math.fround(Math.expm1(-1))] },
  { name: 'ClipByValue', op: 'ClipByValue', shape: [3], x: [-1, 0.5, 2], constants: { lo: floats([], 0), hi: floats([], 1) }, wanted: [0, 0.5, 1] },
  { name: 'Prelu', op: 'Prelu', shape: [1, 2], x: [-2, 2], constants: { a: floats([2], 0.25, 0.25) }, wanted: [-0.5, 2] },
  { name: 'Rsqrt', op: 'Rsqrt', shape: [1], x: [4], wanted: [0.5] },
  // Windows and reductions.
  { name: 'MaxPool SAME', op: 'MaxPool', shape: [1, 3, 3, 1], x: three, attr: { ksize: list(1, 2, 2, 1), strides: list(1, 2, 2, 1), padding: bytesOf('SAME') }, wanted: [5, 6, 8, 9] },
  { name: 'AvgPool SAME leaves padding out of the mean', op: 'AvgPool', shape: [1, 3, 3, 1], x: three, attr: { ksize: list(1, 2, 2, 1), strides: list(1, 2, 2, 1), padding: bytesOf('SAME') }, wanted: [3, 4.5, 7.5, 9] },
  { name: 'Mean over negative axes, kept', op: 'Mean', shape: [2, 2, 1], x: [1, 2, 3, 4], constants: { axes: ints(-2) }, attr: { keep_dims: { b: true } }, wanted: [1.5, 3.5], wantedShape: [2, 1, 1] },
  { name: 'Max over a scalar axis', op: 'Max', shape: [2, 2], x: [1, 2, 3, 4], constants: { axes: int(0) }, wanted: [3, 4], wantedShape: [2] },
  { name: 'Softmax', op: 'Softmax', shape: [1, 2], x: [0, 0], wanted: [0.5, 0.5] },
  // Resizes: TensorFlow 1, 2 and corner-aligned coordinates.
  { name: 'ResizeBilinear', op: 'ResizeBilinear', shape: [1, 1, 2, 1], x: [0, 4], constants: { size: ints(1, 4) }, wanted: [0, 2, 4, 4] },
  { name: 'ResizeBilinear, half pixels', op: 'ResizeBilinear', shape: [1, 1, 2, 1], x: [0, 4], constants: { size: ints(1, 4) }, attr: { half_pixel_centers: { b: true } }, wanted: [0, 1, 3, 4] },
  { name: 'ResizeBilinear, corners', op: 'ResizeBilinear', shape: [1, 1, 2, 1], x: [0, 3], constants: { size: ints(1, 4) }, attr: { align_corners: { b: true } }, wanted: [0, 1, 2, 3] },
  { name: 'ResizeNearestNeighbor', op: 'ResizeNearestNeighbor', shape: [1, 1, 3, 1], x: [1, 2, 3], constants: { size: ints(1, 2) }, wanted: [1, 2] },
  { name: 'ResizeNearestNeighbor, half pixels', op: 'ResizeNearestNeighbor', shape: [1, 1, 3, 1], x: [1, 2, 3], constants: { size: ints(1, 2) }, attr: { half_pixel_centers: { b: true } }, wanted: [1, 3] },
  { name: 'ResizeNearestNeighbor, corners', op: 'ResizeNearestNeighbor', shape: [1, 1, 3, 1], x: [1, 2, 3], constants: { size: ints(1, 4) }, attr: { align_corners: { b: true } }, wanted: [1, 2, 2, 3] },
  // Moves.
  { name: 'ConcatV2, negative axis', op: 'ConcatV2', shape: [1, 2], x: [1, 2], constants: { k: floats([1, 1], 3), axis: int(-1) }, wanted: [1, 2, 3] },
  { name: 'Split, second part', op: 'Split', shape: [4], x: [1, 2, 3, 4], input: ['axis', 'x'], constants: { axis: int(0) }, attr: { num_split: { i: '2' } }, output: 'y:1', wanted: [3, 4] },
  { name: 'SplitV with -1', op: 'SplitV', shape: [4], x: [1, 2, 3, 4], constants: { sizes: ints(1, -1), axis: int(0) }, output: 'y:1', wanted: [2, 3, 4] },
  { name: 'Unpack', op: 'Unpack', shape: [2, 2], x: [1, 2, 3, 4], attr: { axis: { i: '1' } }, output: 'y:1', wanted: [2, 4], wantedShape: [2] },
  { name: 'Pack', op: 'Pack', shape: [2], x: [1, 2], constants: { c: floats([2], 3, 4) }, attr: { axis: { i: '1' } }, wanted: [1, 3, 2, 4], wantedShape: [2, 2] },
  { name: 'Tile', op: 'Tile', shape: [1, 2], x: [1, 2], constants: { m: ints(2, 2) }, wanted: [1, 2, 1, 2, 1, 2, 1, 2], wantedShape: [2, 4] },
  { name: 'BroadcastTo', op: 'BroadcastTo', shape: [2, 1], x: [1, 2], constants: { s: ints(2, 2) }, wanted: [1, 1, 2, 2] },
  { name: 'StridedSlice x[1:, :-1]', op: 'StridedSlice', shape: [2, 3], x: [0, 1, 2, 3, 4, 5], constants: { b: ints(1, 0), e: ints(0, -1), s: ints(1, 1) }, attr: masks(2, 1), wanted: [3, 4], wantedShape: [1, 2] },
  { name: 'StridedSlice x[::-1]', op: 'StridedSlice', shape: [3], x: [1, 2, 3], constants: { b: ints(0), e: ints(0), s: ints(-1) }, attr: masks(1, 1), wanted: [3, 2, 1] },
  { name: 'StridedSlice x[..., 1]', op: 'StridedSlice', shape: [2, 3, 4], x: cube, constants: { b: ints(0, 1), e: ints(0, 2), s: ints(1, 1) }, attr: masks(0, 0, 1, 0, 2), wanted: [1, 5, 9, 13, 17, 21], wantedShape: [2, 3] },
  { name: 'StridedSlice x[-1]', op: 'StridedSlice', shape: [3], x: [1, 2, 3], constants: { b: ints(-1), e: ints(0), s: ints(1) }, attr: masks(0, 0, 0, 0, 1), wanted: [3], wantedShape: [] },
  { name: 'StridedSlice x[None, 5:9], beyond the end', op: 'StridedSlice', shape: [3], x: [1, 2, 3], constants: { b: ints(0, 2), e: ints(0, 9), s: ints(1, 1) }, attr: masks(0, 0, 0, 1), wanted: [3], wantedShape: [1, 1] },
  { name: 'StridedSlice x[0:3:2]', op: 'StridedSlice', shape: [4], x: [1, 2, 3, 4], constants: { b: ints(0), e: ints(3), s: ints(2) }, attr: masks(0, 0), wanted: [1, 3] },
  { name: 'StridedSlice x[2:1], nothing', op: 'StridedSlice', shape: [4], x: [1, 2, 3, 4], constants: { b: ints(2), e: ints(1), s: ints(1) }, attr: masks(0, 0), wanted: [], wantedShape: [0] },
  { name: 'Slice with -1', op: 'Slice', shape: [2, 3], x: [0, 1, 2, 3, 4, 5], constants: { b: ints(0, 1), s: ints(2, -1) }, wanted: [1, 2, 4, 5] },
  { name: 'Reshape with -1', op: 'Reshape', shape: [2, 3], x: [0, 1, 2, 3, 4, 5], constants: { s: ints(3, -1) }, wanted: [0, 1, 2, 3, 4, 5], wantedShape: [3, 2] },
  { name: 'Squeeze all', op: 'Squeeze', shape: [1, 2, 1], x: [1, 2], wanted: [1, 2], wantedShape: [2] },
  { name: 'Squeeze one', op: 'Squeeze', shape: [1, 2, 1], x: [1, 2], attr: { squeeze_dims: list(-1) }, wanted: [1, 2], wantedShape: [1, 2] },
  { name: 'ExpandDims at the end', op: 'ExpandDims', shape: [2], x: [1, 2], constants: { axis: int(-1) }, wanted: [1, 2], wantedShape: [2, 1] },
  { name: 'Transpose', op: 'Transpose', shape: [2, 2], x: [1, 2, 3, 4], constants: { p: ints(1, 0) }, wanted: [1, 3, 2, 4] },
  { name: 'Pad', op: 'Pad', shape: [2], x: [1, 2], constants: { p: { dtype: 'int32', shape: [1, 2], values: [1, 2] } }, wanted: [0, 1, 2, 0, 0] },
  { name: 'PadV2', op: 'PadV2', shape: [2], x: [1, 2], constants: { p: { dtype: 'int32', shape: [1, 2], values: [1, 0] }, v: floats([], 9) }, wanted: [9, 1, 2] },
  { name: 'MirrorPad REFLECT', op: 'MirrorPad', shape: [3], x: [1, 2, 3], constants: { p: { dtype: 'int32', shape: [1, 2], values: [2, 1] } }, attr: { mode: bytesOf('REFLECT') }, wanted: [3, 2, 1, 2, 3, 2] },
  { name: 'Cast to int32', op: 'Cast', shape: [2], x: [1.9, -1.9], attr: { DstT: type('INT32') }, wanted: [1, -1] },
  { name: 'GatherV2', op: 'GatherV2', shape: [2, 2], x: [1, 2, 3, 4], constants: { i: ints(1), axis: int(1) }, wanted: [2, 4], wantedShape: [2, 1] },
  { name: 'TopKV2, indices', op: 'TopKV2', shape: [3], x: [1, 3, 2], constants: { k: int(2) }, output: 'y:1', wanted: [1, 2] },
  { name: 'DepthToSpace', op: 'DepthToSpace', shape: [1, 1, 1, 4], x: [1, 2, 3, 4], attr: { block_size: { i: '2' } }, wanted: [1, 2, 3, 4], wantedShape: [1, 2, 2, 1] },
  { name: 'SpaceToDepth', op: 'SpaceToDepth', shape: [1, 2, 2, 1], x: [1, 2, 3, 4], attr: { block_size: { i: '2' } }, wanted: [1, 2, 3, 4], wantedShape: [1, 1, 1, 4] },
  // Shape arithmetic becomes constants.
  { name: 'Shape', op: 'Shape', shape: [2, 3], x: [0, 0, 0, 0, 0, 0], wanted: [2, 3] },
  { name: 'ZerosLike', op: 'ZerosLike', shape: [2], x: [1, 2], wanted: [0, 0] },
  { name: 'Fill', op: 'Fill', shape: [1], x: [0], input: ['d', 'v'], constants: { d: ints(2, 2), v: floats([], 7) }, wanted: [7, 7, 7, 7], wantedShape: [2, 2] },
  { name: 'Range', op: 'Range', shape: [1], x: [0], input: ['a', 'b', 'c'], constants: { a: int(1), b: int(7), c: int(2) }, wanted: [1, 3, 5] },
]; // prettier-ignore

describe('TF operators', () => {
  it.each(rows)(
    '$name',
    async ({ op, shape, x, dtype = 'FLOAT', input, constants = {}, attr = {}, output = 'y', wanted, wantedShape }) => {
      const graph = importNodes(
        [placeholder('x', shape, dtype), { name: 'y', op, input: input ?? ['x', ...Object.keys(constants)], attr }],
        constants,
        { outputs: [output] },
      );
      const feeds: Record<string, TensorData> =
        graph.inputs.length === 0 ? {} : { x: dtype === 'FLOAT' ? Float32Array.from(x) : Int32Array.from(x) };
      expect((await runReference(graph, feeds))[output]).toEqual(wanted);
      if (wantedShape) expect(graph.values[graph.outputs[0]!]!.shape).toEqual(wantedShape);
    },
  );

  it('has no entry that is never tried here or by name', () => {
    const aliases = ['Add', 'AddV2', 'Mul', 'Maximum', 'Minimum', 'Pow', 'FloorDiv', 'Div', 'Equal', 'NotEqual', 'Less', 'LessEqual', 'Greater', 'Neg', 'Abs', 'Exp', 'Log', 'Sqrt', 'Square'];
    const others = ['Reciprocal', 'Inv', 'Floor', 'Ceil', 'Round', 'Relu', 'Relu6', 'Sigmoid', 'Tanh', 'Softplus', 'Sum', 'Min', 'Prod', 'OnesLike', 'Rank', 'Size', 'Concat', 'Gather'];
    const same = ['Identity', 'StopGradient', 'PreventGradient', 'PlaceholderWithDefault', 'CheckNumerics', 'Snapshot', 'IdentityN', 'DepthwiseConv2d', 'FusedBatchNorm', 'FusedBatchNormV2', 'BatchMatMul', 'BatchMatMulV2', 'DivNoNan'];
    const tried = new Set([...rows.map((row) => row.op), ...aliases, ...others, ...same]);
    expect(Object.keys(converters).filter((op) => !tried.has(op))).toEqual([]);
  }); // prettier-ignore

  it.each<[string, number[], Record<string, TfConstant>, number[]]>([
    ['Add', [1, 2], { k: floats([], 2) }, [3, 4]],
    ['AddV2', [1, 2], { k: floats([], 2) }, [3, 4]],
    ['Mul', [1, 2], { k: floats([], 2) }, [2, 4]],
    ['Div', [1, 2], { k: floats([], 2) }, [0.5, 1]],
    ['Maximum', [1, 3], { k: floats([], 2) }, [2, 3]],
    ['Minimum', [1, 3], { k: floats([], 2) }, [1, 2]],
    ['Pow', [2, 3], { k: floats([], 2) }, [4, 9]],
    ['FloorDiv', [-1, 5], { k: floats([], 2) }, [-1, 2]],
    ['Equal', [1, 2], { k: floats([], 2) }, [0, 1]],
    ['NotEqual', [1, 2], { k: floats([], 2) }, [1, 0]],
    ['Less', [1, 2], { k: floats([], 2) }, [1, 0]],
    ['LessEqual', [1, 2], { k: floats([], 2) }, [1, 1]],
    ['Greater', [2, 3], { k: floats([], 2) }, [0, 1]],
    ['Neg', [1, -2], {}, [-1, 2]],
    ['Abs', [1, -2], {}, [1, 2]],
    ['Exp', [0], {}, [1]],
    ['Log', [1], {}, [0]],
    ['Sqrt', [9], {}, [3]],
    ['Square', [-3], {}, [9]],
    ['Reciprocal', [4], {}, [0.25]],
    ['Inv', [4], {}, [0.25]],
    ['Floor', [1.5], {}, [1]],
    ['Ceil', [1.5], {}, [2]],
    ['Round', [2.5], {}, [2]],
    ['Relu', [-1, 1], {}, [0, 1]],
    ['Relu6', [-1, 7], {}, [0, 6]],
    ['Sigmoid', [0], {}, [0.5]],
    ['Tanh', [0], {}, [0]],
    ['Softplus', [0], {}, [Math.fround(Math.LN2)]],
    ['Sum', [1, 2], { axes: ints(0) }, [3]],
    ['Min', [1, 2], { axes: ints(0) }, [1]],
    ['Prod', [3, 2], { axes: ints(0) }, [6]],
    ['OnesLike', [3, 2], {}, [1, 1]],
    ['Rank', [3, 2], {}, [1]],
    ['Size', [3, 2], {}, [2]],
    ['Gather', [3, 2], { i: ints(1) }, [2]],
    ['Identity', [3], {}, [3]],
    ['StopGradient', [3], {}, [3]],
  ])('%s of %j', async (op, x, constants, wanted) => {
    const graph = importNodes(
      [placeholder('x', [x.length]), { name: 'y', op, input: ['x', ...Object.keys(constants)] }],
      constants,
    );
    expect((await runReference(graph, graph.inputs.length === 0 ? {} : { x: Float32Array.from(x) }))['y']).toEqual(wanted);
  });

  it.each<[string, RegExp, string, number[], Record<string, TfConstant>, TfNode['attr']?]>([
    [
      'channels first',
      /data_format "NCHW".*NHWC/,
      'Conv2D',
      [1, 1, 3, 3],
      { w: ones(1, 1, 1, 1) },
      { ...conv('VALID'), data_format: bytesOf('NCHW') },
    ],
    [
      'strides in the batch',
      /strides \[2, 1, 1, 1\]/,
      'Conv2D',
      [1, 3, 3, 1],
      { w: ones(1, 1, 1, 1) },
      { ...conv('VALID'), strides: list(2, 1, 1, 1) },
    ],
    ['an unknown padding', /padding "FULL"/, 'Conv2D', [1, 3, 3, 1], { w: ones(1, 1, 1, 1) }, conv('FULL')],
    [
      'an unknown fusion',
      /fused_ops BiasAdd, Gelu/,
      '_FusedConv2D',
      [1, 3, 3, 1],
      { w: ones(1, 1, 1, 1), b: ones(1) },
      { ...conv('VALID'), fused_ops: texts('BiasAdd', 'Gelu') },
    ],
    [
      'symmetric mirrors',
      /mode "SYMMETRIC"/,
      'MirrorPad',
      [3],
      { p: { dtype: 'int32', shape: [1, 2], values: [1, 1] } },
      { mode: bytesOf('SYMMETRIC') },
    ],
    [
      'a training batch norm',
      /is_training/,
      'FusedBatchNorm',
      [1, 1, 1, 1],
      { s: ones(1), o: ones(1), m: ones(1), v: ones(1) },
      { is_training: { b: true } },
    ],
    ['a cast to complex', /DT_COMPLEX64/, 'Cast', [1], {}, { DstT: type('COMPLEX64') }],
    ['batch_dims', /batch_dims 1/, 'GatherV2', [2, 2], { i: ints(0, 1), axis: int(1) }, { batch_dims: { i: '1' } }],
    ['division that hides zero', /x \/ 0/, 'DivNoNan', [1], { k: ones(1) }],
  ])('says that %s is not supported', (_, message, op, shape, constants, attr = {}) => {
    const run = () =>
      importNodes([placeholder('x', shape), { name: 'the node', op, input: ['x', ...Object.keys(constants)], attr }], constants);
    expect(run).toThrow(expect.objectContaining({ code: 'unsupported-operator' }));
    expect(run).toThrow(message);
    expect(run).toThrow(new RegExp(`node "the node" \\(${op}\\)`));
  });

  it.each<[string, RegExp, string, number[], Record<string, TfConstant>, TfNode['attr']?]>([
    ['a missing operand', /1 inputs.*at least 2/, 'Add', [1], {}],
    ['an axis that is not there', /axis 3/, 'Mean', [1], { axes: ints(3) }],
    ['two unknown dimensions', /at most one -1/, 'Reshape', [2], { s: ints(-1, -1) }],
    ['a shape of another size', /2 elements/, 'Reshape', [2], { s: ints(3) }],
    ['an uneven split', /equal parts/, 'Split', [3], { axis: int(0) }, { num_split: { i: '2' } }],
    ['an index outside', /index 5/, 'StridedSlice', [3], { b: ints(5), e: ints(6), s: ints(1) }, masks(0, 0, 0, 0, 1)],
    ['a constant beyond all memory', /at most/, 'Fill', [1], { d: ints(65536, 65536), v: ones() }],
  ])('refuses %s', (_, message, op, shape, constants, attr = {}) => {
    const names = Object.keys(constants);
    const input = op === 'Split' ? [...names, 'x'] : op === 'Fill' ? names : ['x', ...names];
    const run = () => importNodes([placeholder('x', shape), { name: 'y', op, input, attr }], constants);
    expect(run).toThrow(ModelError);
    expect(run).toThrow(message);
  });

  it('asks for sizes that are computed at run time, by the name of the value', () => {
    const nodes: TfNode[] = [
      placeholder('x', [4]),
      placeholder('size', [1], 'INT32'),
      { name: 'y', op: 'Reshape', input: ['x', 'size'] },
    ];
    expect(() => importNodes(nodes)).toThrow(/shape computed at run time \("size"\)/);
  });

  it('folds shape arithmetic, so that reshapes by it work', async () => {
    const nodes: TfNode[] = [
      placeholder('x', [2, 3, 4]),
      { name: 'shape', op: 'Shape', input: ['x'] },
      { name: 'first', op: 'StridedSlice', input: ['shape', 'zero', 'one', 'one'], attr: masks(0, 0, 0, 0, 1) },
      { name: 'target', op: 'Pack', input: ['first', 'rest'] },
      { name: 'y', op: 'Reshape', input: ['x', 'target'] },
    ];
    const graph = importNodes(nodes, { zero: ints(0), one: ints(1), rest: int(-1) });
    expect(ops(graph)).toEqual(['reshape']);
    expect(graph.values[graph.outputs[0]!]!.shape).toEqual([2, 12]);
  });
});
