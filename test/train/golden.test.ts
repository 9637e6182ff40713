// Losses, layers and optimisers against PyTorch's autograd: test/golden/losses.json, made by make_losses.py, on every runtime. MERGE: merge.test.ts.
import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import * as train from '../../sdk/train/index.js';
import { openTrainKernels } from '../../sdk/train/webgpu.js';

type Numbers = readonly number[];
interface Case {
  name: string;
  loss: { make: string; options?: Record<string, unknown>; argument?: string };
  input: {
    logits: Numbers;
    labels?: Numbers;
    targets?: Numbers;
    weights?: Numbers;
    masks?: number;
    projectionX?: Numbers;
    projectionY?: Numbers;
  };
  value: number;
  rows?: Numbers;
  gradient: Numbers;
  features?: Numbers;
  embeddings?: Numbers;
  featureGradient?: Numbers;
}

const golden = JSON.parse(readFileSync(new URL('../golden/losses.json', import.meta.url), 'utf8')) as {
  cases: Case[];
  mapping: Record<'unified' | 'mapping' | 'logits' | 'gradient' | 'dUnified' | 'dMapping', Numbers> &
    Record<'P' | 'U' | 'K', number>;
  cosine: Record<'features' | 'weights' | 'logits' | 'gradient' | 'dFeatures' | 'dWeights', Numbers> &
    Record<'P' | 'C' | 'D' | 'scale', number>;
  optimizers: {
    kind: 'sgd' | 'adamw';
    options: object;
    rate: number;
    start: Numbers[];
    gradients: Numbers[][];
    after: Numbers[][];
    norms: Numbers;
  }[];
};

/** Both sides compute in doubles; the golden file has 15 digits. Relative to the larger of 1 and the number. */
const doubleTolerance = 1e-12;
/** Arithmetic in 32-bit floats: a few roundings of 6e-8 each, on terms up to a few times the result. */
const floatTolerance = 3e-6;
/** The same, with exponentials of 3 + 2|x| units in the last place and quotients of 2.5, as WGSL allows them. */
const gpuTolerance = 6e-6;

const close = (found: ArrayLike<number>, wanted: Numbers, tolerance: number, what: string) => {
  expect(found.length, what).toBe(wanted.length);
  wanted.forEach((value, i) => {
    const off = Math.abs(found[i]! - value);
    if (!(off <= tolerance * Math.max(1, Math.abs(value)))) expect.fail(`${what}[${i}]: found ${found[i]}, wanted ${value}`);
  });
};

/** A loss on a device, read back. */
type Compute = (
  loss: train.Loss,
  input: train.LossInput,
  options?: { reduction?: 'sum'; scale?: number },
) => train.LossValue | Promise<train.LossValue>;

const processors = [
  { name: 'reference, doubles', floats: Float64Array, tolerance: doubleTolerance, kernels: async () => train.referenceKernels },
  { name: 'reference, floats', floats: Float32Array, tolerance: floatTolerance, kernels: async () => train.referenceKernels },
  { name: 'wasm', floats: Float32Array, tolerance: floatTolerance, kernels: () => train.wasmTrainKernels() },
];
/** Dawn on SwiftShader: see vitest.config.ts. */
const layouts = ['processor', 'gpu'] as const;
const opened = new Map<string, Promise<train.WebgpuTrainKernels>>();
const onGpu = (layout: (typeof layouts)[number]): Promise<train.WebgpuTrainKernels> => {
  let kernels = opened.get(layout);
  if (!kernels) opened.set(layout, (kernels = openTrainKernels({ software: true, limits: 'default' }, layout)));
  return kernels;
};
/** SwiftShader takes some seconds to compile kernels with workgroup memory. */
const compileTimeout = 60_000;
beforeAll(async () => void (await Promise.all(layouts.map(onGpu))), compileTimeout);
afterAll(async () => (await Promise.all(opened.values())).forEach((kernels) => kernels.dispose()));

