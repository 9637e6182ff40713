// CenterNet head: a map of centre scores and the distances from each centre to the sides of its box (Zhou et al., Objects as Points, 2019).
import type { Candidates } from '../detections/candidates.js';
import { describe, ModelError } from '../errors.js';
import type { GraphBuilder } from '../ir/builder.js';
import type { Graph, ValueId } from '../ir/graph.js';
import type { Feed, Results } from '../runtime/runtime.js';
import { formatSpace, type LabelSpace } from '../taxonomy/label-space.js';
import { formatShape, type Shape, sizeOf } from '../tensor/shape.js';
import type { ScoreKind } from '../taxonomy/mapping.js';
import type { Head } from './contract.js';
import { ceilToFloat32, logit, sigmoid } from './scores.js';

/** Parameters of the decoder, as they stand in a manifest beside `"type": "centernet"`. */
export interface CenternetParameters {
  /** Graph output [1, H, W, K]: score of each label at each centre. */
  heatmap: string;
  /** What the heatmap holds. */
  from: ScoreKind;
  /** Graph output [1, H, W, 4]: distances from a centre to left, top, right, bottom, in input pixels. */
  size: string;
  /** Input pixels from one centre to the next. */
  stride: number;
  /** Side of the square in which a peak is the largest of its label; odd. */
  window: number;
}

// Names of the tail's own values. A network would have to try hard to have them too.
const THRESHOLD = 'tail:threshold';
const VALUE = 'tail:value';
const INDEX = 'tail:index';
const COUNT = 'tail:count';
const ROWS = 'tail:rows';

/** Opens a decoder of type `centernet`. Throws ModelError `invalid-model` where parameters, graph and labels disagree. */
export function openCenternet(where: string, decoder: Record<string, unknown>, graph: Graph, labels: LabelSpace): Head {
  const parameters = readParameters(where, decoder);
  const shape = outputShape(`${where}.heatmap`, parameters.heatmap, graph);
  const [batch, height, width, channels] = shape;
  if (shape.length !== 4 || batch !== 1)
    throw wrong(`${where}.heatmap ${JSON.stringify(parameters.heatmap)}`, formatShape(shape), '[1, H, W, K]');
  if (channels !== labels.size) {
    throw wrong(
      `${where}.heatmap ${JSON.stringify(parameters.heatmap)} ${formatShape(shape)}`,
      `${channels} channels`,
      `${labels.size}, one for each label of ${formatSpace(labels)}`,
    );
  }
  const size = outputShape(`${where}.size`, parameters.size, graph);
  const wanted = [1, height!, width!, 4];
  if (formatShape(size) !== formatShape(wanted)) {
    throw wrong(
      `${where}.size ${JSON.stringify(parameters.size)}`,
      formatShape(size),
      `${formatShape(wanted)}, to fit the heatmap ${formatShape(shape)}`,
    );
  }
  const inputs = graph.inputs.map((id) => graph.values[id]!).filter((value) => !value.image && value.shape.length === 4);
  if (inputs.length === 1) {
    const [, inputHeight, inputWidth] = inputs[0]!.shape;
    const { stride } = parameters;
    if (Math.ceil(inputHeight! / stride) !== height || Math.ceil(inputWidth! / stride) !== width) {
      throw wrong(
        `${where}.stride`,
        `${stride}, which makes ${Math.ceil(inputHeight! / stride)} x ${Math.ceil(inputWidth! / stride)} centres of the input ${formatShape(inputs[0]!.shape)}`,
        `the ${height} x ${width} centres of the heatmap`,
      );
    }
  }
  return new CenternetHead(parameters, shape);
}

class CenternetHead implements Head {
  readonly type = 'centernet';
  readonly scores: Head['scores'];
  readonly inputs: readonly string[];
  readonly outputs = [VALUE, INDEX, COUNT, ROWS] as const;
  readonly #parameters: CenternetParameters;

  constructor(parameters: CenternetParameters, shape: Shape) {
    this.#parameters = parameters;
    this.scores = { value: parameters.heatmap, from: parameters.from, shape };
    this.inputs = [parameters.heatmap, parameters.size];
  }

  addScores(builder: GraphBuilder): ValueId {
    return builder.input(this.scores.value, 'float32', this.scores.shape);
  }

