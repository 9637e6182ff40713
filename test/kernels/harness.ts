// One body for all operator tests: a case becomes a graph of one node, runs on every runtime, and is compared with stated answers and with the reference.
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { GraphBuilder } from '../../sdk/ir/builder.js';
import { Constant, type Graph } from '../../sdk/ir/graph.js';
import type { ValueDType } from '../../sdk/ir/infer.js';
import { NONE, type Attributes, type OperatorName } from '../../sdk/ir/operators.js';
import { validateGraph } from '../../sdk/ir/validate.js';
import { createReferenceRuntime } from '../../sdk/runtime/reference/index.js';
import type { Feed, Runtime } from '../../sdk/runtime/runtime.js';
import type { TensorData } from '../../sdk/tensor/dtype.js';
import { floatArrayToHalf, halfArrayToFloat } from '../../sdk/tensor/half.js';
import { sizeOf, type Shape } from '../../sdk/tensor/shape.js';
import type { Tuning } from '../../sdk/runtime/webgpu/tune.js';
import { runtimes, type TestedRuntime } from './runtimes.js';

export interface CaseTensor {
  shape: Shape;
  data: readonly number[];
  /** Default: float32. */
  dtype?: ValueDType;
  /** Weights are constants: runtimes pack them at load. */
  constant?: boolean;
}

export interface CaseImage {
  image: {
    width: number;
    height: number;
    channels: 1 | 3 | 4;
    data: readonly number[];
    /** Default: the whole result. */
    target?: { left: number; top: number; width: number; height: number };
  };
}

export interface Case<K extends OperatorName> {
  /** Says why the case exists. */
  name: string;
  attributes: Attributes[K];
  inputs: readonly (CaseTensor | CaseImage | null)[];
  /** For reshape and cast. */
  result?: { shape?: Shape; dtype?: ValueDType };
  /** Right answers from outside or by hand. Without them only agreement with the reference is checked. */
  outputs?: readonly { data: readonly number[] }[];
}

/** |found - wanted| <= absolute + relative * |wanted|. */
export interface Tolerance {
  absolute: number;
  relative: number;
}

/** Data that is only moved or compared, integers, maxima. */
export const EXACT: Tolerance = { absolute: 0, relative: 0 };

/** Correctly rounded to float32 on one side, nine decimal digits on the other: two units in the last place (2 * 2^-23). */
export const ROUNDED: Tolerance = { absolute: 1e-7, relative: 2.4e-7 };

/**
 * Sums in float32 in any order: the error of n products is at most n * 2^-24 * sum|x*w| (Higham, Accuracy and Stability, 3.1). Here n <= 200 and the sums of
 * magnitudes stay below 200, and rounding errors mostly cancel: a tenth of that bound.
 */
export const SUMMED: Tolerance = { absolute: 2e-4, relative: 1e-5 };

/** exp, tanh and their like by polynomials in float32: a few units in the last place (2^-23 = 1.2e-7), more where two of them are chained. */
export const APPROXIMATED: Tolerance = { absolute: 2e-6, relative: 4e-6 };

/** Pixels 0..255 weighted in float32, with float32 between the two passes: 255 * a few units in the last place. */
export const PIXELS: Tolerance = { absolute: 2e-4, relative: 1e-6 };

/**
 * Rounding to binary16: half a unit in the last place is 2^-11 of a number, 2^-25 where it is subnormal; twice that where a scratch tensor is rounded, too.
 * Sums have an absolute tolerance; products of a gate and an operand are rounded before they are summed, each by 2^-11, which makes it five times larger.
 */
const inHalves = ({ absolute, relative }: Tolerance): Tolerance => ({
  absolute: 5 * absolute + 1e-7,
  relative: relative + 2 ** -10,
});

/** A case whose numbers binary16 can hold. */
export function rounded<K extends OperatorName>(row: Case<K>): Case<K> {
  const inputs = row.inputs.map((input) =>
    input && 'data' in input && (input.dtype ?? 'float32') === 'float32'
      ? { ...input, data: Array.from(halfArrayToFloat(floatArrayToHalf(input.data))) }
      : input,
  );
  return { ...row, inputs };
}

/** What becomes of a number beyond the largest half. */
const storable = (value: number): number => (Math.abs(value) >= 65_520 ? Math.sign(value) * Infinity : value);

/** Cases of test/golden/ops, whose answers come from other people's programs. */
export function golden<K extends OperatorName>(op: K): Case<K>[] {
  const file = fileURLToPath(new URL(`../golden/ops/${op}.json`, import.meta.url));
  return (JSON.parse(readFileSync(file, 'utf8')) as { cases: Case<K>[] }).cases;
}

/** Runs every case on every runtime. `reference` holds the reference to stated answers, `others` the other runtimes to answers and reference. */
export function testOperator<K extends OperatorName>(
  op: K,
  cases: readonly Case<K>[],
  tolerances: { reference: Tolerance; others: Tolerance },
): void {
  for (const runtime of runtimes) testOn(op, cases, tolerances, runtime);
}

/** Runs every case with each of the given tunings on the runtimes that have variants of a kernel. */
export function testVariants<K extends OperatorName>(
  op: K,
  cases: readonly Case<K>[],
  tolerance: Tolerance,
  tunings: Readonly<Record<string, Tuning>>,
): void {
  for (const { name, half, tuned } of runtimes) {
    if (!tuned) continue;
    for (const [variant, tuning] of Object.entries(tunings)) {
      const create = () => tuned(tuning);
      testOn(op, cases, { reference: tolerance, others: tolerance }, { name: `${name}, ${variant}`, half, create });
    }
  }
}

