// Makes a model package of face-api's tiny face detector, whose npm package has weights but no graph: the layers are written down here. Run in Node; never published.
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { withDigests } from '../../graph/digests.js';
import { optimizeGraph } from '../../graph/optimize/index.js';
import { writePackage } from '../../graph/package.js';
import { readTfjsWeights } from '../../graph/tfjs/weights.js';
import { GraphBuilder } from '../../ir/builder.js';
import { Constant, type Graph, type ValueId } from '../../ir/graph.js';
import type { Activation, Padding } from '../../ir/operators.js';
import { floatArrayToHalf } from '../../tensor/half.js';
import type { Shape } from '../../tensor/shape.js';
import { writeModel } from '../files.js';
import { manifest } from './manifest.js';

const MODEL = 'tiny_face_detector_model';
const MAX_BYTES = 0.5e6;

/** face-api writes leaky ReLU with this float32. */
const leaky: Activation = { kind: 'leaky_relu', alpha: Math.fround(0.1) };
const none: Activation = { kind: 'none' };

interface Weight {
  shape: Shape;
  constant: Constant;
}

/** Writes labelweave.json, graph.json, weights.safetensors and LICENSE into `outDir`. Each file appears whole or not at all; other files there stay. */
export async function buildTinyFace(outDir: string): Promise<void> {
  const home = dirname(createRequire(import.meta.url).resolve('@vladmandic/face-api/package.json'));
  const groups = JSON.parse(await readFile(join(home, 'model', `${MODEL}-weights_manifest.json`), 'utf8')) as Parameters<typeof readTfjsWeights>[0]; // prettier-ignore
  const shards = new Map<string, Uint8Array>();
  for (const path of groups.flatMap((group) => group.paths)) shards.set(path, await readFile(join(home, 'model', path)));
  const weights = readTfjsWeights(groups, (path) => shards.get(path));
  const graph = optimizeGraph(tinyFaceGraph(weights));
  const files = {
    ...(await withDigests(writePackage(manifest, graph, { optimized: true }))),
    LICENSE: await readFile(join(home, 'LICENSE')),
  };
  await writeModel(outDir, files, MAX_BYTES);
}

/**
 * The network of face-api's TinyYolov2Base.runMobilenet: one convolution and five separable ones, each with a leaky ReLU and a max pooling, then the
 * predictions [1, 13, 13, 5 * 5]. Weights are stored as float16: they were eight-bit integers times a scale before.
 */
export function tinyFaceGraph(weights: ReadonlyMap<string, Weight>): Graph {
  const builder = new GraphBuilder();
  const weight = (name: string, shape?: (stored: Shape) => Shape): ValueId => {
    const found = weights.get(name);
    if (!found) throw new Error(`tiny-face: found no weights ${name}`);
    const half = new Constant('float16', floatArrayToHalf(found.constant.values));
    return builder.constant(name, half, shape?.(found.shape) ?? found.shape);
  };
  const conv = (name: string, x: ValueId, filters: string, activation: Activation): ValueId =>
    builder.add('conv2d', name, [x, weight(filters), weight(`${name}/bias`)], {
      strides: [1, 1],
      padding: [0, 0, 0, 0],
      dilations: [1, 1],
      groups: 1,
      activation,
      residual: 'before_activation',
    })[0];
  /** Pooling of 2 x 2 that keeps the last row and column, as padding "same" does. */
  const pool = (name: string, x: ValueId, stride: number): ValueId => {
    const [, height, width] = builder.type(x).shape as [number, number, number];
    const behind = (size: number): number => (stride === 1 ? 1 : size % 2);
    const padding: Padding = [0, 0, behind(height), behind(width)];
    return builder.add('max_pool', `${name}/pool`, [x], { kernel: [2, 2], strides: [stride, stride], padding })[0];
  };
  const { name, height, width } = manifest.input;
  const image = builder.input(name, 'float32', [1, height, width, 3]);
  let x = pool('conv0', conv('conv0', image, 'conv0/filters', leaky), 2);
  for (let i = 1; i <= 5; i++) {
    const layer = `conv${i}`;
    const depth = builder.add(
      'depthwise_conv2d',
      `${layer}/depthwise`,
      [x, weight(`${layer}/depthwise_filter`, ([kh, kw, channels]) => [kh!, kw!, channels!])],
      { strides: [1, 1], padding: [1, 1, 1, 1], dilations: [1, 1], activation: none },
    )[0];
    x = pool(layer, conv(layer, depth, `${layer}/pointwise_filter`, leaky), i === 5 ? 1 : 2);
  }
  const predicted = conv('conv8', x, 'conv8/filters', none);
  builder.output(builder.reshape('boxes', predicted, builder.type(predicted).shape));
  return builder.build();
}