const runtimes = [
  ...processors.map((row) => ({
    ...row,
    start: async (): Promise<Compute> => {
      const kernels = await row.kernels();
      return (loss, input, options) => train.computeLoss(loss, input, { ...options, kernels });
    },
  })),
  ...layouts.map((layout) => ({
    name: `webgpu, laid out for a ${layout}`,
    floats: Float32Array,
    tolerance: gpuTolerance,
    start: async (): Promise<Compute> => {
      const kernels = await onGpu(layout);
      return (loss, input, options) => kernels.computeLoss(loss, input, options);
    },
  })),
];

const makers = train as unknown as Record<string, (options: unknown) => train.Loss>;

describe.each(runtimes)('$name', ({ floats, tolerance, start }) => {
  let compute: Compute;
  beforeAll(async () => {
    compute = await start();
  });
  const of = (values: Numbers | undefined) => values && floats.from(values);

  it.each(golden.cases)('$name', async ({ loss: { make, options = {}, argument }, input, value, rows, gradient }) => {
    const { similarity } = options as { similarity?: Numbers };
    const loss = makers[make]!(
      argument ?? { ...options, ...(similarity && make === 'hardSoftLoss' && { similarity: of(similarity) }) },
    );
    const { logits, labels, targets, weights, masks, projectionX, projectionY } = input;
    const given: train.LossInput = {
      logits: of(logits)!,
      labels,
      targets: of(targets),
      weights: of(weights),
      masks,
      projections: projectionX && { x: of(projectionX)!, y: of(projectionY)! },
    };
    const mean = await compute(loss, given);
    close([mean.value], [value], tolerance, 'value');
    close(mean.gradient, gradient, tolerance, 'gradient');
    if (rows) close(mean.rows, rows, tolerance, 'rows');
    const sum = await compute(loss, given, { reduction: 'sum', scale: 0.5 });
    close([sum.value / sum.normaliser], [value], tolerance, 'sum');
    close(
      Array.from(sum.gradient, (slope) => (2 * slope) / sum.normaliser),
      gradient,
      tolerance,
      'gradient of half the sum',
    );
  });
});

describe.each(processors)('optimisers, $name', ({ floats, tolerance, kernels: start }) => {
  let kernels: train.TrainKernels;
  beforeAll(async () => {
    kernels = await start();
  });
  const of = (values: Numbers | undefined) => values && floats.from(values);

  it.each(golden.optimizers.map((row, i) => [`${row.kind} ${i}`, row] as const))(
    '%s',
    (_, { kind, options, rate, start: first, gradients, after, norms }) => {
      const parameters = first.map((values, i) => ({ name: `p${i}`, weights: of(values)! }));
      const make = kind === 'sgd' ? train.sgdOptimizer : train.adamwOptimizer;
      let optimizer = make(parameters, { ...options, kernels });
      gradients.forEach((step, n) => {
        const norm = optimizer.step(
          step.map((values) => of(values)),
          rate,
        );
        close([norm], [norms[n]!], tolerance, 'norm');
        // A step or two of rounding is carried along.
        parameters.forEach(({ weights }, i) => close(weights, after[n]![i]!, 4 * tolerance, `step ${n}, parameter ${i}`));
        // Storing and restoring in the middle changes nothing.
        const state = optimizer.state();
        optimizer = make(parameters, { ...options, kernels });
        optimizer.restore(state);
      });
    },
  );
});

