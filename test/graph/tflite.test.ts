// The TFLite importer on small files: operators with their own layouts by hand or by plain loops, types of weights, what is refused, and damage of all kinds.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { LabelweaveError } from '../../sdk/errors.js';
import { readTflite } from '../../sdk/graph/tflite/format.js';
import { importTflite, type TfliteImportOptions } from '../../sdk/graph/tflite/import.js';
import { floatArrayToHalf } from '../../sdk/tensor/half.js';
import { createReferenceRuntime } from '../../sdk/runtime/reference/index.js';
import { expectClose, randomNumbers, SUMMED } from '../kernels/harness.js';
import { type Field, type LiteFile, type LiteTensor, writeTflite } from './tflite-writer.js';

/** Runs a file on the reference runtime: tensor 0 is the input, the last one the output. */
async function run(file: LiteFile, x: readonly number[], options: TfliteImportOptions = {}): Promise<{ shape: readonly number[]; data: number[] }> {
  const graph = importTflite(readTflite(writeTflite(file)), options);
  const runtime = createReferenceRuntime();
  const executable = await runtime.compile(graph);
  const { name, shape } = graph.values[graph.outputs[0]!]!;
  const feeds = { [graph.values[graph.inputs[0]!]!.name]: Float32Array.from(x) };
  const data = await executable.run({ feeds, outputs: [name] }, (results) => Array.from(results[name]!));
  runtime.dispose();
  return { shape, data };
} // prettier-ignore

/** One operator: input, further operands, output. */
function single(code: number, x: readonly number[], operands: readonly LiteTensor[], y: readonly number[] | LiteTensor, options: readonly Field[] = []): LiteFile {
  const output: LiteTensor = 'name' in y ? y : { name: 'y', shape: y };
  const tensors = [{ name: 'x', shape: x }, ...operands, output];
  const last = tensors.length - 1;
  return { tensors, nodes: [{ code, inputs: tensors.slice(0, -1).map((_, i) => i), outputs: [last], options }], inputs: [0], outputs: [last] };
} // prettier-ignore

const ints = (...values: number[]): LiteTensor => ({
  name: 'ints',
  shape: [values.length],
  type: 2,
  data: Int32Array.from(values),
});
const floats = (name: string, shape: readonly number[], values: readonly number[]): LiteTensor => ({
  name,
  shape,
  data: Float32Array.from(values),
});
const SAME = 0;
const VALID = 1;

/** Convolution of TFLite in plain loops: x [1, H, W, C], weights [O, kh, kw, C]. */
function convolve(x: readonly number[], [, H, W, C]: readonly number[], w: readonly number[], [O, kh, kw]: readonly number[], bias: readonly number[], stride: number): number[] {
  const [oh, ow] = [Math.ceil(H! / stride), Math.ceil(W! / stride)];
  const top = Math.floor(Math.max((oh - 1) * stride + kh! - H!, 0) / 2);
  const left = Math.floor(Math.max((ow - 1) * stride + kw! - W!, 0) / 2);
  const y: number[] = [];
  for (let r = 0; r < oh; r++) for (let s = 0; s < ow; s++) for (let o = 0; o < O!; o++) {
    let sum = bias[o]!;
    for (let i = 0; i < kh!; i++) for (let j = 0; j < kw!; j++) for (let c = 0; c < C!; c++) {
      const [py, px] = [r * stride + i - top, s * stride + j - left];
      if (py >= 0 && py < H! && px >= 0 && px < W!) sum += x[(py * W! + px) * C! + c]! * w[((o * kh! + i) * kw! + j) * C! + c]!;
    }
    y.push(sum);
  }
  return y;
} // prettier-ignore

