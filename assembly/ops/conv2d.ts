// conv2d: channels-last convolution as a matrix product over rows of pixels, with any kernel, stride, padding, dilation and groups.
import { Conv2d, ScalePanels, Tile } from '../records';
import { gemmBlock, plainTable } from '../shared/gemm';
import { share } from '../shared/parallel';
import { word } from '../shared/simd';

/**
 * Output pixels are rows, filters are columns in panels of 8. A block of rows whose inputs fit into the second-level cache goes through all
 * panels, so that a panel stays in the first-level cache. Inputs are read in place through a table of addresses made for each
 * block: one segment a kernel row where a whole tile lies inside the image, one a kernel tap at the borders; taps outside point to zeros.
 * With very few channels (images) the taps of a row are gathered first instead.
 */
export function conv2d(p: usize, thread: i32, threads: i32): void {
  const channels = word(p, Conv2d.channels);
  const groups = word(p, Conv2d.groups);
  const outChannels = word(p, Conv2d.out_channels);
  const kernelHeight = word(p, Conv2d.kernel_height);
  const kernelWidth = word(p, Conv2d.kernel_width);
  const tileRows = word(p, Conv2d.tile_rows);
  const blockRows = word(p, Conv2d.block_rows);
  const groupChannels = channels / groups;
  const groupOut = outChannels / groups;
  const inner = kernelHeight * kernelWidth * groupChannels;
  const total = word(p, Conv2d.batch) * word(p, Conv2d.out_height) * word(p, Conv2d.out_width);
  const panels = (groupOut + Tile.panel - 1) / Tile.panel;
  const byPanels = word(p, Conv2d.by_panels) != 0;
  const firstPanel = byPanels ? share(panels, 1, thread, threads) : 0;
  const lastPanel = byPanels ? share(panels, 1, thread + 1, threads) : panels;
  const firstRow = byPanels ? 0 : share(total, tileRows, thread, threads);
  const lastRow = byPanels ? total : share(total, tileRows, thread + 1, threads);
  if (firstPanel >= lastPanel) return;

  const plain =
    inner == groupChannels &&
    word(p, Conv2d.stride_y) == 1 &&
    word(p, Conv2d.stride_x) == 1 &&
    (word(p, Conv2d.pad_top) | word(p, Conv2d.pad_left)) == 0 &&
    word(p, Conv2d.out_width) == word(p, Conv2d.width) &&
    word(p, Conv2d.out_height) == word(p, Conv2d.height);
  const spill = <usize>word(p, Conv2d.table) + <usize>thread * word(p, Conv2d.table_bytes);
  const table = spill + Tile.spill;
  let gather = <usize>word(p, Conv2d.columns);
  if (gather) gather += <usize>thread * word(p, Conv2d.columns_bytes);
  const segments = plain || gather ? 1 : kernelHeight * kernelWidth;
  const tableStride = <usize>(8 + 4 * segments * tileRows);
  const x = <usize>word(p, Conv2d.x);
  const y = <usize>word(p, Conv2d.y);
  const stride = (<usize>outChannels) << 2;

  for (let g = 0; g < groups; g++) {
    const weights = <usize>word(p, Conv2d.weights) + ((<usize>(g * word(p, Conv2d.group_weights))) << 2);
    const bias = <usize>word(p, Conv2d.bias) + ((<usize>(g * word(p, Conv2d.group_bias))) << 2);
    const from = x + ((<usize>(g * groupChannels)) << 2);
    for (let row = firstRow; row < lastRow; row += blockRows) {
      const rows = min(blockRows, lastRow - row);
      if (plain) {
        plainTable(table, tileRows, rows, from + ((<usize>row * channels) << 2), (<usize>channels) << 2, inner);
      } else if (gather) {
        gatherRows(p, gather, from, row, rows, groupChannels, inner);
        plainTable(table, tileRows, rows, gather, (<usize>inner) << 2, inner);
      } else {
        windowTable(p, table, tableStride, from, row, rows, groupChannels);
      }
      const to = y + <usize>row * stride + ((<usize>(g * groupOut)) << 2);
      gemmBlock(p, tileRows, spill, table, tableStride, rows, inner, weights, bias, to, stride, groupOut, firstPanel, lastPanel);
    }
  }
}

