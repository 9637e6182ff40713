// Trained heads as parts of a graph and entries of a manifest: the package with new heads, and a head alone for evaluation.
import { type ManifestHead, pruneTo, writePackage } from '../graph/index.js';
import { Constant, type Graph, type Node, type Value, type ValueId } from '../ir/graph.js';
import { NONE } from '../ir/operators.js';
import type { LabelSpace } from '../taxonomy/label-space.js';
import type { Classifier, LayerWeights } from './head-layer.js';
import type { Backbone } from './head-network.js';
import type { Kernel } from './head-rows.js';

/** A head as it was trained, on the features as the network gives them. */
export interface HeadLayer extends LayerWeights {
  /** What its columns stand for, C. */
  readonly labels: LabelSpace;
  /** Side of the filter. */
  readonly kernel: Kernel;
  /** How scores are made; says the shapes of `weight` and `bias`. */
  readonly classifier: Classifier;
  /** [D] what a cosine classifier multiplies the channels by before it takes their length. */
  readonly channels?: Float32Array | undefined;
}

const plain = { kind: 'none' } as const;

/** Values and nodes that grow. */
class Part {
  constructor(
    readonly values: Value[],
    readonly nodes: Node[],
  ) {}

  value(name: string, shape: readonly number[], constant?: Float32Array): ValueId {
    const given = constant && { constant: new Constant('float32', constant.slice()) };
    return this.values.push({ name, dtype: 'float32', shape: [...shape], ...given }) - 1;
  }

  /** x with its last dimension C, or `shape`. */
  add<N extends Node>(
    op: N['op'],
    name: string,
    inputs: ValueId[],
    shape: readonly number[],
    attributes: N['attributes'],
  ): ValueId {
    const y = this.value(name, shape);
    this.nodes.push({ op, name, inputs, outputs: [y], attributes } as Node);
    return y;
  }

  shape(x: ValueId): readonly number[] {
    return this.values[x]!.shape;
  }

  conv(name: string, x: ValueId, kernel: Kernel, weight: Float32Array, bias: Float32Array, residual: ValueId = NONE): ValueId {
    const [N, H, W, D] = this.shape(x) as [number, number, number, number];
    const C = bias.length;
    const w = this.value(`${name}/weight`, [kernel, kernel, D, C], weight);
    const b = this.value(`${name}/bias`, [C], bias);
    const p = (kernel - 1) / 2;
    const inputs = residual === NONE ? [x, w, b] : [x, w, b, residual];
    return this.add('conv2d', name, inputs, [N, H, W, C], {
      strides: [1, 1],
      padding: [p, p, p, p],
      dilations: [1, 1],
      groups: 1,
      activation: plain,
      residual: 'before_activation',
    });
  }

  /** Positions with vectors of length 1; one without a direction stays 0. */
  unit(name: string, x: ValueId): ValueId {
    const shape = this.shape(x);
    const one = [...shape.slice(0, -1), 1];
    const squares = this.add('unary', `${name}/squares`, [x], shape, { kind: 'square' });
    const sum = this.add('reduce', `${name}/sum`, [squares], one, { kind: 'sum', axes: [shape.length - 1], keepDims: true });
    const least = this.value(`${name}/least`, [1], Float32Array.of(1e-24));
    const guarded = this.add('binary', `${name}/guarded`, [sum, least], one, { kind: 'maximum', activation: plain });
    const scale = this.add('unary', `${name}/scale`, [guarded], one, { kind: 'rsqrt' });
    return this.add('binary', `${name}/unit`, [x, scale], shape, { kind: 'mul', activation: plain });
  }
}

/** What a head needs of the model: features, and the values of its boxes. */
interface Ends {
  readonly features: ValueId;
  readonly boxes: readonly ValueId[];
}

/** What a head has become: names of values. */
interface Made {
  readonly heatmap: string;
  /** Projected features of a text classifier. */
  readonly features?: string;
  /** Corrected boxes, in the order of the model's; undefined where they are the model's. */
  readonly boxes?: readonly string[];
}

function addHead(part: Part, { features: x, boxes }: Ends, name: string, layer: HeadLayer, { stride }: Backbone): Made {
  const { kernel, classifier, weight, bias, scoring, boxWeight, boxBias } = layer;
  const C = layer.labels.size;
  let made: Made = { heatmap: name };
  if (classifier.kind === 'linear') part.conv(name, x, kernel, weight, bias);
  else if (classifier.kind === 'cosine') {
    const channels = part.value(`${name}/channels`, [layer.channels!.length], layer.channels);
    const scaled = part.add('binary', `${name}/scaled`, [x, channels], part.shape(x), { kind: 'mul', activation: plain });
    part.conv(name, part.unit(name, scaled), 1, cosineRows(weight, C, classifier.scale), bias);
  } else {
    const z = part.conv(`${name}/features`, x, kernel, weight, bias);
    part.conv(
      name,
      part.unit(name, z),
      1,
      cosineRows(classifier.vectors, C, scoring![0]!),
      new Float32Array(C).fill(scoring![1]!),
    );
    made = { ...made, features: `${name}/features` };
  }
  if (!boxWeight || !boxBias) return made;
  // From corners in cells to what the decoder reads: distances in pixels, or offset and size in cells.
  const maps: readonly (readonly (readonly number[])[])[] =
    boxes.length === 2
      ? [[[0.5, 0, 0.5, 0], [0, 0.5, 0, 0.5]], [[-1, 0, 1, 0], [0, -1, 0, 1]]] // prettier-ignore
      : [[[-stride, 0, 0, 0], [0, -stride, 0, 0], [0, 0, stride, 0], [0, 0, 0, stride]]]; // prettier-ignore
  const corrected = maps.map((rows, i) => {
    const [w, b] = [boxWeight, boxBias].map((from) => mixed(from, rows)) as [Float32Array, Float32Array];
    const box = `${name}/boxes${i}`;
    part.conv(box, x, kernel, w, b, boxes[i]!);
    return box;
  });
  return { ...made, boxes: corrected };
}

