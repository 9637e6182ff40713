// Losses beside PyTorch: finite differences, WASM against the plain twins on random shapes, extremes, empty and ignored, and what is refused.
import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import * as train from '../../sdk/train/index.js';
import { openTrainKernels } from '../../sdk/train/webgpu.js';

/** Central differences of step 1e-6 in doubles: the error is about step^2 and 1e-16 / step, with some room for third derivatives. */
const differenceTolerance = 2e-7;
/** 32-bit floats against doubles: roundings of 6e-8 on sums of many terms, relative to the size of the terms. */
const floatTolerance = 5e-6;
/** The same, with exponentials of 3 + 2|x| units in the last place and quotients of 2.5, as WGSL allows them. */
const gpuTolerance = 1e-5;

const random = train.seededRandom(7);
const numbers = (n: number, low = -4, high = 4) => Float64Array.from({ length: n }, () => low + (high - low) * random());
const whole = (n: number, low: number, high: number) =>
  Int32Array.from({ length: n }, () => low + Math.floor((high - low + 1) * random()));

interface Row {
  name: string;
  loss: (C: number) => train.Loss;
  input: (P: number, C: number) => Omit<train.LossInput, 'logits'>;
  logits?: (P: number, C: number) => Float64Array;
}

const parents = (C: number) =>
  Array.from({ length: C }, (_, c) => (c === 0 ? [] : c % 3 === 0 && c > 2 ? [c - 1, c - 2] : [Math.floor(c / 2)]));
const boxes = (P: number) => {
  const out = new Float64Array(4 * P);
  for (let p = 0; p < P; p++) {
    const [x, y] = [8 * random(), 8 * random()];
    out.set([x, y, x + 0.5 + 6 * random(), y + 0.5 + 6 * random()], 4 * p);
  }
  return out;
};

