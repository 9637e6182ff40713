// conv2d, depthwise_conv2d and matmul: weights packed into panels at load, scratch for pointer tables, gates folded into the weights.
import { Conv2d, Depthwise, MatMul, Op, PackPanels, ScalePanels, ScaleRows, Tile } from '../../../../assembly/records.js';
import type { ValueId } from '../../../ir/graph.js';
import { NONE } from '../../../ir/operators.js';
import { sizeOf } from '../../../tensor/shape.js';
import { Step } from '../step.js';
import { broadcastStrides, walks } from './axes.js';
import { room, Scratch, type Address, type Context, type Lowering } from './context.js';
import { binaryStep, copySteps } from './elementwise.js';
import { packedColumns, packPanels } from './panels.js';
import { winograd, winogradWeights } from './winograd.js';

/** Bytes of input rows that go through all panels before the next block: half of a small second-level cache. */
const BLOCK_BYTES = 96 * 1024;

/** The same where the weights are larger than this: they come from far away, once for every block. */
const BLOCK_BYTES_OF_LARGE_WEIGHTS = 512 * 1024;
const LARGE_WEIGHTS_BYTES = 1024 * 1024;

/** Kernel rows shorter than this many floats are gathered into dense rows first. */
const SHORT_ROW = 16;

/**
 * Block of rows and sharing for a product of `rows` x `inner` x `columns`. `rowBytes` is the memory that a row adds to a block: windows overlap. A small
 * block would read large weights again and again: every block goes through all of them.
 */
function blocking(
  { settings }: Context,
  rows: number,
  inner: number,
  columns: number,
  segments: number,
  most: number,
  rowBytes = inner * 4,
) {
  const { threads, tileRows } = settings;
  const blockBytes = inner * columns * 4 > LARGE_WEIGHTS_BYTES ? BLOCK_BYTES_OF_LARGE_WEIGHTS : BLOCK_BYTES;
  const wanted = Math.floor(blockBytes / rowBytes / tileRows);
  const tiles = Math.max(2, Math.min(wanted, Math.ceil(most / tileRows), Math.ceil(rows / tileRows)));
  const byPanels = rows < tileRows * threads * 4 && columns > 8 ? 1 : 0;
  return { blockRows: tiles * tileRows, byPanels, tableBytes: room(Tile.spill + tiles * (8 + 4 * segments * tileRows)) };
}

