// ONNX files that are broken or malicious: only named errors, no hang, no memory that a small file makes up, nothing read outside the folder.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, describe, expect, it } from 'vitest';
import { ArgumentError, ModelError } from '../../sdk/errors.js';
import { importOnnx, type OnnxImportOptions } from '../../sdk/graph/onnx/import.js';
import { readOnnxModel } from '../../sdk/graph/onnx/model.js';
import { converters } from '../../sdk/graph/onnx/operators/index.js';
import { readExternalData } from '../../sdk/graph/onnx/read.js';
import { validateGraph } from '../../sdk/ir/validate.js';
import { onnxCases, readBytes, requireCases } from './cases.js';
import { message, modelFile, node, tensor, valueInfo, varint, type ModelText, type NodeText } from './write.js';

const floats = (name: string, dims: number[], f: (i: number) => number = (i) => i / 10) =>
  tensor(
    name,
    dims,
    Float32Array.from({ length: dims.reduce((a, b) => a * b, 1) }, (_, i) => f(i)),
  );
const longs = (name: string, values: (number | bigint)[]) => tensor(name, [values.length], BigInt64Array.from(values, BigInt));

const detector: ModelText = {
  nodes: [
    { op: 'Conv', inputs: ['x', 'w', 'b'], outputs: ['c'], name: 'conv', attributes: { pads: [1, 1, 1, 1], strides: [2, 2] } },
    { op: 'Relu', inputs: ['c'], outputs: ['r'] },
    { op: 'Shape', inputs: ['r'], outputs: ['s'] },
    { op: 'Slice', inputs: ['s', 'one', 'two'], outputs: ['n'] },
    { op: 'Concat', inputs: ['n', 'rest'], outputs: ['shape'], attributes: { axis: 0 } },
    { op: 'Reshape', inputs: ['r', 'shape'], outputs: ['flat'] },
    { op: 'Softmax', inputs: ['flat'], outputs: ['y'], attributes: { axis: -1 } },
    { op: 'Resize', inputs: ['r', '', 'scales'], outputs: ['z'], attributes: { mode: 'linear' } },
  ],
  inputs: [valueInfo('x', [1, 3, 8, 8])],
  outputs: [valueInfo('y', [4, 16]), valueInfo('z', [1, 4, 8, 8])],
  initializers: [floats('w', [4, 3, 3, 3]), floats('b', [4]), longs('one', [1]), longs('two', [2]), longs('rest', [-1]), floats('scales', [4], (i) => (i > 1 ? 2 : 1))],
}; // prettier-ignore

/** Imports, and gives the error if there is one; anything but a named error fails the test. */
function errorOf(bytes: Uint8Array<ArrayBuffer>, options?: OnnxImportOptions): ModelError | undefined {
  try {
    validateGraph(importOnnx(readOnnxModel(bytes), options));
    return undefined;
  } catch (error) {
    if (!(error instanceof ModelError)) throw error;
    return error;
  }
}

const one = (nodes: readonly NodeText[], more: Partial<ModelText> = {}): Uint8Array<ArrayBuffer> =>
  modelFile({ nodes, inputs: [valueInfo('x', [1, 4, 8, 8])], outputs: [valueInfo('y', [1])], ...more });

