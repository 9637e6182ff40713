// MERGE of mask proposals (DaTaSeg Eq. 1, 2) and the way back on every runtime: against PyTorch (test/golden/losses.json), finite differences, the equations
// as they stand on random proposals full of ties, and at the edges.
import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import * as train from '../../sdk/train/index.js';
import { openTrainKernels } from '../../sdk/train/webgpu.js';

type Numbers = readonly number[];
const { merges } = JSON.parse(readFileSync(new URL('../golden/losses.json', import.meta.url), 'utf8')) as {
  merges: (Record<
    'wanted' | 'masks' | 'classes' | 'merged' | 'means' | 'maskGradient' | 'classGradient' | 'dMasks' | 'dClasses',
    Numbers
  > &
    Record<'M' | 'N' | 'C', number>)[];
};

/** Both sides compute in doubles; the golden file has 15 digits. Relative to the larger of 1 and the number. */
const doubleTolerance = 1e-12;
/** Masks and their slopes are moved, not computed: exact. Means: a rounding of 6e-8 a proposal, and of the quotient. */
const floatTolerance = 3e-6;
/** The same, with quotients of 2.5 units in the last place, as WGSL allows them. */
const gpuTolerance = 6e-6;

interface Slopes {
  masks: train.Floats;
  classes: train.Floats;
}
type Merge = (merge: train.MaskMerge, slopes: Slopes) => Promise<{ merged: train.MergedMasks; back: Slopes }>;

const onProcessor =
  (kernels: train.TrainKernels): Merge =>
  async (merge, slopes) => {
    const merged = train.mergeMasks(merge, kernels);
    const back = { masks: merge.masks.map(() => 7), classes: merge.classes.map(() => 7) };
    train.mergeMasksGradients(merge, merged, slopes.masks, slopes.classes, back, kernels);
    return { merged, back };
  };

/** Forward and backward queued, then all is read. What stands in the arrays before must not matter. */
const onDevice =
  (device: train.TrainDevice): Merge =>
  async ({ masks, classes, M, N, C, wanted }, slopes) => {
    const K = wanted.length;
    const places = Int32Array.from({ length: C }, (_, c) => wanted.indexOf(c));
    const numbers = (length: number) => device.upload(new Float32Array(length).fill(7));
    const integers = (length: number) => device.upload(new Int32Array(length).fill(7));
    const up = (values: train.Floats) => device.upload(Float32Array.from(values));
    const merged = {
      masks: numbers(K * N),
      classes: numbers(K * C),
      from: integers(K * N),
      classOf: integers(M),
      counts: integers(K),
    };
    const back = { masks: numbers(M * N), classes: numbers(M * C) };
    const given = { masks: up(masks), classes: up(classes), places: device.upload(places) };
    const gradients = { maskGradient: up(slopes.masks), classGradient: up(slopes.classes) };
    device.merge_masks({ ...given, M, N, C, K }, merged);
    const { from, classOf, counts } = merged;
    device.merge_masks_gradient({ from, classOf, counts, ...gradients, M, N, C, K }, back);
    const result = {
      merged: {
        masks: await merged.masks.read(),
        classes: await merged.classes.read(),
        from: await merged.from.read(),
        classOf: await merged.classOf.read(),
        counts: await merged.counts.read(),
      },
      back: { masks: await back.masks.read(), classes: await back.classes.read() },
    };
    for (const array of [merged, given, gradients, back].flatMap((some) => Object.values<train.DeviceArray>(some as never)))
      array.dispose();
    return result;
  };

/** Dawn on SwiftShader: see vitest.config.ts. */
const layouts = ['processor', 'gpu'] as const;
const opened = new Map<string, Promise<train.WebgpuTrainKernels>>();
const openGpu = (layout: (typeof layouts)[number]) => {
  let kernels = opened.get(layout);
  if (!kernels) opened.set(layout, (kernels = openTrainKernels({ software: true, limits: 'default' }, layout)));
  return kernels;
};
/** SwiftShader takes some seconds to compile kernels with workgroup memory. */
const compileTimeout = 60_000;
beforeAll(async () => void (await Promise.all(layouts.map(openGpu))), compileTimeout);
afterAll(async () => (await Promise.all(opened.values())).forEach((kernels) => kernels.dispose()));

