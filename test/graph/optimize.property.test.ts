// Random small networks give the same results before and after every pass and the whole optimiser.
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { passes, optimizeGraph } from '../../sdk/graph/optimize/index.js';
import { readGraphFile, writeGraphFile } from '../../sdk/graph/graph-file.js';
import { GraphBuilder } from '../../sdk/ir/builder.js';
import { Constant, type Graph, type ValueId } from '../../sdk/ir/graph.js';
import type { Activation, ActivationKind } from '../../sdk/ir/operators.js';
import { validateGraph } from '../../sdk/ir/validate.js';
import { floatArrayToHalf } from '../../sdk/tensor/half.js';
import { sizeOf, type Shape } from '../../sdk/tensor/shape.js';
import { expectClose, randomNumbers } from '../kernels/harness.js';
import { runReference } from './support.js';

/**
 * Only the order of float32 roundings changes. Weights are scaled so that values stay around 1; ten layers of 2^-24 relative errors, doubled
 * at most a few times by sums, stay below this.
 */
const REWRITTEN = { absolute: 1e-4, relative: 1e-4 };

/** One step of a random network: which operator, on which earlier value, with which choices. */
interface Step {
  kind: number;
  source: number;
  other: number;
  seed: number;
}

const activations: ActivationKind[] = ['relu', 'relu6', 'sigmoid', 'tanh', 'leaky_relu', 'hard_swish', 'hard_sigmoid', 'silu'];
const none: Activation = { kind: 'none' };

/** Builds a network of images [1, 4, 4, C] from any list of steps; steps that do not fit fall back to an activation. */
function network(steps: readonly Step[]): Graph {
  const g = new GraphBuilder();
  const images: ValueId[] = [g.input('x', 'float32', [1, 4, 4, 3]), g.input('z', 'float32', [1, 4, 4, 4])];
  steps.forEach(({ kind, source, other, seed }, i) => {
    const name = `s${i}`;
    const x = images[source % images.length]!;
    const channels = g.type(x).shape[3]!;
    const numbers = (shape: Shape, suffix: string, scale = 0.5): ValueId => {
      const values = randomNumbers(sizeOf(shape), seed + suffix.length, -scale, scale);
      const constant = seed % 2 ? new Constant('float16', floatArrayToHalf(values)) : Float32Array.from(values);
      return g.constant(`${name}/${suffix}`, constant, shape);
    };
    const scalar = (value: number, suffix: string): ValueId => g.constant(`${name}/${suffix}`, Float32Array.of(value), seed % 3 ? [] : [1, 1, 1, 1]);
    const same = images.filter((id) => g.type(id).shape[3] === channels);
    const partner = same[other % same.length]!;
    const out = 2 + (seed % 4);
    const binary = (op: 'add' | 'mul' | 'sub', a: ValueId, b: ValueId, suffix = ''): ValueId => g.add('binary', name + suffix, [a, b], { kind: op, activation: none })[0];
    const act = (a: ValueId, activation: Activation, suffix = ''): ValueId => g.add('activation', name + suffix, [a], { activation })[0];
    const conv = { strides: [1, 1], dilations: [1, 1], groups: 1, activation: none, residual: 'before_activation' } as const;
    switch (kind) {
      case 0:
        images.push(g.add('conv2d', name, [x, numbers([1, 1, channels, out], 'w'), numbers([out], 'bias')], { ...conv, padding: [0, 0, 0, 0] })[0]);
        return;
      case 1:
        images.push(g.add('conv2d', name, [x, numbers([3, 3, channels, out], 'w', 0.2)], { ...conv, padding: [1, 1, 1, 1] })[0]);
        return;
      case 2:
        images.push(g.add('depthwise_conv2d', name, [x, numbers([3, 3, channels], 'w')], { strides: [1, 1], dilations: [1, 1], padding: [1, 1, 1, 1], activation: none })[0]);
        return;
      case 3: // affine, either operand first
        images.push(seed % 5 ? binary(seed % 2 ? 'mul' : 'add', x, numbers([channels], 'k', 1)) : binary('sub', numbers([channels], 'k', 1), x));
        return;
      case 4:
        images.push(binary('add', x, partner));
        return;
      case 5: { // hard swish as converters write it
        const shifted = act(binary('add', x, scalar(3, 'three'), '/sum'), { kind: 'relu6' }, '/relu6');
        const scaled = seed % 2 ? binary('mul', x, scalar(1 / 6, 'sixth'), '/scaled') : binary('mul', scalar(1 / 6, 'sixth'), x, '/scaled');
        images.push(seed % 3 ? binary('mul', scaled, shifted) : binary('mul', shifted, scaled));
        return;
      }
      case 6: { // squeeze-excite
        const mean = g.add('reduce', `${name}/mean`, [x], { kind: 'mean', axes: [1, 2], keepDims: true })[0];
        images.push(binary('mul', x, act(mean, { kind: 'sigmoid' }, '/gate')));
        return;
      }
      case 7: { // there and back
        const there = g.add('transpose', `${name}/there`, [x], { perm: [0, 3, 1, 2] })[0];
        images.push(g.add('transpose', name, [there], { perm: [0, 2, 3, 1] })[0]);
        return;
      }
      case 8:
        images.push(g.reshape(name, g.reshape(`${name}/flat`, x, [16 * channels]), [1, 4, 4, channels]));
        return;
      case 9:
        images.push(g.add('concat', name, [x, partner], { axis: 3 })[0]);
        return;
      case 10: { // padded convolution
        const padded = g.add('pad', `${name}/pad`, [x], { before: [0, 1, 1, 0], after: [0, 1, 1, 0], mode: 'constant', value: seed % 4 ? 0 : 0.5 })[0];
        images.push(g.add('conv2d', name, [padded, numbers([3, 3, channels, out], 'w', 0.2)], { ...conv, padding: [0, 0, 0, 0] })[0]);
        return;
      }
      default:
        images.push(act(x, { kind: activations[seed % activations.length]!, alpha: 0.1666259765625 }));
    }
  });
  // Several outputs, so that values have readers outside.
  g.output(images.at(-1)!);
  g.output(images[Math.floor(images.length / 2)]!);
  return g.build();
} // prettier-ignore

