// One step of a program while it is written: words by name of assembly/records.ts, then copied into linear memory.
import { Act, Fused, Mode, Op, Step as Layout } from '../../../assembly/records.js';
import type { Activation, ActivationKind } from '../../ir/operators.js';

export class Step {
  readonly words = new Int32Array(Layout.words);
  readonly #reals = new Float32Array(this.words.buffer);
  /** Estimated multiply-adds, or elements moved; decides where a frame may pause and which steps one thread does alone. */
  cost = 0;
  /** May run as several parts, one after the other, on one thread. */
  divisible = true;
  /** Every thread must take part, however small the step is. */
  together = false;

  constructor(op: Op) {
    this.words[0] = op;
  }

  /** Sets words that hold integers or addresses. */
  set(words: Readonly<Record<number, number>>): this {
    for (const [index, value] of Object.entries(words)) this.words[Number(index)] = value;
    return this;
  }

  /** Sets a word that holds a float32. */
  real(index: number, value: number): this {
    this.#reals[index] = value;
    return this;
  }

  /** Sets consecutive words. */
  list(index: number, values: readonly number[]): this {
    this.words.set(values, index);
    return this;
  }

  /** Sets the words of a fused activation, with a residual (addresses) if there is one. */
  fuse(activation: Activation, residual?: { at: number; result: number; before: boolean }): this {
    const { kind, alpha = 0, beta = 0 } = activation;
    const clamp = clampOf(activation);
    const mode = residual
      ? clamp && (residual.before || kind === 'none')
        ? Mode.residual_clamp
        : Mode.general
      : clamp
        ? Mode.clamp
        : kind === 'hard_swish'
          ? Mode.hard_swish
          : Mode.general;
    this.words[Fused.mode] = mode;
    this.words[Fused.kind] = acts[kind];
    this.real(Fused.alpha, alpha).real(Fused.beta, beta);
    this.real(Fused.low, clamp?.[0] ?? -Infinity).real(Fused.high, clamp?.[1] ?? Infinity);
    this.words[Fused.residual] = residual ? residual.at - residual.result : 0;
    this.words[Fused.residual_place] = residual ? (residual.before ? 1 : 2) : 0;
    return this;
  }

  costs(cost: number): this {
    this.cost = cost;
    return this;
  }

  /** For steps whose threads keep something for a later step, or that are quick: never in parts. */
  whole(together = false): this {
    this.divisible = false;
    this.together = together;
    return this;
  }
}

const acts: Readonly<Record<ActivationKind, Act>> = {
  none: Act.none, relu: Act.relu, relu6: Act.relu6, leaky_relu: Act.leaky_relu, elu: Act.elu, sigmoid: Act.sigmoid, tanh: Act.tanh, silu: Act.silu,
  mish: Act.mish, gelu: Act.gelu, softplus: Act.softplus, clip: Act.clip, hard_sigmoid: Act.hard_sigmoid, hard_swish: Act.hard_swish,
}; // prettier-ignore

/** Bounds of activations that are nothing but a clamp. */
function clampOf({ kind, alpha = 0, beta = 0 }: Activation): [number, number] | undefined {
  if (kind === 'none') return [-Infinity, Infinity];
  if (kind === 'relu') return [0, Infinity];
  if (kind === 'relu6') return [0, 6];
  return kind === 'clip' ? [alpha, beta] : undefined;
}
