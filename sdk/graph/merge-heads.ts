// Naive weight merge: the classification layers of a partitioned detector become one layer over the labels of a taxonomy, folded before the first frame.
import { describe, ModelError } from '../errors.js';
import type { Graph, NodeOf, ValueId } from '../ir/graph.js';
import { Constant } from '../ir/graph.js';
import { NONE } from '../ir/operators.js';
import { concatenate } from '../taxonomy/concatenate.js';
import { formatSpace, type LabelSpace, labelSpace } from '../taxonomy/label-space.js';
import { membersOf, targetsOf } from '../taxonomy/mapping.js';
import type { LabelTransform } from '../taxonomy/transform.js';
import { formatShape } from '../tensor/shape.js';
import type { Manifest, ManifestHead } from './manifest.js';
import { pruneTo } from './outputs.js';

type Linear = NodeOf<'conv2d'> | NodeOf<'matmul'>;

/** A linear layer that ends in one head's class scores. */
interface Layer {
  readonly node: Linear;
  /** The value it writes. */
  readonly scores: ValueId;
  /** Float32, its last axis [anchors * K]. */
  readonly weight: Float32Array;
  readonly bias: Float32Array | undefined;
}

/**
 * Merges the heads of a partitioned detector without training (UniDet, Table 5): the row of a unified label in the new classification layer is the
 * mean of the rows of its members, which is the mean of their logits. The result is a model with one head over the unified labels; it costs less than
 * K heads at each frame. Scores of merged labels are sigmoid(mean of logits) instead of Eq. 5's mean of probabilities.
 *
 * The heads must be linear: each score output (`heatmap` or `scores` of the decoder) is written by a convolution or a matrix product without activation,
 * all heads read the same features with the same parameters, and their decoders agree in everything but the score outputs.
 * @throws ModelError `invalid-model` that says which head is in the way; LabelSpaceError where the taxonomy lacks a data set.
 */
export function mergeHeads(
  { manifest, graph }: { manifest: Manifest; graph: Graph },
  labels: LabelTransform,
): { manifest: Manifest; graph: Graph } {
  const { heads } = manifest;
  const first = heads[0]!;
  if (heads.length < 2) throw wrong('heads', `${heads.length}`, 'two or more heads to merge');
  const spaces = heads.map(({ dataset, labels: own }) => labelSpace(dataset, own) as LabelSpace);
  const resolved = labels.resolveFor(concatenate(spaces));
  if (resolved.missing.length > 0) {
    throw wrong(
      formatSpace(resolved.space),
      `${resolved.missing.length} labels that no head has, such as ${JSON.stringify(resolved.missing[0])}`,
      'labels of the heads only',
    );
  }
  const total = spaces.reduce((sum, { size }) => sum + size, 0);
  const units = resolved.mapping ? targetsOf(resolved.mapping) : total;
  const members = (u: number): number[] => (resolved.mapping ? Array.from(membersOf(resolved.mapping, u)) : [u]);

  const names = heads.map((head) => scoreNames(head));
  for (const [h, head] of heads.entries()) {
    if (withoutScores(head) !== withoutScores(first) || names[h]!.length !== names[0]!.length) {
      throw wrong(placeOf(head), withoutScores(head), `what the first head has, ${withoutScores(first)}`);
    }
  }

  const values = [...graph.values];
  let nodes = [...graph.nodes];
  const dropped = new Set<string>();
  for (const [level, name] of names[0]!.entries()) {
    const layers = heads.map((head, h) => linearLayer(head, names[h]![level]!, graph, spaces[h]!.size));
    const { node } = layers[0]!;
    for (const [h, other] of layers.entries()) {
      if (sameLayer(node, other.node)) continue;
      throw wrong(
        `${placeOf(heads[h]!)}, layer of ${JSON.stringify(names[h]![level])}`,
        'other features or parameters',
        `those of ${JSON.stringify(name)}`,
      );
    }
    const shape = values[layers[0]!.scores]!.shape;
    const anchors = shape.at(-1)! / spaces[0]!.size;
    const starts = columnsOf(spaces, anchors);
    const weight = mergeRows(layers.map((layer) => layer.weight), starts, units, anchors, members); // prettier-ignore
    const zero = layers.map(({ bias }, h) => bias ?? new Float32Array(anchors * spaces[h]!.size));
    const bias = mergeRows(zero, starts, units, anchors, members);
    const columns = anchors * units;
    const add = (suffix: string, data: Float32Array, dims: readonly number[]): ValueId =>
      values.push({ name: `${name}/merged-${suffix}`, dtype: 'float32', shape: dims, constant: new Constant('float32', data) }) -
      1;
    const kernel = values[node.inputs[1]!]!.shape;
    const inputs = [...node.inputs];
    inputs[1] = add('weight', weight, [...kernel.slice(0, -1), columns]);
    inputs[2] = add('bias', bias, [columns]);
    // The value keeps its name, so that the decoder of the first head reads on.
    values[layers[0]!.scores] = { ...values[layers[0]!.scores]!, shape: [...shape.slice(0, -1), columns] };
    nodes = nodes.map((other) => (other === node ? ({ ...node, inputs } as typeof node) : other));
    for (const own of names.slice(1)) dropped.add(own[level]!);
  }

  const outputs = graph.outputs.map((id) => graph.values[id]!.name).filter((name) => !dropped.has(name));
  const head: ManifestHead = {
    ...first,
    dataset: resolved.space.name,
    labels: resolved.space.labels.map(({ id, name, synonyms }) => ({
      id,
      name,
      ...(synonyms.length > 0 && { synonyms: [...synonyms] }),
    })),
  };
  return {
    manifest: { ...manifest, heads: [head] },
    graph: pruneTo({ ...graph, values, nodes }, outputs),
  };
}

