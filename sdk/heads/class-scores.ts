// Class scores of a head out of its rows: sigmoid, softmax with or without background, objectness, text embeddings; one way for all heads.
import type { ValueId } from '../ir/graph.js';
import type { LabelSpace } from '../taxonomy/label-space.js';
import { formatSpace } from '../taxonomy/label-space.js';
import type { ScoreKind } from '../taxonomy/mapping.js';
import type { LabelEmbeddings } from './contract.js';
import { type Parameters, wrong } from './parameters.js';
import type { Tail } from './tail.js';

/** What a decoder says about its class scores; the same fields in every head. */
export interface ClassScores {
  /** Numbers a row has: K, K + 1 with a background, or D features. */
  readonly columns: number;
  /** What comes out. */
  readonly from: ScoreKind;
  /** Adds [P, K] from [P, columns], with `objectness` [P, 1], where there is one. */
  add(tail: Tail, rows: ValueId, objectness?: ValueId): ValueId;
}

/** Fields of {@link openClassScores}, for messages of other readers. */
export interface ClassScoreOptions {
  /** What the head's scores mostly are. Default `logit`. */
  from?: 'logit' | 'softmax' | 'probability';
  /** Default `none`. */
  background?: 'none' | 'first' | 'last';
  /** The head has an objectness: how it and the class score become one, as powers. Default 1 and 1. */
  powers?: readonly [number, number];
  objectness?: boolean;
}

/**
 * Reads `from` (what the numbers are: `logit` of a sigmoid, logits of a `softmax`, or `probability`), `background` (a further class in front or behind:
 * `none`, `first`, `last`), `objectnessPower` and `classPower` (score = objectness^a * class^b), or `embeddings`. Objectness is what the class
 * scores are: a logit of a sigmoid, unless they are probabilities.
 */
export function openClassScores(
  parameters: Parameters,
  labels: LabelSpace,
  embeddings: LabelEmbeddings | undefined,
  options: ClassScoreOptions = {},
): ClassScores {
  if (parameters.has('embeddings')) return openEmbeddings(parameters, labels, embeddings, options);
  if (embeddings) {
    throw wrong(
      parameters.where,
      'text embeddings of the caller',
      'a decoder with the field "embeddings", whose scores are made of them',
    );
  }
  const from = parameters.choice('from', ['logit', 'softmax', 'probability'], options.from ?? 'logit');
  const background = parameters.choice('background', ['none', 'first', 'last'], options.background ?? 'none');
  const powers = openPowers(parameters, options);
  const K = labels.size;
  const columns = background === 'none' ? K : K + 1;
  const joined = options.objectness || powers.some((power) => power !== 1);
  return {
    columns,
    // Only a plain sigmoid can wait: labels are merged and peaks chosen on logits, and survivors alone get their probability.
    from: from === 'logit' && !joined ? 'logit' : 'probability',
    add(tail, rows, objectness) {
      let scores = rows;
      if (from === 'softmax') scores = tail.add('softmax', [scores], { axis: 1 });
      if (background !== 'none') scores = tail.columns(scores, background === 'first' ? 1 : 0, K);
      if (!joined) return scores;
      if (from === 'logit') scores = tail.activate(scores, { kind: 'sigmoid' });
      const logits = objectness !== undefined && from !== 'probability';
      return addObjectness(tail, scores, logits ? tail.activate(objectness, { kind: 'sigmoid' }) : objectness, powers);
    },
  };
}

function openPowers(parameters: Parameters, { powers = [1, 1], objectness }: ClassScoreOptions): readonly [number, number] {
  if (!objectness) return [1, 1];
  return [parameters.positive('objectnessPower', powers[0]), parameters.positive('classPower', powers[1])];
}

/** objectness^a * scores^b. */
export function addObjectness(
  tail: Tail,
  scores: ValueId,
  objectness: ValueId | undefined,
  [a, b]: readonly [number, number],
): ValueId {
  const power = (x: ValueId, exponent: number): ValueId =>
    exponent === 1 ? x : exponent === 0.5 ? tail.add('unary', [x], { kind: 'sqrt' }) : tail.binary('pow', x, tail.constant('power', Float32Array.of(exponent), [1])); // prettier-ignore
  const raised = power(scores, b);
  return objectness === undefined ? raised : tail.binary('mul', raised, power(objectness, a));
}

