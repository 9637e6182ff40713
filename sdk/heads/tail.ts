// The common part of all heads: dense scores -> the best of them -> box_decode, as a graph behind the network, and candidates out of its results.
import type { Candidates } from '../detections/candidates.js';
import type { GraphBuilder } from '../ir/builder.js';
import type { ValueId } from '../ir/graph.js';
import type { Activation, Attributes, OperatorName } from '../ir/operators.js';
import type { Feed, Results } from '../runtime/runtime.js';
import type { ScoreKind } from '../taxonomy/mapping.js';
import type { TensorData } from '../tensor/dtype.js';
import { formatShape, type Shape, sizeOf } from '../tensor/shape.js';
import type { Head } from './contract.js';
import { wrong } from './parameters.js';
import { ceilToFloat32, logit, sigmoid } from './scores.js';

/** A value of the network that a tail reads. */
export interface NetworkValue {
  readonly name: string;
  readonly shape: Shape;
}

/** Adds operators to a tail. Names carry the head's prefix: several heads may stand in one graph, and read the same values of the network. */
export class Tail {
  constructor(
    readonly builder: GraphBuilder,
    readonly prefix: string,
  ) {}

  /** A value of the network, once however often it is read. */
  read({ name, shape }: NetworkValue): ValueId {
    return this.builder.find(name) ?? this.builder.input(name, 'float32', shape);
  }

  shape(id: ValueId): Shape {
    return this.builder.type(id).shape;
  }

