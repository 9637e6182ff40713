// graph.json: what is written, that its schema is the operator list, and every way a file can be wrong.
import { describe, expect, expectTypeOf, it } from 'vitest';
import type * as v from 'valibot';
import { attributeSchemas, OPTIMIZED, readGraphFile, writeGraphFile } from '../../sdk/graph/graph-file.js';
import { GraphBuilder } from '../../sdk/ir/builder.js';
import { Constant, type Graph } from '../../sdk/ir/graph.js';
import type { Attributes, OperatorName } from '../../sdk/ir/operators.js';
import type { Tensor } from '../../sdk/graph/safetensors.js';

function example(): Graph {
  const g = new GraphBuilder();
  const x = g.image('photo');
  const [t] = g.add('image_to_tensor', 't', [x], { height: 2, width: 2, order: 'RGB', mean: [0, 0, 0], std: [1, 1, 1], padValue: 0, background: 0 });
  const w = g.constant('w', new Constant('float16', new Uint16Array(12)), [1, 1, 3, 4]);
  const [y] = g.add('conv2d', 'y', [t, w, -1, -1], { strides: [1, 1], padding: [0, 0, 0, 0], dilations: [1, 1], groups: 1, activation: { kind: 'elu', alpha: 0.1 }, residual: 'before_activation' });
  const [p] = g.add('pad', 'p', [y], { before: [0, 0, 0, 0], after: [0, 1, 1, 0], mode: 'constant', value: -Infinity });
  const [values, index] = g.add('top_k', 'k', [g.reshape('r', p, [36])], { k: 2 });
  g.output(values);
  g.output(index!);
  return g.build();
} // prettier-ignore

/** As much of the file's structure as the edits below reach. */
interface FileData {
  labelweaveGraph: number;
  optimized?: unknown;
  outputs: string[];
  values: { name: string; shape: number[] }[];
  nodes: { op: string; inputs: string[]; attributes: Record<string, unknown> }[];
  more?: boolean;
}

const encode = (text: string): Uint8Array => new TextEncoder().encode(text);

