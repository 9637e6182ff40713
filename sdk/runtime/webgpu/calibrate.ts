// The guard of f16: one frame of made-up input, whose outputs must be sound. It repairs nothing.
import type { Graph } from '../../ir/graph.js';
import { sizeOf } from '../../tensor/shape.js';
import type { TensorData } from '../../tensor/dtype.js';
import type { Executable, Feed, Results } from '../runtime.js';

/** Side of the made-up image: large enough for every size of structure, small enough to cost nothing. */
const SIDE = 256;

/**
 * Runs a frame and says what is wrong with its float outputs: NaN, infinities, or nothing but zeros (f16 overflows at 65,504 and underflows at
 * 6e-8). Undefined where nothing is.
 */
export async function calibrate(graph: Graph, executable: Executable): Promise<string | undefined> {
  const outputs = graph.outputs.map((id) => graph.values[id]!);
  const names = outputs.filter(({ dtype }) => dtype === 'float32').map(({ name }) => name);
  return executable.run({ feeds: calibrationFeeds(graph), outputs: names }, judgeOutputs);
}

/** What is wrong with outputs, in words. */
export function judgeOutputs(results: Results): string | undefined {
  for (const [name, data] of Object.entries(results)) {
    if (data.length === 0) continue;
    let zero = true;
    for (const value of data) {
      if (Number.isNaN(value)) return `the output "${name}" has NaN`;
      if (!Number.isFinite(value)) return `the output "${name}" has infinities`;
      if (value !== 0) zero = false;
    }
    if (zero) return `the output "${name}" is all zeros`;
  }
  return undefined;
}

/** Edges, gradients and noise for images; numbers around zero for tensors. The same every time. */
export function calibrationFeeds(graph: Graph): Record<string, Feed> {
  let state = 1;
  // Park and Miller's generator, "Random number generators: good ones are hard to find", 1988.
  const random = (): number => (state = (state * 48_271) % 2_147_483_647) / 2_147_483_647;
  const feeds: Record<string, Feed> = {};
  for (const id of graph.inputs) {
    const { name, dtype, shape, image } = graph.values[id]!;
    feeds[name] = image ? picture(graph, id, random) : numbers(dtype, sizeOf(shape), random);
  }
  return feeds;
}

function numbers(dtype: string, size: number, random: () => number): TensorData {
  if (dtype === 'float32') return Float32Array.from({ length: size }, () => random() * 2 - 1);
  return dtype === 'int32' ? new Int32Array(size) : new Uint8Array(size);
}

function picture(graph: Graph, image: number, random: () => number): Feed {
  const reader = graph.nodes.find((node) => node.inputs[0] === image);
  const { height, width } = reader?.op === 'image_to_tensor' ? reader.attributes : { height: SIDE, width: SIDE };
  const data = new Uint8Array(SIDE * SIDE * 3);
  for (let y = 0; y < SIDE; y++) {
    for (let x = 0; x < SIDE; x++) {
      const block = ((x >> 5) + (y >> 5)) % 2 ? 90 : 0;
      const at = (y * SIDE + x) * 3;
      data[at] = (x + block + random() * 40) & 255;
      data[at + 1] = (y + block + random() * 40) & 255;
      data[at + 2] = ((x + y) / 2 + block + random() * 40) & 255;
    }
  }
  return { data, width: SIDE, height: SIDE, channels: 3, target: { left: 0, top: 0, width, height } };
}