function scoreNames(head: ManifestHead): string[] {
  const { heatmap, scores, background } = head.decoder as Record<string, unknown>;
  const names = [heatmap ?? scores].flat();
  if (names.length === 0 || !names.every((name) => typeof name === 'string')) {
    throw wrong(
      placeOf(head),
      `a decoder of type ${describe(head.decoder.type)}`,
      'one with score outputs of its own: heatmap or scores',
    );
  }
  if (background !== undefined && background !== 'none') {
    throw wrong(`${placeOf(head)}.background`, describe(background), 'heads without a background label');
  }
  return names as string[];
}

/** The decoder as text, but for its score outputs. */
function withoutScores({ decoder }: ManifestHead): string {
  const { heatmap: _, scores: __, ...rest } = decoder as Record<string, unknown>;
  return JSON.stringify(rest, Object.keys(rest).sort());
}

function linearLayer(head: ManifestHead, name: string, graph: Graph, labels: number): Layer {
  const place = `${placeOf(head)}, output ${JSON.stringify(name)}`;
  const scores = graph.values.findIndex((value) => value.name === name);
  const node = graph.nodes.find(({ outputs }) => outputs.includes(scores));
  if (scores < 0 || !node) throw wrong(place, 'no such value that the graph computes', 'an output of the graph');
  if ((node.op !== 'conv2d' && node.op !== 'matmul') || node.attributes.activation.kind !== 'none') {
    const found =
      'activation' in node.attributes && node.attributes.activation?.kind !== 'none' ? `${node.op} with an activation` : node.op;
    throw wrong(place, `written by ${found}`, 'a convolution or matrix product without activation');
  }
  const [, weightId, biasId = NONE, ...more] = node.inputs;
  const weight = graph.values[weightId!]!;
  const bias = biasId === NONE ? undefined : graph.values[biasId]!;
  if (
    !weight.constant ||
    (bias && !bias.constant) ||
    more.some((id) => id !== NONE) ||
    (node.op === 'matmul' && node.attributes.transposeB)
  ) {
    throw wrong(
      place,
      'a layer with a residual, a gate, or weights that are computed',
      'constant weights [..., K] and bias only',
    );
  }
  const columns = weight.shape.at(-1)!;
  if (columns % labels !== 0 || (node.op === 'conv2d' && node.attributes.groups !== 1)) {
    throw wrong(place, `weights ${formatShape(weight.shape)}`, `${labels} columns, or a multiple, in one group`);
  }
  return {
    node: node as Linear,
    scores,
    weight: weight.constant.values as Float32Array,
    bias: bias?.constant?.values as Float32Array | undefined,
  };
}

function sameLayer(a: Linear, b: Linear): boolean {
  return a.op === b.op && a.inputs[0] === b.inputs[0] && JSON.stringify(a.attributes) === JSON.stringify(b.attributes);
}

/** For each head, its first label among all and the length of its rows: anchors * Kd. */
function columnsOf(spaces: readonly LabelSpace[], anchors: number): { start: number; size: number; length: number }[] {
  let start = 0;
  return spaces.map(({ size }) => {
    const own = { start, size, length: anchors * size };
    start += size;
    return own;
  });
}

/** [..., anchors * Kd] of each head -> [..., anchors * U], means over members. */
function mergeRows(
  heads: readonly Float32Array[],
  places: readonly { start: number; size: number; length: number }[],
  units: number,
  anchors: number,
  members: (u: number) => number[],
): Float32Array {
  const rows = heads[0]!.length / places[0]!.length;
  const merged = new Float32Array(rows * anchors * units);
  for (let u = 0; u < units; u++) {
    const own = members(u).map((k) => {
      const h = places.findIndex(({ start, size }) => k >= start && k < start + size);
      return { head: heads[h]!, length: places[h]!.length, size: places[h]!.size, column: k - places[h]!.start };
    });
    for (let row = 0; row < rows; row++) {
      for (let anchor = 0; anchor < anchors; anchor++) {
        let sum = 0;
        for (const { head, length, size, column } of own) sum += head[row * length + anchor * size + column]!;
        merged[(row * anchors + anchor) * units + u] = sum / own.length;
      }
    }
  }
  return merged;
}

function placeOf({ dataset }: ManifestHead): string {
  return `head ${JSON.stringify(dataset)}`;
}

function wrong(thing: string, found: string, wanted: string): ModelError {
  return new ModelError('invalid-model', {
    thing,
    found,
    wanted,
    next: 'Merge scores instead: give the taxonomy as labels only.',
  });
}