const losses: Row[] = [
  {
    name: 'softmax',
    loss: (classes) => train.softmaxLoss({ classes }),
    input: (P, C) => ({ labels: whole(P, -1, C - 1), weights: numbers(P, 0, 2) }),
  },
  {
    name: 'softmax, columns',
    loss: (classes) => train.softmaxLoss({ classes, columns: Array.from({ length: Math.ceil(classes / 2) }, (_, i) => 2 * i) }),
    input: (P, C) => ({ labels: whole(P, 0, Math.ceil(C / 2) - 1).map((i) => 2 * i) }),
  },
  { name: 'sigmoid', loss: (classes) => train.sigmoidLoss({ classes }), input: (P, C) => ({ labels: whole(P, -1, C) }) },
  {
    name: 'sigmoid, element weights and columns of a step',
    loss: (classes) => train.sigmoidLoss({ classes }),
    input: (P, C) => ({
      labels: whole(P, -1, C),
      weights: numbers(P * C, -1, 2).map((w) => Math.max(0, w)),
      columns: Uint8Array.from(whole(C, 0, 1)),
    }),
  },
  { name: 'focal', loss: (classes) => train.focalLoss({ classes }), input: (P, C) => ({ labels: whole(P, -1, C) }) },
  {
    name: 'focal, gamma below 1',
    loss: (classes) => train.focalLoss({ classes, gamma: 0.7, alpha: -1 }),
    input: (P, C) => ({ labels: whole(P, -1, C) }),
  },
  {
    name: 'mask focal, soft',
    loss: (pixels) => train.maskFocalLoss({ pixels }),
    input: (P, C) => ({ targets: numbers(P * C, 0, 1) }),
  },
  {
    name: 'null',
    loss: (classes) => train.nullLoss({ classes, columns: Array.from({ length: Math.ceil(classes / 3) }, (_, i) => 3 * i) }),
    input: (P, C) => ({ labels: whole(P, -1, Math.ceil(C / 3) - 1) }),
  },
  {
    name: 'class-relational',
    loss: (classes) => {
      const columns = Array.from({ length: Math.ceil(classes / 3) }, (_, i) => 3 * i);
      return train.relationalLoss({ classes, columns, similarity: numbers(columns.length * classes, 0, 1) });
    },
    input: (P, C) => ({ labels: whole(P, -1, Math.ceil(C / 3) - 1) }),
  },
  {
    name: 'hierarchy',
    loss: (classes) => train.hierarchyLoss({ parents: parents(classes) }),
    input: (P, C) => ({ labels: whole(P, -1, C) }),
  },
  {
    name: 'hard and soft labels',
    loss: (classes) => train.hardSoftLoss({ similarity: Float32Array.from(numbers(classes * classes, 0, 1)), temperature: 0.2 }),
    input: (P, C) => ({ labels: whole(P, -1, C), weights: numbers(P, 0, 2) }),
    logits: (P, C) => numbers(P * C, -1, 1),
  },
  {
    name: 'heat map',
    loss: (classes) => train.heatmapLoss({ classes }),
    input: (P, C) => ({ targets: numbers(P * C, 0, 1.2).map((t) => Math.min(1, t)), weights: numbers(P * C, 0, 1) }),
  },
  {
    name: 'dice',
    loss: () => train.diceLoss(),
    input: (P, C) => ({ masks: P, targets: numbers(P * C, -1, 1).map((t) => Number(t > 0)) }),
  },
  {
    name: 'dice, squares',
    loss: () => train.diceLoss({ squared: true, smooth: 1e-3 }),
    input: (P, C) => ({ masks: P, targets: numbers(P * C, 0, 1), weights: numbers(P, 0, 2) }),
  },
  {
    name: 'projection',
    loss: () => train.projectionLoss(),
    input: (P, C) => ({
      masks: P,
      projections: { x: numbers(P * C, -1, 1).map((t) => Number(t > 0)), y: numbers(P, -1, 1).map((t) => Number(t > 0)) },
    }),
  },
  {
    name: 'projection, several rows, sums in the denominator',
    loss: () => train.projectionLoss({ squared: false, smooth: 1 }),
    input: (P, C) => {
      const H = [3, 2, 1].find((rows) => C % rows === 0)!;
      const [x, y] = [(P * C) / H, P * H].map((n) => numbers(n, -1, 1).map((t) => Number(t > 0)));
      return { masks: P, projections: { x: x!, y: y! }, weights: numbers(P, 0, 2) };
    },
  },
  {
    name: 'smooth L1',
    loss: (classes) => train.smoothL1Loss({ numbers: classes, beta: 0.6 }),
    input: (P, C) => ({ targets: numbers(P * C), weights: numbers(P, 0, 2) }),
  },
  {
    name: 'GIoU',
    loss: () => train.boxLoss('giou'),
    input: (P) => ({ targets: boxes(P), weights: numbers(P, 0.1, 2) }),
    logits: (P) => boxes(P),
  },
  {
    name: 'orthogonality',
    loss: (features) => train.orthogonalityLoss({ features, wholeRows: true, temperature: 0.7 }),
    input: () => ({}),
    logits: (P, C) => numbers(P * C, -1, 1),
  },
];

const floats = (input: train.LossInput): train.LossInput => {
  const f = <T extends train.Floats | undefined>(values: T) => values && Float32Array.from(values);
  return {
    ...input,
    logits: f(input.logits),
    targets: f(input.targets),
    weights: f(input.weights),
    projections: input.projections && { x: f(input.projections.x), y: f(input.projections.y) },
  };
};

type Compute = (
  loss: train.Loss,
  input: train.LossInput,
  options?: { scale?: number },
) => train.LossValue | Promise<train.LossValue>;

/** Dawn on SwiftShader: see vitest.config.ts. With the kernels that a processor gets, and with those of a GPU. Opened once each. */
const layouts = { WebGPU: 'processor', 'WebGPU, as on a GPU': 'gpu' } as const;
const layoutNames = Object.keys(layouts) as (keyof typeof layouts)[];
const opened = new Map<string, Promise<train.WebgpuTrainKernels>>();
const openGpu = (name: keyof typeof layouts): Promise<train.WebgpuTrainKernels> => {
  let kernels = opened.get(name);
  if (!kernels) opened.set(name, (kernels = openTrainKernels({ software: true, limits: 'default' }, layouts[name])));
  return kernels;
};

/** SwiftShader takes some seconds to compile kernels with workgroup memory. */
const compileTimeout = 60_000;
beforeAll(async () => void (await Promise.all(layoutNames.map(openGpu))), compileTimeout);