describe('fuzzed files', () => {
  const whole = modelFile(detector);

  it('the file itself is right', () => expect(errorOf(whole)).toBeUndefined());

  it('cut off anywhere', () => {
    for (let end = 0; end < whole.length; end++) errorOf(whole.slice(0, end));
    expect(errorOf(whole.slice(0, 0))!.message).toMatch(/an empty file/);
  });

  it('with any bits flipped', () => {
    const flips = fc.array(fc.tuple(fc.nat(whole.length - 1), fc.integer({ min: 1, max: 255 })), { minLength: 1, maxLength: 4 });
    fc.assert(
      fc.property(flips, (places) => {
        const bytes = whole.slice();
        for (const [at, mask] of places) bytes[at]! ^= mask;
        errorOf(bytes);
      }),
      { numRuns: 3000 },
    );
  });

  it('made of any bytes', () => {
    fc.assert(fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => void errorOf(new Uint8Array(bytes))), { numRuns: 1000 }); // prettier-ignore
  });

  it('any operator with no operands, or too few or too many, of any rank and type', () => {
    const shapes = [[], [1], [4], [2, 3], [1, 4, 8, 8]];
    // float, uint8, int64, bool, float16
    const types = [1, 2, 7, 9, 10];
    for (const op of Object.keys(converters)) {
      for (let count = 0; count <= 6; count++) {
        for (const shape of shapes) {
          for (const type of types) {
            const names = Array.from({ length: count }, (_, i) => `x${i}`);
            const inputs = names.map((name) => valueInfo(name, shape, type));
            const model = modelFile({ nodes: [{ op, inputs: names, outputs: ['y'] }], inputs, outputs: [valueInfo('y', [1])] });
            const error = errorOf(model);
            if (count === 0 && op !== 'Constant') expect(error, op).toBeInstanceOf(ModelError);
          }
        }
      }
    }
  });

  it('operator cases of the ONNX project with bits flipped', () => {
    requireCases();
    const files = onnxCases().map(({ folder }) => readBytes(join(folder, 'model.onnx')));
    const flip = fc.tuple(fc.nat(files.length - 1), fc.nat(2 ** 20), fc.integer({ min: 1, max: 255 }));
    fc.assert(
      fc.property(flip, ([file, at, mask]) => {
        const bytes = files[file]!.slice();
        bytes[at % bytes.length]! ^= mask;
        errorOf(bytes);
      }),
      { numRuns: 3000 },
    );
  });
});

