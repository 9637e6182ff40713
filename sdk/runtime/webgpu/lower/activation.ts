// Numbers of activations in kernels/shared/activation.wgsl, for every lowering that fuses one.
import type { Activation, ActivationKind } from '../../../ir/operators.js';

const kinds: Readonly<Record<ActivationKind, number>> = {
  none: 0, relu: 1, relu6: 2, leaky_relu: 3, elu: 4, sigmoid: 5, tanh: 6, silu: 7, mish: 8, gelu: 9, softplus: 10, clip: 11,
  hard_sigmoid: 12, hard_swish: 13,
}; // prettier-ignore

/** The overrides of kernels/shared/activation.wgsl. Overrides must be finite, so that a clip without an end is a kind of its own. */
export function activationOverrides({ kind, alpha = 0, beta = 0 }: Activation): {
  activation: number;
  alpha: number;
  beta: number;
} {
  let activation = kinds[kind];
  if (kind === 'clip' && !Number.isFinite(alpha)) activation = Number.isFinite(beta) ? 15 : 0;
  else if (kind === 'clip' && !Number.isFinite(beta)) activation = 14;
  const finite = (x: number): number => (Number.isFinite(x) ? x : 0);
  return { activation, alpha: finite(alpha), beta: finite(beta) };
}
