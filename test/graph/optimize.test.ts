// Each pass does what its name says on the smallest graph that shows it, and leaves alone what only looks like it.
import { describe, expect, it } from 'vitest';
import { GraphBuilder } from '../../sdk/ir/builder.js';
import { Constant, type Graph, type NodeOf, type ValueId } from '../../sdk/ir/graph.js';
import { NONE, type Activation, type Attributes, type OperatorName } from '../../sdk/ir/operators.js';
import { validateGraph } from '../../sdk/ir/validate.js';
import { matchActivations } from '../../sdk/graph/optimize/activation-patterns.js';
import { foldConstants } from '../../sdk/graph/optimize/fold.js';
import { fuseActivations } from '../../sdk/graph/optimize/fuse-activation.js';
import { fuseAffine } from '../../sdk/graph/optimize/fuse-affine.js';
import { fuseGates } from '../../sdk/graph/optimize/fuse-gate.js';
import { fusePads } from '../../sdk/graph/optimize/fuse-pad.js';
import { fuseResiduals } from '../../sdk/graph/optimize/fuse-residual.js';
import { removeIdentities } from '../../sdk/graph/optimize/identities.js';
import { optimizeGraph } from '../../sdk/graph/optimize/index.js';
import { sinkActivations } from '../../sdk/graph/optimize/sink-activation.js';
import { pruneTo } from '../../sdk/graph/index.js';
import { floatArrayToHalf } from '../../sdk/tensor/half.js';
import type { Shape } from '../../sdk/tensor/shape.js';
import { sizeOf } from '../../sdk/tensor/shape.js';
import { expectClose, randomNumbers } from '../kernels/harness.js';
import { ops, runReference } from './support.js';

const none: Activation = { kind: 'none' };
const doubled: Attributes['resize'] = { mode: 'bilinear', height: 4, width: 4, coordinates: 'asymmetric', nearest: 'floor' };
const convAttributes: Attributes['conv2d'] = {
  strides: [1, 1],
  padding: [0, 0, 0, 0],
  dilations: [1, 1],
  groups: 1,
  activation: none,
  residual: 'before_activation',
};

/** Rewritten arithmetic differs in the order of float32 roundings only: sums of up to 40 products of numbers around 1. */
const REWRITTEN = { absolute: 2e-5, relative: 1e-5 };