describe('files that ask for too much', () => {
  const huge = 2n ** 40n;
  const most = 2n ** 63n - 1n;
  it.each<[string, Uint8Array<ArrayBuffer>]>([
    ['a field longer than the file', Uint8Array.from([...varint(7 * 8 + 2), ...varint(2 ** 40)])],
    ['a number without an end', new Uint8Array(20).fill(0xff)],
    ['a million groups', Uint8Array.from({ length: 1000 }, () => 8 + 3)],
    ['a filled constant', one([{ op: 'ConstantOfShape', inputs: ['s'], outputs: ['y'] }], { initializers: [longs('s', [huge, 4])] })],
    ['a filled constant of the largest size', one([{ op: 'ConstantOfShape', inputs: ['s'], outputs: ['y'] }], { initializers: [longs('s', [most])] })],
    ['a range', one([{ op: 'Range', inputs: ['a', 'b', 'c'], outputs: ['y'] }], { initializers: [longs('a', [0]), longs('b', [most]), longs('c', [1])] })],
    ['a range that never ends', one([{ op: 'Range', inputs: ['a', 'b', 'c'], outputs: ['y'] }], { initializers: [longs('a', [0]), longs('b', [1]), longs('c', [0])] })],
    ['tiles', one([{ op: 'Tile', inputs: ['x', 's'], outputs: ['y'] }], { initializers: [longs('s', [1, 1, huge, huge])] })],
    ['an expansion', one([{ op: 'Expand', inputs: ['v', 's'], outputs: ['y'] }], { initializers: [floats('v', [1, 1]), longs('s', [2 ** 20, 2 ** 20])] })],
    ['pads', one([{ op: 'Pad', inputs: ['x', 's'], outputs: ['y'] }], { initializers: [longs('s', [0, 0, huge, huge, 0, 0, huge, huge])] })],
    ['reflected pads', one([{ op: 'Pad', inputs: ['x', 's'], outputs: ['y'], attributes: { mode: 'reflect' } }], { initializers: [longs('s', [0, 0, huge, 0, 0, 0, 0, 0])] })],
    ['an enlargement', one([{ op: 'Resize', inputs: ['x', '', 's'], outputs: ['y'] }], { initializers: [floats('s', [4], () => 1e8)] })],
    ['a cubic enlargement', one([{ op: 'Resize', inputs: ['x', '', 's'], outputs: ['y'], attributes: { mode: 'cubic' } }], { initializers: [floats('s', [4], () => 1e6)] })],
    ['a one-hot code', one([{ op: 'OneHot', inputs: ['i', 'd', 'v'], outputs: ['y'] }], { initializers: [longs('i', [1]), longs('d', [huge]), floats('v', [2])] })],
    ['parts', one([{ op: 'Split', inputs: ['x'], outputs: ['y'], attributes: { num_outputs: 2 ** 31 } }])],
    ['a window', one([{ op: 'MaxPool', inputs: ['x'], outputs: ['y'], attributes: { kernel_shape: [2 ** 31, 2 ** 31] } }])],
    ['a stride of 0', one([{ op: 'MaxPool', inputs: ['x'], outputs: ['y'], attributes: { kernel_shape: [2, 2], strides: [0, 0] } }])],
    ['groups', one([{ op: 'Conv', inputs: ['x', 'w'], outputs: ['y'], attributes: { group: 2 ** 31 } }], { initializers: [floats('w', [4, 4, 1, 1])] })],
    ['a transposed convolution', one([{ op: 'ConvTranspose', inputs: ['x', 'w'], outputs: ['y'], attributes: { strides: [2 ** 20, 2 ** 20] } }], { initializers: [floats('w', [4, 4, 1, 1])] })],
    ['blocks', one([{ op: 'DepthToSpace', inputs: ['x'], outputs: ['y'], attributes: { blocksize: 2 ** 31 } }])],
    ['a weight of more elements than there are bytes', one([{ op: 'Identity', inputs: ['w'], outputs: ['y'] }], { initializers: [message([1, huge], [1, huge], [2, 1], [8, 'w'], [9, new Uint8Array(4)])] })],
    ['a weight of negative size', one([{ op: 'Identity', inputs: ['w'], outputs: ['y'] }], { initializers: [message([1, -4n], [2, 1], [8, 'w'], [9, new Uint8Array(16)])] })],
    ['an input of 2^40 pixels', modelFile({ nodes: [{ op: 'Relu', inputs: ['x'], outputs: ['y'] }], inputs: [valueInfo('x', [2 ** 20, 2 ** 20])], outputs: [valueInfo('y', [1])] })],
    ['running sums over a long axis', modelFile({ nodes: [{ op: 'CumSum', inputs: ['x', 'a'], outputs: ['y'] }], inputs: [valueInfo('x', [2 ** 20])], outputs: [valueInfo('y', [1])], initializers: [longs('a', [0])] })],
    ['doubling sixty times', one([
      ...Array.from({ length: 60 }, (_, i): NodeText => ({ op: 'Concat', inputs: [`v${i}`, `v${i}`], outputs: [`v${i + 1}`], attributes: { axis: 0 } })),
      { op: 'Identity', inputs: ['v60'], outputs: ['y'] },
    ], { initializers: [floats('v0', [16])] })],
  ])('%s', (_, bytes) => {
    const start = performance.now();
    const error = errorOf(bytes);
    expect(error).toBeInstanceOf(ModelError);
    expect(performance.now() - start).toBeLessThan(2000);
  }); // prettier-ignore
});

