// One step of SGD and of AdamW, in place, and the sum of squares behind global-norm clipping.
import type { AdamWStep, Floats, SgdStep } from '../kernels.js';

/** PyTorch's SGD: g += decay w; v = momentum v + g; w -= rate (nesterov ? g + momentum v : v). The first step starts from v = 0. */
export function sgd({ weights, gradient, velocity, rate, momentum, decay, nesterov, clip }: SgdStep): void {
  for (let i = 0; i < weights.length; i++) {
    const g = clip * gradient[i]! + decay * weights[i]!;
    const v = momentum * velocity[i]! + g;
    velocity[i] = v;
    weights[i] = weights[i]! - rate * (nesterov ? g + momentum * v : v);
  }
}

/** AdamW (Loshchilov & Hutter 2019): decay apart from the gradient, moments without their bias. */
export function adamw(step: AdamWStep): void {
  const { weights, gradient, first, second, rate, beta1, beta2, epsilon, decay, clip } = step;
  const correction1 = 1 - beta1 ** step.step;
  const correction2 = Math.sqrt(1 - beta2 ** step.step);
  for (let i = 0; i < weights.length; i++) {
    const g = clip * gradient[i]!;
    const m = beta1 * first[i]! + (1 - beta1) * g;
    const v = beta2 * second[i]! + (1 - beta2) * g * g;
    first[i] = m;
    second[i] = v;
    const kept = weights[i]! * (1 - rate * decay);
    weights[i] = kept - ((rate / correction1) * m) / (Math.sqrt(v) / correction2 + epsilon);
  }
}

/** In doubles. */
export function squareSum(values: Floats): number {
  let sum = 0;
  for (let i = 0; i < values.length; i++) sum += values[i]! * values[i]!;
  return sum;
}
