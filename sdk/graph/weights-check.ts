// Refuses weights that no trained model has: NaN and infinities come from broken files and give silent nonsense.
import { ModelError } from '../errors.js';
import type { Constant } from '../ir/graph.js';

/** Throws {@link ModelError} `invalid-weights` naming the tensor and the first bad element. Integers always pass. */
export function checkFinite(name: string, constant: Constant): void {
  const { stored, dtype } = constant;
  if (dtype !== 'float32' && dtype !== 'float16') return;
  for (let i = 0; i < stored.length; i++) {
    const finite = dtype === 'float16' ? (stored[i]! & 0x7c00) !== 0x7c00 : Number.isFinite(stored[i]);
    if (finite) continue;
    const value = constant.values[i]!;
    throw new ModelError('invalid-weights', {
      thing: `tensor "${name}"`,
      found: `${value} at element ${i}`,
      wanted: 'finite numbers',
      next: 'The file is damaged, or training diverged.',
    });
  }
}