async function onDevice(name: string): Promise<Compute> {
  if (name in layouts) {
    const kernels = await openGpu(name as keyof typeof layouts);
    return (loss, input, options) => kernels.computeLoss(loss, input, options);
  }
  const kernels = name === 'WASM' ? await train.wasmTrainKernels() : train.referenceKernels;
  return (loss, input, options) => train.computeLoss(loss, input, { ...options, kernels });
}

describe.each(losses)('$name', ({ name, loss: make, input, logits = (P, C) => numbers(P * C) }) => {
  it.each([
    [1, 1],
    [3, 5],
    [4, 8],
  ])('the gradient is that of the value, %d rows of %d', (P, C) => {
    const loss = make(C);
    const given = { ...input(P, C), logits: logits(P, C) };
    const { gradient } = train.computeLoss(loss, given);
    const step = 1e-6;
    for (let i = 0; i < given.logits.length; i++) {
      const at = (by: number) => {
        const moved = given.logits.slice();
        moved[i]! += by;
        return train.computeLoss(loss, { ...given, logits: moved }).value;
      };
      const slope = (at(step) - at(-step)) / (2 * step);
      expect(Math.abs(gradient[i]! - slope), `${name}, element ${i}`).toBeLessThanOrEqual(
        differenceTolerance * Math.max(1, Math.abs(slope)),
      );
    }
  });

  it.each([
    ['WASM', floatTolerance],
    ['WebGPU', gpuTolerance],
    ['WebGPU, as on a GPU', gpuTolerance],
  ] as const)(
    '%s has the numbers of the plain twin at every tail, and in blocks',
    { timeout: 60_000 },
    async (name, tolerance) => {
      const compute = await onDevice(name);
      for (const [P, C] of [[1, 1], [2, 2], [5, 3], [3, 7], [6, 12], [9, 33]] as const) {
      const loss = make(C);
      const given = floats({ ...input(P, C), logits: logits(P, C) });
      const plain = train.computeLoss(loss, given, { scale: 3 });
      const fast = await compute(loss, given, { scale: 3 });
      const size = (values: train.Floats) => Math.max(1, ...Array.from(values, Math.abs));
      for (const part of ['rows', 'gradient'] as const) {
        const room = tolerance * size(plain[part]);
        fast[part].forEach((value, i) => {
          if (!(Math.abs(value - plain[part][i]!) <= room)) expect.fail(`${part}[${i}] of ${P} x ${C}: ${value}, wanted ${plain[part][i]}`);
        });
      }
    } // prettier-ignore
    },
  );

  it('no rows: nothing, and no error', () => {
    const C = 4;
    const given = { ...input(0, C), logits: logits(0, C) };
    const { projections } = given as train.LossInput;
    expect(
      train.computeLoss(
        make(C),
        projections ? { ...given, projections: { x: new Float64Array(), y: new Float64Array() } } : given,
      ),
    ).toMatchObject({ value: 0, normaliser: 1 });
  });
});