describe('operators', () => {
  const X = [1, 5, 6, 3];
  const x = randomNumbers(90, 1);
  const W = [4, 3, 2, 3];
  const w = randomNumbers(72, 2);
  const bias = randomNumbers(4, 3);
  const convOptions = (activation: number): Field[] => [[0, 'int8', SAME], [1, 'int32', 2], [2, 'int32', 2], [3, 'int8', activation]]; // prettier-ignore
  const conv = (weights: LiteTensor, activation = 0): LiteFile =>
    single(3, X, [weights, floats('b', [4], bias)], [1, 3, 3, 4], convOptions(activation));

  it('CONV_2D with stride, padding SAME and a fused relu', async () => {
    const found = await run(conv(floats('w', W, w), 1), x);
    expect(found.shape).toEqual([1, 3, 3, 4]);
    expectClose(found.data, convolve(x, X, w, W, bias, 2).map((v) => Math.max(v, 0)), SUMMED); // prettier-ignore
  });

  it('weights as float16, with DEQUANTIZE in between', async () => {
    const halves = floatArrayToHalf(Float32Array.from(w));
    const file = conv(floats('w', W, w));
    const stored: LiteTensor = { name: 'half', shape: W, type: 1, data: halves };
    const tensors = [...file.tensors.slice(0, 1), { name: 'w', shape: W }, ...file.tensors.slice(2), stored];
    const dequantize = { code: 6, inputs: [4], outputs: [1] };
    const found = await run({ ...file, tensors, nodes: [dequantize, ...file.nodes] }, x);
    // Half floats have 11 bits: at most 2^-11 of each product of numbers below 1, at most 18 of them.
    expectClose(found.data, convolve(x, X, w, W, bias, 2), { absolute: 18 * 2 ** -11, relative: 0 });
  });

  it('int8 weights with a scale a channel, int32 bias, and a result that saturates', async () => {
    const stored = Int8Array.from(randomNumbers(72, 4, -127, 127), Math.round);
    const scales = [0.01, 0.02, 0.005, 0.03];
    const real = Array.from(stored, (q, i) => q * scales[Math.floor(i / 18)]!);
    const biases = Int32Array.from([100, -50, 20, 7]);
    const tensors: LiteTensor[] = [
      { name: 'x', shape: X },
      { name: 'w', shape: W, type: 9, data: stored, scale: scales, axis: 0 },
      { name: 'b', shape: [4], type: 2, data: biases, scale: [0.001], axis: 0 },
      { name: 'y', shape: [1, 3, 3, 4], type: 9, scale: [0.01], zeroPoint: [-28] },
    ];
    const nodes = [{ code: 3, inputs: [0, 1, 2], outputs: [3], options: convOptions(0) }];
    const found = await run({ tensors, nodes, inputs: [0], outputs: [3] }, x);
    const plain = convolve(x, X, real, W, Array.from(biases, (q) => q * 0.001), 2); // prettier-ignore
    expectClose(found.data, plain.map((v) => Math.min(Math.max(v, -1), 1.55)), SUMMED); // prettier-ignore
    expect(Math.max(...plain)).toBeGreaterThan(1.55);
  });

  it('uint8 weights with one scale and a zero point', async () => {
    const stored = Uint8Array.from(randomNumbers(72, 5, 0, 255), Math.round);
    const found = await run(conv({ name: 'w', shape: W, type: 3, data: stored, scale: [0.01], zeroPoint: [120] }), x);
    expectClose(found.data, convolve(x, X, Array.from(stored, (q) => (q - 120) * 0.01), W, bias, 2), SUMMED); // prettier-ignore
  });

  it('DEPTHWISE_CONV_2D, two results a channel', async () => {
    const weights = randomNumbers(9 * 6, 6);
    const options: Field[] = [[0, 'int8', VALID], [1, 'int32', 1], [2, 'int32', 1], [3, 'int32', 2]]; // prettier-ignore
    const found = await run(single(4, X, [floats('w', [1, 3, 3, 6], weights), floats('b', [6], [0, 0, 0, 0, 0, 1])], [1, 3, 4, 6], options), x); // prettier-ignore
    const wanted: number[] = [];
    for (let r = 0; r < 3; r++) for (let s = 0; s < 4; s++) for (let o = 0; o < 6; o++) {
      let sum = o === 5 ? 1 : 0;
      for (let i = 0; i < 3; i++) for (let j = 0; j < 3; j++) sum += x[((r + i) * 6 + s + j) * 3 + Math.floor(o / 2)]! * weights[(i * 3 + j) * 6 + o]!;
      wanted.push(sum);
    } // prettier-ignore
    expectClose(found.data, wanted, SUMMED);
  });

  it.each([['SAME', 6, 8], ['VALID', 7, 9]] as const)('TRANSPOSE_CONV, %s', async (padding, oh, ow) => {
    const weights = randomNumbers(2 * 3 * 3 * 3, 7);
    const options: Field[] = [[0, 'int8', padding === 'SAME' ? SAME : VALID], [1, 'int32', 2], [2, 'int32', 2]];
    const [h, w2] = [3, 4];
    const small = randomNumbers(h * w2 * 3, 8);
    const file: LiteFile = {
      tensors: [{ name: 'x', shape: [1, h, w2, 3] }, ints(1, oh, ow, 2), floats('w', [2, 3, 3, 3], weights), { name: 'y', shape: [1, oh, ow, 2] }],
      nodes: [{ code: 67, inputs: [1, 2, 0], outputs: [3], options }],
      inputs: [0],
      outputs: [3],
    };
    const found = await run(file, small);
    // Every pixel spreads its kernel, y[i * 2 + k] += x[i] * w[k]; SAME pads one pixel behind here, none in front.
    const wanted = new Array<number>(oh * ow * 2).fill(0);
    for (let r = 0; r < h; r++) for (let s = 0; s < w2; s++) for (let i = 0; i < 3; i++) for (let j = 0; j < 3; j++) {
      const [py, px] = [r * 2 + i, s * 2 + j];
      if (py < 0 || py >= oh || px < 0 || px >= ow) continue;
      for (let o = 0; o < 2; o++) for (let c = 0; c < 3; c++)
        wanted[(py * ow + px) * 2 + o]! += small[(r * w2 + s) * 3 + c]! * weights[((o * 3 + i) * 3 + j) * 3 + c]!;
    }
    expectClose(found.data, wanted, SUMMED);
  }); // prettier-ignore

  const row = [1, 2, 3, 4, 5, 6];
  it.each<[string, LiteFile, readonly number[], readonly number[], readonly number[]]>([
    ['ADD with fused relu6', single(0, [6], [floats('c', [6], [-9, 9, 0, 0, 0, 0])], [6], [[0, 'int8', 3]]), row, [6], [0, 6, 3, 4, 5, 6]],
    ['FULLY_CONNECTED', single(9, [2, 3], [floats('w', [2, 3], [1, 0, 0, 0, 1, 1]), floats('b', [2], [10, 0])], [2, 2]), row, [2, 2], [11, 5, 14, 11]],
    ['FULLY_CONNECTED that keeps its dimensions', single(9, [1, 2, 3], [floats('w', [1, 3], [1, 1, 1])], [1, 2, 1], [[2, 'bool', 1]]), row, [1, 2, 1], [6, 15]],
    ['AVERAGE_POOL_2D', single(1, [1, 2, 3, 1], [], [1, 1, 2, 1], [[0, 'int8', VALID], [1, 'int32', 1], [2, 'int32', 1], [3, 'int32', 2], [4, 'int32', 2]]), row, [1, 1, 2, 1], [3, 4]],
    ['MAX_POOL_2D: width before height', single(17, [1, 2, 3, 1], [], [1, 2, 1, 1], [[0, 'int8', VALID], [1, 'int32', 1], [2, 'int32', 1], [3, 'int32', 3], [4, 'int32', 1]]), row, [1, 2, 1, 1], [3, 6]],
    ['CONCATENATION on the last axis', single(2, [2, 3], [floats('c', [2, 1], [7, 8])], [2, 4], [[0, 'int32', -1]]), row, [2, 4], [1, 2, 3, 7, 4, 5, 6, 8]],
    ['RESHAPE by operand, with -1', single(22, [2, 3], [ints(-1, 2)], [3, 2]), row, [3, 2], row],
    ['RESHAPE by the shape of the result', single(22, [2, 3], [], [6]), row, [6], row],
    ['SOFTMAX with beta 0 is plain softmax', single(25, [2], [], [2]), [0, Math.log(3)], [2], [0.25, 0.75]],
    ['LEAKY_RELU', single(98, [2], [], [2], [[0, 'float32', 0.5]]), [-2, 2], [2], [-1, 2]],
    ['RELU_N1_TO_1', single(20, [3], [], [3]), [-2, 0.5, 2], [3], [-1, 0.5, 1]],
    ['PAD', single(34, [1, 2], [{ ...ints(0, 0, 1, 0), shape: [2, 2] }], [1, 3]), [1, 2], [1, 3], [0, 1, 2]],
    ['MEAN over two axes', single(40, [1, 2, 3, 1], [ints(1, 2)], [1, 1], []), row, [1, 1], [3.5]],
    ['STRIDED_SLICE with masks', single(45, [2, 3], [ints(0, 1), ints(0, 3), ints(1, 1)], [2, 2], [[0, 'int32', 1], [1, 'int32', 1]]), row, [2, 2], [2, 3, 5, 6]],
    ['TRANSPOSE', single(39, [2, 3], [ints(1, 0)], [3, 2]), row, [3, 2], [1, 4, 2, 5, 3, 6]],
    ['RESIZE_NEAREST_NEIGHBOR', single(97, [1, 1, 2, 1], [ints(1, 4)], [1, 1, 4, 1]), [1, 2], [1, 1, 4, 1], [1, 1, 2, 2]],
    ['RESIZE_BILINEAR with half pixels', single(23, [1, 1, 2, 1], [ints(1, 4)], [1, 1, 4, 1], [[3, 'bool', 1]]), [0, 4], [1, 1, 4, 1], [0, 1, 3, 4]],
    ['DEPTH_TO_SPACE', single(5, [1, 1, 1, 4], [], [1, 2, 2, 1], [[0, 'int32', 2]]), [1, 2, 3, 4], [1, 2, 2, 1], [1, 2, 3, 4]],
    ['PACK', single(83, [2], [floats('c', [2], [3, 4])], [2, 2], [[1, 'int32', 1]]), [1, 2], [2, 2], [1, 3, 2, 4]],
    ['SQUEEZE of named axes', single(43, [1, 2, 1], [], [2]), [1, 2], [2], [1, 2]],
    ['HARD_SWISH', single(117, [2], [], [2]), [-4, 4], [2], [0, 4]],
  ])('%s', async (_, file, data, shape, wanted) => {
    const found = await run(file, data);
    expect(found.shape).toEqual(shape);
    expectClose(found.data, wanted, SUMMED);
  }); // prettier-ignore

  it('open dimensions take the shape that is given, and are asked for by name', async () => {
    const file = single(19, [1, 1, 1, 3], [], [1, 1, 1, 3]);
    const open = { ...file, tensors: [{ ...file.tensors[0]!, signature: [1, -1, -1, 3] }, file.tensors[1]!] };
    expect((await run(open, [-1, 2, 3, 4, 5, 6], { inputShapes: { x: [1, 2, 1, 3] } })).data).toEqual([0, 2, 3, 4, 5, 6]);
    expect(() => importTflite(readTflite(writeTflite(open)))).toThrow(
      'input "x": found shape [1, -1, -1, 3]; wanted a static shape',
    );
    expect(() => importTflite(readTflite(writeTflite(open)), { inputShapes: { x: [1, 2, 1, 4] } })).toThrow(
      'wanted a shape that fits',
    );
  });
});

