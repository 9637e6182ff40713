// Small networks as torch.onnx writes them (test/golden/make_onnx.py) against PyTorch's own results on every runtime: blocks, tails and shape arithmetic that
// detectors are exported with, with fixed and with open sizes.
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { importOnnx } from '../../sdk/graph/onnx/import.js';
import { readOnnxModel } from '../../sdk/graph/onnx/model.js';
import { optimizeGraph } from '../../sdk/graph/optimize/index.js';
import type { Graph } from '../../sdk/ir/graph.js';
import { validateGraph } from '../../sdk/ir/validate.js';
import type { Runtime } from '../../sdk/runtime/runtime.js';
import { sizeOf } from '../../sdk/tensor/shape.js';
import { expectClose } from '../kernels/harness.js';
import { runtimes } from '../kernels/runtimes.js';

/** Up to twenty layers of a few dozen products each in float32; results of a few units. Measured: at most 3e-6. */
const SHALLOW = { absolute: 2e-5, relative: 2e-5 };

const golden = (name: string): Buffer => readFileSync(fileURLToPath(new URL(`../golden/onnx/${name}`, import.meta.url)));
const networks = JSON.parse(golden('networks.json').toString()) as Record<string, { shapes: number[][] }>;

/** Transposes that are left inside each network: flattened boxes, anchors and tokens, groups, channel and pixel shuffles. */
const transposes: Readonly<Record<string, number>> = { 'anchor-free': 3, anchors: 5, attention: 4, shuffle: 1 };

interface Opened {
  graph: Graph;
  image: Float32Array;
  wanted: { shape: number[]; data: Float32Array }[];
}

function open(name: string, opset: number): Opened {
  const { shapes } = networks[name]!;
  const bytes = golden(`${name}.f32`);
  const numbers = new Float32Array(new Uint8Array(bytes).buffer);
  const [batch, channels, height, width] = shapes[0] as [number, number, number, number];
  const model = readOnnxModel(new Uint8Array(golden(`${name}-${opset}.onnx`)), `${name}-${opset}.onnx`);
  const dimensions: Record<string, number> = opset === 16 ? { batch, height, width } : {};
  const graph = importOnnx(model, { dimensions, channelsLast: { inputs: ['x'] } });
  const image = new Float32Array(sizeOf(shapes[0]!));
  for (let c = 0; c < channels; c++) {
    for (let p = 0; p < height * width; p++) image[p * channels + c] = numbers[c * height * width + p]!;
  }
  let at = image.length;
  const wanted = shapes.slice(1).map((shape) => {
    const data = numbers.subarray(at, at + sizeOf(shape));
    at += data.length;
    return { shape, data };
  });
  return { graph, image, wanted };
}

const cases = Object.keys(networks).flatMap((name) => [11, 16].map((opset) => [name, opset] as const));

it.each(cases)('%s of operator set %i: few transposes are left', (name, opset) => {
  const graph = optimizeGraph(open(name, opset).graph);
  validateGraph(graph);
  const inside = graph.nodes.filter(({ op, outputs }) => op === 'transpose' && !outputs.some((id) => graph.outputs.includes(id)));
  expect(inside.length).toBeLessThanOrEqual(transposes[name]!);
});

it('GELU that was written out as arithmetic is one activation again', () => {
  const { nodes } = optimizeGraph(open('attention', 16).graph);
  const kinds = nodes.map((node) =>
    node.op === 'matmul' || node.op === 'activation' || node.op === 'binary' ? node.attributes.activation.kind : '',
  );
  expect(kinds).toContain('gelu');
  expect(nodes.some((node) => node.op === 'unary' && node.attributes.kind === 'erf')).toBe(false);
});

const tested = runtimes.filter(
  ({ name }) => ['reference', 'wasm, 1 thread, tile 4x8'].includes(name) || name.startsWith('webgpu'),
);

describe.each(tested)('on $name', ({ create }) => {
  let runtime: Runtime;
  beforeAll(async () => {
    runtime = await create();
  });
  afterAll(() => runtime?.dispose());

  it.each(cases)('%s of operator set %i', async (name, opset) => {
    const { graph, image, wanted } = open(name, opset);
    const ready = optimizeGraph(graph);
    const executable = await runtime.compile(ready);
    const outputs = ready.outputs.map((id) => ready.values[id]!.name);
    await executable.run({ feeds: { x: image }, outputs }, (results) => {
      wanted.forEach(({ shape, data }, i) => {
        expect(ready.values[ready.outputs[i]!]!.shape).toEqual(shape);
        expectClose(results[outputs[i]!]!, data, SHALLOW);
      });
    });
    executable.dispose();
  });
});
