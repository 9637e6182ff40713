// SGD and AdamW over named parameters, with global-norm clipping and state that can be stored. The arithmetic stands in the kernels.
import { ArgumentError, describe } from '../errors.js';
import type { Floats, TrainKernels } from './kernels.js';
import { referenceKernels } from './reference/index.js';

/** Numbers that are trained. */
export interface Parameter {
  /** Name, each once. */
  readonly name: string;
  /** [n], changed in place. */
  readonly weights: Floats;
  /** Whether weight decay applies. Default: true; false for biases and scales. */
  readonly decays?: boolean | undefined;
}

/** What both optimisers share. */
export interface OptimizerOptions {
  /** Weight decay. Default: 0. */
  readonly decay?: number | undefined;
  /** Largest norm of all gradients together; larger ones are scaled down. Default: none. */
  readonly clipNorm?: number | undefined;
  /** Default: the reference kernels. */
  readonly kernels?: TrainKernels | undefined;
}

/** Options of {@link sgdOptimizer}. */
export interface SgdOptions extends OptimizerOptions {
  /** Default: 0.9. */
  readonly momentum?: number | undefined;
  /** Default: false. */
  readonly nesterov?: boolean | undefined;
}

/** Options of {@link adamwOptimizer}. */
export interface AdamWOptions extends OptimizerOptions {
  /** Default: 0.9. */
  readonly beta1?: number | undefined;
  /** Default: 0.999. */
  readonly beta2?: number | undefined;
  /** Default: 1e-8. */
  readonly epsilon?: number | undefined;
}

/** State of an optimiser: exact, so that a resumed run gives the bits of an uninterrupted one. */
export interface OptimizerState {
  /** Which optimiser. */
  readonly kind: 'sgd' | 'adamw';
  /** Steps taken. */
  readonly step: number;
  /** Copies of the moments by the name of their parameter. */
  readonly moments: Readonly<Record<string, readonly Floats[]>>;
}

/** Changes parameters step by step. */
export interface Optimizer {
  /**
   * One step. Gradients stand in the order of the parameters; one that is undefined leaves its parameter as it is.
   * @returns norm of all gradients before clipping
   * @throws ArgumentError for gradients of another size or a norm that is not finite; nothing is changed then
   */
  step(gradients: readonly (Floats | undefined)[], rate: number): number;
  /** Copies. */
  state(): OptimizerState;
  /** Goes on from a state. Throws ArgumentError where it is one of other parameters or another optimiser. */
  restore(state: OptimizerState): void;
}

function optimizer(
  kind: 'sgd' | 'adamw',
  parameters: readonly Parameter[],
  { clipNorm, kernels = referenceKernels }: OptimizerOptions,
  moments: number,
  update: (
    kernels: TrainKernels,
    parameter: Parameter,
    gradient: Floats,
    moments: Floats[],
    how: { rate: number; step: number; clip: number },
  ) => void,
): Optimizer {
  const wrong = (thing: string, found: string, wanted: string) => new ArgumentError({ thing, found, wanted });
  if (new Set(parameters.map(({ name }) => name)).size < parameters.length)
    throw wrong('parameters', 'a name twice', 'each once');
  if (clipNorm !== undefined && !(clipNorm > 0)) throw wrong('clipNorm', describe(clipNorm), 'a number above 0');
  const like = (weights: Floats): Floats =>
    weights instanceof Float64Array ? new Float64Array(weights.length) : new Float32Array(weights.length);
  const state = parameters.map(({ weights }) => Array.from({ length: moments }, () => like(weights)));
  let steps = 0;
  return {
    step(gradients, rate) {
      if (gradients.length !== parameters.length)
        throw wrong('gradients', `${gradients.length}`, `${parameters.length}, one a parameter`);
      if (!(rate >= 0 && rate < Infinity)) throw wrong('rate', describe(rate), 'a number from 0');
      let sum = 0;
      gradients.forEach((gradient, i) => {
        const { name, weights } = parameters[i]!;
        if (!gradient) return;
        if (gradient.length !== weights.length)
          throw wrong(`gradient of ${name}`, `${gradient.length} numbers`, `${weights.length}`);
        sum += kernels.square_sum(gradient);
      });
      const norm = Math.sqrt(sum);
      if (!Number.isFinite(norm)) {
        const at = gradients.findIndex((gradient) => gradient?.some((value) => !Number.isFinite(value)));
        throw wrong(`gradient of ${parameters[Math.max(0, at)]!.name}`, 'a number that is not finite', 'finite numbers');
      }
      // As PyTorch's clip_grad_norm_, which guards the division.
      const clip = clipNorm === undefined ? 1 : Math.min(1, clipNorm / (norm + 1e-6));
      steps++;
      gradients.forEach((gradient, i) => {
        if (gradient) update(kernels, parameters[i]!, gradient, state[i]!, { rate, step: steps, clip });
      });
      return norm;
    },
    state: () => ({
      kind,
      step: steps,
      moments: Object.fromEntries(parameters.map(({ name }, i) => [name, state[i]!.map((moment) => moment.slice())])),
    }),
    restore(from) {
      if (from?.kind !== kind) throw wrong('optimiser state', describe(from?.kind), kind);
      parameters.forEach(({ name, weights }) => {
        const found = from.moments[name];
        if (found?.length !== moments || found.some(({ length }) => length !== weights.length))
          throw wrong(
            `optimiser state of ${name}`,
            found ? 'other sizes' : 'none',
            `${moments} moments of ${weights.length} numbers`,
          );
      });
      parameters.forEach(({ name }, i) => state[i]!.forEach((moment, m) => moment.set(from.moments[name]![m]!)));
      steps = from.step;
    },
  };
}

/** SGD with momentum, as PyTorch has it. Throws ArgumentError. */
export function sgdOptimizer(parameters: readonly Parameter[], options: SgdOptions = {}): Optimizer {
  const { momentum = 0.9, nesterov = false, decay = 0 } = options;
  if (!(momentum >= 0 && momentum < 1))
    throw new ArgumentError({ thing: 'momentum', found: describe(momentum), wanted: 'a number from 0 to below 1' });
  return optimizer('sgd', parameters, options, 1, (kernels, { weights, decays = true }, gradient, [velocity], { rate, clip }) =>
    kernels.sgd({ weights, gradient, velocity: velocity!, rate, momentum, decay: decays ? decay : 0, nesterov, clip }),
  );
}

/** AdamW (Loshchilov & Hutter 2019), as PyTorch has it. Throws ArgumentError. */
export function adamwOptimizer(parameters: readonly Parameter[], options: AdamWOptions = {}): Optimizer {
  const { beta1 = 0.9, beta2 = 0.999, epsilon = 1e-8, decay = 0 } = options;
  for (const [thing, beta] of Object.entries({ beta1, beta2 })) {
    if (!(beta >= 0 && beta < 1)) throw new ArgumentError({ thing, found: describe(beta), wanted: 'a number from 0 to below 1' });
  }
  return optimizer(
    'adamw',
    parameters,
    options,
    2,
    (kernels, { weights, decays = true }, gradient, [first, second], { rate, step, clip }) =>
      kernels.adamw({
        weights,
        gradient,
        first: first!,
        second: second!,
        rate,
        beta1,
        beta2,
        epsilon,
        decay: decays ? decay : 0,
        step,
        clip,
      }),
  );
}