const plain = onProcessor(train.referenceKernels);
const doubles = { name: 'reference, doubles', floats: Float64Array, tolerance: doubleTolerance, start: async () => plain };
const inFloats: { name: string; floats: typeof Float32Array; tolerance: number; start: () => Promise<Merge> }[] = [
  { name: 'reference, floats', tolerance: floatTolerance, start: async () => plain },
  { name: 'wasm', tolerance: floatTolerance, start: async () => onProcessor(await train.wasmTrainKernels()) },
  {
    name: 'wasm as a device',
    tolerance: floatTolerance,
    start: async () => onDevice(train.hostTrainDevice(await train.wasmTrainKernels())),
  },
  ...layouts.map((layout) => ({
    name: `webgpu, laid out for a ${layout}`,
    tolerance: gpuTolerance,
    start: async () => onDevice(await openGpu(layout)),
  })),
].map((row) => ({ ...row, floats: Float32Array }));
const runtimes = [doubles, ...inFloats];

const close = (found: ArrayLike<number>, wanted: ArrayLike<number>, tolerance: number, what: string) => {
  expect(found.length, what).toBe(wanted.length);
  for (let i = 0; i < wanted.length; i++) {
    const off = Math.abs(found[i]! - wanted[i]!);
    if (!(off <= tolerance * Math.max(1, Math.abs(wanted[i]!))))
      expect.fail(`${what}[${i}]: found ${found[i]}, wanted ${wanted[i]}`);
  }
};

const random = train.seededRandom(11);
const whole = (n: number, low: number, high: number) =>
  Float32Array.from({ length: n }, () => low + Math.floor((high - low + 1) * random()));
const slopesOf = (K: number, N: number, C: number): Slopes => ({ masks: whole(K * N, -9, 9), classes: whole(K * C, -9, 9) });

/** The equations as they stand, class by class. */
function byEquations({ masks, classes, M, N, C, wanted }: train.MaskMerge, slopes: Slopes) {
  const row = (values: ArrayLike<number>, m: number, n: number) => Array.from({ length: n }, (_, i) => values[m * n + i]!);
  const proposals = Array.from({ length: M }, (_, m) => m);
  const classOf = proposals.map((m) => {
    const logits = row(classes, m, C);
    return wanted.indexOf(logits.indexOf(Math.max(...logits)));
  });
  const members = wanted.map((_, k) => proposals.filter((m) => classOf[m] === k));
  const pixels = members.flatMap((of) =>
    Array.from({ length: N }, (_, i) => {
      const logits = of.map((m) => masks[m * N + i]!);
      const most = Math.max(...logits);
      return of.length ? { most, from: of[logits.indexOf(most)]! } : { most: -100, from: -1 };
    }),
  );
  return {
    merged: {
      masks: pixels.map(({ most }) => most),
      classes: members.flatMap((of) =>
        Array.from({ length: C }, (_, c) => of.reduce((sum, m) => sum + classes[m * C + c]!, 0) / Math.max(1, of.length)),
      ),
      from: pixels.map(({ from }) => from),
      classOf,
      counts: members.map(({ length }) => length),
    },
    back: {
      masks: proposals.flatMap((m) =>
        Array.from({ length: N }, (_, i) => {
          const k = classOf[m]!;
          return k >= 0 && pixels[k * N + i]!.from === m ? slopes.masks[k * N + i]! : 0;
        }),
      ),
      classes: proposals.flatMap((m) =>
        Array.from({ length: C }, (_, c) => {
          const k = classOf[m]!;
          return k >= 0 ? slopes.classes[k * C + c]! / members[k]!.length : 0;
        }),
      ),
    },
  };
}

/** Everything that is moved is exact; means and their slopes are within the tolerance. */
function expectEqual(found: Awaited<ReturnType<Merge>>, wanted: ReturnType<typeof byEquations>, tolerance: number) {
  for (const part of ['counts', 'classOf', 'from', 'masks'] as const) close(found.merged[part], wanted.merged[part], 0, part);
  close(found.merged.classes, wanted.merged.classes, tolerance, 'means');
  close(found.back.masks, wanted.back.masks, 0, 'slopes of masks');
  close(found.back.classes, wanted.back.classes, tolerance, 'slopes of classes');
}

