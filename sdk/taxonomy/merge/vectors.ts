// Vectors of labels from .npy and safetensors files, for merging by embedding.
import { formatShape, type Shape } from '../../tensor/shape.js';
import { halfArrayToFloat } from '../../tensor/half.js';
import { readNpy } from '../../tensor/npy.js';
import { readTensors } from '../../tensor/safetensors.js';
import { formatSpace, invalid, type LabelSpace } from '../label-space.js';
import type { EmbeddedSpace } from './by-embedding.js';

/**
 * Reads a vector for each label of `space`, in label order, from an .npy file [K, D], or from the tensor of a safetensors file that is called
 * `tensor` (default: the name of the space; a file with one tensor needs no name). Which of the two it is, its first bytes say.
 *
 * The order of the rows is not in such files: rows of Objects365 v2 fit v1 in number, but mean other labels.
 * Throws ModelError `invalid-weights` for a broken file, LabelSpaceError `invalid-label-space` where it does not fit the labels.
 */
export function readVectors(
  space: LabelSpace,
  bytes: Uint8Array<ArrayBuffer>,
  file: string,
  options: { tensor?: string } = {},
): EmbeddedSpace {
  const { shape, data } = bytes[0] === 0x93 ? readNpy(bytes, file) : readTensor(space, bytes, file, options.tensor);
  if (shape.length !== 2 || shape[0] !== space.size || shape[1] === 0)
    throw invalid(
      `file ${JSON.stringify(file)}`,
      `an array ${formatShape(shape)}`,
      `[${space.size}, D]: a row for each label of ${formatSpace(space)}`,
    );
  return { space, vectors: data };
}

function readTensor(
  space: LabelSpace,
  bytes: Uint8Array<ArrayBuffer>,
  file: string,
  wanted: string | undefined,
): { shape: Shape; data: ArrayLike<number> } {
  const tensors = readTensors(bytes, file);
  const only = tensors.size === 1 ? [...tensors.values()][0] : undefined;
  const tensor = wanted === undefined ? (tensors.get(space.name) ?? only) : tensors.get(wanted);
  if (!tensor) {
    const found = [...tensors.keys()].map((name) => JSON.stringify(name)).join(', ');
    throw invalid(
      `file ${JSON.stringify(file)}`,
      `tensors ${found || '(none)'}`,
      `a tensor called ${JSON.stringify(wanted ?? space.name)}`,
    );
  }
  const { stored } = tensor;
  return { shape: tensor.shape, data: stored instanceof Uint16Array ? halfArrayToFloat(stored) : stored };
}