describe('what is refused', () => {
  const relu = single(19, [2], [], [2]);
  it.each<[string, () => unknown, string, string]>([
    ['no bytes', () => readTflite(new Uint8Array()), 'invalid-model', 'found 0 bytes'],
    ['another format', () => readTflite(new Uint8Array(100)), 'invalid-model', 'bytes without the mark "TFL3"'],
    ['another version', () => readTflite(writeTflite({ ...relu, version: 2 })), 'invalid-model', 'found version 2'],
    ['an operator that is not known', () => load(single(50, [2], [], [2])), 'unsupported-operator', 'the operator number 50; wanted one of the'],
    ['a custom operator', () => load({ ...relu, nodes: [{ code: 32, custom: 'Magic', inputs: [0], outputs: [1] }] }), 'unsupported-operator', 'the operator "Magic"'],
    ['an output that is none', () => load(relu, { outputs: ['z'] }), 'invalid-argument', 'found "z"; wanted a tensor of the file, such as y'],
    ['a tensor outside', () => load({ ...relu, nodes: [{ code: 19, inputs: [9], outputs: [1] }] }), 'invalid-model', 'operand 9; wanted a tensor from -1 to 1'],
    ['a cycle', () => load({ ...relu, tensors: [...relu.tensors, { name: 'a', shape: [2] }, { name: 'b', shape: [2] }], nodes: [{ code: 19, inputs: [3], outputs: [2] }, { code: 19, inputs: [2], outputs: [3] }], outputs: [3] }), 'invalid-model', 'before it is computed'],
    ['too few bytes', () => load(single(0, [2], [{ name: 'c', shape: [2], data: Float32Array.of(1) }], [2])), 'invalid-weights', 'found 4 bytes; wanted 2 elements of 4 bytes'],
    ['NaN', () => load(single(0, [2], [floats('c', [2], [1, NaN])], [2])), 'invalid-weights', 'NaN'],
    ['strings', () => load(single(0, [2], [{ name: 'c', shape: [2], type: 5, data: Uint8Array.of(1, 2) }], [2])), 'unsupported-operator', 'elements of type string'],
    ['too few scales', () => load(single(0, [2], [{ name: 'c', shape: [2], type: 9, data: Int8Array.of(1, 2), scale: [1, 2, 3] }], [2])), 'invalid-weights', '3 scales along axis 0; wanted 2'],
    ['a fused activation that is not known', () => load(single(0, [2], [floats('c', [2], [1, 1])], [2], [[0, 'int8', 5]])), 'unsupported-operator', 'the fused activation number 5'],
  ])('%s', (_, make, code, message) => {
    let error: unknown;
    try {
      make();
    } catch (thrown) {
      error = thrown;
    }
    expect(error).toMatchObject({ code });
    expect((error as Error).message).toContain(message);
  }); // prettier-ignore

  function load(file: LiteFile, options?: TfliteImportOptions): unknown {
    return importTflite(readTflite(writeTflite(file)), options);
  }
});