describe.each(runtimes)('$name', ({ floats, tolerance, start }) => {
  let merge: Merge;
  beforeAll(async () => {
    merge = await start();
  });

  it.each(merges.map((one) => [`${one.M} proposals of ${one.N} pixels and ${one.C} classes`, one] as const))(
    'has the numbers of PyTorch: %s',
    async (_, { M, N, C, wanted, ...golden }) => {
      const of = (values: Numbers) => floats.from(values);
      const given = { M, N, C, wanted, masks: of(golden.masks), classes: of(golden.classes) };
      const { merged, back } = await merge(given, { masks: of(golden.maskGradient), classes: of(golden.classGradient) });
      close(merged.masks, golden.merged, tolerance, 'masks');
      close(merged.classes, golden.means, tolerance, 'classes');
      close(back.masks, golden.dMasks, tolerance, 'mask gradient');
      close(back.classes, golden.dClasses, tolerance, 'class gradient');
    },
  );

  it(
    'is as the equations stand, with ties, for any proposals, pixels, classes and wanted classes',
    { timeout: 60_000 },
    async () => {
      const shapes = fc.record({
        M: fc.integer({ min: 0, max: 9 }),
        N: fc.integer({ min: 1, max: 23 }),
        C: fc.integer({ min: 1, max: 19 }),
        share: fc.constantFrom(0, 0.5, 1),
      });
      await fc.assert(
        fc.asyncProperty(shapes, async ({ M, N, C, share }) => {
          const wanted = Array.from({ length: C }, (_, c) => c).filter(() => random() < share);
          wanted.sort(() => random() - 0.5);
          const given = { M, N, C, wanted, masks: floats.from(whole(M * N, -2, 2)), classes: floats.from(whole(M * C, -1, 1)) };
          const slopes = slopesOf(wanted.length, N, C);
          const taken = { masks: floats.from(slopes.masks), classes: floats.from(slopes.classes) };
          expectEqual(await merge(given, taken), byEquations(given, slopes), tolerance);
        }),
        { numRuns: 40 },
      );
    },
  );

  // Rows longer than a block, more classes than invocations of a workgroup, more proposals than there are.
  it.each([
    [300, 2500, 2],
    [70, 33, 700],
    [9, 160 * 160, 4],
  ])('%d proposals of %d pixels, %d classes', { timeout: 60_000 }, async (M, N, C) => {
    const wanted = Array.from({ length: C }, (_, c) => C - 1 - c).filter((c) => c % 5 !== 3);
    const given = { M, N, C, wanted, masks: floats.from(whole(M * N, -99, 99)), classes: floats.from(whole(M * C, -3, 3)) };
    const slopes = slopesOf(wanted.length, N, C);
    const taken = { masks: floats.from(slopes.masks), classes: floats.from(slopes.classes) };
    expectEqual(await merge(given, taken), byEquations(given, slopes), tolerance);
  });

  it('keeps logits far below those of absent classes, and large ones: nothing becomes NaN', async () => {
    const masks = floats.of(-1e4, -1e30, 1e30, -200, -1e30, 1e30, -1e4, 1e30);
    const classes = floats.of(1e4, -1e4, -1e30, 1e30, -1e4, -1e30, -1e30, -1e30, -1e30, 1e30, 1e30, 1e30);
    // Of classes 0, 0, 0 and 0: the first of equal ones.
    const given = { M: 4, N: 2, C: 3, wanted: [2, 0], masks, classes };
    const slopes = { masks: floats.of(1, 2, 3, 4), classes: floats.of(1, 2, 3, 4, 8, 12) };
    const { merged, back } = await merge(given, slopes);
    expect([...merged.counts]).toEqual([0, 4]);
    expect([...merged.masks]).toEqual([train.absentMaskLogit, train.absentMaskLogit, floats.of(1e30)[0], floats.of(1e30)[0]]);
    expect([...merged.from]).toEqual([-1, -1, 1, 2]);
    expect([...merged.classes.subarray(0, 3)]).toEqual([0, 0, 0]);
    close(merged.classes.subarray(3), Array.from([0, 1, 2], (c) => [0, 3, 6, 9].reduce((sum, m) => sum + classes[m + c]! / 4, 0)), 1e-6, 'means'); // prettier-ignore
    expect([...back.masks]).toEqual([0, 0, 3, 0, 0, 4, 0, 0]);
    expect([...back.classes]).toEqual([0, 1, 2, 3].flatMap(() => [1, 2, 3]));
    const alone = { M: 1, N: 2, C: 2, wanted: [1], masks: floats.of(-1e4, -101), classes: floats.of(0, 1) };
    expect([...(await merge(alone, slopesOf(1, 2, 2))).merged.masks]).toEqual([-1e4, -101]);
    const nowhere = { M: 1, N: 1, C: 3, wanted: [0, 1, 2], masks: floats.of(1), classes: new floats(3).fill(-Infinity) };
    expect([...(await merge(nowhere, slopesOf(3, 1, 3))).merged.counts]).toEqual([1, 0, 0]);
  });
});

