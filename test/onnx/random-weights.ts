// The ONNX project's "light" models with random weights in place of the constants that they come with: numbers as training leaves them.
import { readOnnxModel, type OnnxModel } from '../../sdk/graph/onnx/model.js';
import { decodeTensor } from '../../sdk/graph/onnx/tensor.js';
import { sizeOf } from '../../sdk/tensor/shape.js';
import { tensor, withWeights } from './write.js';

/** Numbers that are the same in every run: mulberry32, uniform in [low, high). */
function uniform(count: number, seed: number, low: number, high: number): Float32Array {
  let state = seed >>> 0;
  const numbers = new Float32Array(count);
  for (let i = 0; i < count; i++) {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    numbers[i] = low + (((t ^ (t >>> 14)) >>> 0) / 2 ** 32) * (high - low);
  }
  return numbers;
}

/** By what reads them: filters scaled by their fan-in (He et al., 2015), statistics of normalisations around 0 and 1. */
function randomWeights(model: OnnxModel): { name: string; dims: number[]; data: Float32Array }[] {
  const shapes = new Map([...model.initializers].map(([name, proto]) => [name, Array.from(decodeTensor(proto).values)]));
  const readers = new Map(model.nodes.flatMap((node) => node.inputs.map((name, i) => [name, { node, i }] as const)));
  return model.nodes
    .filter(({ op }) => op === 'ConstantOfShape')
    .map((node, n) => {
      const name = node.outputs[0]!;
      const dims = shapes.get(node.inputs[0]!)!;
      const reader = readers.get(name);
      const fan = Math.sqrt(6 / sizeOf(dims.slice(1)));
      const scale = reader?.node.op === 'BatchNormalization' && (reader.i === 1 || reader.i === 4);
      const [low, high] = scale ? [0.7, 1.3] : dims.length > 1 ? [-fan, fan] : [-0.1, 0.1];
      return { name, dims, data: uniform(sizeOf(dims), n + 1, low, high) };
    });
}

/** The file with weights. */
export function withRandomWeights(light: Uint8Array<ArrayBuffer>, name: string): Uint8Array<ArrayBuffer> {
  const model = readOnnxModel(light, name);
  const weights = randomWeights(model);
  const names = new Set(weights.map((weight) => weight.name));
  // Shapes that only the replaced nodes read.
  const shapes = new Set(model.nodes.filter(({ op }) => op === 'ConstantOfShape').map(({ inputs }) => inputs[0]!));
  return withWeights(
    light,
    (op) => op === 'ConstantOfShape',
    (value) => names.has(value) || shapes.has(value),
    weights.map(({ name: weight, dims, data }) => tensor(weight, dims, data)),
  );
}
