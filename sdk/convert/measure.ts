// What a change of weights does: the same pictures through both graphs, outputs compared number by number.
import type { Graph } from '../ir/graph.js';
import type { Runtime } from '../runtime/runtime.js';
import type { ImageFrame } from '../tensor/image-frame.js';
import type { TensorData } from '../tensor/dtype.js';

/** Change of one output over all pictures. */
export interface OutputChange {
  /** Name of the output. */
  output: string;
  /** Largest |changed - original|. */
  largest: number;
  /** Root of the mean square of the change, divided by that of the original. */
  relative: number;
}

/** Runs both graphs, which take an image, on every frame (stretched over the input). Throws what the runtime throws. */
export async function measureChange(
  runtime: Runtime,
  original: Graph,
  changed: Graph,
  frames: readonly ImageFrame[],
  signal?: AbortSignal,
): Promise<OutputChange[]> {
  const names = original.outputs.map((id) => original.values[id]!.name);
  const [a, b] = [await runtime.compile(original, { signal }), await runtime.compile(changed, { signal })];
  const sums = names.map(() => ({ largest: 0, change: 0, size: 0 }));
  try {
    const { height, width } = imageNode(original);
    for (const frame of frames) {
      const feed = { ...frame, target: { left: 0, top: 0, width, height } };
      const run = (graph: Graph, executable: typeof a): Promise<TensorData[]> =>
        executable.run({ feeds: { [graph.values[graph.inputs[0]!]!.name]: feed }, outputs: names, signal }, (results) =>
          names.map((name) => results[name]!.slice()),
        );
      const [wanted, found] = [await run(original, a), await run(changed, b)];
      wanted.forEach((values, i) => {
        const sum = sums[i]!;
        for (let j = 0; j < values.length; j++) {
          const difference = Math.abs(found[i]![j]! - values[j]!);
          sum.largest = Math.max(sum.largest, difference);
          sum.change += difference ** 2;
          sum.size += values[j]! ** 2;
        }
      });
    }
  } finally {
    a.dispose();
    b.dispose();
  }
  return names.map((output, i) => {
    const { largest, change, size } = sums[i]!;
    return { output, largest, relative: change === 0 ? 0 : Math.sqrt(change / size) };
  });
}

function imageNode(graph: Graph): { height: number; width: number } {
  const node = graph.nodes.find(({ op }) => op === 'image_to_tensor');
  return node?.op === 'image_to_tensor' ? node.attributes : { height: 0, width: 0 };
}

/** A picture with all frequencies, the same in every run: what is measured on where no photo is given. */
export function testPicture(width: number, height: number): ImageFrame {
  const data = new Uint8Array(width * height * 3);
  let state = 1;
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
      const wave = Math.sin((x * x + y * y) / 400) * 60;
      for (let c = 0; c < 3; c++) {
        const ramp = (c === 0 ? x / width : c === 1 ? y / height : 1 - x / width) * 130;
        data[(y * width + x) * 3 + c] = Math.min(Math.max(60 + ramp + wave + ((state >>> 24) - 128) * 0.15, 0), 255);
      }
    }
  }
  return { data, width, height, channels: 3 };
}