const step = fc.record({ kind: fc.integer({ min: 0, max: 13 }), source: fc.nat(20), other: fc.nat(20), seed: fc.nat(1000) });
// Later values are likelier sources, so that chains grow.
const steps = fc
  .array(step, { minLength: 1, maxLength: 10 })
  .map((list) => list.map((s, i) => (s.source % 3 ? { ...s, source: i + 1 } : s)));

async function results(graph: Graph): Promise<Record<string, number[]>> {
  const feeds = graph.inputs.map(
    (id, i) => [graph.values[id]!.name, Float32Array.from(randomNumbers(sizeOf(graph.values[id]!.shape), 7 + i))] as const,
  );
  return runReference(graph, Object.fromEntries(feeds));
}

async function expectSame(graph: Graph, changed: Graph): Promise<void> {
  validateGraph(changed);
  const [wanted, found] = [await results(graph), await results(changed)];
  expect(Object.keys(found)).toEqual(Object.keys(wanted));
  for (const [name, values] of Object.entries(wanted)) expectClose(found[name]!, values, REWRITTEN);
}

describe('random networks', () => {
  it.each([...passes, ['all passes', optimizeGraph] as const].map(([name, pass], i) => [`${i + 1} ${name}`, pass] as const))(
    'pass %s keeps the results',
    async (_, pass) => {
      await fc.assert(
        fc.asyncProperty(steps, async (list) => {
          const graph = network(list);
          await expectSame(graph, pass(graph));
        }),
        { numRuns: 60 },
      );
    },
  );

  it('never grow', () => {
    fc.assert(
      fc.property(steps, (list) => {
        const graph = network(list);
        const nodes = optimizeGraph(graph).nodes;
        // A gate adds a reshape, which moves nothing; an activation behind a concat may become one an operand.
        const work = nodes.filter((node) => node.op !== 'reshape' && node.op !== 'activation').length;
        expect(work).toBeLessThanOrEqual(graph.nodes.length);
      }),
    );
  });

  it('optimising twice changes nothing more', () => {
    fc.assert(
      fc.property(steps, (list) => {
        const once = optimizeGraph(network(list));
        const twice = optimizeGraph(once);
        expect(twice.nodes.length).toBeLessThanOrEqual(once.nodes.length);
      }),
    );
  });

  it('come back the same from a file', async () => {
    await fc.assert(
      fc.asyncProperty(steps, async (list) => {
        const graph = optimizeGraph(network(list));
        const { json, tensors } = writeGraphFile(graph);
        const { graph: back } = readGraphFile(new TextEncoder().encode(json), 'graph.json', tensors);
        expect(writeGraphFile(back).json).toBe(json);
        expect(await results(back)).toEqual(await results(graph));
      }),
      { numRuns: 40 },
    );
  });
});