describe('damaged files', () => {
  const good = writeTflite(single(3, [1, 5, 6, 3], [floats('w', [4, 3, 2, 3], randomNumbers(72, 2)), floats('b', [4], [0, 0, 0, 0])], [1, 3, 3, 4], [[0, 'int8', SAME], [1, 'int32', 2], [2, 'int32', 2]])); // prettier-ignore
  const named = (bytes: Uint8Array<ArrayBuffer>): void => {
    try {
      importTflite(readTflite(bytes));
    } catch (error) {
      if (!(error instanceof LabelweaveError) || error.code === 'internal') throw error;
    }
  };

  it('every truncation gives a named error', () => {
    for (let length = 0; length < good.length; length++) {
      const cut = good.slice(0, length);
      named(cut);
      // The header alone says nothing.
      if (length < good.length / 2) expect(() => importTflite(readTflite(cut))).toThrow(LabelweaveError);
    }
  });

  it('flipped bytes and overwritten words give a graph or a named error', () => {
    const edit = fc.tuple(fc.nat(good.length - 5), fc.oneof(fc.nat(255), fc.integer()), fc.boolean());
    fc.assert(
      fc.property(fc.array(edit, { minLength: 1, maxLength: 4 }), (edits) => {
        const bytes = good.slice();
        const view = new DataView(bytes.buffer);
        for (const [at, value, word] of edits) {
          if (word) view.setInt32(at, value, true);
          else bytes[at] = value;
        }
        named(bytes);
      }),
      { numRuns: 3000 },
    );
  });

  it('random bytes behind the mark give a named error', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 8, maxLength: 300 }), (random) => {
        const bytes = Uint8Array.from(random);
        bytes.set([0x54, 0x46, 0x4c, 0x33], 4);
        named(bytes);
      }),
      { numRuns: 1000 },
    );
  });
});