  constant(name: string, data: TensorData, shape: Shape): ValueId {
    return this.builder.constant(this.#free(name), data, shape);
  }

  add<K extends OperatorName>(op: K, inputs: readonly ValueId[], attributes: Attributes[K]): ValueId {
    return this.builder.add(op, this.#free(op), inputs, attributes)[0];
  }

  reshape(x: ValueId, shape: Shape): ValueId {
    return formatShape(this.shape(x)) === formatShape(shape) ? x : this.builder.reshape(this.#free('reshape'), x, shape);
  }

  float(x: ValueId): ValueId {
    return this.builder.cast(this.#free('cast'), x, 'float32');
  }

  activate(x: ValueId, activation: Activation): ValueId {
    return this.add('activation', [x], { activation });
  }

  binary(kind: Attributes['binary']['kind'], a: ValueId, b: ValueId): ValueId {
    return this.add('binary', [a, b], { kind, activation: { kind: 'none' } });
  }

  /** Elements [from, from + size) of the last axis. */
  columns(x: ValueId, from: number, size: number): ValueId {
    const shape = this.shape(x);
    if (from === 0 && size === shape.at(-1)) return x;
    const begin = shape.map((_, axis) => (axis === shape.length - 1 ? from : 0));
    const sizes = shape.map((length, axis) => (axis === shape.length - 1 ? size : length));
    return this.add('slice', [x], { begin, size: sizes, strides: shape.map(() => 1) });
  }

  /** Values below one another. */
  stack(xs: readonly ValueId[], axis = 0): ValueId {
    return xs.length === 1 ? xs[0]! : this.add('concat', xs, { axis });
  }

  #free(name: string): string {
    return this.builder.freeName(`${this.prefix}:${name}`);
  }
}

/** Everything that makes one head different from another. */
export interface HeadPlan {
  readonly type: string;
  /** What the dense scores are. */
  readonly from: ScoreKind;
  /** Shape of the dense scores: [P, K], or a map [1, H, W, K] whose neighbours compete. */
  readonly shape: Shape;
  readonly inputs: readonly NetworkValue[];
  /** Adds the dense scores. */
  scores(tail: Tail): ValueId;
  /** Adds the rows [P, C] that boxes are made from. */
  rows(tail: Tail): ValueId;
  /** Names of the values that `rows` reads, with whatever else of them matters beside `code` and `priors`. */
  readonly boxSources: readonly string[];
  /** [P, 6] or [6], see box_decode. */
  readonly priors: Float32Array;
  readonly code: Omit<Attributes['box_decode'], 'divisor'>;
  /** Side of the square in which a peak is the largest of its label. Default 1: every position is its own. */
  readonly window?: number;
  /** `best`: a position has one label, the one with the largest (merged) score. Default `all`. */
  readonly labels?: 'all' | 'best';
}

/** The largest float32: no limit. */
const MAX_FLOAT = 3.4028234663852886e38;
/** e^80 is still a float32. */
const MAX_EXPONENT = 80;

/** What box_decode takes where nothing else is said. */
export const PLAIN_BOXES: HeadPlan['code'] = {
  form: 'center',
  columns: [0, 1, 2, 3],
  bins: 1,
  position: 'identity',
  extent: 'identity',
  scale: [1, 1],
  limit: MAX_FLOAT,
};

/** Makes a head of its plan. */
export function makeHead(plan: HeadPlan, prefix = 'tail'): Head {
  const names = {
    threshold: `${prefix}:threshold`,
    value: `${prefix}:value`,
    index: `${prefix}:index`,
    count: `${prefix}:count`,
    boxes: `${prefix}:boxes`,
  };
  const { type, from, shape, window = 1, labels: each = 'all' } = plan;
  const leading = shape.slice(0, -1);
  const code = plan.code.extent === 'exp' ? { ...plan.code, limit: Math.min(plan.code.limit, MAX_EXPONENT) } : plan.code;
  return {
    type,
    scores: { from, shape },
    geometry: geometryOf(plan, window, each),
    inputs: [...new Set(plan.inputs.map(({ name }) => name))],
    outputs: [names.value, names.index, names.count, names.boxes],
    peaks: names,
    withPrefix: (other) => makeHead(plan, other),

    addScores: (builder) => plan.scores(new Tail(builder, prefix)),

    addPeaks(builder, scores, { k, labels }) {
      const tail = new Tail(builder, prefix);
      const wanted = [...leading, labels];
      const found = tail.shape(scores);
      if (formatShape(found) !== formatShape(wanted))
        throw wrong(`scores of a ${type} tail`, formatShape(found), formatShape(wanted));
      const threshold = builder.input(names.threshold, 'float32', [1]);
      const one = each === 'best' && labels > 1 ? keepBest(tail, scores, plan.from) : scores;
      const map = tail.reshape(one, wanted.length === 4 ? wanted : [1, 1, sizeOf(leading), labels]);
      // More candidates than elements cannot be found.
      const [value, index, count] = builder.add(
        'peak_top_k',
        builder.freeName(`${prefix}:peaks`),
        [map, threshold],
        { window, k: Math.min(k, sizeOf(found)) },
        { names: [names.value, names.index, names.count] },
      );
      const rows = plan.rows(tail);
      const priors = tail.constant('priors', plan.priors, [plan.priors.length / 6, 6]);
      const [boxes] = builder.add('box_decode', names.boxes, [rows, priors, index!, count!], { divisor: labels, ...code });
      for (const id of [value, index!, count!, boxes]) builder.output(id);
    },

    feeds: (scoreThreshold: number, kind: ScoreKind): Record<string, Feed> => ({
      [names.threshold]: Float32Array.of(thresholdFor(scoreThreshold, kind)),
    }),

    decode: (results: Results, options) =>
      readCandidates(
        {
          value: results[names.value] as Float32Array,
          index: results[names.index] as Int32Array,
          count: results[names.count]![0]!,
          boxes: results[names.boxes] as Float32Array,
        },
        options,
      ),
  };
}

/** Positions, sources of the boxes, and the formula, as one text. Scores are left out: they may differ. */
function geometryOf(plan: HeadPlan, window: number, each: string): string {
  let hash = 0;
  for (const bits of new Int32Array(plan.priors.buffer, plan.priors.byteOffset, plan.priors.length))
    hash = (Math.imul(hash, 31) + bits) | 0;
  const leading = formatShape(plan.shape.slice(0, -1));
  return JSON.stringify([leading, window, each, plan.code, plan.priors.length, hash, plan.boxSources]);
}

/** Leaves each position its largest score; the others become 0, or as low as a logit gets. Equal largest scores all stay. */
function keepBest(tail: Tail, scores: ValueId, from: ScoreKind): ValueId {
  const shape = tail.shape(scores);
  const best = tail.add('reduce', [scores], { kind: 'max', axes: [shape.length - 1], keepDims: true });
  const keep = tail.float(tail.add('compare', [scores, best], { kind: 'greater_equal' }));
  if (from === 'probability') return tail.binary('mul', scores, keep);
  const one = tail.constant('one', Float32Array.of(1), [1]);
  const far = tail.constant('far', Float32Array.of(1e30), [1]);
  return tail.binary('add', scores, tail.binary('mul', tail.binary('sub', keep, one), far));
}

/** The float32 to compare scores with on a device: a score passes exactly where its probability is `scoreThreshold` or more. 0 lets all pass. */
export function thresholdFor(scoreThreshold: number, from: ScoreKind): number {
  return ceilToFloat32(from === 'logit' ? logit(scoreThreshold) : scoreThreshold);
}

/** Results of peak_top_k and box_decode: the first `count` of value [k], index [k] and boxes [k, 4] hold. */
export interface Peaks {
  value: ArrayLike<number>;
  index: ArrayLike<number>;
  count: number;
  boxes: ArrayLike<number>;
}

/** Candidates of peaks. Score = sigmoid of a logit in double precision, then float32. A probability of exactly 0 is no candidate. */
export function readCandidates(peaks: Peaks, { labels, from }: { labels: number; from: ScoreKind }): Candidates {
  const { value, index, boxes } = peaks;
  const kept: number[] = [];
  const scores = new Float32Array(peaks.count);
  for (let i = 0; i < peaks.count; i++) {
    scores[i] = from === 'logit' ? sigmoid(value[i]!) : value[i]!;
    if (scores[i] !== 0) kept.push(i);
  }
  return {
    boxes: Float32Array.from({ length: kept.length * 4 }, (_, j) => boxes[kept[j >> 2]! * 4 + (j & 3)]!),
    scores: Float32Array.from(kept, (i) => scores[i]!),
    labelIndices: Int32Array.from(kept, (i) => index[i]! % labels),
  };
}
