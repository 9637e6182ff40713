// Weights of a TF.js model: shards joined and cut into tensors, decoded exactly as TF.js does. float16 stays float16.
import { ModelError, describe } from '../../errors.js';
import { Constant } from '../../ir/graph.js';
import { MAX_ELEMENTS } from '../../ir/infer.js';
import { joinBytes } from '../../tensor/bytes.js';
import { formatShape, sizeOf, type Shape } from '../../tensor/shape.js';
import type { TfjsWeightGroup, TfjsWeightSpec } from './format.js';

export interface TfjsWeight {
  shape: Shape;
  constant: Constant;
}

const bytesOf: Readonly<Record<string, number>> = {
  float32: 4,
  int32: 4,
  bool: 1,
  uint8: 1,
  uint16: 2,
  float16: 2,
  complex64: 8,
};

/**
 * Decodes the groups of a weights manifest. `shard(path)` gives the bytes of one file. Tensors of a group lie one behind the other in its joined shards.
 * Throws {@link ModelError} `invalid-weights` that names tensor and group: a missing or short shard, bytes left over, unknown types.
 */
export function readTfjsWeights(
  groups: readonly TfjsWeightGroup[],
  shard: (path: string) => Uint8Array | undefined,
): Map<string, TfjsWeight> {
  const weights = new Map<string, TfjsWeight>();
  for (const group of groups) {
    const bytes = joinShards(group, shard);
    const files = group.paths.join(', ');
    let offset = 0;
    for (const spec of group.weights) {
      if (spec.dtype === 'string') {
        offset = skipStrings(bytes, offset, spec, files);
        continue;
      }
      if (sizeOf(spec.shape) > MAX_ELEMENTS) fail(spec, `shape ${formatShape(spec.shape)}`, `at most ${MAX_ELEMENTS} elements`);
      const stored = spec.quantization?.dtype ?? spec.dtype;
      const width = bytesOf[stored];
      if (width === undefined) fail(spec, `type ${describe(stored)}`, Object.keys(bytesOf).join(', '));
      const length = sizeOf(spec.shape) * width;
      if (offset + length > bytes.length) {
        fail(
          spec,
          `${bytes.length - offset} bytes left in ${files}`,
          `${length} bytes for ${stored} ${formatShape(spec.shape)}; a shard is short or missing`,
        );
      }
      if (weights.has(spec.name)) fail(spec, 'a second tensor of this name', 'unique names');
      // A copy, because tensors start at any byte and typed arrays must not.
      const constant = decode(spec, bytes.slice(offset, offset + length).buffer);
      if (constant) weights.set(spec.name, { shape: spec.shape, constant });
      offset += length;
    }
    if (offset !== bytes.length) {
      throw new ModelError('invalid-weights', {
        thing: `weights ${files}`,
        found: `${bytes.length} bytes`,
        wanted: `${offset} bytes, as weightsManifest says`,
        next: 'The shards do not belong to this model.json.',
      });
    }
  }
  return weights;
}

function joinShards(group: TfjsWeightGroup, shard: (path: string) => Uint8Array | undefined): Uint8Array<ArrayBuffer> {
  return joinBytes(
    group.paths.map((path) => {
      const bytes = shard(path);
      if (!bytes) {
        throw new ModelError('invalid-weights', {
          thing: `shard "${path}"`,
          found: 'no such file',
          wanted: 'the file that weightsManifest names',
        });
      }
      return bytes;
    }),
  );
}

function decode(spec: TfjsWeightSpec, buffer: ArrayBuffer): Constant | undefined {
  const { dtype, quantization } = spec;
  if (quantization) {
    if (quantization.dtype === 'float16') {
      if (dtype !== 'float32') fail(spec, `float16 quantisation of ${dtype}`, 'float32');
      return new Constant('float16', new Uint16Array(buffer));
    }
    if (quantization.dtype !== 'uint8' && quantization.dtype !== 'uint16')
      fail(spec, `quantisation ${describe(quantization.dtype)}`, 'uint8, uint16 or float16');
    const { scale, min } = quantization;
    if (scale === undefined || min === undefined) fail(spec, `quantisation with scale ${scale} and min ${min}`, 'both numbers');
    const codes = quantization.dtype === 'uint8' ? new Uint8Array(buffer) : new Uint16Array(buffer);
    if (dtype === 'float32')
      return new Constant(
        'float32',
        Float32Array.from(codes, (code) => code * scale + min),
      );
    if (dtype === 'int32')
      return new Constant(
        'int32',
        Int32Array.from(codes, (code) => Math.round(code * scale + min)),
      );
    return fail(spec, `quantisation of ${dtype}`, 'float32 or int32');
  }
  if (dtype === 'float32') return new Constant('float32', new Float32Array(buffer));
  if (dtype === 'float16') return new Constant('float16', new Uint16Array(buffer));
  if (dtype === 'int32') return new Constant('int32', new Int32Array(buffer));
  if (dtype === 'uint8') return new Constant('uint8', new Uint8Array(buffer));
  if (dtype === 'bool') return new Constant('bool', new Uint8Array(buffer));
  // complex64 has its place in the file; a node that reads it is refused later, by name.
  return undefined;
}

/** Strings are a 32-bit length and bytes each; they are never needed for inference, only stepped over. */
function skipStrings(bytes: Uint8Array<ArrayBuffer>, offset: number, spec: TfjsWeightSpec, files: string): number {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const count = sizeOf(spec.shape);
  for (let i = 0; i < count; i++) {
    const length = offset + 4 <= bytes.length ? view.getUint32(offset, true) : Infinity;
    if (offset + 4 + length > bytes.length)
      fail(spec, `${bytes.length - offset} bytes left in ${files}`, 'a length and that many bytes');
    offset += 4 + length;
  }
  return offset;
}

function fail(spec: TfjsWeightSpec, found: string, wanted: string): never {
  throw new ModelError('invalid-weights', { thing: `tensor "${spec.name}"`, found, wanted });
}
