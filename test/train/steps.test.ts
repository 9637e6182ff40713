// Schedules by their formulas, samplers by their distribution, and streams that continue exactly.
import { describe, expect, it } from 'vitest';
import {
  adamwOptimizer,
  openSampler,
  randomFrom,
  repeatFactors,
  schedule,
  seededRandom,
  sgdOptimizer,
} from '../../sdk/train/index.js';

describe('schedules', () => {
  it.each([
    ['constant', { rate: 2 }, [2, 2, 2]],
    ['step', { rate: 1, kind: 'step', milestones: [10, 90], factor: 0.5 }, [1, 0.5, 0.25]],
    ['poly', { rate: 1, kind: 'poly', steps: 100, power: 2 }, [1, 0.25, 0]],
    ['cosine', { rate: 1, kind: 'cosine', steps: 100, last: 0.5 }, [1, 0.75, 0.5]],
  ] as const)('%s at 0, 50 and 100', (_, options, wanted) => {
    const rate = schedule(options);
    [0, 50, 100].forEach((step, i) => expect(rate(step)).toBeCloseTo(wanted[i]!, 12));
    expect(rate(1000)).toBe(rate(100));
  });

  it('warms up linearly, on top of any kind', () => {
    const rate = schedule({ rate: 1, warmup: 10, warmupFrom: 0.2 });
    expect([rate(0), rate(5), rate(10)]).toEqual([0.2, 0.6000000000000001, 1]);
  });

  it.each([
    [{ rate: -1 }, /rate: found -1/],
    [{ rate: 1, kind: 'poly' }, /steps: found undefined/],
    [{ rate: 1, kind: 'step', milestones: [5, 5] }, /rising/],
    [{ rate: 1, warmup: 0.5 }, /warmup/],
  ] as const)('refuses %j', (options, message) => {
    expect(() => schedule(options)).toThrow(message);
  });
});

/** Draws that a share may be off by: five standard deviations. */
const room = (share: number, draws: number) => 5 * Math.sqrt((share * (1 - share)) / draws);

describe('samplers', () => {
  const small = { name: 'small', images: [[0], [0], [0, 1], []] };
  const large = { name: 'large', images: Array.from({ length: 96 }, (_, i) => [i % 7]) };
  const count = (options: Parameters<typeof openSampler>[0], batches: number) => {
    const sampler = openSampler(options);
    const seen = new Map<string, number>();
    for (let i = 0; i < batches; i++) for (const { dataset, image } of sampler.next()) seen.set(`${dataset} ${image}`, (seen.get(`${dataset} ${image}`) ?? 0) + 1); // prettier-ignore
    return { sampler, seen, draws: batches * options.batch };
  };

  it.each([
    ['dataset-uniform', [small, large]],
    [
      'with ratios',
      [
        { ...small, ratio: 1 },
        { ...large, ratio: 3 },
      ],
    ],
    ['class-aware', [{ ...small, balance: 'class-aware' }, large]],
    ['repeat-factor', [{ ...small, balance: 'repeat-factor', repeatThreshold: 0.9 }, large]],
  ] as const)('%s: images come as often as they should', (_, datasets) => {
    for (const oneDatasetABatch of [false, true]) {
      const { sampler, seen, draws } = count({ datasets, batch: 4, oneDatasetABatch }, 8000);
      let total = 0;
      for (const { name } of datasets) {
        sampler.chances(name).forEach((share, image) => {
          total += share;
          // In batches of one data set draws are no longer independent: four at a time.
          expect(Math.abs((seen.get(`${name} ${image}`) ?? 0) / draws - share)).toBeLessThanOrEqual(
            room(share, draws / (oneDatasetABatch ? 4 : 1)),
          );
        });
      }
      expect(total).toBeCloseTo(1, 12);
    }
  });

  it('class-aware: 1 over the images of each class; an image without classes never comes', () => {
    const chances = openSampler({ datasets: [{ ...small, balance: 'class-aware' }], batch: 1 }).chances('small');
    // Class 0 in three images, class 1 in one.
    expect([...chances].map((share) => share / chances[0]!)).toEqual([1, 1, expect.closeTo(4, 12), 0]);
  });

  it('repeat factors of LVIS', () => {
    // Class 0 in 3 of 4 images, class 1 in 1 of 4.
    const factors = repeatFactors(small.images, 0.5);
    expect([...factors]).toEqual([1, 1, Math.SQRT2, 1]);
  });

  it('one data set a batch, the same seed the same batches, and a state goes on exactly', () => {
    const options = { datasets: [small, large], batch: 5, oneDatasetABatch: true, seed: 11 };
    const [a, b] = [openSampler(options), openSampler(options)];
    for (let i = 0; i < 20; i++) {
      const batch = a.next();
      expect(new Set(batch.map(({ dataset }) => dataset)).size).toBe(1);
      expect(b.next()).toEqual(batch);
    }
    const state = a.state();
    const next = [a.next(), a.next()];
    b.restore(JSON.parse(JSON.stringify(state)));
    expect([b.next(), b.next()]).toEqual(next);
  });

  it.each([
    ['no data sets', { datasets: [], batch: 1 }, /datasets: found none/],
    ['a data set without images', { datasets: [{ name: 'x', images: [] }], batch: 1 }, /data set "x": found no images/],
    ['a name twice', { datasets: [small, small], batch: 1 }, /twice/],
    ['ratios of 0', { datasets: [{ ...small, ratio: 0 }], batch: 1 }, /all 0/],
    ['an unknown balance', { datasets: [{ ...small, balance: 'fair' as never }], batch: 1 }, /balance of "small"/],
    ['half a batch', { datasets: [small], batch: 0.5 }, /batch: found 0.5/],
  ])('refuses %s', (_, options, message) => {
    expect(() => openSampler(options)).toThrow(message);
  });
});