export const conv2d: Lowering<'conv2d'> = (node, c) => {
  const { strides, padding, dilations, groups, activation } = node.attributes;
  const [xId, wId, biasId = NONE, residualId = NONE, scaleId = NONE] = node.inputs as [ValueId, ValueId, ...ValueId[]];
  const yId = node.outputs[0]!;
  const [N, H, W, C] = c.shape(xId) as [number, number, number, number];
  const [KH, KW, CG, O] = c.shape(wId) as [number, number, number, number];
  const [, OH, OW] = c.shape(yId) as [number, number, number, number];
  const OG = O / groups;
  const inner = KH * KW * CG;
  if (inner === 0) throw c.unsupported(node, 'an input without channels', 'at least one channel');
  const filters = winogradWeights(node, c);
  if (filters) return winograd(node, c, filters);
  const packed = packedColumns(OG) * inner;
  const gather = KH * KW > 1 && KW * CG < SHORT_ROW;
  const plain = KH * KW === 1 || gather;
  const rows = N * OH * OW;
  const { blockRows, byPanels, tableBytes } = blocking(
    c,
    rows,
    inner,
    OG,
    plain ? 1 : KH * KW,
    512,
    plain ? inner * 4 : Math.min(inner, CG * strides[0] * strides[1]) * 4,
  );
  const { threads, tileRows } = c.settings;

  // Scratch: tables, gathered rows, then packed or scaled weights, or the scaled input.
  const scratch = new Scratch();
  const tableAt = scratch.reserve(tableBytes * threads);
  const columnsBytes = room(blockRows * inner * 4);
  const columnsAt = gather ? scratch.reserve(columnsBytes * threads) : -1;

  const numbers = c.numbers(wId);
  const weights: Address = numbers
    ? c.constant(packed * groups * 4, (to, at) => {
        for (let g = 0; g < groups; g++)
          packPanels(numbers, g * OG, O, 1, inner, OG, new Float32Array(to, at + g * packed * 4, packed));
      })
    : c.address(wId);
  const weightsAt = numbers ? -1 : scratch.reserve(packed * groups * 4);
  const scaled = scaleId !== NONE;
  // The gate is folded into the weights where there is one for all pixels, else into the input.
  const scaleWeights = scaled && N === 1 && groups === 1;
  const scaledAt = scaled ? scratch.reserve(scaleWeights ? packed * 4 : N * H * W * C * 4) : -1;

  const x = c.address(xId);
  const y = c.address(yId);
  const bias = biasId === NONE ? c.zeros(O) : c.address(biasId);
  const residual = residualId === NONE ? undefined : c.address(residualId);
  const scale = scaled ? c.address(scaleId) : undefined;
  const zeros = c.zeros(KW * C);
  const macs = rows * O * inner;
  return {
    scratch: scratch.bytes,
    inPlace: [3],
    emit(base) {
      const steps: Step[] = [];
      let from = x();
      let panels = weights();
      if (!numbers) {
        const words = {
          [PackPanels.b]: panels,
          [PackPanels.y]: base + weightsAt,
          [PackPanels.batch]: groups,
          [PackPanels.inner]: inner,
        };
        panels = base + weightsAt;
        steps.push(
          new Step(Op.pack_panels)
            .set(words)
            .set({ [PackPanels.columns]: OG, [PackPanels.stride_k]: O, [PackPanels.stride_n]: 1 })
            .set({ [PackPanels.b_size]: OG, [PackPanels.y_size]: packed })
            .costs(packed * groups),
        );
      }
      if (scaleWeights) {
        const words = { [ScalePanels.x]: panels, [ScalePanels.scale]: scale!(), [ScalePanels.y]: base + scaledAt };
        panels = base + scaledAt;
        steps.push(
          new Step(Op.scale_panels)
            .set(words)
            .set({ [ScalePanels.inner]: inner, [ScalePanels.channels]: C, [ScalePanels.out_channels]: O })
            .costs(packed / 4),
        );
      } else if (scaled) {
        steps.push(...gateSteps(from, scale!(), base + scaledAt, N, H * W, C));
        from = base + scaledAt;
      }
      const result = y();
      const step = new Step(Op.conv2d)
        .fuse(activation, residual && { at: residual(), result, before: node.attributes.residual === 'before_activation' })
        .set({ [Conv2d.x]: from, [Conv2d.weights]: panels, [Conv2d.bias]: bias(), [Conv2d.y]: result, [Conv2d.batch]: N })
        .set({ [Conv2d.height]: H, [Conv2d.width]: W, [Conv2d.channels]: C, [Conv2d.out_height]: OH, [Conv2d.out_width]: OW })
        .set({ [Conv2d.out_channels]: O, [Conv2d.kernel_height]: KH, [Conv2d.kernel_width]: KW, [Conv2d.stride_y]: strides[0] })
        .set({
          [Conv2d.stride_x]: strides[1],
          [Conv2d.pad_top]: padding[0],
          [Conv2d.pad_left]: padding[1],
          [Conv2d.groups]: groups,
        })
        .set({ [Conv2d.dilation_y]: dilations[0], [Conv2d.dilation_x]: dilations[1], [Conv2d.group_weights]: packed })
        .set({
          [Conv2d.group_bias]: OG,
          [Conv2d.tile_rows]: tileRows,
          [Conv2d.block_rows]: blockRows,
          [Conv2d.by_panels]: byPanels,
        })
        .set({ [Conv2d.table]: base + tableAt, [Conv2d.table_bytes]: threads > 1 ? tableBytes : 0, [Conv2d.zeros]: zeros() })
        .set({ [Conv2d.columns]: gather ? base + columnsAt : 0, [Conv2d.columns_bytes]: threads > 1 ? columnsBytes : 0 });
      steps.push(step.costs(macs));
      return steps;
    },
  };
};