/** Short names for the operators that the examples are made of. */
class Example extends GraphBuilder {
  #count = 0;
  #seed = 1;
  name(): string {
    return `n${this.#count++}`;
  }
  x(shape: Shape, name = 'x'): ValueId {
    return this.input(name, 'float32', shape);
  }
  scalar(value: number): ValueId {
    return this.constant(this.name(), Float32Array.of(value), []);
  }
  values(shape: Shape): ValueId {
    return this.constant(this.name(), Float32Array.from(randomNumbers(sizeOf(shape), this.#seed++)), shape);
  }
  op<K extends OperatorName>(op: K, inputs: ValueId[], attributes: Attributes[K]): ValueId {
    return this.add(op, this.name(), inputs, attributes)[0];
  }
  binary(kind: Attributes['binary']['kind'], a: ValueId, b: ValueId): ValueId {
    return this.op('binary', [a, b], { kind, activation: none });
  }
  act(x: ValueId, activation: Activation | Activation['kind']): ValueId {
    return this.op('activation', [x], { activation: typeof activation === 'string' ? { kind: activation } : activation });
  }
  conv(x: ValueId, out: number, kernel = 1, attributes: Partial<Attributes['conv2d']> = {}): ValueId {
    const channels = this.type(x).shape[3]!;
    return this.op('conv2d', [x, this.values([kernel, kernel, channels, out]), this.values([out])], {
      ...convAttributes,
      ...attributes,
    });
  }
  depthwise(x: ValueId): ValueId {
    const channels = this.type(x).shape[3]!;
    return this.op('depthwise_conv2d', [x, this.values([3, 3, channels]), this.values([channels])], {
      strides: [1, 1],
      padding: [1, 1, 1, 1],
      dilations: [1, 1],
      activation: none,
    });
  }
}

function make(build: (g: Example) => ValueId | ValueId[]): Graph {
  const g = new Example();
  const outputs = build(g);
  for (const id of Array.isArray(outputs) ? outputs : [outputs]) g.output(id);
  return g.build();
}

async function results(graph: Graph): Promise<Record<string, number[]>> {
  const feeds = graph.inputs.map((id, i) => {
    const { name, shape } = graph.values[id]!;
    return [name, Float32Array.from(randomNumbers(sizeOf(shape), 100 + i, -4, 4))] as const;
  });
  return runReference(graph, Object.fromEntries(feeds));
}

/** Runs a pass, checks that graph and results stay right, and gives the operators that are left. */
async function after(graph: Graph, pass: (graph: Graph) => Graph): Promise<Graph> {
  const before = JSON.stringify(graph);
  const changed = pass(graph);
  expect(JSON.stringify(graph), 'the graph given').toBe(before);
  validateGraph(changed);
  const [wanted, found] = [await results(graph), await results(changed)];
  expect(Object.keys(found)).toEqual(Object.keys(wanted));
  for (const name of Object.keys(wanted)) expectClose(found[name]!, wanted[name]!, REWRITTEN);
  return changed;
}

const attributesOf = <K extends OperatorName>(graph: Graph, op: K): Attributes[K] =>
  (graph.nodes.find((node) => node.op === op) as unknown as NodeOf<K>).attributes;

describe('fold constants', () => {
  it('computes nodes of constants', async () => {
    const graph = make((g) => g.binary('add', g.x([2]), g.binary('mul', g.scalar(2), g.scalar(3))));
    expect(ops(await after(graph, foldConstants))).toEqual(['binary']);
  });

  it.each<[string, (g: Example, h: ValueId) => ValueId]>([
    ['reshape', (g, h) => g.reshape(g.name(), h, [3, 2])],
    ['transpose', (g, h) => g.op('transpose', [h], { perm: [1, 0] })],
    ['slice', (g, h) => g.op('slice', [h], { begin: [0, 1], size: [2, 1], strides: [1, 1] })],
    ['concat', (g, h) => g.op('concat', [h, h], { axis: 0 })],
    ['gather', (g, h) => g.op('gather', [h, g.constant('i', Int32Array.of(1), [1])], { axis: 0 })],
  ])('keeps the stored bits of a float16 constant through %s', (_, move) => {
    const bits = floatArrayToHalf([1, 0.1, -2, 1e-7, 65504, 1 / 3]);
    const graph = make((g) => move(g, g.constant('h', new Constant('float16', bits), [2, 3])));
    const { constant } = foldConstants(graph).values.find((value) => value.name.startsWith('n'))!;
    expect(constant!.dtype).toBe('float16');
    expect([...bits]).toEqual(expect.arrayContaining([...constant!.stored]));
    const wanted = {
      reshape: [0, 1, 2, 3, 4, 5],
      transpose: [0, 3, 1, 4, 2, 5],
      slice: [1, 4],
      concat: [0, 1, 2, 3, 4, 5, 0, 1, 2, 3, 4, 5],
      gather: [3, 4, 5],
    }[_];
    expect([...constant!.stored]).toEqual(wanted!.map((i) => bits[i]));
  });

  it('widens float16 where arithmetic is done', () => {
    const graph = make((g) =>
      g.binary('mul', g.constant('h', new Constant('float16', floatArrayToHalf([0.1])), [1]), g.scalar(2)),
    );
    const { constant } = foldConstants(graph).values[0]!;
    expect(constant!.dtype).toBe('float32');
    expect(constant!.values[0]).toBe(Math.fround(2 * 0.0999755859375));
  });
});

describe('remove identities', () => {
  it.each<[string, (g: Example, x: ValueId) => ValueId]>([
    ['a reshape to the same shape', (g, x) => g.reshape(g.name(), x, [2, 3])],
    ['a reshape there and back', (g, x) => g.reshape(g.name(), g.reshape(g.name(), x, [6]), [2, 3])],
    ['a transpose there and back', (g, x) => g.op('transpose', [g.op('transpose', [x], { perm: [1, 0] })], { perm: [1, 0] })],
    ['a cast to the same type', (g, x) => g.cast(g.name(), x, 'float32')],
    ['a slice of everything', (g, x) => g.op('slice', [x], { begin: [0, 0], size: [2, 3], strides: [1, 1] })],
    ['a pad of nothing', (g, x) => g.op('pad', [x], { before: [0, 0], after: [0, 0], mode: 'constant', value: 7 })],
    ['a concat of one', (g, x) => g.op('concat', [x], { axis: 0 })],
    ['times 1', (g, x) => g.binary('mul', g.scalar(1), x)],
    ['plus 0', (g, x) => g.binary('add', x, g.scalar(0))],
    ['minus 0', (g, x) => g.binary('sub', x, g.scalar(0))],
    ['a reduction over no axes', (g, x) => g.op('reduce', [x], { kind: 'sum', axes: [], keepDims: true })],
  ])('removes %s', async (_, build) => {
    const graph = make((g) => g.act(build(g, g.x([2, 3])), 'relu'));
    expect(ops(await after(graph, removeIdentities))).toEqual(['activation']);
  });

  it.each<[string, (g: Example, x: ValueId) => ValueId]>([
    ['0 - x', (g, x) => g.binary('sub', g.scalar(0), x)],
    ['1 / x', (g, x) => g.binary('div', g.scalar(1), x)],
    ['a product that widens', (g, x) => g.binary('mul', x, g.constant('ones', Float32Array.of(1), [1, 1, 1]))],
    ['a reversing slice', (g, x) => g.op('slice', [x], { begin: [1, 0], size: [2, 3], strides: [-1, 1] })],
  ])('leaves %s', async (_, build) => {
    const graph = make((g) => g.act(build(g, g.x([2, 3])), 'tanh'));
    expect((await after(graph, removeIdentities)).nodes).toHaveLength(2);
  });

  it('keeps the names of outputs', async () => {
    const graph = make((g) => g.reshape('result', g.act(g.x([2, 3]), 'relu'), [2, 3]));
    const changed = await after(graph, removeIdentities);
    expect(ops(changed)).toEqual(['activation']);
    expect(changed.values[changed.outputs[0]!]!.name).toBe('result');
  });

  it('copies where an input is an output under another name, or one value is two outputs', async () => {
    expect(
      ops(
        await after(
          make((g) => g.reshape('result', g.x([2]), [2])),
          removeIdentities,
        ),
      ),
    ).toEqual(['reshape']);
    const twice = make((g) => {
      const y = g.act(g.x([2]), 'relu');
      return [y, g.reshape('again', y, [2])];
    });
    expect(ops(await after(twice, removeIdentities))).toEqual(['activation', 'reshape']);
  });

  it('joins two transposes into one', async () => {
    const graph = make((g) => g.op('transpose', [g.op('transpose', [g.x([2, 3, 4])], { perm: [2, 0, 1] })], { perm: [0, 2, 1] }));
    const changed = await after(graph, removeIdentities);
    expect(attributesOf(changed, 'transpose').perm).toEqual([2, 1, 0]);
  });
});

describe('match activations', () => {
  const c = 0.1666259765625;
  const gate = (g: Example, x: ValueId, three: 'left' | 'right'): ValueId =>
    g.act(three === 'right' ? g.binary('add', x, g.scalar(3)) : g.binary('add', g.scalar(3), x), 'relu6');
  it.each<[string, Activation, (g: Example, x: ValueId) => ValueId]>([
    [
      '(x*c) * relu6(x+3)',
      { kind: 'hard_swish', alpha: c },
      (g, x) => g.binary('mul', g.binary('mul', x, g.scalar(c)), gate(g, x, 'right')),
    ],
    [
      '(c*x) * relu6(3+x)',
      { kind: 'hard_swish', alpha: c },
      (g, x) => g.binary('mul', g.binary('mul', g.scalar(c), x), gate(g, x, 'left')),
    ],
    [
      'relu6(x+3) * (x*c)',
      { kind: 'hard_swish', alpha: c },
      (g, x) => g.binary('mul', gate(g, x, 'right'), g.binary('mul', x, g.scalar(c))),
    ],
    [
      'x * (relu6(x+3)*c)',
      { kind: 'hard_swish', alpha: c },
      (g, x) => g.binary('mul', x, g.binary('mul', gate(g, x, 'right'), g.scalar(c))),
    ],
    [
      'c * (x * relu6(x+3))',
      { kind: 'hard_swish', alpha: c },
      (g, x) => g.binary('mul', g.scalar(c), g.binary('mul', x, gate(g, x, 'right'))),
    ],
    ['relu6(x+3) * c', { kind: 'hard_sigmoid', alpha: c }, (g, x) => g.binary('mul', gate(g, x, 'right'), g.scalar(c))],
    ['c * relu6(3+x)', { kind: 'hard_sigmoid', alpha: c }, (g, x) => g.binary('mul', g.scalar(c), gate(g, x, 'left'))],
    ['x * sigmoid(x)', { kind: 'silu' }, (g, x) => g.binary('mul', x, g.act(x, 'sigmoid'))],
    ['sigmoid(x) * x', { kind: 'silu' }, (g, x) => g.binary('mul', g.act(x, 'sigmoid'), x)],
    ['x * tanh(softplus(x))', { kind: 'mish' }, (g, x) => g.binary('mul', x, g.act(g.act(x, 'softplus'), 'tanh'))],
    [
      'max(x, 0.1*x)',
      { kind: 'leaky_relu', alpha: Math.fround(0.1) },
      (g, x) => g.binary('maximum', x, g.binary('mul', g.scalar(0.1), x)),
    ],
    ['max(x, 0)', { kind: 'relu' }, (g, x) => g.binary('maximum', x, g.scalar(0))],
    ['min(relu(x), 6)', { kind: 'relu6' }, (g, x) => g.binary('minimum', g.act(x, 'relu'), g.scalar(6))],
  ])('%s', async (_, wanted, build) => {
    const graph = make((g) => build(g, g.x([1, 2, 3, 4])));
    const changed = await after(graph, matchActivations);
    expect(ops(changed)).toEqual(['activation']);
    expect(attributesOf(changed, 'activation')).toEqual({ activation: wanted });
  });

  it.each<[string, (g: Example, x: ValueId) => ValueId]>([
    ['relu6(x+2) * c', (g, x) => g.binary('mul', g.act(g.binary('add', x, g.scalar(2)), 'relu6'), g.scalar(c))],
    [
      '(z*c) * relu6(x+3) of another z',
      (g, x) => g.binary('mul', g.binary('mul', g.act(x, 'tanh'), g.scalar(c)), gate(g, x, 'right')),
    ],
    ['max(x, 2*x)', (g, x) => g.binary('maximum', x, g.binary('mul', g.scalar(2), x))],
    [
      'c[1,1,1,1,1] * relu6(x+3), which adds an axis',
      (g, x) => g.binary('mul', g.constant('wide', Float32Array.of(c), [1, 1, 1, 1, 1]), gate(g, x, 'right')),
    ],
    ['x - sigmoid(x)', (g, x) => g.binary('sub', x, g.act(x, 'sigmoid'))],
  ])('leaves %s', async (_, build) => {
    const graph = make((g) => build(g, g.x([1, 2, 3, 4])));
    expect((await after(graph, matchActivations)).nodes).toHaveLength(graph.nodes.length);
  });

  it('keeps the parts that others read', async () => {
    const graph = make((g) => {
      const x = g.x([4]);
      const s = g.act(x, 'sigmoid');
      return [g.binary('mul', x, s), s];
    });
    expect(ops(await after(graph, matchActivations)).sort()).toEqual(['activation', 'activation']);
  });
});

describe('fuse affine', () => {
  it.each<[string, (g: Example, y: ValueId) => ValueId]>([
    ['times [C]', (g, y) => g.binary('mul', y, g.values([5]))],
    ['[1,1,1,C] times', (g, y) => g.binary('mul', g.values([1, 1, 1, 5]), y)],
    ['times a number', (g, y) => g.binary('mul', y, g.scalar(4))],
    ['divided by [C]', (g, y) => g.binary('div', y, g.values([5]))],
    ['plus [C]', (g, y) => g.binary('add', y, g.values([5]))],
    ['[C] plus', (g, y) => g.binary('add', g.values([5]), y)],
    ['minus [C]', (g, y) => g.binary('sub', y, g.values([5]))],
    ['batch normalisation', (g, y) => g.binary('add', g.binary('mul', y, g.values([5])), g.values([5]))],
  ])('%s goes into conv2d', async (_, build) => {
    const graph = make((g) => build(g, g.conv(g.x([1, 3, 4, 3]), 5, 3, { padding: [1, 1, 1, 1] })));
    expect(ops(await after(graph, fuseAffine))).toEqual(['conv2d']);
  });

  it('goes into depthwise_conv2d and matmul', async () => {
    expect(
      ops(
        await after(
          make((g) => g.binary('mul', g.depthwise(g.x([1, 4, 4, 5])), g.values([5]))),
          fuseAffine,
        ),
      ),
    ).toEqual(['depthwise_conv2d']);
    const matmul = make((g) =>
      g.binary(
        'add',
        g.op('matmul', [g.x([2, 3]), g.values([3, 5])], { transposeA: false, transposeB: false, activation: none }),
        g.values([5]),
      ),
    );
    expect(ops(await after(matmul, fuseAffine))).toEqual(['matmul']);
  });

  it('gives a convolution without bias one', async () => {
    const graph = make((g) =>
      g.binary('add', g.op('conv2d', [g.x([1, 2, 2, 3]), g.values([1, 1, 3, 5])], convAttributes), g.values([5])),
    );
    expect(ops(await after(graph, fuseAffine))).toEqual(['conv2d']);
  });

  it.each<[string, (g: Example) => ValueId | ValueId[]]>([
    ['[C] minus', (g) => g.binary('sub', g.values([5]), g.conv(g.x([1, 3, 4, 3]), 5))],
    ['a constant that varies over pixels', (g) => g.binary('mul', g.conv(g.x([1, 3, 5, 3]), 5), g.values([5, 1]))],
    ['a constant that widens', (g) => g.binary('mul', g.conv(g.x([1, 1, 1, 3]), 1), g.values([5]))],
    ['a convolution that others read', (g) => { const y = g.conv(g.x([1, 2, 2, 3]), 5); return [y, g.binary('add', y, g.values([5]))]; }],
    ['a convolution with an activation', (g) => g.binary('add', g.conv(g.x([1, 2, 2, 3]), 5, 1, { activation: { kind: 'relu' } }), g.values([5]))],
    ['weights that are computed', (g) => g.binary('mul', g.op('conv2d', [g.x([1, 2, 2, 3]), g.x([1, 1, 3, 5], 'w')], convAttributes), g.values([5]))],
  ])('leaves %s', async (_, build) => {
    expect(ops(await after(make(build), fuseAffine))).toContain('binary');
  }); // prettier-ignore
});

describe('fuse activations', () => {
  it.each<[string, (g: Example, a: Activation) => ValueId]>([
    ['conv2d', (g, a) => g.act(g.conv(g.x([1, 2, 2, 3]), 5), a)],
    ['depthwise_conv2d', (g, a) => g.act(g.depthwise(g.x([1, 4, 4, 5])), a)],
    [
      'matmul',
      (g, a) =>
        g.act(g.op('matmul', [g.x([2, 3]), g.values([3, 5])], { transposeA: false, transposeB: false, activation: none }), a),
    ],
    ['binary', (g, a) => g.act(g.binary('add', g.x([3]), g.x([3], 'z')), a)],
    ['resize', (g, a) => g.act(g.op('resize', [g.x([1, 2, 2, 3])], doubled), a)],
  ])('into %s', async (op, build) => {
    const changed = await after(
      make((g) => build(g, { kind: 'leaky_relu', alpha: 0.25 })),
      fuseActivations,
    );
    expect(ops(changed)).toEqual([op]);
    expect(attributesOf(changed, op as 'conv2d').activation).toEqual({ kind: 'leaky_relu', alpha: 0.25 });
  });

  it('not twice, not past another reader, not past an output', async () => {
    expect(
      (
        await after(
          make((g) => g.act(g.act(g.conv(g.x([1, 2, 2, 3]), 5), 'relu'), 'tanh')),
          fuseActivations,
        )
      ).nodes,
    ).toHaveLength(2);
    const resized = make((g) => g.act(g.act(g.op('resize', [g.x([1, 2, 2, 3])], doubled), 'relu'), 'tanh'));
    expect(ops(await after(resized, fuseActivations))).toEqual(['resize', 'activation']);
    const shared = make((g) => {
      const y = g.conv(g.x([1, 2, 2, 3]), 5);
      return [g.act(y, 'relu'), g.act(y, 'tanh')];
    });
    expect((await after(shared, fuseActivations)).nodes).toHaveLength(3);
    const output = make((g) => {
      const y = g.conv(g.x([1, 2, 2, 3]), 5);
      return [y, g.act(y, 'relu')];
    });
    expect((await after(output, fuseActivations)).nodes).toHaveLength(2);
  });
});

describe('sink activations', () => {
  it('behind a concat go to its operands, where one computes it for free', async () => {
    const graph = make((g) => {
      const x = g.x([1, 2, 2, 3]);
      return g.act(g.op('concat', [g.conv(x, 5), g.op('softmax', [x], { axis: 3 })], { axis: 3 }), 'relu');
    });
    expect(ops(await after(graph, (g) => fuseActivations(sinkActivations(g)))).sort()).toEqual([
      'activation',
      'concat',
      'conv2d',
      'softmax',
    ]);
  });

  it('behind a concat of a convolution and a resize vanish', async () => {
    const graph = make((g) => {
      const x = g.x([1, 2, 2, 3]);
      const large = g.op('resize', [x], doubled);
      return g.act(g.op('concat', [g.op('resize', [g.conv(x, 5)], doubled), large], { axis: 3 }), 'relu');
    });
    expect(ops(await after(graph, (g) => fuseActivations(sinkActivations(g)))).sort()).toEqual([
      'concat',
      'conv2d',
      'resize',
      'resize',
    ]);
  });

  it('stay where it would not pay', async () => {
    const graph = make((g) => g.act(g.op('concat', [g.x([2]), g.x([3], 'z')], { axis: 0 }), 'relu'));
    expect(ops(await after(graph, sinkActivations))).toEqual(['concat', 'activation']);
  });
});

describe('fuse residuals', () => {
  it.each<[string, (g: Example, y: ValueId, x: ValueId) => ValueId, Attributes['conv2d']['residual']]>([
    ['conv + x', (g, y, x) => g.binary('add', y, x), 'before_activation'],
    ['x + conv', (g, y, x) => g.binary('add', x, y), 'before_activation'],
    ['relu(conv) + x', (g, y, x) => g.binary('add', g.act(y, 'relu'), x), 'after_activation'],
    ['relu(conv + x)', (g, y, x) => g.act(g.binary('add', y, x), 'relu'), 'before_activation'],
  ])('%s', async (_, build, residual) => {
    const graph = make((g) => {
      const x = g.x([1, 3, 3, 5]);
      return build(g, g.conv(x, 5), x);
    });
    const changed = await after(graph, (g) => fuseActivations(fuseResiduals(fuseActivations(g))));
    expect(ops(changed)).toEqual(['conv2d']);
    expect(attributesOf(changed, 'conv2d').residual).toBe(residual);
  });

  it('of two convolutions go into the later one', async () => {
    const graph = make((g) => {
      const x = g.x([1, 3, 3, 5]);
      const [first, second] = [g.conv(x, 4), g.conv(x, 4)];
      return g.binary('add', second, first);
    });
    const changed = await after(graph, fuseResiduals);
    expect(changed.nodes).toHaveLength(2);
    expect(changed.nodes[1]!.inputs[3]).toBe(changed.nodes[0]!.outputs[0]);
  });

  it.each<[string, (g: Example) => ValueId | ValueId[]]>([
    ['what is computed later', (g) => { const x = g.x([1, 3, 3, 5]); const y = g.conv(x, 5); return g.binary('add', y, g.act(x, 'tanh')); }],
    ['a broadcast', (g) => { const x = g.x([1, 3, 3, 3]); return g.binary('add', g.conv(x, 5), g.x([1, 1, 1, 5], 'z')); }],
    ['itself', (g) => { const y = g.conv(g.x([1, 3, 3, 3]), 5); return g.binary('add', y, y); }],
    ['two activations', (g) => { const x = g.x([1, 3, 3, 5]); const y = g.conv(x, 5, 1, { activation: { kind: 'relu' } }); return g.op('binary', [y, x], { kind: 'add', activation: { kind: 'tanh' } }); }],
  ])('leave %s', async (_, build) => {
    expect(ops(await after(make(build), fuseResiduals))).toContain('binary');
  }); // prettier-ignore
});

describe('fuse gates', () => {
  const block = (g: Example, use: (gated: ValueId) => ValueId | ValueId[], swap = false): ValueId | ValueId[] => {
    const x = g.x([1, 6, 6, 5]);
    const gate = g.act(g.op('reduce', [x], { kind: 'mean', axes: [1, 2], keepDims: true }), 'sigmoid');
    return use(swap ? g.binary('mul', gate, x) : g.binary('mul', x, gate));
  };
  it.each<[string, (g: Example) => ValueId | ValueId[], string]>([
    ['a 1x1 convolution', (g) => block(g, (y) => g.conv(y, 4)), 'conv2d'],
    ['gate first', (g) => block(g, (y) => g.conv(y, 4), true), 'conv2d'],
    ['a depthwise convolution', (g) => block(g, (y) => g.depthwise(y)), 'depthwise_conv2d'],
    ['two readers', (g) => block(g, (y) => [g.conv(y, 4), g.depthwise(y)]), 'conv2d'],
  ])('into %s', async (_, build, op) => {
    const changed = await after(make(build), fuseGates);
    expect(ops(changed)).not.toContain('binary');
    expect(ops(changed)).toContain(op);
  });

  it.each<[string, (g: Example) => ValueId | ValueId[]]>([
    ['a 3x3 convolution', (g) => block(g, (y) => g.conv(y, 4, 3))],
    ['more filters than pixels', (g) => block(g, (y) => g.conv(y, 37))],
    ['another reader', (g) => block(g, (y) => [g.conv(y, 4), g.act(y, 'tanh')])],
    ['an output', (g) => block(g, (y) => [y, g.conv(y, 4)])],
    ['groups', (g) => block(g, (y) => g.op('conv2d', [y, g.values([1, 1, 1, 5])], { ...convAttributes, groups: 5 }))],
    [
      'a product that is also the residual',
      (g) => block(g, (y) => g.op('conv2d', [y, g.values([1, 1, 5, 5]), NONE, y], convAttributes)),
    ],
  ])('leave %s', async (_, build) => {
    expect(ops(await after(make(build), fuseGates))).toContain('binary');
  });
});

describe('fuse pads', () => {
  const pad = (g: Example, x: ValueId, value = 0): ValueId =>
    g.op('pad', [x], { before: [0, 1, 2, 0], after: [0, 0, 1, 0], mode: 'constant', value });
  it('into a convolution', async () => {
    const changed = await after(
      make((g) => g.conv(pad(g, g.x([1, 3, 3, 2])), 4, 3)),
      fusePads,
    );
    expect(ops(changed)).toEqual(['conv2d']);
    expect(attributesOf(changed, 'conv2d').padding).toEqual([1, 2, 0, 1]);
  });
  it('not with another value', async () => {
    expect(
      ops(
        await after(
          make((g) => g.conv(pad(g, g.x([1, 3, 3, 2]), 1), 4, 3)),
          fusePads,
        ),
      ),
    ).toEqual(['pad', 'conv2d']);
  });
});

describe('pruneTo', () => {
  it('keeps what the outputs need, in their order, and the inputs', () => {
    const graph = make((g) => {
      const x = g.x([2]);
      const a = g.act(x, 'relu');
      return [g.act(a, 'tanh'), g.act(x, 'sigmoid')];
    });
    const [tanh, sigmoid] = graph.outputs.map((id) => graph.values[id]!.name);
    const pruned = pruneTo(graph, [sigmoid!]);
    validateGraph(pruned);
    expect(pruned.nodes).toHaveLength(1);
    expect(pruned.inputs).toHaveLength(1);
    expect(pruneTo(graph, [sigmoid!, tanh!]).outputs.map((id) => graph.values[id]!.name)).toHaveLength(2);
    // Any value may become an output.
    expect(ops(pruneTo(graph, ['n0']))).toEqual(['activation']);
    expect(() => pruneTo(graph, ['nothing'])).toThrow(/"nothing"/);
  });
});

describe('optimizeGraph', () => {
  it('makes one convolution of a whole block', async () => {
    const c = 0.1666259765625;
    const graph = make((g) => {
      const x = g.x([1, 5, 5, 4]);
      const y = g.binary(
        'add',
        g.binary(
          'mul',
          g.conv(g.op('pad', [x], { before: [0, 1, 1, 0], after: [0, 1, 1, 0], mode: 'constant', value: 0 }), 4, 3),
          g.values([4]),
        ),
        g.values([4]),
      );
      const h = g.binary('mul', g.binary('mul', y, g.scalar(c)), g.act(g.binary('add', y, g.scalar(3)), 'relu6'));
      return g.binary('add', x, h);
    });
    const changed = await after(graph, (g) => optimizeGraph(g));
    expect(ops(changed)).toEqual(['conv2d']);
    expect(attributesOf(changed, 'conv2d')).toMatchObject({
      activation: { kind: 'hard_swish', alpha: c },
      residual: 'after_activation',
      padding: [1, 1, 1, 1],
    });
  });

  it('leaves weights alone where that is asked for, and does the rest', async () => {
    const graph = make((g) => g.act(g.binary('mul', g.conv(g.x([1, 3, 3, 4]), 4, 1), g.values([4])), 'relu'));
    const stored = (g: Graph) => g.values.flatMap(({ constant }) => (constant ? [constant.stored] : []));
    const changed = await after(graph, (g) => optimizeGraph(g, { keepWeights: true }));
    expect(ops(changed)).toEqual(['conv2d', 'binary']);
    expect(attributesOf(changed, 'binary').activation.kind).toBe('relu');
    expect(stored(changed)).toEqual(stored(graph));
    expect(ops(optimizeGraph(graph))).toEqual(['conv2d']);
  });

  it('does not let a bias swallow the 3 of a hard sigmoid', async () => {
    const graph = make((g) =>
      g.binary('mul', g.act(g.binary('add', g.conv(g.x([1, 1, 1, 4]), 3), g.scalar(3)), 'relu6'), g.scalar(0.1666259765625)),
    );
    const changed = await after(graph, (g) => optimizeGraph(g));
    expect(attributesOf(changed, 'conv2d').activation).toEqual({ kind: 'hard_sigmoid', alpha: 0.1666259765625 });
  });
});