/**
 * Text-embedding classifier: score of label k = temperature * cos(feature, embedding k) + bias (ScaleDet, Eq. 5 and 6, with temperature = 1 / tau).
 * `activation` `sigmoid` gives each label a score of its own; `softmax` makes labels compete, with the background that all label spaces share
 * (DaTaSeg, section 3.3), if the embeddings bring one.
 */
function openEmbeddings(
  parameters: Parameters,
  labels: LabelSpace,
  embeddings: LabelEmbeddings | undefined,
  options: ClassScoreOptions,
): ClassScores {
  const group = parameters.group('embeddings');
  const D = group.integer('dimensions', 1);
  const temperature = group.positive('temperature');
  const bias = group.number('bias', 'a finite number', () => true, 0);
  const activation = group.choice('activation', ['sigmoid', 'softmax'], 'sigmoid');
  group.close();
  const powers = openPowers(parameters, options);
  const K = labels.size;
  if (!embeddings) {
    throw wrong(`${parameters.where}.embeddings`, 'no text embeddings', `[${K}, ${D}], one row for each label of ${formatSpace(labels)}`, 'Give them with the option embeddings.'); // prettier-ignore
  }
  const { data, dimensions, background } = embeddings;
  if (dimensions !== D || data.length !== K * D) {
    throw wrong(
      `${parameters.where}, embeddings`,
      `[${data.length / dimensions}, ${dimensions}]`,
      `[${K}, ${D}], one row for each label of ${formatSpace(labels)}`,
    );
  }
  if (background && background.length !== D)
    throw wrong(`${parameters.where}, embeddings.background`, `${background.length} numbers`, `${D}`);
  if (background && activation === 'sigmoid')
    throw wrong(`${parameters.where}.embeddings.activation`, '"sigmoid" with a background', '"softmax", or no background');
  const table = normalised(background ? joinRows(data, background) : data, D, parameters.where);
  const rows = background ? K + 1 : K;
  const joined = options.objectness === true;
  return {
    columns: D,
    from: activation === 'sigmoid' && !joined ? 'logit' : 'probability',
    add(tail, features, objectness) {
      const squares = tail.add('unary', [features], { kind: 'square' });
      const sum = tail.add('reduce', [squares], { kind: 'sum', axes: [1], keepDims: true });
      // A feature of length 0 has no direction; it must not become NaN.
      const least = tail.constant('least', Float32Array.of(1e-24), [1]);
      const scale = tail.add('unary', [tail.binary('maximum', sum, least)], { kind: 'rsqrt' });
      const scaled = table.map((x) => x * temperature);
      const weights = tail.constant('embeddings', scaled, [rows, D]);
      const offset = tail.constant('bias', new Float32Array(rows).fill(bias), [rows]);
      const found = objectness === undefined ? undefined : tail.activate(objectness, { kind: 'sigmoid' });
      const unit = tail.binary('mul', features, scale);
      const logits = tail.add('matmul', [unit, weights, offset], { transposeA: false, transposeB: true, activation: { kind: 'none' } }); // prettier-ignore
      if (activation === 'softmax') {
        const shares = tail.columns(tail.add('softmax', [logits], { axis: 1 }), 0, K);
        return joined ? addObjectness(tail, shares, found, powers) : shares;
      }
      if (!joined) return logits;
      return addObjectness(tail, tail.activate(logits, { kind: 'sigmoid' }), found, powers);
    },
  };
}

function joinRows(a: Float32Array, b: Float32Array): Float32Array {
  const joined = new Float32Array(a.length + b.length);
  joined.set(a);
  joined.set(b, a.length);
  return joined;
}

/** Rows of length 1. Sums in double precision. */
function normalised(table: Float32Array, D: number, where: string): Float32Array {
  const result = new Float32Array(table.length);
  for (let row = 0; row * D < table.length; row++) {
    let sum = 0;
    for (let d = 0; d < D; d++) sum += table[row * D + d]! ** 2;
    const length = Math.sqrt(sum);
    if (!(length > 0 && length < Infinity)) throw wrong(`${where}, embeddings`, `row ${row} of length ${length}`, 'finite numbers that are not all 0'); // prettier-ignore
    for (let d = 0; d < D; d++) result[row * D + d] = table[row * D + d]! / length;
  }
  return result;
}
