// matmul: batched matrix product with the panels of conv2d; constant right operands are packed at load, others by pack_panels in each frame.
import { MatMul, PackPanels, Tile } from '../records';
import { gemmBlock, plainTable } from '../shared/gemm';
import { share } from '../shared/parallel';
import { word } from '../shared/simd';

export function matmul(p: usize, thread: i32, threads: i32): void {
  const rows = word(p, MatMul.rows);
  const inner = word(p, MatMul.inner);
  const columns = word(p, MatMul.columns);
  const tileRows = word(p, MatMul.tile_rows);
  const blockRows = word(p, MatMul.block_rows);
  const panels = (columns + Tile.panel - 1) / Tile.panel;
  const byPanels = word(p, MatMul.by_panels) != 0;
  const firstPanel = byPanels ? share(panels, 1, thread, threads) : 0;
  const lastPanel = byPanels ? share(panels, 1, thread + 1, threads) : panels;
  const firstRow = byPanels ? 0 : share(rows, tileRows, thread, threads);
  const lastRow = byPanels ? rows : share(rows, tileRows, thread + 1, threads);
  const spill = <usize>word(p, MatMul.table) + <usize>thread * word(p, MatMul.table_bytes);
  const table = spill + Tile.spill;
  const tableStride = <usize>(8 + 4 * tileRows);
  const stride = (<usize>columns) << 2;
  for (let i = 0; i < word(p, MatMul.batch); i++) {
    const a = <usize>word(p, MatMul.a) + load<u32>(<usize>word(p, MatMul.a_offsets) + ((<usize>i) << 2));
    const b = <usize>word(p, MatMul.weights) + load<u32>(<usize>word(p, MatMul.b_offsets) + ((<usize>i) << 2));
    const y = <usize>word(p, MatMul.y) + <usize>(i * rows) * stride;
    for (let row = firstRow; row < lastRow; row += blockRows) {
      const count = min(blockRows, lastRow - row);
      plainTable(table, tileRows, count, a + ((<usize>row * inner) << 2), (<usize>inner) << 2, inner);
      // prettier-ignore
      gemmBlock(p, tileRows, spill, table, tableStride, count, inner, b, <usize>word(p, MatMul.bias), y + <usize>row * stride, stride, columns, firstPanel, lastPanel);
    }
  }
}

/** Panels of 8 columns, the last of 4 where that is enough; missing columns are zeros. */
export function pack_panels(p: usize, thread: i32, threads: i32): void {
  const inner = word(p, PackPanels.inner);
  const columns = word(p, PackPanels.columns);
  const strideK = word(p, PackPanels.stride_k);
  const strideN = word(p, PackPanels.stride_n);
  const panels = (columns + Tile.panel - 1) / Tile.panel;
  const all = word(p, PackPanels.batch) * panels;
  const last = share(all, 1, thread + 1, threads);
  for (let item = share(all, 1, thread, threads); item < last; item++) {
    const matrix = item / panels;
    const column = (item % panels) * Tile.panel;
    const wide = columns - column > 4 ? 8 : 4;
    const b = <usize>word(p, PackPanels.b) + ((<usize>(matrix * word(p, PackPanels.b_size))) << 2);
    let y = <usize>word(p, PackPanels.y) + ((<usize>(matrix * word(p, PackPanels.y_size) + column * inner)) << 2);
    for (let k = 0; k < inner; k++) {
      for (let j = 0; j < wide; j++) {
        const n = column + j;
        store<f32>(y, n < columns ? load<f32>(b + ((<usize>(k * strideK + n * strideN)) << 2)) : 0);
        y += 4;
      }
    }
  }
}