describe('extremes', () => {
  const runs = ['reference', 'WASM', ...layoutNames];

  it.each(runs)('%s: all ignored is 0', async (name) => {
    const compute = await onDevice(name);
    const logits = Float32Array.from(numbers(30));
    for (const loss of [train.softmaxLoss({ classes: 5 }), train.focalLoss({ classes: 5 }), train.sigmoidLoss({ classes: 5 })]) {
      const { value, gradient } = await compute(loss, { logits, labels: new Int32Array(6).fill(-1) });
      expect(value).toBe(0);
      expect(gradient.every((slope) => slope === 0)).toBe(true);
    }
  });

  it.each(runs)('%s: logits of +-1e4 stay finite and right', async (name) => {
    const compute = await onDevice(name);
    const logits = Float32Array.of(1e4, -1e4, -1e4, 1e4);
    const sigmoid = await compute(train.sigmoidLoss({ classes: 2 }), { logits, labels: [0, 0] });
    expect([...sigmoid.rows]).toEqual([0, 2e4]);
    expect([...sigmoid.gradient]).toEqual([0, 0, -0.5, 0.5]);
    const focal = await compute(train.focalLoss({ classes: 2, alpha: -1 }), { logits, labels: [0, 0] });
    expect([...focal.rows]).toEqual([0, 2e4]);
    const heat = await compute(train.heatmapLoss({ classes: 2 }), { logits, targets: Float32Array.of(1, 0, 1, 0) });
    expect([...heat.rows]).toEqual([0, 2e4]);
  });

  it.each(runs)('%s: 2249 classes, several blocks', { timeout: 60_000 }, async (name) => {
    const compute = await onDevice(name);
    const [P, C] = [600, 2249];
    const logits = Float32Array.from(numbers(P * C, -3, 3));
    const labels = whole(P, -1, C);
    const mine = await compute(train.sigmoidLoss({ classes: C }), { logits, labels });
    let sum = 0;
    for (let p = 0; p < P; p++) {
      for (let c = 0; c < C && labels[p]! >= 0; c++) {
        const x = logits[p * C + c]! * (c === labels[p] ? -1 : 1);
        sum += Math.log1p(Math.exp(x));
      }
    }
    expect(Math.abs(mine.value / (sum / mine.normaliser) - 1)).toBeLessThanOrEqual(floatTolerance);
    expect(mine.normaliser).toBe(labels.filter((label) => label >= 0).length);
  });

  // Tails of fours on both sides, one row, one column, more than a vector register holds.
  it.each(runs)('%s: projection gives slopes to the first largest pixels, ties and all', { timeout: 60_000 }, async (name) => {
    const compute = await onDevice(name);
    for (const [M, H, W] of [[4, 1, 1], [3, 5, 4], [3, 4, 5], [2, 1, 9], [2, 9, 1], [5, 3, 11], [2, 40, 173]] as const) {
      // Few values: many ties.
      const logits = Float32Array.from(whole(M * H * W, -2, 2));
      const [x, y] = [Float32Array.from(whole(M * W, 0, 1)), Float32Array.from(whole(M * H, 0, 1))];
      const { gradient } = await compute(train.projectionLoss({ squared: false, smooth: 1 }), { logits, masks: M, projections: { x, y } });
      for (let m = 0; m < M; m++) {
        const mask = logits.subarray(m * H * W, (m + 1) * H * W);
        const first = new Set<number>();
        for (let c = 0; c < W; c++) {
          const column = Array.from({ length: H }, (_, r) => mask[r * W + c]!);
          first.add(column.indexOf(Math.max(...column)) * W + c);
        }
        for (let r = 0; r < H; r++) {
          const row = [...mask.subarray(r * W, (r + 1) * W)];
          first.add(r * W + row.indexOf(Math.max(...row)));
        }
        for (let i = 0; i < H * W; i++) {
          // Slopes of this loss are never 0, but two may cancel.
          if (!first.has(i)) expect(gradient[m * H * W + i], `${M} x ${H} x ${W}, mask ${m}, pixel ${i}`).toBe(0);
        }
        expect(gradient.subarray(m * H * W, (m + 1) * H * W).filter((slope) => slope !== 0).length).toBeGreaterThan(0);
      }
      const plain = train.computeLoss(train.projectionLoss({ squared: false, smooth: 1 }), { logits, masks: M, projections: { x, y } });
      gradient.forEach((slope, i) => expect(Math.abs(slope - plain.gradient[i]!)).toBeLessThanOrEqual(gpuTolerance));
    } // prettier-ignore
  });

  it.each(runs)('%s: dice of single pixels from -110 to 110', async (name) => {
    const compute = await onDevice(name);
    const logits = Float32Array.from({ length: 881 }, (_, i) => (i - 440) / 4);
    const targets = logits.map((_, i) => i % 2);
    const { rows, gradient } = await compute(train.diceLoss(), { logits, targets, masks: 881 }, { scale: 881 });
    logits.forEach((x, i) => {
      const p = 1 / (1 + Math.exp(-x));
      const [t, bottom] = [targets[i]!, p + targets[i]! + 1];
      const top = 2 * p * t + 1;
      const slope = ((top - 2 * t * bottom) / bottom ** 2) * p * (1 - p);
      expect(Math.abs(rows[i]! - (1 - top / bottom)), `value at ${x}`).toBeLessThanOrEqual(floatTolerance);
      expect(Math.abs(gradient[i]! - slope), `slope at ${x}`).toBeLessThanOrEqual(floatTolerance);
    });
  });

  it.each(['reference', 'WASM'])('%s: dice and projection refuse NaN, whatever its bits', async (name) => {
    const compute = await onDevice(name);
    for (const bits of [0x7fc00000, 0xffc00000, 0x7fc00001, 0x7f812345]) {
      const logits = new Float32Array(8);
      new Uint32Array(logits.buffer)[2] = bits;
      const call = async () => compute(train.diceLoss(), { logits, targets: new Float32Array(8), masks: 1 });
      await expect(call()).rejects.toThrow(/logits\[0, 2\]: found NaN/);
    }
  });

  it('one class: softmax is 0, sigmoid is not', () => {
    const input = { logits: Float32Array.of(0, 3), labels: [0, 0] };
    expect(train.computeLoss(train.softmaxLoss({ classes: 1 }), input).value).toBe(0);
    expect(train.computeLoss(train.sigmoidLoss({ classes: 1 }), input).value).toBeCloseTo(
      (Math.LN2 + Math.log1p(Math.exp(-3))) / 2,
      6,
    );
  });
});

