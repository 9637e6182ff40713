// GraphBuilder makes graphs that validateGraph accepts; every rule of the IR broken once is found and named.
import { describe, expect, it } from 'vitest';
import { ModelError } from '../../sdk/errors.js';
import { GraphBuilder } from '../../sdk/ir/builder.js';
import { Constant, type Graph } from '../../sdk/ir/graph.js';
import { validateGraph } from '../../sdk/ir/validate.js';

const relu = { activation: { kind: 'relu' } } as const;

function example(): Graph {
  const g = new GraphBuilder();
  const x = g.input('x', 'float32', [1, 4]);
  const w = g.constant('w', new Constant('float16', new Uint16Array(12)), [4, 3]);
  const [y] = g.add('matmul', 'y', [x, w], { transposeA: false, transposeB: false, activation: { kind: 'none' } });
  const [z] = g.add('activation', 'z', [y], relu);
  g.output(z);
  return g.build();
}

describe('GraphBuilder', () => {
  it('infers shapes and names results', () => {
    const g = new GraphBuilder();
    const x = g.input('x', 'float32', [2, 5]);
    const [values, index] = g.add('top_k', 'best', [x], { k: 2 });
    expect([values, index].map((id) => g.type(id!))).toMatchObject([
      { name: 'best', dtype: 'float32', shape: [2, 2] },
      { name: 'best:1', dtype: 'int32', shape: [2, 2] },
    ]);
    expect(g.type(g.cast('c', index!, 'float32'))).toMatchObject({ dtype: 'float32', shape: [2, 2] });
    expect(g.type(g.reshape('r', x, [10]))).toMatchObject({ shape: [10] });
  });

  it('gives graphs that are valid', () => {
    validateGraph(example());
  });

  it('shows float16 constants as float32', () => {
    const { values } = example();
    expect(values[1]).toMatchObject({ name: 'w', dtype: 'float32' });
    expect(values[1]!.constant!.dtype).toBe('float16');
  });

  it('takes typed arrays as constants', () => {
    const g = new GraphBuilder();
    expect(g.type(g.constant('a', new Float32Array(2), [2])).dtype).toBe('float32');
    expect(g.type(g.constant('b', new Int32Array(2), [2])).dtype).toBe('int32');
    expect(g.type(g.constant('c', new Uint8Array(2), [2])).dtype).toBe('uint8');
  });

  it('names an output once', () => {
    const g = new GraphBuilder();
    const x = g.input('x', 'float32', [1]);
    g.output(x);
    g.output(x);
    expect(g.build().outputs).toEqual([x]);
  });

  it.each<[string, (g: GraphBuilder) => unknown]>([
    ['a name twice', (g) => (g.input('x', 'float32', [1]), g.input('x', 'float32', [1]))],
    ['a dimension of -1', (g) => g.input('x', 'float32', [-1, 3])],
    ['a fractional dimension', (g) => g.input('x', 'float32', [1.5])],
    ['a constant of the wrong length', (g) => g.constant('c', new Float32Array(3), [2, 2])],
    ['an operand that is not there', (g) => g.add('activation', 'y', [7], relu)],
    ['an output that is not there', (g) => g.output(0)],
    ['no outputs', (g) => (g.input('x', 'float32', [1]), g.build())],
    ['shapes that do not fit', (g) => g.reshape('r', g.input('x', 'float32', [3]), [2])],
  ])('refuses %s', (_, build) => {
    expect(() => build(new GraphBuilder())).toThrow(ModelError);
  });

  it('finds free names', () => {
    const g = new GraphBuilder();
    expect(g.freeName('x')).toBe('x');
    g.input('x', 'float32', [1]);
    g.input('x~2', 'float32', [1]);
    expect(g.freeName('x')).toBe('x~3');
  });
});

describe('validateGraph', () => {
  it.each<[string, RegExp, (g: Graph) => void]>([
    ['a name twice', /"x".*second value/, (g) => (g.values[2] = { ...g.values[2]!, name: 'x' })],
    ['a node before its operand', /before it is written/, (g) => g.nodes.reverse()],
    ['a value that two nodes write', /second writer/, (g) => (g.nodes[1]!.outputs = [2])],
    ['an input that a node writes', /second writer/, (g) => g.inputs.push(2)],
    [
      'a constant that a node writes',
      /second writer/,
      (g) => (g.values[2] = { ...g.values[2]!, constant: new Constant('float32', new Float32Array(3)) }),
    ],
    ['an operand that is not there', /operand 99/, (g) => (g.nodes[1]!.inputs = [99])],
    ['a result that is not there', /value 99/, (g) => (g.nodes[1]!.outputs = [99])],
    ['one result too many', /2 results/, (g) => (g.nodes[1]!.outputs = [3, 3])],
    ['a declared shape that is wrong', /declared float32 \[1, 4\]/, (g) => (g.values[3] = { ...g.values[3]!, shape: [1, 4] })],
    ['a declared type that is wrong', /declared int32/, (g) => (g.values[3] = { ...g.values[3]!, dtype: 'int32' })],
    ['a type that does not exist', /dtype "float16"/, (g) => (g.values[3] = { ...g.values[3]!, dtype: 'float16' as 'float32' })],
    ['a negative dimension', /shape/, (g) => (g.values[0] = { ...g.values[0]!, shape: [-1, 4] })],
    [
      'a constant of the wrong length',
      /11 elements/,
      (g) => (g.values[1] = { ...g.values[1]!, constant: new Constant('float16', new Uint16Array(11)) }),
    ],
    [
      'a constant in the wrong array',
      /Float32Array/,
      (g) => (g.values[1] = { ...g.values[1]!, constant: new Constant('float16', new Float32Array(12)) }),
    ],
    [
      'a constant of another type',
      /int32 constant/,
      (g) => (g.values[1] = { ...g.values[1]!, constant: new Constant('int32', new Int32Array(12)) }),
    ],
    ['an attribute out of range', /"z" \(activation\)/, (g) => (g.nodes[1]!.attributes = { activation: { kind: 'leaky_relu' } })],
    [
      'a value that nothing writes',
      /"lost".*nothing writes/,
      (g) => g.values.push({ name: 'lost', dtype: 'float32', shape: [1] }),
    ],
    ['an output that is not there', /value 99/, (g) => (g.outputs = [99])],
    ['no outputs', /no outputs/, (g) => (g.outputs = [])],
  ])('finds %s', (_, message, spoil) => {
    const graph = example();
    spoil(graph);
    expect(() => validateGraph(graph)).toThrow(ModelError);
    expect(() => validateGraph(graph)).toThrow(message);
  });

  it('finds an image as output', () => {
    const g = new GraphBuilder();
    g.output(g.image('photo'));
    expect(() => validateGraph(g.build())).toThrow(/"photo".*an image/);
  });
});