describe('files that contradict themselves', () => {
  it.each<[string, Uint8Array<ArrayBuffer>, RegExp]>([
    ['a cycle', one([{ op: 'Add', inputs: ['x', 'b'], outputs: ['a'], name: 'first' }, { op: 'Relu', inputs: ['a'], outputs: ['b'], name: 'second' }, { op: 'Relu', inputs: ['b'], outputs: ['y'] }]), /a cycle through node "second" \(Relu\) and node "first" \(Add\)/],
    ['a node that reads itself', one([{ op: 'Relu', inputs: ['y'], outputs: ['y'], name: 'self' }]), /a cycle through node "self"/],
    ['an operand that nobody gives', one([{ op: 'Relu', inputs: ['nothing'], outputs: ['y'], name: 'n' }]), /node "n" \(Relu\).*operand "nothing"/],
    ['an output that nobody gives', one([{ op: 'Relu', inputs: ['x'], outputs: ['z'] }]), /output "y"/],
    ['two writers of one value', one([{ op: 'Relu', inputs: ['x'], outputs: ['y'] }, { op: 'Relu', inputs: ['x'], outputs: ['y'], name: 'twice' }]), /node "twice".*second writer of "y"/],
    ['no outputs', one([], { outputs: [] }), /no outputs/],
    ['a loop', one([{ op: 'Loop', inputs: ['x'], outputs: ['y'], name: 'while' }]), /node "while".*Loop.*control flow.*output "y"/],
    ['a sequence', one([{ op: 'SequenceAt', inputs: ['x'], outputs: ['y'], name: 'at' }]), /node "at".*SequenceAt.*sequences/],
    ['an operator of another domain', one([{ op: 'FusedConv', domain: 'com.microsoft', inputs: ['x'], outputs: ['y'], name: 'f' }]), /node "f".*FusedConv of the domain "com.microsoft"/],
    ['a known name in another domain', one([{ op: 'Conv', domain: 'ai.mine', inputs: ['x'], outputs: ['y'], name: 'f' }]), /domain "ai.mine"/],
    ['an operator set of the future', one([{ op: 'Relu', inputs: ['x'], outputs: ['y'] }], { opset: 99 }), /operator set 99/],
    ['weights that are NaN', one([{ op: 'Conv', inputs: ['x', 'w'], outputs: ['y'] }], { initializers: [floats('w', [4, 4, 1, 1], () => Number.NaN)] }), /tensor "w".*NaN at element 0/],
    ['channels that do not fit', one([{ op: 'Conv', inputs: ['x', 'w'], outputs: ['y'], name: 'c' }], { initializers: [floats('w', [4, 3, 1, 1])] }), /node "c" \(Conv\).*channels/],
    ['shapes that do not broadcast', one([{ op: 'Add', inputs: ['x', 'v'], outputs: ['y'], name: 'a' }], { initializers: [floats('v', [3])] }), /node "a" \(Add\).*broadcast/],
    ['text', one([{ op: 'Relu', inputs: ['x'], outputs: ['y'] }], { inputs: [valueInfo('x', [1], 8)] }), /input "x".*string/],
    ['a shape that the frame decides', one([{ op: 'Reshape', inputs: ['x', 'i'], outputs: ['y'], name: 'r' }], { inputs: [valueInfo('x', [4]), valueInfo('i', [2], 7)] }), /node "r" \(Reshape\).*computed at run time \("i"\)/],
  ])('%s', (_, bytes, text) => {
    expect(errorOf(bytes)?.message).toMatch(text);
  }); // prettier-ignore

  it('open sizes are asked for by name', () => {
    const open = one([{ op: 'Relu', inputs: ['x'], outputs: ['y'] }], { inputs: [valueInfo('x', ['batch', 3, 'height', 8])] });
    expect(errorOf(open)?.message).toMatch(/input "x".*"batch" \(axis 0\), "height" \(axis 2\) in \[batch, 3, height, 8\]/);
    expect(errorOf(open, { dimensions: { batch: 1 } })?.message).toMatch(/"height" \(axis 2\)/);
    expect(errorOf(open, { dimensions: { batch: 1, height: 4 } })).toBeUndefined();
    expect(errorOf(open, { inputShapes: { x: [1, 3, 4, 8] } })).toBeUndefined();
    expect(() => importOnnx(readOnnxModel(open), { inputShapes: { x: [1, 4, 4, 8] } })).toThrow(ArgumentError);
    expect(() => importOnnx(readOnnxModel(open), { dimensions: { batch: 0 } })).toThrow(ArgumentError);
    expect(() => importOnnx(readOnnxModel(one([{ op: 'Relu', inputs: ['x'], outputs: ['y'] }])), { outputs: ['w'] })).toThrow(
      ArgumentError,
    );
  });
});

