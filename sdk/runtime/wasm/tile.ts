// Which register tile this engine runs fastest: a trial of about 2 ms, once a process and build.
import { Conv2d, Head, Op, Step as Layout } from '../../../assembly/records.js';
import { Space } from './space.js';
import { Step } from './step.js';

/** Rows of the register tile by 8 columns. */
export type TileName = '4x8' | '5x8' | '6x8';

export const tileNames: readonly TileName[] = ['4x8', '5x8', '6x8'];

const found = new Map<boolean, TileName>();

/** A product that stays in the first-level cache: 60 rows (whole tiles of 4, 5 and 6) x 64 x 32. */
const ROWS = 60;
const INNER = 64;
const COLUMNS = 32;

/** Runs for engines that compile hot functions again, then the best of a few timed ones; in ms. */
const WARM_MS = 0.35;
const TIMED_MS = 0.3;

/** Picks the tile. `relaxed` names the build, `module` is compiled for unshared memory. */
export function fastestTile(module: WebAssembly.Module, relaxed: boolean): TileName {
  const known = found.get(relaxed);
  if (known) return known;
  const space = new Space(module, false, 65536 * 2);
  const x = space.take(ROWS * INNER * 4);
  const weights = space.take(INNER * COLUMNS * 4);
  const bias = space.take(COLUMNS * 4);
  const y = space.take(ROWS * COLUMNS * 4);
  const table = space.take(4096);
  const program = space.take(Layout.bytes);
  new Float32Array(space.memory.buffer, x, ROWS * INNER).fill(0.5);
  new Float32Array(space.memory.buffer, weights, INNER * COLUMNS).fill(0.25);
  const run = (rows: number): number => {
    const step = new Step(Op.conv2d)
      .fuse({ kind: 'none' })
      .set({ [Head.flags]: 0, [Conv2d.x]: x, [Conv2d.weights]: weights, [Conv2d.bias]: bias, [Conv2d.y]: y, [Conv2d.batch]: 1 })
      .set({
        [Conv2d.height]: 1,
        [Conv2d.width]: ROWS,
        [Conv2d.channels]: INNER,
        [Conv2d.out_height]: 1,
        [Conv2d.out_width]: ROWS,
      })
      .set({ [Conv2d.out_channels]: COLUMNS, [Conv2d.kernel_height]: 1, [Conv2d.kernel_width]: 1, [Conv2d.stride_y]: 1 })
      .set({ [Conv2d.stride_x]: 1, [Conv2d.dilation_y]: 1, [Conv2d.dilation_x]: 1, [Conv2d.groups]: 1 })
      .set({ [Conv2d.tile_rows]: rows, [Conv2d.block_rows]: ROWS, [Conv2d.table]: table });
    new Int32Array(space.memory.buffer, program, Layout.words).set(step.words);
    const times = (limit: number): number => {
      let best = Infinity;
      const start = performance.now();
      for (let now = start; now - start < limit;) {
        // Several at once: clocks in browsers are coarse.
        for (let i = 0; i < 4; i++) space.kernels.run(program, 0, 1, 0, 1, space.control);
        const after = performance.now();
        best = Math.min(best, after - now);
        now = after;
      }
      return best;
    };
    times(WARM_MS);
    return times(TIMED_MS);
  };
  // A clock that stands still gives 0 for all: then the first, which was never far from the best.
  const times = tileNames.map((_, i) => run(4 + i));
  const fastest = tileNames[times.indexOf(Math.min(...times))]!;
  found.set(relaxed, fastest);
  return fastest;
}