it('the gradient is that of the values', () => {
  // Central differences in doubles of what is linear between ties: roundings alone, 1e-16 / step of values up to a hundred.
  const [M, N, C, wanted, step] = [7, 5, 4, [3, 0, 1], 1e-4] as const;
  const distinct = (n: number) => Float64Array.from({ length: n }, (_, i) => ((i * 37) % 101) / 8);
  const given = { M, N, C, wanted, masks: distinct(M * N), classes: distinct(M * C) };
  const slopes = slopesOf(wanted.length, N, C);
  const value = (merge: train.MaskMerge) => {
    const { masks, classes } = train.mergeMasks(merge);
    const dot = (a: train.Floats, b: train.Floats) => Array.from(a).reduce((sum, x, i) => sum + x * b[i]!, 0);
    return dot(masks, slopes.masks) + dot(classes, slopes.classes);
  };
  const back = { masks: new Float64Array(M * N), classes: new Float64Array(M * C) };
  train.mergeMasksGradients(given, train.mergeMasks(given), slopes.masks, slopes.classes, back);
  for (const part of ['masks', 'classes'] as const) {
    given[part].forEach((_, i) => {
      const at = (by: number) => {
        const moved = given[part].slice();
        moved[i]! += by;
        return value({ ...given, [part]: moved });
      };
      expect(Math.abs(back[part][i]! - (at(step) - at(-step)) / (2 * step)), `${part}[${i}]`).toBeLessThanOrEqual(1e-8);
    });
  }
});