export const depthwiseConv2d: Lowering<'depthwise_conv2d'> = (node, c) => {
  const { strides, padding, dilations, activation } = node.attributes;
  const [xId, wId, biasId = NONE, scaleId = NONE] = node.inputs as [ValueId, ValueId, ...ValueId[]];
  const yId = node.outputs[0]!;
  const [N, H, W, C] = c.shape(xId) as [number, number, number, number];
  const [KH, KW] = c.shape(wId) as [number, number, number];
  const [, OH, OW] = c.shape(yId) as [number, number, number, number];
  const padded = Math.ceil(C / 4) * 4;
  const scratch = new Scratch();
  const block = Math.min(padded, DEPTHWISE_BLOCK);
  const numbers = c.numbers(wId);
  const dense: Address = numbers
    ? c.constant(KH * KW * padded * 4, (to, at) => {
        const filters = new Float32Array(to, at, KH * KW * padded);
        for (let k = 0; k < KH * KW; k++) {
          for (let i = 0; i < C; i++) filters[((i >> 2) * KH * KW + k) * 4 + (i & 3)] = numbers[k * C + i]!;
        }
      })
    : c.address(wId);
  const weightsAt = numbers ? -1 : scratch.reserve(KH * KW * padded * 4);
  const scaled = scaleId !== NONE;
  const scaleWeights = scaled && N === 1;
  const scaledAt = scaled ? scratch.reserve(scaleWeights ? KH * KW * padded * 4 : N * H * W * C * 4) : -1;
  const x = c.address(xId);
  const y = c.address(yId);
  const bias = biasId === NONE ? c.zeros(padded) : c.address(biasId);
  const scale = scaled ? c.address(scaleId) : undefined;
  const macs = N * OH * OW * C * KH * KW;
  return {
    scratch: scratch.bytes,
    emit(base) {
      const steps: Step[] = [];
      let from = x();
      let weights = dense();
      if (weightsAt >= 0) {
        // Whole groups of four channels, then the rest.
        const whole = C >> 2;
        const to = base + weightsAt;
        steps.push(...copySteps(weights, to, 4, [whole, KH * KW, 4], [4, C, 1], [KH * KW * 4, 4, 1]));
        steps.push(...copySteps(weights + whole * 16, to + whole * KH * KW * 16, 4, [KH * KW, C & 3], [C, 1], [4, 1]));
        weights = base + weightsAt;
      }
      if (scaleWeights) {
        steps.push(
          new Step(Op.scale_rows)
            .set({ [ScaleRows.x]: weights, [ScaleRows.scale]: scale!(), [ScaleRows.y]: base + scaledAt })
            .set({ [ScaleRows.rows]: KH * KW, [ScaleRows.columns]: padded })
            .costs((KH * KW * padded) / 4),
        );
        weights = base + scaledAt;
      } else if (scaled) {
        steps.push(...gateSteps(from, scale!(), base + scaledAt, N, H * W, C));
        from = base + scaledAt;
      }
      steps.push(
        new Step(Op.depthwise_conv2d)
          .fuse(activation)
          .set({
            [Depthwise.x]: from,
            [Depthwise.weights]: weights,
            [Depthwise.bias]: bias(),
            [Depthwise.y]: y(),
            [Depthwise.batch]: N,
          })
          .set({ [Depthwise.height]: H, [Depthwise.width]: W, [Depthwise.channels]: C, [Depthwise.out_height]: OH })
          .set({ [Depthwise.out_width]: OW, [Depthwise.kernel_height]: KH, [Depthwise.kernel_width]: KW })
          .set({ [Depthwise.stride_y]: strides[0], [Depthwise.stride_x]: strides[1], [Depthwise.pad_top]: padding[0] })
          .set({ [Depthwise.pad_left]: padding[1], [Depthwise.dilation_y]: dilations[0], [Depthwise.dilation_x]: dilations[1] })
          .set({ [Depthwise.block_channels]: block })
          .costs(macs * 2),
      );
      return steps;
    },
  };
};

/** Channels that one pass of a depthwise convolution takes: its input rows stay in the first-level cache. */
const DEPTHWISE_BLOCK = 256;

/** x [N, pixels, C] * scale [N, C] -> scratch. */
function gateSteps(x: number, scale: number, to: number, N: number, pixels: number, C: number): Step[] {
  return walks([N, pixels, C], [[pixels * C, C, 1], [C, 0, 1], [pixels * C, C, 1]], [0, 0, 0]).map((walk) =>
    binaryStep(Op.binary, 'mul', 'float32', walk, x, scale, to).fuse({ kind: 'none' }),
  ); // prettier-ignore
}

