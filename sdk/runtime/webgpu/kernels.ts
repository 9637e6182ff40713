// The table of WGSL kernels: name -> text. The only file that imports kernels/; it compiles nothing.
import activation from '../../../kernels/ops/activation.wgsl';
import binary from '../../../kernels/ops/binary.wgsl';
import binaryInt from '../../../kernels/ops/binary_int.wgsl';
import castFloatInt from '../../../kernels/ops/cast_float_int.wgsl';
import castInt from '../../../kernels/ops/cast_int.wgsl';
import castIntFloat from '../../../kernels/ops/cast_int_float.wgsl';
import compare from '../../../kernels/ops/compare.wgsl';
import compareInt from '../../../kernels/ops/compare_int.wgsl';
import unary from '../../../kernels/ops/unary.wgsl';
import unaryInt from '../../../kernels/ops/unary_int.wgsl';
import where from '../../../kernels/ops/where.wgsl';
import whereWords from '../../../kernels/ops/where_words.wgsl';
import scalarF16 from '../../../kernels/shared/scalar_f16.wgsl';
import scalarF32 from '../../../kernels/shared/scalar_f32.wgsl';

/** Text of every kernel by the name of its file. */
export const kernels = {
  // convolution and matrix products
  // element-wise, data movement, reductions
  cast_int: castInt,
  cast_int_float: castIntFloat,
  cast_float_int: castFloatInt,
  where_words: whereWords,
  where,
  compare_int: compareInt,
  compare,
  binary_int: binaryInt,
  unary_int: unaryInt,
  unary,
  activation,
  binary,
  // image and detection
} as const satisfies Readonly<Record<string, string>>;

/** A key of {@link kernels}. */
export type KernelName = keyof typeof kernels;

/** Storage type of float tensors on the device. Arithmetic accumulates in f32. */
export type Scalar = 'f32' | 'f16';

const scalars: Readonly<Record<Scalar, string>> = { f32: scalarF32, f16: scalarF16 };

/** The text to compile: directives of the kernel (`enable subgroups;`), storage precision, the kernel. */
export function kernelText(name: KernelName, scalar: Scalar): string {
  const [directives] = /^(?:(?:enable|requires|diagnostic)\b[^;]*;\s*)*/.exec(kernels[name])!;
  return `${directives}${scalars[scalar]}\n${(kernels[name] as string).slice(directives.length)}`;
}