describe.each(layouts)('on the device, laid out for a %s', (layout) => {
  it('masks are merged, compared with the truth by dice, and corrected, without a read-back', async () => {
    const device = await openGpu(layout);
    const [M, N, C, K] = [6, 40, 3, 2];
    const places = Int32Array.of(1, -1, 0);
    const [masks, classes] = [whole(M * N, -4, 4), whole(M * C, -4, 4)];
    // Classes 2, 0, 1, 0, 2, 2.
    [2, 0, 1, 0, 2, 2].forEach((c, m) => (classes[m * C + c] = 5));
    const targets = whole(K * N, 0, 1);
    const steps = 5;
    const rate = { rate: 40, momentum: 0, decay: 0, nesterov: false, clip: 1 };
    const shape = { M, N, C, K };
    const run = (on: train.TrainDevice) => {
      const weights = on.upload(masks);
      const given = { masks: weights, classes: on.upload(classes), places: on.upload(places) };
      const merged = {
        masks: on.zeros(K * N),
        classes: on.zeros(K * C),
        from: on.upload(new Int32Array(K * N)),
        classOf: on.upload(new Int32Array(M)),
        counts: on.upload(new Int32Array(K)),
      };
      const [rows, slopes, none] = [on.zeros(K), on.zeros(K * N), on.zeros(K * C)];
      const [gradient, velocity] = [on.zeros(M * N), on.zeros(M * N)];
      const dice = { M: K, N, targets: on.upload(targets), smooth: 1, squared: false, scale: 1 / K };
      for (let step = 0; step < steps; step++) {
        on.merge_masks({ ...given, ...shape }, merged);
        on.dice({ logits: merged.masks, ...dice }, { rows, gradient: slopes });
        const back = { masks: gradient, classes: on.zeros(M * C) };
        on.merge_masks_gradient({ ...merged, ...shape, maskGradient: slopes, classGradient: none }, back);
        on.sgd({ weights, gradient, velocity, ...rate });
      }
      return Promise.all([rows.read(), weights.read()]);
    };
    const [rows, weights] = await run(device);
    const [wantedRows, wantedWeights] = await run(train.hostTrainDevice(train.referenceKernels, 'reference'));
    // Steps that large carry roundings on.
    close(rows, wantedRows, 1e-4, 'values');
    close(weights, wantedWeights, 1e-4, 'masks');
    expect(weights).not.toEqual(masks);
  });

  it('refuses arrays that do not fit', async () => {
    const device = await openGpu(layout);
    const given = {
      masks: device.zeros(4),
      classes: device.zeros(6),
      places: device.upload(Int32Array.of(0, 1, -1)),
      M: 2,
      N: 2,
      C: 3,
      K: 2,
    };
    const merged = {
      masks: device.zeros(4),
      classes: device.zeros(6),
      from: device.upload(new Int32Array(4)),
      classOf: device.upload(new Int32Array(2)),
      counts: device.upload(new Int32Array(2)),
    };
    expect(() => device.merge_masks({ ...given, places: merged.counts }, merged)).toThrow(
      /places: found 2 numbers; wanted a Int32Array of 3/,
    );
    expect(() => device.merge_masks(given, { ...merged, counts: device.zeros(2) as never })).toThrow(
      /counts: found .*; wanted a Int32Array of 2/,
    );
    expect(() => device.merge_masks({ ...given, M: 3 }, merged)).toThrow(/masks: found 4 numbers; wanted a Float32Array of 6/);
    const slopes = { maskGradient: device.zeros(4), classGradient: device.zeros(6) };
    const back = { masks: device.zeros(4), classes: device.zeros(5) };
    expect(() => device.merge_masks_gradient({ ...given, ...merged, ...slopes }, back)).toThrow(
      /classes: found 5 numbers; wanted a Float32Array of 6/,
    );
    await device.settled();
  });
});

describe('refuses', () => {
  const given = { M: 2, N: 1, C: 3, wanted: [0, 2], masks: new Float32Array(2), classes: Float32Array.of(1, 2, 3, 4, 5, 6) };
  it.each([
    ['a class twice', { wanted: [2, 2] }, /wanted\[1\]: found 2; wanted a whole number from 0 to 2, each once/],
    ['a class that is not there', { wanted: [0, 3] }, /wanted\[1\]: found 3/],
    ['half a class', { wanted: [0.5] }, /wanted\[0\]: found 0.5/],
    ['no classes', { C: 0, classes: new Float32Array() }, /C: found 0; wanted at least one class/],
    ['masks that do not fit', { N: 2 }, /masks: found 2 numbers; wanted 4/],
    ['class logits that do not fit', { C: 4 }, /classes: found 6 numbers; wanted 8/],
    ['NaN', { classes: Float32Array.of(1, 2, 3, 4, Number.NaN, 6) }, /classes\[1, 1\]: found NaN/],
  ])('%s', (_, change, message) => {
    expect(() => train.mergeMasks({ ...given, ...change })).toThrow(message);
    expect(() => train.mergeMasks({ ...given, ...change })).toThrow(train.ArgumentError);
  });

  it('gradients that do not fit, and doubles in WASM', async () => {
    const merged = train.mergeMasks(given);
    const back = { masks: new Float32Array(2), classes: new Float32Array(6) };
    const call = (masks: number, classes: number, out = back) =>
      train.mergeMasksGradients(given, merged, new Float32Array(masks), new Float32Array(classes), out);
    expect(() => call(3, 6)).toThrow(/maskGradient: found 3 numbers; wanted 2/);
    expect(() => call(2, 5)).toThrow(/classGradient: found 5 numbers; wanted 6/);
    expect(() => call(2, 6, { ...back, masks: new Float32Array(1) })).toThrow(/out.masks: found 1 numbers; wanted 2/);
    expect(() => call(2, 6, { ...back, classes: new Float32Array(1) })).toThrow(/out.classes: found 1 numbers; wanted 6/);
    const kernels = await train.wasmTrainKernels();
    expect(() => train.mergeMasks({ ...given, masks: new Float64Array(2) }, kernels)).toThrow(/Float32Array/);
  });
});
