// Weights in the safetensors format as constants of a graph. The format itself is read and written in sdk/tensor/safetensors.ts.
import { Constant } from '../ir/graph.js';
import { readTensors, writeTensors } from '../tensor/safetensors.js';
import type { Shape } from '../tensor/shape.js';

export interface Tensor {
  shape: Shape;
  constant: Constant;
}

/**
 * Reads all tensors. Arrays are views of `bytes` where alignment allows, copies elsewhere.
 * Throws ModelError `invalid-weights`: truncated, header too long, wrong header, unknown type, offsets out of range, overlapping or with holes.
 */
export function readSafetensors(bytes: Uint8Array<ArrayBuffer>, file: string): Map<string, Tensor> {
  const stored = [...readTensors(bytes, file)];
  return new Map(stored.map(([name, { shape, dtype, stored }]) => [name, { shape, constant: new Constant(dtype, stored) }]));
}

/**
 * Writes tensors. Deterministic: larger element types first, then names in code-unit order, so that everything is aligned; the header is padded with spaces.
 * Throws ModelError for the one name the format reserves.
 */
export function writeSafetensors(
  tensors: ReadonlyMap<string, Tensor>,
  metadata: Readonly<Record<string, string>> = {},
): Uint8Array<ArrayBuffer> {
  const stored = [...tensors].map(([name, { shape, constant }]) => {
    return [name, { shape, dtype: constant.dtype, stored: constant.stored }] as const;
  });
  return writeTensors(new Map(stored), metadata);
}