describe('graph.json', () => {
  it('comes back as it was: operands, optional ones, infinities, attributes, images', () => {
    const graph = example();
    const { json, tensors } = writeGraphFile(graph);
    const { graph: back } = readGraphFile(encode(json), 'graph.json', tensors);
    expect(back.nodes).toEqual(graph.nodes);
    expect(back.inputs).toEqual(graph.inputs);
    expect(back.outputs).toEqual(graph.outputs);
    expect(back.values.map(({ constant: _, ...value }) => value)).toEqual(graph.values.map(({ constant: _, ...value }) => value));
  });

  it('says whether it is optimised, and knows what a later optimiser made', () => {
    const read = (json: string) => readGraphFile(encode(json), 'graph.json', writeGraphFile(example()).tensors).optimized;
    const { json } = writeGraphFile(example(), { optimized: true });
    expect(read(json)).toBe(true);
    expect(read(json.replace(`"optimized": ${OPTIMIZED}`, `"optimized": ${OPTIMIZED + 1}`))).toBe(true);
    expect(read(writeGraphFile(example()).json)).toBe(false);
  });

  it('does not depend on the order in which attributes were written', () => {
    const graph = example();
    const turned = {
      ...graph,
      nodes: graph.nodes.map(
        (node) => ({ ...node, attributes: Object.fromEntries(Object.entries(node.attributes).reverse()) }) as typeof node,
      ),
    };
    expect(writeGraphFile(turned).json).toBe(writeGraphFile(graph).json);
  });

  it('has the attributes of sdk/ir/operators.ts, no more and no less', () => {
    type Read = { [K in OperatorName]: v.InferOutput<(typeof attributeSchemas)[K]> };
    // Readonly arrays of the contract against mutable ones of the reader: assignable is what matters.
    expectTypeOf<Read>().toExtend<Attributes>();
    expectTypeOf<{ [K in OperatorName]: keyof Read[K] }>().toEqualTypeOf<{ [K in OperatorName]: keyof Attributes[K] }>();
    expect(Object.keys(attributeSchemas)).toHaveLength(28);
  });

  it('reads a resize without an activation, and keeps one that is there', () => {
    const resize: Attributes['resize'] = { mode: 'nearest', height: 4, width: 4, coordinates: 'asymmetric', nearest: 'floor' };
    for (const attributes of [resize, { ...resize, activation: { kind: 'relu' as const } }]) {
      const g = new GraphBuilder();
      g.output(g.add('resize', 'y', [g.input('x', 'float32', [1, 2, 2, 3])], attributes)[0]);
      const { json, tensors } = writeGraphFile(g.build());
      expect(readGraphFile(new TextEncoder().encode(json), 'graph.json', tensors).graph.nodes[0]!.attributes).toEqual(attributes);
    }
  });

  const edits: [string, RegExp, string, (data: FileData, tensors: Map<string, Tensor>) => unknown][] = [
    ['another version', /labelweaveGraph.*found 2; wanted 1/, 'invalid-model', (d) => (d.labelweaveGraph = 2)],
    ['a word for optimised', /optimized: found true/, 'invalid-model', (d) => (d.optimized = true)],
    ['an unknown operator', /nodes\[1\]\.op.*"conv3d"/, 'invalid-model', (d) => (d.nodes[1]!.op = 'conv3d')],
    ['a missing attribute', /nodes\[1\]\.attributes.*groups/, 'invalid-model', (d) => delete d.nodes[1]!.attributes.groups],
    ['an unknown attribute', /nodes\[1\]\.attributes.*extra/, 'invalid-model', (d) => (d.nodes[1]!.attributes.extra = 1)],
    ['an attribute of another type', /strides/, 'invalid-model', (d) => (d.nodes[1]!.attributes.strides = [1, '1'])],
    ['an operand that is no value', /nodes\[1\].*"lost"/, 'invalid-model', (d) => (d.nodes[1]!.inputs[0] = 'lost')],
    ['an output that is no value', /outputs.*"lost"/, 'invalid-model', (d) => (d.outputs[0] = 'lost')],
    ['a wrong shape', /"y".*declared/, 'invalid-model', (d) => (d.values.find((x) => x.name === 'y')!.shape = [1, 2, 2, 5])],
    ['a field too many', /more/, 'invalid-model', (d) => (d.more = true)],
    ['a weight that is not there', /tensor "w".*no such tensor/, 'invalid-weights', (_, t) => t.delete('w')],
    ['a weight of another shape', /tensor "w".*\[12\].*\[1, 1, 3, 4\]/, 'invalid-weights', (_, t) => t.set('w', { ...t.get('w')!, shape: [12] })],
    ['a weight of another type', /tensor "w".*int32/, 'invalid-weights', (_, t) => t.set('w', { shape: [1, 1, 3, 4], constant: new Constant('int32', new Int32Array(12)) })],
    ['NaN in float16', /tensor "w".*NaN at element 7/, 'invalid-weights', (_, t) => t.set('w', { shape: [1, 1, 3, 4], constant: new Constant('float16', new Uint16Array(12).fill(0x7e00, 7)) })],
    ['infinity in float32', /tensor "w".*-Infinity at element 0/, 'invalid-weights', (_, t) => t.set('w', { shape: [1, 1, 3, 4], constant: new Constant('float32', new Float32Array(12).fill(-Infinity)) })],
  ]; // prettier-ignore
  it.each(edits)('refuses %s', (_, message, code, edit) => {
    const { json, tensors } = writeGraphFile(example());
    const data = JSON.parse(json) as FileData;
    edit(data, tensors);
    const run = () => readGraphFile(encode(JSON.stringify(data)), 'graph.json', tensors);
    expect(run).toThrow(message);
    expect(run).toThrow(expect.objectContaining({ code }));
  });

  it('refuses what is no JSON', () => {
    expect(() => readGraphFile(encode('{'), 'graph.json', new Map())).toThrow(/file "graph.json".*no JSON/);
    expect(() => readGraphFile(Uint8Array.of(0xff, 0xfe), 'graph.json', new Map())).toThrow(/no JSON/);
    expect(() => readGraphFile(new Uint8Array(0), 'graph.json', new Map())).toThrow(/an empty file/);
    expect(() => readGraphFile(encode('null'), 'graph.json', new Map())).toThrow(/found null/);
  });
});
