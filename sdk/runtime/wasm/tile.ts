// Which register tile this engine runs fastest: a trial of 2 to 15 ms, once a process and build.
import { Conv2d, Op, Step as Layout } from '../../../assembly/records.js';
import type { Modules } from './module.js';
import { pause } from '../pause.js';
import { Space } from './space.js';
import { Step } from './step.js';

/** Rows of the register tile by 8 columns. */
export type TileName = '4x8' | '5x8' | '6x8';

export const tileNames: readonly TileName[] = ['4x8', '5x8', '6x8'];

const found = new Map<boolean, TileName>();

/** A product that stays in the first-level caches: 60 rows (whole tiles of 4, 5 and 6) x 128 x 16. */
const ROWS = 60;
const INNER = 128;
const COLUMNS = 16;

/** Ms of the trial. Engines that start with unoptimised code get up to `MOST_MS` until they have compiled all tiles again. */
const LEAST_MS = 2;
const MOST_MS = 15;

/** A call this much faster than the first ones runs optimised code. */
const OPTIMISED = 0.6;

/** Another tile than the first must be this much faster: noise does not decide. */
const MARGIN = 0.92;

/** Picks the tile. `relaxed` names the build; `shared` tells what memory the modules are compiled for. */
export async function fastestTile(modules: Modules, relaxed: boolean, shared: boolean): Promise<TileName> {
  const known = found.get(relaxed);
  if (known) return known;
  const space = new Space(modules, shared, 65536 * 2);
  const x = space.take(ROWS * INNER * 4);
  const weights = space.take(INNER * COLUMNS * 4);
  const bias = space.take(COLUMNS * 4);
  const y = space.take(ROWS * COLUMNS * 4);
  const table = space.take(4096);
  const program = space.take(tileNames.length * Layout.bytes);
  new Float32Array(space.memory.buffer, x, ROWS * INNER).fill(0.5);
  new Float32Array(space.memory.buffer, weights, INNER * COLUMNS).fill(0.25);
  for (const i of tileNames.keys()) {
    const step = new Step(Op.conv2d)
      .fuse({ kind: 'none' })
      .set({ [Conv2d.x]: x, [Conv2d.weights]: weights, [Conv2d.bias]: bias, [Conv2d.y]: y, [Conv2d.batch]: 1 })
      .set({
        [Conv2d.height]: 1,
        [Conv2d.width]: ROWS,
        [Conv2d.channels]: INNER,
        [Conv2d.out_height]: 1,
        [Conv2d.out_width]: ROWS,
      })
      .set({ [Conv2d.out_channels]: COLUMNS, [Conv2d.kernel_height]: 1, [Conv2d.kernel_width]: 1, [Conv2d.stride_y]: 1 })
      .set({ [Conv2d.stride_x]: 1, [Conv2d.dilation_y]: 1, [Conv2d.dilation_x]: 1, [Conv2d.groups]: 1 })
      .set({ [Conv2d.tile_rows]: 4 + i, [Conv2d.block_rows]: ROWS, [Conv2d.table]: table });
    new Int32Array(space.memory.buffer, program + i * Layout.bytes, Layout.words).set(step.words);
  }
  // The tiles take turns, so that whatever else the machine does hits all of them.
  const round = (i: number): number => {
    const start = performance.now();
    // Several at once: clocks in browsers are coarse.
    for (let n = 0; n < 4; n++) space.kernels.run(program, i, i + 1, 0, 1, space.control);
    return performance.now() - start;
  };
  const first = tileNames.map((_, i) => Math.min(round(i), round(i)));
  const best = [...first];
  const optimised = (i: number): boolean => best[i]! < OPTIMISED * first[i]!;
  const start = performance.now();
  for (let after = 0; ;) {
    for (const i of tileNames.keys()) best[i] = Math.min(best[i]!, round(i));
    const elapsed = performance.now() - start;
    if (elapsed > MOST_MS) break;
    // Some rounds more once all are optimised.
    if (tileNames.every((_, i) => optimised(i)) && ++after > 12 && elapsed > LEAST_MS) break;
  }
  await pause();
  // Where only some are optimised the times cannot be compared.
  const comparable = tileNames.every((_, i) => optimised(i) === optimised(0));
  const least = Math.min(...best);
  const fastest = comparable && least < best[0]! * MARGIN ? tileNames[best.indexOf(least)]! : tileNames[0]!;
  found.set(relaxed, fastest);
  return fastest;
}
