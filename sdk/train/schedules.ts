// Learning rates over steps: constant, step, polynomial and cosine, each with a warm-up. Pure functions of the step.
import { ArgumentError, describe } from '../errors.js';

/** Rate at a step, counted from 0. */
export type Schedule = (step: number) => number;

/** A schedule as data. */
export interface ScheduleOptions {
  /** Rate after the warm-up. */
  readonly rate: number;
  /** Default: `constant`. */
  readonly kind?: 'constant' | 'step' | 'poly' | 'cosine' | undefined;
  /** Steps in all; needed by `poly` and `cosine`. The rate stays at its end afterwards. */
  readonly steps?: number | undefined;
  /** `step`: at each of these steps the rate is multiplied by `factor`. */
  readonly milestones?: readonly number[] | undefined;
  /** `step`: default 0.1. */
  readonly factor?: number | undefined;
  /** `poly`: exponent of 1 - step / steps. Default: 0.9. */
  readonly power?: number | undefined;
  /** `poly`, `cosine`: rate at the end. Default: 0. */
  readonly last?: number | undefined;
  /** Steps of linear warm-up. Default: 0. */
  readonly warmup?: number | undefined;
  /** Share of the rate at step 0. Default: 0.001. */
  readonly warmupFrom?: number | undefined;
}

/** The schedule of some options. Throws ArgumentError. */
export function schedule(options: ScheduleOptions): Schedule {
  const { rate, kind = 'constant', steps, milestones = [], factor = 0.1, power = 0.9, last = 0 } = options;
  const { warmup = 0, warmupFrom = 0.001 } = options;
  const check = (thing: string, value: unknown, valid: boolean, wanted: string) => {
    if (!valid) throw new ArgumentError({ thing, found: describe(value), wanted });
  };
  check('rate', rate, rate >= 0 && rate < Infinity, 'a number from 0');
  check('kind', kind, ['constant', 'step', 'poly', 'cosine'].includes(kind), '"constant", "step", "poly" or "cosine"');
  check('warmup', warmup, Number.isInteger(warmup) && warmup >= 0, 'a whole number from 0');
  check('warmupFrom', warmupFrom, warmupFrom >= 0 && warmupFrom <= 1, 'a number from 0 to 1');
  check('last', last, last >= 0 && last < Infinity, 'a number from 0');
  const needsSteps = kind === 'poly' || kind === 'cosine';
  check('steps', steps, !needsSteps || (Number.isInteger(steps) && steps! > 0), 'a whole number from 1');
  check('milestones', milestones, milestones.every((at, i) => Number.isInteger(at) && (i === 0 || at > milestones[i - 1]!)), 'rising whole numbers'); // prettier-ignore
  const after = (step: number): number => {
    const done = needsSteps ? Math.min(1, step / steps!) : 0;
    switch (kind) {
      case 'step':
        return rate * factor ** milestones.filter((at) => step >= at).length;
      case 'poly':
        return last + (rate - last) * (1 - done) ** power;
      case 'cosine':
        return last + ((rate - last) * (1 + Math.cos(Math.PI * done))) / 2;
      default:
        return rate;
    }
  };
  return (step) => (step < warmup ? after(step) * (warmupFrom + ((1 - warmupFrom) * step) / warmup) : after(step));
}