it('random numbers are uniform, differ by seed, and continue from their state', () => {
  const next = seededRandom(1);
  const bins = new Float64Array(16);
  const n = 160_000;
  for (let i = 0; i < n; i++) bins[Math.floor(next() * 16)]!++;
  for (const bin of bins) expect(Math.abs(bin / n - 1 / 16)).toBeLessThanOrEqual(room(1 / 16, n));
  expect(seededRandom(2)()).not.toBe(seededRandom(3)());
  const [state, wanted] = [next.state(), [next(), next()]];
  const again = randomFrom(state);
  expect([again(), again()]).toEqual(wanted);
});

describe('optimisers', () => {
  const parameters = () => [
    { name: 'w', weights: Float32Array.of(1, 2) },
    { name: 'b', weights: Float32Array.of(1), decays: false },
  ];
  it('a parameter without gradient or decay stays', () => {
    const list = parameters();
    sgdOptimizer(list, { decay: 0.5 }).step([undefined, Float32Array.of(0)], 1);
    expect(list.map(({ weights }) => [...weights])).toEqual([[1, 2], [1]]);
  });

  it.each([
    [
      'a gradient of another size',
      (list: ReturnType<typeof parameters>) => sgdOptimizer(list).step([Float32Array.of(1), undefined], 1),
      /gradient of w: found 1 numbers; wanted 2/,
    ],
    [
      'NaN',
      (list: ReturnType<typeof parameters>) => adamwOptimizer(list).step([Float32Array.of(1, Number.NaN), undefined], 1),
      /gradient of w: found a number that is not finite/,
    ],
    ['a name twice', (list: ReturnType<typeof parameters>) => adamwOptimizer([list[0]!, list[0]!]), /a name twice/],
    [
      'a state of another optimiser',
      (list: ReturnType<typeof parameters>) => adamwOptimizer(list).restore(sgdOptimizer(list).state()),
      /found "sgd"/,
    ],
  ])('refuses %s, changing nothing', (_, call, message) => {
    const list = parameters();
    expect(() => call(list)).toThrow(message);
    expect([...list[0]!.weights]).toEqual([1, 2]);
  });
});
