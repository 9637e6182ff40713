// SGD and AdamW over named parameters, with global-norm clipping and state that can be stored. The arithmetic stands in the kernels.
import { ArgumentError, describe } from '../errors.js';
import { clipping, type DeviceArray, type TrainDevice } from './device.js';
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
  checkParameters(parameters, clipNorm);
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
      const [, clip] = clipping(norm, clipNorm ?? 0);
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
      checkState(from, kind, moments, parameters);
      parameters.forEach(({ name }, i) => state[i]!.forEach((moment, m) => moment.set(from.moments[name]![m]!)));
      steps = from.step;
    },
  };
}

function checkParameters(parameters: readonly { readonly name: string }[], clipNorm: number | undefined): void {
  const wrong = (thing: string, found: string, wanted: string) => new ArgumentError({ thing, found, wanted });
  if (new Set(parameters.map(({ name }) => name)).size < parameters.length)
    throw wrong('parameters', 'a name twice', 'each once');
  if (clipNorm !== undefined && !(clipNorm > 0)) throw wrong('clipNorm', describe(clipNorm), 'a number above 0');
}

function checkState(
  from: OptimizerState,
  kind: OptimizerState['kind'],
  moments: number,
  parameters: readonly { readonly name: string; readonly weights: { readonly length: number } }[],
): void {
  const wrong = (thing: string, found: string, wanted: string) => new ArgumentError({ thing, found, wanted });
  if (from?.kind !== kind) throw wrong('optimiser state', describe(from?.kind), kind);
  for (const { name, weights } of parameters) {
    const found = from.moments[name];
    if (found?.length === moments && found.every(({ length }) => length === weights.length)) continue;
    throw wrong(`optimiser state of ${name}`, found ? 'other sizes' : 'none', `${moments} moments of ${weights.length} numbers`);
  }
}

function checkShares(shares: Readonly<Record<string, number>>): void {
  for (const [thing, share] of Object.entries(shares))
    if (!(share >= 0 && share < 1))
      throw new ArgumentError({ thing, found: describe(share), wanted: 'a number from 0 to below 1' });
}

/** SGD with momentum, as PyTorch has it. Throws ArgumentError. */
export function sgdOptimizer(parameters: readonly Parameter[], options: SgdOptions = {}): Optimizer {
  const { momentum = 0.9, nesterov = false, decay = 0 } = options;
  checkShares({ momentum });
  return optimizer('sgd', parameters, options, 1, (kernels, { weights, decays = true }, gradient, [velocity], { rate, clip }) =>
    kernels.sgd({ weights, gradient, velocity: velocity!, rate, momentum, decay: decays ? decay : 0, nesterov, clip }),
  );
}

/** AdamW (Loshchilov & Hutter 2019), as PyTorch has it. Throws ArgumentError. */
export function adamwOptimizer(parameters: readonly Parameter[], options: AdamWOptions = {}): Optimizer {
  const { beta1 = 0.9, beta2 = 0.999, epsilon = 1e-8, decay = 0 } = options;
  checkShares({ beta1, beta2 });
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

/** Numbers that are trained where they lie. */
export interface DeviceParameter {
  /** Name, each once. */
  readonly name: string;
  /** [n], changed in place. */
  readonly weights: DeviceArray;
  /** Whether weight decay applies. Default: true; false for biases and scales. */
  readonly decays?: boolean | undefined;
}

/** An optimiser with its options. */
export type DeviceOptimizerOptions =
  ({ readonly kind: 'adamw' } & Omit<AdamWOptions, 'kernels'>) | ({ readonly kind: 'sgd' } & Omit<SgdOptions, 'kernels'>);

/** Changes parameters on a device step by step, without a read-back. */
export interface DeviceOptimizer {
  /** [2] norm of all gradients of the last step before clipping, and the factor that clipped it. */
  readonly norm: DeviceArray;
  /** Queues a step. Gradients stand in the order of the parameters; one that is undefined leaves its parameter as it is. Throws ArgumentError. */
  step(gradients: readonly (DeviceArray | undefined)[], rate: number): void;
  /** Copies, when all that is queued is done. */
  state(): Promise<OptimizerState>;
  /** Goes on from a state. Throws ArgumentError where it is one of other parameters or another optimiser. */
  restore(state: OptimizerState): void;
  /** Frees the moments. */
  dispose(): void;
}

/** {@link sgdOptimizer} or {@link adamwOptimizer} on a {@link TrainDevice}, with the same numbers. Throws ArgumentError. */
export function deviceOptimizer(
  parameters: readonly DeviceParameter[],
  options: DeviceOptimizerOptions,
  device: TrainDevice,
): DeviceOptimizer {
  const { kind, clipNorm, decay = 0 } = options;
  checkParameters(parameters, clipNorm);
  const count = kind === 'sgd' ? 1 : 2;
  const moments = parameters.map(({ weights }) => Array.from({ length: count }, () => device.zeros(weights.length)));
  const norm = device.zeros(2);
  let steps = 0;
  const update = ((): ((at: number, gradient: DeviceArray, rate: number) => void) => {
    if (options.kind === 'sgd') {
      const { momentum = 0.9, nesterov = false } = options;
      checkShares({ momentum });
      return (at, gradient, rate) => {
        const { weights, decays = true } = parameters[at]!;
        device.sgd({
          weights,
          gradient,
          velocity: moments[at]![0]!,
          rate,
          momentum,
          decay: decays ? decay : 0,
          nesterov,
          clip: norm,
        });
      };
    }
    const { beta1 = 0.9, beta2 = 0.999, epsilon = 1e-8 } = options;
    checkShares({ beta1, beta2 });
    return (at, gradient, rate) => {
      const { weights, decays = true } = parameters[at]!;
      const [first, second] = moments[at]! as [DeviceArray, DeviceArray];
      const own = { beta1, beta2, epsilon, decay: decays ? decay : 0, step: steps };
      device.adamw({ weights, gradient, first, second, rate, ...own, clip: norm });
    };
  })();
  return {
    norm,
    step(gradients, rate) {
      if (gradients.length !== parameters.length)
        throw new ArgumentError({
          thing: 'gradients',
          found: `${gradients.length}`,
          wanted: `${parameters.length}, one a parameter`,
        });
      if (!(rate >= 0 && rate < Infinity))
        throw new ArgumentError({ thing: 'rate', found: describe(rate), wanted: 'a number from 0' });
      device.global_norm(
        gradients.filter((gradient) => gradient !== undefined),
        clipNorm ?? 0,
        norm,
      );
      steps++;
      gradients.forEach((gradient, at) => gradient && update(at, gradient, rate));
    },
    async state() {
      const read = await Promise.all(moments.map((own) => Promise.all(own.map((moment) => moment.read()))));
      return { kind, step: steps, moments: Object.fromEntries(parameters.map(({ name }, i) => [name, read[i]!])) };
    },
    restore(from) {
      checkState(from, kind, count, parameters);
      parameters.forEach(({ name }, i) =>
        moments[i]!.forEach((moment, m) => moment.write(from.moments[name]![m] as Float32Array)),
      );
      steps = from.step;
    },
    dispose() {
      for (const array of [norm, ...moments.flat()]) array.dispose();
    },
  };
}
