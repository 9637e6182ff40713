// conv2d by Winograd's F(2x2, 3x3): 16 products of small matrices instead of 36 multiplications for four pixels. For 3x3 filters without stride.
import { MatMul, Op, Tile, WinogradInput, WinogradOutput } from '../../../../assembly/records.js';
import type { NodeOf, ValueId } from '../../../ir/graph.js';
import { NONE } from '../../../ir/operators.js';
import type { TensorData } from '../../../tensor/dtype.js';
import { Step } from '../step.js';
import { room, Scratch, type Context, type Lowered } from './context.js';
import { packedColumns, packPanels } from './panels.js';

/** Bytes of transformed patches and sums that are worked on at once: they should stay in the second-level cache. */
const CHUNK_BYTES = 1024 * 1024;

/** Fewer channels than this, in or out, and the transforms cost more than the products save. */
const LEAST_CHANNELS = 32;

/** Tiles that a chunk has at least, where there are as many: large weights are read again for every chunk. */
const LEAST_TILES = 64;

/** The weights if this convolution is one for Winograd. */
export function winogradWeights(node: NodeOf<'conv2d'>, c: Context): TensorData | undefined {
  const { strides, dilations, groups } = node.attributes;
  const [xId, wId, , , scaleId = NONE] = node.inputs as [ValueId, ValueId, ...ValueId[]];
  const [KH, KW, C, O] = c.shape(wId) as [number, number, number, number];
  const [N, OH, OW] = c.shape(node.outputs[0]!) as [number, number, number, number];
  const one = KH === 3 && KW === 3 && [...strides, ...dilations, groups].every((v) => v === 1) && scaleId === NONE;
  const large = C >= LEAST_CHANNELS && O >= LEAST_CHANNELS && C % 4 === 0 && O % 4 === 0 && N * OH * OW >= 36;
  return one && large && c.shape(xId).length === 4 ? c.numbers(wId) : undefined;
}

/** Each 3x3 filter g [3, 3, C, O] as G g G^T: sixteen matrices [C, O], in double precision and rounded once. */
export function transformFilters(weights: ArrayLike<number>, C: number, O: number): Float32Array {
  const G = [[1, 0, 0], [0.5, 0.5, 0.5], [0.5, -0.5, 0.5], [0, 0, 1]]; // prettier-ignore
  const size = C * O;
  const result = new Float32Array(16 * size);
  const rows = new Float64Array(12);
  for (let i = 0; i < size; i++) {
    for (let r = 0; r < 4; r++) {
      for (let x = 0; x < 3; x++) {
        let sum = 0;
        for (let y = 0; y < 3; y++) sum += G[r]![y]! * weights[(y * 3 + x) * size + i]!;
        rows[r * 3 + x] = sum;
      }
    }
    for (let r = 0; r < 4; r++) {
      for (let s = 0; s < 4; s++) {
        let sum = 0;
        for (let x = 0; x < 3; x++) sum += rows[r * 3 + x]! * G[s]![x]!;
        result[(r * 4 + s) * size + i] = sum;
      }
    }
  }
  return result;
}