function testOn<K extends OperatorName>(
  op: K,
  cases: readonly Case<K>[],
  tolerances: { reference: Tolerance; others: Tolerance },
  { name, create, half = false }: TestedRuntime,
): void {
  describe(`${op} on ${name}`, () => {
    const tolerance = half ? inHalves(tolerances.others) : name === 'reference' ? tolerances.reference : tolerances.others;
    let runtime: Runtime;
    let oracle: Runtime;
    beforeAll(async () => {
      runtime = await create();
      oracle = createReferenceRuntime();
    });
    afterAll(() => {
      runtime.dispose();
      oracle.dispose();
    });
    // Without a stated answer there is nothing to hold the reference to.
    const rows = cases.filter((row) => name !== 'reference' || row.outputs);
    it.each(rows.map((row) => [row.name, row] as const))('%s', async (_, row) => {
      const { graph, feeds } = caseGraph(op, half ? rounded(row) : row);
      const found = await runGraph(runtime, graph, feeds);
      // Stated answers are those of the case as it stands, not of its rounding to halves.
      if (!half) row.outputs?.forEach((output, i) => expectClose(found[i]!, output.data, tolerance));
      if (name !== 'reference') {
        const wanted = await runGraph(oracle, graph, feeds);
        wanted.forEach((data, i) =>
          expectClose(found[i]!, half && data instanceof Float32Array ? data.map(storable) : data, tolerance),
        );
      }
    });
  });
}

export function caseGraph<K extends OperatorName>(op: K, row: Case<K>): { graph: Graph; feeds: Record<string, Feed> } {
  const builder = new GraphBuilder();
  const feeds: Record<string, Feed> = {};
  const inputs = row.inputs.map((input, i) => {
    if (!input) return NONE;
    const name = `input${i}`;
    if ('image' in input) {
      const { width, height, channels, data, target } = input.image;
      const whole = row.attributes as unknown as Attributes['image_to_tensor'];
      feeds[name] = {
        width,
        height,
        channels,
        data: Uint8Array.from(data),
        target: target ?? { left: 0, top: 0, width: whole.width, height: whole.height },
      };
      return builder.image(name);
    }
    const dtype = input.dtype ?? 'float32';
    const data = arrayOf(dtype, input.data);
    if (input.constant) return builder.constant(name, new Constant(dtype, data), input.shape);
    feeds[name] = data;
    return builder.input(name, dtype, input.shape);
  });
  for (const id of builder.add(op, op, inputs, row.attributes, { result: row.result })) builder.output(id);
  const graph = builder.build();
  validateGraph(graph);
  return { graph, feeds };
}

export function arrayOf(dtype: ValueDType, data: readonly number[]): TensorData {
  if (dtype === 'float32') return Float32Array.from(data);
  return dtype === 'int32' ? Int32Array.from(data) : Uint8Array.from(data);
}

/** Outputs of one run, copied, in the order of the graph's outputs. */
export async function runGraph(runtime: Runtime, graph: Graph, feeds: Record<string, Feed>): Promise<TensorData[]> {
  const executable = await runtime.compile(graph);
  try {
    const outputs = graph.outputs.map((id) => graph.values[id]!.name);
    return await executable.run({ feeds, outputs }, (results) => outputs.map((name) => results[name]!.slice()));
  } finally {
    executable.dispose();
  }
}

/** Fails with place, both numbers and the largest distance. NaN equals NaN; infinities must be the same. */
export function expectClose(found: ArrayLike<number>, wanted: ArrayLike<number>, { absolute, relative }: Tolerance): void {
  expect(found.length, 'number of elements').toBe(wanted.length);
  let worst = -1;
  let worstExcess = 0;
  for (let i = 0; i < wanted.length; i++) {
    const [f, w] = [found[i]!, wanted[i]!];
    if (Object.is(f, w) || f === w || (Number.isNaN(f) && Number.isNaN(w))) continue;
    const excess = Math.abs(f - w) - (absolute + relative * Math.abs(w));
    if (excess > worstExcess || !Number.isFinite(excess)) {
      worst = i;
      worstExcess = Number.isFinite(excess) ? excess : Infinity;
    }
  }
  if (worst >= 0) {
    expect.fail(
      `element ${worst} of ${wanted.length}: found ${found[worst]}, wanted ${wanted[worst]}, ${worstExcess} more than absolute ${absolute} + relative ${relative}`,
    );
  }
}

/** Numbers that are the same in every run: mulberry32, uniform in [low, high), rounded to float32. */
export function randomNumbers(count: number, seed: number, low = -1, high = 1): number[] {
  let state = seed >>> 0;
  return Array.from({ length: count }, () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return Math.fround(low + (((t ^ (t >>> 14)) >>> 0) / 2 ** 32) * (high - low));
  });
}

/** A random tensor for cases without outside answers. */
export function randomTensor(
  shape: Shape,
  seed: number,
  options: { low?: number; high?: number; constant?: boolean } = {},
): CaseTensor {
  return {
    shape,
    data: randomNumbers(sizeOf(shape), seed, options.low, options.high),
    ...(options.constant ? { constant: true } : {}),
  };
}