export const matmul: Lowering<'matmul'> = (node, c) => {
  const { transposeA, transposeB, activation } = node.attributes;
  const [aId, bId, biasId = NONE] = node.inputs as [ValueId, ValueId, ...ValueId[]];
  const yId = node.outputs[0]!;
  const aShape = c.shape(aId);
  const bShape = c.shape(bId);
  const yShape = c.shape(yId);
  const N = yShape.at(-1)!;
  const K = transposeA ? aShape.at(-2)! : aShape.at(-1)!;
  if (K === 0) throw c.unsupported(node, 'an inner dimension of 0', 'at least 1');
  let M = yShape.at(-2)!;
  let batch = yShape.slice(0, -2);
  const aBatch = aShape.slice(0, -2);
  const bBatch = bShape.slice(0, -2);
  const matrices = sizeOf(bBatch);
  // One right operand for all: the left rows are one long matrix.
  if (matrices === 1 && sizeOf(aBatch) === sizeOf(batch)) {
    M *= sizeOf(batch);
    batch = [];
  }
  const packed = packedColumns(N) * K;
  const [strideK, strideN] = transposeB ? [1, K] : [N, 1];
  const { threads, tileRows } = c.settings;
  const { blockRows, byPanels, tableBytes } = blocking(c, M, K, N, 1, 512);
  const scratch = new Scratch();
  const tableAt = scratch.reserve(tableBytes * threads);
  const transposedAt = transposeA ? scratch.reserve(c.size(aId) * 4) : -1;
  const numbers = c.numbers(bId);
  const packedAt = numbers ? -1 : scratch.reserve(packed * matrices * 4);
  const b: Address = numbers
    ? c.constant(packed * matrices * 4, (to, at) => {
        for (let i = 0; i < matrices; i++) {
          packPanels(numbers, i * K * N, strideK, strideN, K, N, new Float32Array(to, at + i * packed * 4, packed));
        }
      })
    : c.address(bId);
  const indices = (from: readonly number[], size: number): number[] => {
    const steps = broadcastStrides(from, batch);
    return Array.from({ length: sizeOf(batch) }, (_, i) => {
      let rest = i;
      let at = 0;
      for (let axis = batch.length - 1; axis >= 0; axis--) {
        at += (rest % batch[axis]!) * steps[axis]!;
        rest = Math.floor(rest / batch[axis]!);
      }
      return at * size;
    });
  };
  const aOffsets = c.integers(indices(batch.length ? aBatch : [], aShape.at(-1)! * aShape.at(-2)! * 4));
  const bOffsets = c.integers(indices(batch.length ? bBatch : [], packed * 4));
  const count = sizeOf(batch);
  const a = c.address(aId);
  const y = c.address(yId);
  const bias = biasId === NONE ? c.zeros(N) : c.address(biasId);
  return {
    scratch: scratch.bytes,
    emit(base) {
      const steps: Step[] = [];
      let left = a();
      if (transposeA) {
        const rows = aShape.at(-1)!;
        const all = sizeOf(aBatch);
        steps.push(...copySteps(left, base + transposedAt, 4, [all, rows, K], [rows * K, 1, rows], [rows * K, K, 1]));
        left = base + transposedAt;
      }
      let panels = b();
      if (!numbers) {
        steps.push(
          new Step(Op.pack_panels)
            .set({ [PackPanels.b]: panels, [PackPanels.y]: base + packedAt, [PackPanels.batch]: matrices, [PackPanels.inner]: K })
            .set({ [PackPanels.columns]: N, [PackPanels.stride_k]: strideK, [PackPanels.stride_n]: strideN })
            .set({ [PackPanels.b_size]: K * N, [PackPanels.y_size]: packed })
            .costs(packed * matrices),
        );
        panels = base + packedAt;
      }
      steps.push(
        new Step(Op.matmul)
          .fuse(activation)
          .set({ [MatMul.a]: left, [MatMul.weights]: panels, [MatMul.bias]: bias(), [MatMul.y]: y(), [MatMul.batch]: count })
          .set({ [MatMul.rows]: M, [MatMul.inner]: K, [MatMul.columns]: N, [MatMul.a_offsets]: aOffsets() })
          .set({ [MatMul.b_offsets]: bOffsets(), [MatMul.tile_rows]: tileRows, [MatMul.block_rows]: blockRows })
          .set({
            [MatMul.table]: base + tableAt,
            [MatMul.table_bytes]: threads > 1 ? tableBytes : 0,
            [MatMul.by_panels]: byPanels,
          })
          .costs(count * M * N * K),
      );
      return steps;
    },
  };
};