describe('targets', () => {
  it('class-relational: the three cases of Eq. 6', () => {
    // Own columns 0 and 1; 2 is foreign and very like label 0, 3 foreign and not like it.
    const table = train.relationalTargets(4, [0, 1], [0.6, 0.1, 0.7, 0.5, 0.2, 0.4, 0.45, 0.9], 0.48);
    expect([...table.states]).toEqual([1, 0, 1, 2, 0, 1, 2, 1]);
    expect([...train.nullTargets(4, [0, 1]).states]).toEqual([1, 0, 2, 2, 0, 1, 2, 2]);
    // Label 1 alone is a positive of column 3: for label 0 it is a negative then; nothing is said of a column without positives.
    const both = train.relationalTargets(4, [0, 1], [0.6, 0.1, 0.2, 0.5, 0.2, 0.4, 0.45, 0.9], 0.48, 'negative');
    expect([...both.states]).toEqual([1, 0, 2, 0, 0, 1, 2, 1]);
    expect(() => train.relationalTargets(1, [0], [1], 0, 'all' as 'none')).toThrow('others: found all');
  });

  it('hierarchy: two parents, ancestors positive, descendants out, background all negative', () => {
    const { states } = train.hierarchyTargets([[], [], [0, 1], [2], []]);
    expect([...states.subarray(10, 15)]).toEqual([1, 1, 1, 2, 0]);
    expect([...states.subarray(0, 5)]).toEqual([1, 0, 2, 2, 0]);
    expect([...states.subarray(25)]).toEqual([0, 0, 0, 0, 0]);
    expect(() => train.hierarchyTargets([[1], [0]])).toThrow(/without circles/);
    expect(() => train.hierarchyTargets([[3]])).toThrow(/parents\[0\]: found 3/);
  });

  it('similarity: 1 on the diagonal, 0 at the least of each row, not symmetric', () => {
    const s = train.labelSimilarity([1, 0, 1, 1, 0, 1, -1, 0.2], 4);
    for (let i = 0; i < 4; i++) {
      const row = [...s.subarray(4 * i, 4 * i + 4)];
      expect(row[i]).toBe(1);
      expect(Math.min(...row)).toBe(0);
    }
    expect(s[1]).not.toBe(s[4]);
    expect(() => train.labelSimilarity([0, 0, 1, 1], 2)).toThrow(/row 0/);
  });

  it('federated: the classes at hand, and others by the root of their frequency', () => {
    const counts = new Float64Array(4);
    const next = train.seededRandom(3);
    const runs = 20_000;
    for (let i = 0; i < runs; i++) {
      const mask = train.federatedColumns([1, -1, 9], [100, 5, 25, 0], next, { count: 2 });
      expect(mask[1]).toBe(1);
      mask.forEach((one, c) => (counts[c]! += one));
    }
    // sqrt(100) against sqrt(25): two thirds; five standard deviations of 20,000 draws.
    expect(Math.abs(counts[0]! / runs - 2 / 3)).toBeLessThan(5 * Math.sqrt(2 / 9 / runs));
    expect(counts[3]).toBe(0);
    expect([...train.federatedColumns([], [1, 1], next, { count: 9 })]).toEqual([1, 1]);
  });

  it('boxes on the axes: centres of pixels', () => {
    const { x, y } = train.boxProjections([1, 0.4, 3, 2], 3, 4);
    expect([...x]).toEqual([0, 1, 1, 0]);
    expect([...y]).toEqual([1, 1, 0]);
  });
});