describe.each(layouts)('optimisers, webgpu, laid out for a %s', (layout) => {
  it.each(golden.optimizers.map((row, i) => [`${row.kind} ${i}`, row] as const))(
    '%s, without a read-back between steps',
    async (_, { kind, options, rate, start: first, gradients, after, norms }) => {
      const kernels = await onGpu(layout);
      const { clipNorm = 0, decay = 0, momentum = 0.9, nesterov = false, beta1 = 0.9, beta2 = 0.999, epsilon = 1e-8 } = options as Record<string, never>; // prettier-ignore
      const upload = (values: Numbers) => kernels.upload(Float32Array.from(values));
      const parameters = first.map(upload);
      const moments = first.map(({ length }) => [kernels.zeros(length), kernels.zeros(length)] as const);
      // Copies of the state of each step are made on the device and read at the end.
      const seen = gradients.map((step, n) => {
        const given = step.map((values) => upload(values));
        const norm = kernels.zeros(2);
        kernels.global_norm(given, clipNorm, norm);
        given.forEach((gradient, i) => {
          const [one, two] = moments[i]!;
          const weights = parameters[i]!;
          if (kind === 'sgd')
            kernels.sgd({ weights, gradient, velocity: one, rate, momentum, decay, nesterov, clip: norm });
          else
            kernels.adamw({ weights, gradient, first: one, second: two, rate, beta1, beta2, epsilon, decay, step: n + 1, clip: norm }); // prettier-ignore
        });
        const unit = kernels.upload(Float32Array.of(1));
        const copies = parameters.map((weights) => {
          const copy = kernels.zeros(weights.length);
          kernels.matmul({ a: weights, b: unit, out: copy, M: weights.length, N: 1, K: 1 });
          return copy;
        });
        return { norm, copies };
      });
      for (const [n, { norm, copies }] of seen.entries()) {
        close([(await norm.read())[0]!], [norms[n]!], gpuTolerance, 'norm');
        for (const [i, copy] of copies.entries())
          close(await copy.read(), after[n]![i]!, 4 * gpuTolerance, `step ${n}, parameter ${i}`);
      }
    },
  );
});

describe('layers, in doubles', () => {
  const of = (values: Numbers) => Float64Array.from(values);
  it('cosine classifier', () => {
    const { features, weights, logits, gradient, dFeatures, dWeights, ...shape } = golden.cosine;
    const layer = { ...shape, features: of(features), weights: of(weights) };
    const out = new Float64Array(logits.length);
    train.cosineLogits(layer, out);
    close(out, logits, doubleTolerance, 'logits');
    const [f, w] = [new Float64Array(features.length), new Float64Array(weights.length)];
    train.cosineGradients(layer, of(gradient), f, w);
    close(f, dFeatures, doubleTolerance, 'features');
    close(w, dWeights, doubleTolerance, 'weights');
  });

  it('ScaleDet from features to the gradient of features', () => {
    const { features, embeddings, featureGradient, input, loss, gradient } = golden.cases.find(({ features: some }) => some)!;
    const n = Math.sqrt((loss.options!['similarity'] as Numbers).length);
    const D = embeddings!.length / n;
    const layer = { features: of(features!), weights: of(embeddings!), P: features!.length / D, C: n, D, scale: 1 };
    const cosines = new Float64Array(layer.P * n);
    train.cosineLogits(layer, cosines);
    close(cosines, input.logits, doubleTolerance, 'cosines');
    // Similarities are stored as 32-bit floats.
    close(train.labelSimilarity(embeddings!, n), loss.options!['similarity'] as Numbers, floatTolerance, 'similarity');
    const out = new Float64Array(features!.length);
    train.cosineGradients(layer, of(gradient), out);
    close(out, featureGradient!, doubleTolerance, 'feature gradient');
  });

  it('many-to-one mapping', () => {
    const { unified, mapping, logits, gradient, dUnified, dMapping, ...shape } = golden.mapping;
    const layer = { ...shape, unified: of(unified), mapping: of(mapping) };
    const out = new Float64Array(logits.length);
    train.mapLabels(layer, out);
    close(out, logits, doubleTolerance, 'logits');
    const [u, m] = [new Float64Array(unified.length), new Float64Array(mapping.length)];
    train.mapLabelsGradients(layer, of(gradient), u, m);
    close(u, dUnified, doubleTolerance, 'unified');
    close(m, dMapping, doubleTolerance, 'mapping');
  });
});