export function winograd(node: NodeOf<'conv2d'>, c: Context, weights: TensorData): Lowered {
  const { padding, activation } = node.attributes;
  const [xId, , biasId = NONE, residualId = NONE] = node.inputs as [ValueId, ValueId, ...ValueId[]];
  const yId = node.outputs[0]!;
  const [N, H, W, C] = c.shape(xId) as [number, number, number, number];
  const [, OH, OW, O] = c.shape(yId) as [number, number, number, number];
  const [tilesY, tilesX] = [Math.ceil(OH / 2), Math.ceil(OW / 2)];
  const total = N * tilesY * tilesX;
  const { threads, tileRows } = c.settings;
  const wanted = Math.max(LEAST_TILES, Math.floor(CHUNK_BYTES / (16 * (C + O) * 4)));
  const chunks = Math.ceil(total / wanted);
  // Whole register tiles but for the last chunk.
  const chunk = Math.min(total, Math.ceil(total / chunks / tileRows) * tileRows);
  const packed = packedColumns(O) * C;
  const panels = c.constant(16 * packed * 4, (to, at) => {
    const matrices = transformFilters(weights, C, O);
    for (let k = 0; k < 16; k++) packPanels(matrices, k * C * O, O, 1, C, O, new Float32Array(to, at + k * packed * 4, packed));
  });
  const scratch = new Scratch();
  const patchesAt = scratch.reserve(16 * chunk * C * 4);
  const sumsAt = scratch.reserve(16 * chunk * O * 4);
  const tiles = Math.ceil(chunk / tileRows);
  const tableBytes = room(Tile.spill + tiles * (8 + 4 * tileRows));
  const tableAt = scratch.reserve(tableBytes * threads);
  const plane = (width: number, count: number) => c.integers(Array.from({ length: 16 }, (_, k) => k * width * count * 4));
  const last = total % chunk || chunk;
  const [whole, rest] = [plane(C, chunk), last === chunk ? undefined : plane(C, last)];
  const matrixOffsets = c.integers(Array.from({ length: 16 }, (_, k) => k * packed * 4));
  const x = c.address(xId);
  const y = c.address(yId);
  const bias = biasId === NONE ? c.zeros(O) : c.address(biasId);
  const none = c.zeros(O);
  const residual = residualId === NONE ? undefined : c.address(residualId);
  const byPanels = chunk < tileRows * threads * 4 && O > 8 ? 1 : 0;
  return {
    scratch: scratch.bytes,
    inPlace: [3],
    emit(base) {
      const steps: Step[] = [];
      for (let first = 0; first < total; first += chunk) {
        const count = Math.min(chunk, total - first);
        const [patches, sums] = [base + patchesAt, base + sumsAt];
        steps.push(
          new Step(Op.winograd_input)
            .set({ [WinogradInput.x]: x(), [WinogradInput.v]: patches, [WinogradInput.height]: H, [WinogradInput.width]: W })
            .set({ [WinogradInput.channels]: C, [WinogradInput.pad_top]: padding[0], [WinogradInput.pad_left]: padding[1] })
            .set({ [WinogradInput.tiles_y]: tilesY, [WinogradInput.tiles_x]: tilesX })
            .set({ [WinogradInput.first]: first, [WinogradInput.count]: count })
            .costs(count * C * 16),
          new Step(Op.matmul)
            .fuse({ kind: 'none' })
            .set({ [MatMul.a]: patches, [MatMul.weights]: panels(), [MatMul.bias]: none(), [MatMul.y]: sums, [MatMul.batch]: 16 })
            .set({ [MatMul.rows]: count, [MatMul.inner]: C, [MatMul.columns]: O, [MatMul.b_offsets]: matrixOffsets() })
            .set({ [MatMul.a_offsets]: count === chunk ? whole() : rest!(), [MatMul.tile_rows]: tileRows })
            .set({ [MatMul.block_rows]: tiles * tileRows, [MatMul.table]: base + tableAt })
            .set({ [MatMul.table_bytes]: threads > 1 ? tableBytes : 0, [MatMul.by_panels]: byPanels })
            .costs(16 * count * C * O),
          new Step(Op.winograd_output)
            .fuse(
              activation,
              residual && { at: residual(), result: y(), before: node.attributes.residual === 'before_activation' },
            )
            .set({ [WinogradOutput.m]: sums, [WinogradOutput.bias]: bias(), [WinogradOutput.y]: y() })
            .set({ [WinogradOutput.out_height]: OH, [WinogradOutput.out_width]: OW, [WinogradOutput.out_channels]: O })
            .set({ [WinogradOutput.tiles_y]: tilesY, [WinogradOutput.tiles_x]: tilesX })
            .set({ [WinogradOutput.first]: first, [WinogradOutput.count]: count })
            .costs(count * O * 16),
        );
      }
      return steps;
    },
  };
}