  addPeaks(builder: GraphBuilder, scores: ValueId, { k, labels }: { k: number; labels: number }): void {
    const [, height, width] = this.scores.shape;
    const centres = height! * width!;
    const found = builder.type(scores).shape;
    if (formatShape(found) !== formatShape([1, height!, width!, labels])) {
      throw wrong('scores of a centernet tail', formatShape(found), formatShape([1, height!, width!, labels]));
    }
    const threshold = builder.input(THRESHOLD, 'float32', [1]);
    const size = builder.input(this.#parameters.size, 'float32', [1, height!, width!, 4]);
    // More candidates than elements cannot be found.
    const attributes = { window: this.#parameters.window, k: Math.min(k, sizeOf(found)) };
    const [value, index, count] = builder.add('peak_top_k', 'tail:peaks', [scores, threshold], attributes, {
      names: [VALUE, INDEX, COUNT],
    });
    const rows = builder.reshape('tail:size', size, [centres, 4]);
    const [distances] = builder.add('gather_rows', ROWS, [rows, index!, count!], { divisor: labels });
    for (const id of [value, index!, count!, distances]) builder.output(id);
  }

  feeds(scoreThreshold: number, from: ScoreKind): Record<string, Feed> {
    return { [THRESHOLD]: Float32Array.of(thresholdFor(scoreThreshold, from)) };
  }

  decode(results: Results, options: { labels: number; from: ScoreKind }): Candidates {
    const peaks = {
      value: results[VALUE] as Float32Array,
      index: results[INDEX] as Int32Array,
      count: results[COUNT]![0]!,
      rows: results[ROWS] as Float32Array,
    };
    return decodePeaks(peaks, { ...options, width: this.scores.shape[2]!, stride: this.#parameters.stride });
  }
}

/** The float32 to compare scores with on a device: a score passes exactly where its probability is `scoreThreshold` or more. 0 lets all pass. */
export function thresholdFor(scoreThreshold: number, from: ScoreKind): number {
  return ceilToFloat32(from === 'logit' ? logit(scoreThreshold) : scoreThreshold);
}

/** Results of peak_top_k and gather_rows: the first `count` of value [k], index [k] and rows [k, 4] hold. */
export interface Peaks {
  value: ArrayLike<number>;
  index: ArrayLike<number>;
  count: number;
  rows: ArrayLike<number>;
}

/**
 * Boxes of peaks: with the centre at x, y in steps of `stride`, and distances l, t, r, b,
 * x1 = x * stride - l, y1 = y * stride - t, x2 = x * stride + r, y2 = y * stride + b. Score = sigmoid of a logit in double precision, then float32.
 * A probability of exactly 0 is no candidate.
 */
export function decodePeaks(
  peaks: Peaks,
  options: { labels: number; width: number; stride: number; from: ScoreKind },
): Candidates {
  const { labels, width, stride, from } = options;
  const { value, index, rows } = peaks;
  const boxes: number[] = [];
  const scores: number[] = [];
  const labelIndices: number[] = [];
  for (let i = 0; i < peaks.count; i++) {
    const score = from === 'logit' ? sigmoid(value[i]!) : value[i]!;
    if (score === 0) continue;
    const cell = Math.floor(index[i]! / labels);
    const x = (cell % width) * stride;
    const y = Math.floor(cell / width) * stride;
    boxes.push(x - rows[i * 4]!, y - rows[i * 4 + 1]!, x + rows[i * 4 + 2]!, y + rows[i * 4 + 3]!);
    scores.push(score);
    labelIndices.push(index[i]! % labels);
  }
  return { boxes: Float32Array.from(boxes), scores: Float32Array.from(scores), labelIndices: Int32Array.from(labelIndices) };
}

const keys = ['type', 'heatmap', 'from', 'size', 'stride', 'window'];

function readParameters(where: string, decoder: Record<string, unknown>): CenternetParameters {
  for (const key of Object.keys(decoder)) {
    if (!keys.includes(key)) throw wrong(where, `the unknown parameter ${describe(key)}`, `only ${keys.join(', ')}`);
  }
  const { heatmap, from, size, stride, window } = decoder;
  if (typeof heatmap !== 'string') throw wrong(`${where}.heatmap`, describe(heatmap), 'the name of a graph output [1, H, W, K]');
  if (typeof size !== 'string') throw wrong(`${where}.size`, describe(size), 'the name of a graph output [1, H, W, 4]');
  if (from !== 'logit' && from !== 'probability') throw wrong(`${where}.from`, describe(from), '"logit" or "probability"');
  if (typeof stride !== 'number' || !(stride > 0 && Number.isFinite(stride)))
    throw wrong(`${where}.stride`, describe(stride), 'pixels, more than 0');
  if (typeof window !== 'number' || !Number.isInteger(window) || window < 1 || window % 2 === 0) {
    throw wrong(`${where}.window`, describe(window), 'an odd integer from 1');
  }
  return { heatmap, from, size, stride, window };
}

function outputShape(where: string, name: string, graph: Graph): Shape {
  const outputs = graph.outputs.map((id) => graph.values[id]!);
  const value = outputs.find((output) => output.name === name);
  if (value) return value.shape;
  const shown = outputs.slice(0, 8).map((output) => `${JSON.stringify(output.name)} ${formatShape(output.shape)}`);
  throw wrong(where, JSON.stringify(name), `an output of the graph: ${shown.join(', ')}${outputs.length > 8 ? ', ...' : ''}`);
}

function wrong(thing: string, found: string, wanted: string): ModelError {
  return new ModelError('invalid-model', { thing, found, wanted });
}
