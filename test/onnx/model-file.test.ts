// A model file without a manifest: what openModelFile says of it, weights beside it, open sizes; and a model package with "format": "onnx".
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { isModelFile, LoadError, ModelError, openModel, openModelFile } from 'labelweave';
import { afterAll, describe, expect, it } from 'vitest';
import { message, modelFile, valueInfo } from './write.js';

const folder = mkdtempSync(join(tmpdir(), 'labelweave-onnx-file-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const entry = (key: string, value: string) => [13, message([1, key], [2, value])] as const;
const weight = (count: number) =>
  message([1, count], [1, 3], [1, 1], [1, 1], [2, 1], [8, 'w'], entry('location', 'data/w.bin'), entry('offset', '8'), [14, 1]);

/** A 1x1 convolution of an image of open size, with its weights in a file beside it. */
const net = modelFile({
  nodes: [
    { op: 'Conv', inputs: ['image', 'w'], outputs: ['scores'], name: 'head' },
    { op: 'Sigmoid', inputs: ['scores'], outputs: ['heat'] },
  ],
  inputs: [valueInfo('image', ['batch', 3, 'height', 'width'])],
  outputs: [valueInfo('heat', ['batch', 2, 'height', 'width'])],
  initializers: [weight(2)],
});
writeFileSync(join(folder, 'net.onnx'), net);

describe('openModelFile', () => {
  it('says what is in the file before any size is known', async () => {
    const { info } = await openModelFile(join(folder, 'net.onnx'));
    expect(info).toEqual({
      format: 'onnx',
      producer: '',
      opset: 17,
      inputs: [{ name: 'image', type: 'float', shape: ['batch', 3, 'height', 'width'] }],
      outputs: [{ name: 'heat', type: 'float', shape: ['batch', 2, 'height', 'width'] }],
      operators: { Conv: 1, Sigmoid: 1 },
    });
    expect(isModelFile('a/b.ONNX?x=1')).toBe(true);
    expect(isModelFile('a/onnx')).toBe(false);
  });

  it('asks for weights that are absent, then for sizes, by name', async () => {
    const { graph } = await openModelFile(pathToFileURL(join(folder, 'net.onnx')));
    await expect(graph()).rejects.toBeInstanceOf(LoadError);
    const { mkdirSync } = await import('node:fs');
    mkdirSync(join(folder, 'data'));
    writeFileSync(join(folder, 'data/w.bin'), new Uint8Array(Float32Array.of(9, 9, 1, 0, 0, 0, 1, 0).buffer));
    await expect(graph()).rejects.toThrow(/"batch" \(axis 0\), "height" \(axis 2\), "width" \(axis 3\)/);
    const sized = await openModelFile(join(folder, 'net.onnx'), { dimensions: { batch: 1, height: 4, width: 6 } });
    const made = await sized.graph();
    expect(made.outputs.map((id) => made.values[id]!.shape)).toEqual([[1, 2, 4, 6]]);
  });
});

describe('a model package of an ONNX file', () => {
  const label = (id: number) => ({ id, name: `label ${id}` });
  const manifest = {
    labelweave: 1,
    name: 'net',
    graph: { format: 'onnx', file: 'net.onnx' },
    input: { name: 'image', height: 4, width: 6 },
    heads: [
      {
        dataset: 'mine',
        labels: [label(1), label(2)],
        decoder: { type: 'centernet', heatmap: 'heat', from: 'probability', size: 'scores', stride: 1, window: 3 },
      },
    ],
  };

  it('takes an image of the size of the manifest; outputs with four axes are channels-last', async () => {
    writeFileSync(join(folder, 'labelweave.json'), JSON.stringify(manifest));
    const { graph } = await openModel(folder);
    expect(graph.inputs.map((id) => graph.values[id]!.image)).toEqual([true]);
    const shapes = Object.fromEntries(graph.outputs.map((id) => [graph.values[id]!.name, graph.values[id]!.shape]));
    expect(shapes['heat']).toEqual([1, 4, 6, 2]);
    expect(graph.nodes.map(({ op }) => op)).not.toContain('transpose');
  });

  it('names the value that the manifest asks for and the file lacks', async () => {
    const wrong = structuredClone(manifest);
    wrong.heads[0]!.decoder.heatmap = 'nothing';
    const error = await openModel({ manifest: wrong, files: { 'net.onnx': net, 'data/w.bin': new Uint8Array(64) } }).catch(
      (e: unknown) => e,
    );
    expect(error).toBeInstanceOf(ModelError);
    expect((error as Error).message).toMatch(/"nothing".*heat/);
  });
});