/** [D, C] filters of length `scale` from rows [C, D]. */
function cosineRows(rows: Float32Array, C: number, scale: number): Float32Array {
  const D = rows.length / C;
  const filters = new Float32Array(rows.length);
  for (let c = 0; c < C; c++) {
    const length = Math.max(Math.hypot(...rows.subarray(c * D, c * D + D)), 1e-12);
    for (let d = 0; d < D; d++) filters[d * C + c] = (scale * rows[c * D + d]!) / length;
  }
  return filters;
}

/** [n, 4] through rows [m, 4]: [n, m]. */
function mixed(from: Float32Array, rows: readonly (readonly number[])[]): Float32Array {
  const m = rows.length;
  const out = new Float32Array((from.length / 4) * m);
  for (let i = 0; i < out.length; i++)
    out[i] = rows[i % m]!.reduce((sum, share, k) => sum + share * from[Math.floor(i / m) * 4 + k]!, 0);
  return out;
}

function freeName(name: string, values: readonly Value[]): string {
  const taken = (wanted: string) => values.some((value) => value.name.startsWith(wanted));
  if (!taken(name)) return name;
  let n = 2;
  while (taken(`${name}~${n}`)) n++;
  return `${name}~${n}`;
}

/** Manifest entry of a head. */
function headEntry(
  { decoder }: Backbone,
  { labels, classifier, scoring }: HeadLayer,
  { heatmap, features, boxes }: Made,
): ManifestHead {
  const text = classifier.kind === 'text' && {
    features: features!,
    embeddings: { dimensions: classifier.vectors.length / labels.size, temperature: scoring![0]!, bias: scoring![1]! },
  };
  const sizes = boxes && (boxes.length === 2 ? { offset: boxes[0]!, size: boxes[1]! } : { size: boxes[0]! });
  return {
    dataset: labels.name,
    labels: labels.labels.map(({ id, name, synonyms }) => ({
      id,
      name,
      ...(synonyms.length > 0 && { synonyms: [...synonyms] }),
    })),
    decoder: { ...decoder, heatmap, ...sizes, ...text },
  };
}

/** The files of a partitioned detector: the network of the model with its own heads and the new ones, or (`only`) with the new ones alone. */
export function writeHeads(
  backbone: Backbone,
  layers: readonly HeadLayer[],
  { name, only = false }: { name?: string | undefined; only?: boolean | undefined } = {},
): Record<string, Uint8Array<ArrayBuffer>> {
  const { manifest, graph } = backbone;
  const part = new Part([...graph.values], [...graph.nodes]);
  const ends: Ends = {
    features: part.values.indexOf(backbone.features),
    boxes: backbone.boxes.map((value) => part.values.indexOf(value)),
  };
  const made = layers.map((layer) => addHead(part, ends, freeName(`heads/${layer.labels.name}`, part.values), layer, backbone));
  const entries = layers.map((layer, i) => headEntry(backbone, layer, made[i]!));
  const names = made.flatMap(({ heatmap, features, boxes = backbone.boxes.map((value) => value.name) }) => [
    heatmap,
    ...(features === undefined ? [] : [features]),
    ...boxes,
  ]);
  const wanted = [...new Set([...(only ? [] : graph.outputs.map((id) => graph.values[id]!.name)), ...names])];
  const { values, nodes } = part;
  const outputs = wanted.map((one) => values.findIndex((value) => value.name === one));
  const whole: Graph = { ...graph, values, nodes, outputs };
  return writePackage(
    {
      ...manifest,
      name: name ?? `${manifest.name}-${layers.map(({ labels }) => labels.name).join('-')}`,
      description: `${manifest.description} Heads trained on its frozen features: ${layers.map(({ labels }) => `${labels.name} (${labels.size} labels)`).join(', ')}.`.trim(), // prettier-ignore
      heads: only ? entries : [...manifest.heads, ...entries],
    },
    only ? pruneTo(whole, wanted) : whole,
    {},
  );
}

/** A head alone, from features and box outputs (`NAME:in`): what evaluation runs; and its entry. */
export function headGraph(backbone: Backbone, layer: HeadLayer): { graph: Graph; entry: ManifestHead } {
  const part = new Part([], []);
  const x = part.value('features', backbone.features.shape);
  const inputs = backbone.boxes.map(({ name, shape }) => part.value(`${name}:in`, shape));
  const made = addHead(part, { features: x, boxes: inputs }, 'scores', layer, backbone);
  // Boxes of the model go through as they are.
  const boxes =
    made.boxes ?? backbone.boxes.map(({ name, shape }, i) => (part.add('reshape', name, [inputs[i]!], shape, {}), name));
  const names = [made.heatmap, ...(made.features === undefined ? [] : [made.features]), ...boxes];
  const { values, nodes } = part;
  return {
    graph: { values, nodes, inputs: [x, ...inputs], outputs: names.map((one) => values.findIndex(({ name }) => name === one)) },
    entry: headEntry(backbone, layer, made),
  };
}