describe('refuses', () => {
  const logits = Float32Array.from(numbers(6));
  const softmax = train.softmaxLoss({ classes: 3 });
  it.each([
    [
      'labels out of range',
      () => train.computeLoss(softmax, { logits, labels: [0, 3] }),
      /labels\[1\]: found 3; wanted a whole number from 0 to 2/,
    ],
    ['half labels', () => train.computeLoss(softmax, { logits, labels: [0.5, 1] }), /labels\[0\]: found 0.5/],
    [
      'labels that the table does not have',
      () => train.computeLoss(train.nullLoss({ classes: 3, columns: [0] }), { logits, labels: [0, 1] }),
      /labels\[1\]/,
    ],
    [
      'a label outside the columns',
      () => train.computeLoss(train.softmaxLoss({ classes: 3, columns: [0, 1] }), { logits, labels: [0, 2] }),
      /labels\[1\]: found 2; wanted one of the columns/,
    ],
    [
      'NaN logits',
      () => train.computeLoss(softmax, { logits: Float32Array.of(1, 2, 3, 4, Number.NaN, 6), labels: [0, 1] }),
      /logits\[1, 1\]: found NaN/,
    ],
    ['too few labels', () => train.computeLoss(softmax, { logits, labels: [0] }), /labels: found 1 labels; wanted 2/],
    ['logits that do not fit', () => train.computeLoss(softmax, { logits: Float32Array.of(1, 2), labels: [0] }), /rows of 3/],
    [
      'targets above 1',
      () => train.computeLoss(train.heatmapLoss({ classes: 3 }), { logits, targets: Float32Array.of(0, 0, 0, 0, 1.5, 0) }),
      /targets\[1, 1\]: found 1.5/,
    ],
    ['no targets', () => train.computeLoss(train.diceLoss(), { logits, masks: 2 }), /targets: found none/],
    [
      'labels and targets',
      () => train.computeLoss(train.sigmoidLoss({ classes: 3 }), { logits, labels: [0, 1], targets: logits.map(() => 1) }),
      /one of them/,
    ],
    ['a column twice', () => train.softmaxLoss({ classes: 3, columns: [0, 0] }), /each once/],
    ['a column that is not there', () => train.nullLoss({ classes: 3, columns: [3] }), /columns: found 3/],
    ['no classes', () => train.sigmoidLoss({ classes: 0 }), /classes: found 0/],
    [
      'an unknown reduction',
      () => train.computeLoss(softmax, { logits, labels: [0, 1] }, { reduction: 'avg' as never }),
      /reduction/,
    ],
    ['a normaliser of 0', () => train.computeLoss(softmax, { logits, labels: [0, 1] }, { normaliser: 0 }), /normaliser: found 0/],
  ])('%s', (_, call, message) => {
    expect(call).toThrow(message);
    expect(call).toThrow(train.ArgumentError);
  });

  it('doubles in WASM', async () => {
    const kernels = await train.wasmTrainKernels();
    expect(() => train.computeLoss(softmax, { logits: numbers(6), labels: [0, 1] }, { kernels })).toThrow(/Float32Array/);
  });
});

it('weights of 0 leave rows out as an ignored label does, whatever stands there', async () => {
  const wasm = await train.wasmTrainKernels();
  fc.assert(
    fc.property(
      fc.array(fc.integer({ min: 0, max: 4 }), { minLength: 1, maxLength: 6 }),
      fc.infiniteStream(fc.boolean()),
      (labels, keeps) => {
        const keep = labels.map(() => keeps.next().value as boolean);
        const logits = Float32Array.from(numbers(labels.length * 5));
        for (const kernels of [train.referenceKernels, wasm]) {
          const loss = train.focalLoss({ classes: 5 });
          const byWeight = train.computeLoss(loss, { logits, labels, weights: Float32Array.from(keep, Number) }, { kernels });
          const byLabel = train.computeLoss(
            loss,
            { logits, labels: labels.map((label, i) => (keep[i] ? label : -1)) },
            { kernels },
          );
          expect(byWeight).toEqual(byLabel);
        }
      },
    ),
  );
});