/** Addresses of the inputs of `rows` output pixels from `row` on. */
function windowTable(p: usize, table: usize, tableStride: usize, from: usize, row: i32, rows: i32, groupChannels: i32): void {
  const height = word(p, Conv2d.height);
  const width = word(p, Conv2d.width);
  const outHeight = word(p, Conv2d.out_height);
  const outWidth = word(p, Conv2d.out_width);
  const kernelHeight = word(p, Conv2d.kernel_height);
  const kernelWidth = word(p, Conv2d.kernel_width);
  const dilationY = word(p, Conv2d.dilation_y);
  const dilationX = word(p, Conv2d.dilation_x);
  const strideY = word(p, Conv2d.stride_y);
  const strideX = word(p, Conv2d.stride_x);
  const padTop = word(p, Conv2d.pad_top);
  const padLeft = word(p, Conv2d.pad_left);
  const tileRows = word(p, Conv2d.tile_rows);
  const pixel = (<usize>word(p, Conv2d.channels)) << 2;
  const line = pixel * width;
  const zeros = word(p, Conv2d.zeros);
  const mayMerge = dilationX == 1 && word(p, Conv2d.groups) == 1;
  const lastFit = width - (kernelWidth - 1) * dilationX;
  // Position of the first row of a tile; divisions only once.
  let ox = row % outWidth;
  let oy = (row / outWidth) % outHeight;
  let image = from + <usize>(row / outWidth / outHeight) * height * line;
  for (let first = 0; first < rows; first += tileRows) {
    const last = min(tileRows, rows - first) - 1;
    // Whole kernel rows are read at once if all pixels of the tile are on one line and inside in x.
    const left = ox * strideX - padLeft;
    const merged = mayMerge && ox + last < outWidth && left >= 0 && left + last * strideX < lastFit;
    const taps = merged ? 1 : kernelWidth;
    store<i32>(table, kernelHeight * taps);
    store<i32>(table, (merged ? kernelWidth * groupChannels : groupChannels) << 2, 4);
    for (let r = 0; r < tileRows; r++) {
      const iy0 = oy * strideY - padTop;
      const ix0 = ox * strideX - padLeft;
      let entry = table + 8 + (<usize>r << 2);
      for (let ky = 0; ky < kernelHeight; ky++) {
        const iy = iy0 + ky * dilationY;
        const inside = <u32>iy < <u32>height;
        for (let kx = 0; kx < taps; kx++) {
          const ix = ix0 + kx * dilationX;
          store<u32>(entry, inside && <u32>ix < <u32>width ? <u32>(image + <usize>iy * line + <usize>ix * pixel) : zeros);
          entry += <usize>tileRows << 2;
        }
      }
      // Missing rows of the last tile repeat the last one.
      if (r < last || (r == last && last + 1 == tileRows)) {
        if (++ox == outWidth) {
          ox = 0;
          if (++oy == outHeight) {
            oy = 0;
            image += <usize>height * line;
          }
        }
      }
    }
    table += tableStride;
  }
}

/** Copies the taps of `rows` output pixels to dense rows [inner]; writes up to 12 bytes behind the last one. A tap row has at most 16 floats. */
function gatherRows(p: usize, to: usize, from: usize, row: i32, rows: i32, groupChannels: i32, inner: i32): void {
  const height = word(p, Conv2d.height);
  const width = word(p, Conv2d.width);
  const outHeight = word(p, Conv2d.out_height);
  const outWidth = word(p, Conv2d.out_width);
  const kernelHeight = word(p, Conv2d.kernel_height);
  const kernelWidth = word(p, Conv2d.kernel_width);
  const dilationY = word(p, Conv2d.dilation_y);
  const dilationX = word(p, Conv2d.dilation_x);
  const strideX = word(p, Conv2d.stride_x);
  const pixel = (<usize>word(p, Conv2d.channels)) << 2;
  const line = pixel * width;
  const zeros = <usize>word(p, Conv2d.zeros);
  const mayMerge = dilationX == 1 && word(p, Conv2d.groups) == 1;
  const lastFit = width - (kernelWidth - 1) * dilationX;
  let ox = row % outWidth;
  let oy = (row / outWidth) % outHeight;
  let image = from + <usize>(row / outWidth / outHeight) * height * line;
  for (let r = 0; r < rows; r++) {
    const iy0 = oy * word(p, Conv2d.stride_y) - word(p, Conv2d.pad_top);
    const ix0 = ox * strideX - word(p, Conv2d.pad_left);
    const merged = mayMerge && ix0 >= 0 && ix0 < lastFit;
    const taps = merged ? 1 : kernelWidth;
    const bytes = (<usize>(merged ? kernelWidth * groupChannels : groupChannels)) << 2;
    for (let ky = 0; ky < kernelHeight; ky++) {
      const iy = iy0 + ky * dilationY;
      const inside = <u32>iy < <u32>height;
      for (let kx = 0; kx < taps; kx++) {
        const ix = ix0 + kx * dilationX;
        const source = inside && <u32>ix < <u32>width ? image + <usize>iy * line + <usize>ix * pixel : zeros;
        // Whole vectors: what is written too much is overwritten by the next tap.
        v128.store(to, v128.load(source));
        if (bytes > 16) {
          v128.store(to, v128.load(source, 16), 16);
          if (bytes > 32) {
            v128.store(to, v128.load(source, 32), 32);
            if (bytes > 48) v128.store(to, v128.load(source, 48), 48);
          }
        }
        to += bytes;
      }
    }
    if (++ox == outWidth) {
      ox = 0;
      if (++oy == outHeight) {
        oy = 0;
        image += <usize>height * line;
      }
    }
  }
}

/** Packed weights for a frame whose input channels are scaled: row k of every panel times scale[k % channels]. */
export function scale_panels(p: usize, thread: i32, threads: i32): void {
  const inner = word(p, ScalePanels.inner);
  const channels = word(p, ScalePanels.channels);
  const columns = word(p, ScalePanels.out_channels);
  const scale = <usize>word(p, ScalePanels.scale);
  const panels = (columns + Tile.panel - 1) / Tile.panel;
  const end = share(panels, 1, thread + 1, threads);
  for (let panel = share(panels, 1, thread, threads); panel < end; panel++) {
    const wide = columns - panel * Tile.panel > 4;
    const offset = (<usize>(panel * Tile.panel * inner)) << 2;
    let from = <usize>word(p, ScalePanels.x) + offset;
    let to = <usize>word(p, ScalePanels.y) + offset;
    for (let k = 0; k < inner; k += channels) {
      for (let c = 0; c < channels; c++) {
        const s = v128.load32_splat(scale + ((<usize>c) << 2));
        v128.store(to, f32x4.mul(v128.load(from), s));
        from += 16;
        to += 16;
        if (wide) {
          v128.store(to, f32x4.mul(v128.load(from), s));
          from += 16;
          to += 16;
        }
      }
    }
  }
}