describe('weights in files of their own', () => {
  const folder = mkdtempSync(join(tmpdir(), 'labelweave-onnx-'));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));
  const external = (location: string, offset: number | string, length?: number | string) => {
    const entry = (key: string, value: string | number) => [13, message([1, key], [2, String(value)])] as const;
    const proto = message(
      [1, 4],
      [2, 1],
      [8, 'w'],
      entry('location', location),
      entry('offset', offset),
      ...(length === undefined ? [] : [entry('length', length)]),
      [14, 1],
    );
    return one([{ op: 'Add', inputs: ['x', 'w'], outputs: ['y'] }], { inputs: [valueInfo('x', [4])], initializers: [proto] });
  };
  const read = async (bytes: Uint8Array<ArrayBuffer>, asked: string[] = []) => {
    const model = readOnnxModel(bytes, 'net/model.onnx');
    const files = await readExternalData(model, async (names) => {
      asked.push(...names);
      return new Map(names.map((name) => [name, new Uint8Array(readFileSync(join(folder, name.replace('net/', ''))))]));
    });
    return importOnnx(model, { externalData: (location) => files.get(location) });
  };

  it('are read beside the model, without a copy where they are aligned', async () => {
    writeFileSync(join(folder, 'weights.bin'), new Uint8Array(Float32Array.of(9, 1, 2, 3, 4).buffer));
    const asked: string[] = [];
    const graph = await read(external('weights.bin', 4, 16), asked);
    expect(asked).toEqual(['net/weights.bin']);
    const { constant } = graph.values.find(({ name }) => name === 'w')!;
    expect(Array.from(constant!.values)).toEqual([1, 2, 3, 4]);
    expect(constant!.stored.byteOffset % 4).toBe(0);
  });

  it.each([
    ['../secret', 0],
    ['/etc/passwd', 0],
    ['a/../../secret', 0],
    ['https://example.org/w', 0],
    ['..\\secret', 0],
    ['', 0],
  ])('never leave the folder: %s', async (location, offset) => {
    const asked: string[] = [];
    const error = await read(external(location, offset), asked).catch((e: unknown) => e);
    expect(error).toBeInstanceOf(ModelError);
    expect((error as ModelError).wanted).toMatch(/inside the folder/);
    expect(asked).toEqual([]);
  });

  it.each([
    ['a file that is too short', 8, 16],
    ['an offset outside', 2 ** 50, 16],
    ['a negative offset', -4, 16],
    ['an offset that is no number', 'x', 16],
    ['a length that is not the tensor\'s', 0, 12],
    ['a length beyond all files', 0, 2 ** 52],
  ])('%s', async (_, offset, length) => {
    writeFileSync(join(folder, 'weights.bin'), new Uint8Array(20));
    const error = await read(external('weights.bin', offset, length)).catch((e: unknown) => e);
    expect(error).toBeInstanceOf(ModelError);
    expect((error as ModelError).code).toBe('invalid-weights');
    expect((error as ModelError).message).toMatch(/tensor "w", external data "weights.bin"/);
  }); // prettier-ignore

  it('must be given', () => {
    expect(errorOf(external('weights.bin', 0))?.message).toMatch(/no such file/);
  });
});

it('a node of many thousand nodes deep is no recursion', () => {
  const nodes = Array.from({ length: 20_000 }, (_, i): NodeText => ({
    op: 'Relu',
    inputs: [i === 0 ? 'x' : `v${i}`],
    outputs: [i === 19_999 ? 'y' : `v${i + 1}`],
  }));
  expect(node(nodes[0]!).length).toBeGreaterThan(0);
  expect(errorOf(one(nodes))).toBeUndefined();
});