it('the module has no data of its own: arrays are laid out from the start of its memory', () => {
  const bytes = readFileSync(new URL('../../build/assembly/train.wasm', import.meta.url));
  const sections: number[] = [];
  for (let at = 8; at < bytes.length;) {
    sections.push(bytes[at++]!);
    let size = 0;
    for (let shift = 0; ; shift += 7) {
      const byte = bytes[at++]!;
      size |= (byte & 127) << shift;
      if (byte < 128) break;
    }
    at += size;
  }
  /** Number of the data section (WebAssembly specification, 5.5.2). */
  const data = 11;
  expect(sections).not.toContain(data);
});

/** Twenty steps, each of which carries the roundings of those before it. */
const stepsTolerance = 20 * gpuTolerance;

describe.each(layoutNames)('on the device: %s', (name) => {
  const open = () => openGpu(name);

  it('a step without a read-back: product, loss, product, clipped step; as the plain twins do it', async () => {
    const kernels = await open();
    const [P, D, C] = [40, 6, 3];
    const labels = whole(P, 0, C - 1);
    const features = kernels.upload(
      Float32Array.from(numbers(P * D), (x, i) => x + (i % D === labels[Math.floor(i / D)] ? 3 : 0)),
    );
    const own = kernels.upload(labels);
    const [weights, velocity, slopes] = [kernels.zeros(D * C), kernels.zeros(D * C), kernels.zeros(D * C)];
    const [logits, rows, gradient, norm] = [kernels.zeros(P * C), kernels.zeros(P), kernels.zeros(P * C), kernels.zeros(2)];
    const rate = { rate: 0.5, momentum: 0.9, decay: 0, nesterov: false };
    const steps = 20;
    for (let step = 0; step < steps; step++) {
      kernels.matmul({ a: features, b: weights, out: logits, M: P, N: C, K: D });
      kernels.softmax_cross_entropy({ logits, P, C, labels: own, scale: 1 / P }, { rows, gradient });
      kernels.matmul({ a: features, b: gradient, out: slopes, M: D, N: C, K: P, transposeA: true });
      kernels.global_norm([slopes], 1, norm);
      kernels.sgd({ weights, gradient: slopes, velocity, ...rate, clip: norm });
    }
    const plain = train.referenceKernels;
    const f = Float64Array.from(await features.read());
    const [w, v, g] = [new Float64Array(D * C), new Float64Array(D * C), new Float64Array(D * C)];
    const [x, values, dx] = [new Float64Array(P * C), new Float64Array(P), new Float64Array(P * C)];
    let size = 0;
    let clipped = 0;
    for (let step = 0; step < steps; step++) {
      plain.matmul({ a: f, b: w, out: x, M: P, N: C, K: D });
      plain.softmax_cross_entropy({ logits: x, P, C, labels, scale: 1 / P }, { rows: values, gradient: dx });
      plain.matmul({ a: f, b: dx, out: g, M: D, N: C, K: P, transposeA: true });
      size = Math.sqrt(plain.square_sum(g));
      if (size > 1) clipped++;
      plain.sgd({ weights: w, gradient: g, velocity: v, ...rate, clip: Math.min(1, 1 / (size + 1e-6)) });
    }
    expect(clipped).toBeGreaterThan(0);
    expect(Math.abs((await norm.read())[0]! - size)).toBeLessThanOrEqual(stepsTolerance);
    (await weights.read()).forEach((value, i) => expect(Math.abs(value - w[i]!)).toBeLessThanOrEqual(stepsTolerance));
    (await rows.read()).forEach((value, i) => expect(Math.abs(value - values[i]!)).toBeLessThanOrEqual(stepsTolerance));
    for (const array of [features, own, weights, velocity, slopes, logits, rows, gradient, norm]) array.dispose();
    expect(() => weights.write(new Float32Array(D * C))).toThrow(/disposed|array on the device/);
  });

  it('products with either operand transposed, at sizes around a tile', async () => {
    const kernels = await open();
    for (const [M, N, K] of [[1, 1, 1], [64, 65, 16], [3, 130, 17], [70, 5, 33]] as const) {
      for (const [transposeA, transposeB] of [[false, false], [true, false], [false, true], [true, true]] as const) {
        const [a, b] = [Float32Array.from(numbers(M * K)), Float32Array.from(numbers(K * N))];
        const wanted = new Float64Array(M * N);
        train.referenceKernels.matmul({ a, b, out: wanted, M, N, K, transposeA, transposeB });
        const out = kernels.zeros(M * N);
        kernels.matmul({ a: kernels.upload(a), b: kernels.upload(b), out, M, N, K, transposeA, transposeB });
        // Terms are up to 16 large.
        const room = gpuTolerance * 16 * K;
        (await out.read()).forEach((value, i) => expect(Math.abs(value - wanted[i]!)).toBeLessThanOrEqual(room));
      }
    } // prettier-ignore
  });

  // One row, one column, tails of sixteen and of lanes, more rows than lanes, as many columns as a text embedding has.
  it.each([
    [1, 1],
    [17, 3],
    [40, 33],
    [3, 700],
  ])('rows %d x %d: bias, sum, length 1 and the way back', async (P, C) => {
    const kernels = await open();
    const plain = train.referenceKernels;
    const near = async (found: train.DeviceArray, wanted: ArrayLike<number>, size = 1) =>
      (await found.read()).forEach((value, i) => {
        if (!(Math.abs(value - wanted[i]!) <= gpuTolerance * size)) expect.fail(`${i}: ${value}, wanted ${wanted[i]}`);
      });
    const [x, row, slopes] = [numbers(P * C), numbers(C), numbers(P * C)];
    // A row without direction must not become NaN.
    if (P > 2) x.fill(0, C, 2 * C);
    if (P > 2) slopes.fill(0, C, 2 * C);
    const [own, added, gradient] = [x, row, slopes].map((values) => kernels.upload(Float32Array.from(values)));
    const [unit, lengths, sums] = [kernels.zeros(P * C), kernels.zeros(P), kernels.zeros(C + 2)];
    kernels.unit_rows({ x: own!, unit, lengths, P, D: C });
    kernels.unit_rows_gradient({ gradient: gradient!, unit, lengths, P, D: C });
    kernels.add_rows({ x: own!, row: added!, P, C });
    kernels.sum_rows({ x: own!, out: sums, P, C, first: 2 });
    const wanted = {
      x: Float32Array.from(x),
      unit: new Float64Array(P * C),
      lengths: new Float64Array(P),
      sums: new Float64Array(C + 2),
    };
    const back = Float64Array.from(slopes);
    plain.unit_rows({ x: wanted.x, unit: wanted.unit, lengths: wanted.lengths, P, D: C });
    plain.unit_rows_gradient({ gradient: back, unit: wanted.unit, lengths: wanted.lengths, P, D: C });
    plain.add_rows({ x: wanted.x, row, P, C });
    plain.sum_rows({ x: wanted.x, out: wanted.sums, P, C, first: 2 });
    await near(unit, wanted.unit);
    await near(lengths, wanted.lengths, 4 * C);
    await near(gradient!, back, 4);
    await near(own!, wanted.x, 8);
    await near(sums, wanted.sums, 8 * P);
    // Copies stand in the same order as kernels.
    const joined = kernels.zeros(2 * C + 2);
    kernels.copy(added!, joined, C + 2);
    kernels.copy(sums, joined, 0);
    await near(joined, [...wanted.sums, ...row], 8 * P);
    expect(() => kernels.copy(sums, joined, C + 1)).toThrow(/room in/);
    for (const array of [own!, added!, gradient!, unit, lengths, sums, joined]) array.dispose();
  });

  it('refuses arrays that do not fit, and buffers that no device has', async () => {
    const kernels = await open();
    const [logits, rows, gradient] = [kernels.zeros(6), kernels.zeros(2), kernels.zeros(6)];
    const labels = kernels.upload(Int32Array.of(0, 1));
    const call =
      (given: object, output: object = { rows, gradient }) =>
      () =>
        kernels.softmax_cross_entropy({ logits, P: 2, C: 3, labels, scale: 1, ...given }, output as never);
    expect(call({ C: 4 })).toThrow(/gradient: found 6 numbers; wanted a Float32Array of 8/);
    expect(call({ labels: rows })).toThrow(/labels: found .*; wanted a Int32Array of 2/);
    expect(call({ logits: Float32Array.of(1) })).toThrow(/logits/);
    expect(call({}, { rows, gradient: logits })).toThrow(/an array of its own/);
    expect(() => kernels.upload(Float64Array.of(1) as never)).toThrow(/Float64Array/);
    expect(() => kernels.zeros(2 ** 28)).toThrow(/smaller batch/);
    await kernels.settled();
  });
});
