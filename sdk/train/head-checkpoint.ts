// State of a training in one entry of a store: written whole or not at all, read back to the same bits.
import { ArgumentError, describe } from '../errors.js';
import type { LayerWeights } from './head-layer.js';
import type { OpenHead } from './head-open.js';
import { readTensors, type StoredTensor, writeTensors } from '../tensor/safetensors.js';
import type { OptimizerState } from './optimizers.js';

/** What a step needs to go on as if nothing had happened. */
export interface TrainState<E> {
  /** Digest of everything that decides the result. */
  readonly run: string;
  /** Steps done. */
  readonly step: number;
  readonly sampler: readonly [number, number, number, number];
  readonly random: readonly [number, number, number, number];
  /** Losses of the steps of the epoch so far. */
  readonly losses: readonly number[];
  readonly history: readonly E[];
  readonly best: { readonly epoch: number; readonly ap50: number; readonly ap: number } | undefined;
  /** Parameters now, and as they were in the best epoch. */
  readonly weights: Readonly<Record<string, Float32Array>>;
  readonly bestWeights: Readonly<Record<string, Float32Array>>;
  readonly optimizer: OptimizerState;
}

const format = 1;

/** Bytes of a checkpoint (safetensors; what is no tensor stands as JSON in the tensor `state`). */
export function writeState<E>(state: TrainState<E>): Uint8Array<ArrayBuffer> {
  const { weights, bestWeights, optimizer, ...rest } = state;
  const tensors = new Map<string, StoredTensor>();
  const add = (name: string, stored: Float32Array) => tensors.set(name, { shape: [stored.length], dtype: 'float32', stored });
  for (const [name, values] of Object.entries(weights)) add(`weights/${name}`, values);
  for (const [name, values] of Object.entries(bestWeights)) add(`best/${name}`, values);
  for (const [name, moments] of Object.entries(optimizer.moments))
    moments.forEach((moment, m) => add(`moment${m}/${name}`, moment as Float32Array));
  const json = { ...rest, format, optimizer: { kind: optimizer.kind, step: optimizer.step } };
  const stored = new TextEncoder().encode(JSON.stringify(json));
  tensors.set('state', { shape: [stored.length], dtype: 'uint8', stored });
  return writeTensors(tensors, { format: 'labelweave-training' });
}

/** Reads a checkpoint. Throws ModelError `invalid-weights` for broken bytes, ArgumentError for another run's or one that is none. */
export function readState<E>(bytes: Uint8Array<ArrayBuffer>, run: string): TrainState<E> {
  const wrong = (found: string, wanted: string, next?: string) =>
    new ArgumentError({ thing: 'checkpoint', found, wanted, ...(next !== undefined && { next }) });
  const tensors = readTensors(bytes, 'checkpoint');
  const text = tensors.get('state');
  if (text?.dtype !== 'uint8') throw wrong('no state', 'a checkpoint of trainHeads');
  let json: Omit<TrainState<E>, 'optimizer'> & { format: number; optimizer: Pick<OptimizerState, 'kind' | 'step'> };
  try {
    json = JSON.parse(new TextDecoder().decode(text.stored as Uint8Array)) as typeof json;
  } catch {
    throw wrong('a state that is no JSON', 'a checkpoint of trainHeads');
  }
  if (json?.format !== format) throw wrong(`format ${describe(json?.format)}`, `format ${format}`);
  if (json.run !== run)
    throw wrong('one of another run', 'the same model, data, heads and options', 'Train without resume, or give what it was started with.'); // prettier-ignore
  const part = (prefix: string): Record<string, Float32Array> =>
    Object.fromEntries(
      [...tensors].flatMap(([name, { stored }]) =>
        name.startsWith(`${prefix}/`) ? [[name.slice(prefix.length + 1), (stored as Float32Array).slice()]] : [],
      ),
    );
  const weights = part('weights');
  const moments = [part('moment0'), part('moment1')];
  return {
    ...json,
    weights,
    bestWeights: part('best'),
    optimizer: {
      ...json.optimizer,
      moments: Object.fromEntries(
        Object.keys(weights).map((name) => [name, moments.flatMap((moment) => (moment[name] ? [moment[name]] : []))]),
      ),
    },
  };
}

/** The weights of a head in a checkpoint of its run. Throws ArgumentError where they are missing. */
export function storedWeights(
  { weights }: Pick<TrainState<unknown>, 'weights'>,
  { labels: { name }, spec: { boxes }, classifier }: Pick<OpenHead, 'labels' | 'spec' | 'classifier'>,
): LayerWeights {
  const part = (one: string): Float32Array => {
    const found = weights[`${name}/${one}`];
    if (found) return found;
    throw new ArgumentError({ thing: 'checkpoint', found: `no ${name}/${one}`, wanted: 'the weights of every head', next: 'It is damaged: train without resume.' }); // prettier-ignore
  };
  const plain = { weight: part('weight'), bias: part('bias'), ...(classifier.kind === 'text' && { scoring: part('scoring') }) };
  return boxes === 'corrected' ? { ...plain, boxWeight: part('boxWeight'), boxBias: part('boxBias') } : plain;
}
