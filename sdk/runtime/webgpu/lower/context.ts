// The contract between lowerings and the WebGPU runtime: what a node becomes. It makes no buffer and no pipeline.
import type { Graph, Node, NodeOf, ValueId } from '../../../ir/graph.js';
import type { ValueDType } from '../../../ir/infer.js';
import type { OperatorName } from '../../../ir/operators.js';
import type { TensorData } from '../../../tensor/dtype.js';
import { floatArrayToHalf } from '../../../tensor/half.js';
import type { KernelName, Scalar } from '../kernels.js';
import type { Tuning } from '../tune.js';

/** One dispatch. Shapes and strides travel in the uniform block, structure (activation, tile, vector width) in overrides, so that few pipelines serve many layers. */
export interface Dispatch {
  /** A key of the table in kernels.ts, one .wgsl file each: `conv2d_direct`, `depthwise_conv2d`, `binary`, ... Its entry point is `main`. */
  kernel: KernelName;
  /** Values of the kernel's `override` declarations. Booleans are 0 or 1. */
  overrides: Readonly<Record<string, number>>;
  /** `@group(0) @binding(i)`, in this order; at most 8 storage buffers. Whether a binding is read or written stands in the WGSL (`var<storage, read>`). */
  bindings: readonly Binding[];
  /** Each at most 65,535: see {@link flatWorkgroups}. */
  workgroups: readonly [number, number, number];
  /** For `image_to_tensor`: the kernel that takes this one's place when the frame is a texture. Same bindings, but `image` is a `texture_2d<f32>`. */
  textureKernel?: KernelName;
}

export type Binding =
  /**
   * A tensor where the planner placed it (a range of a large buffer, 256-byte aligned, rounded up to 16 bytes), dense. Constants are uploaded
   * as they are, once. Never the same memory read and written in one dispatch: operands and results do not overlap.
   */
  | { kind: 'value'; value: ValueId }
  /** Constants packed at load; the same key (unique in the graph: begin it with the constant's name and the kernel) is the same buffer. `data` is called once, then dropped. */
  | { kind: 'packed'; key: string; data: () => ArrayBufferView }
  /** Lives for this node only; the same key in several dispatches of a node is the same memory. Not zeroed. */
  | { kind: 'scratch'; key: string; bytes: number }
  /** Written once at load, at an aligned offset of one uniform buffer. At most 64 KiB; see {@link uniforms}. */
  | { kind: 'uniform'; data: Uint32Array | ArrayBuffer }
  /** Pixels of the frame of an image input: `array<u32>`, bytes in row-major order with `row_bytes` a row, `channels` bytes a pixel (little endian in each word). */
  | { kind: 'image'; value: ValueId }
  /**
   * Size and place of that frame, written whenever they change: a uniform, `struct Frame` of kernels/shared/frame.wgsl.
   */
  | { kind: 'frame'; value: ValueId };

/** Limits of the device that lowerings look at; at least WebGPU's defaults. */
export interface DeviceLimits {
  readonly maxComputeInvocationsPerWorkgroup: number;
  readonly maxComputeWorkgroupSizeX: number;
  readonly maxComputeWorkgroupSizeY: number;
  readonly maxComputeWorkgroupSizeZ: number;
  readonly maxComputeWorkgroupStorageSize: number;
  readonly maxComputeWorkgroupsPerDimension: number;
  readonly maxStorageBuffersPerShaderStage: number;
  readonly maxStorageBufferBindingSize: number;
  readonly maxUniformBufferBindingSize: number;
  readonly maxBufferSize: number;
}

/** What a lowering may know. */
export interface LowerContext {
  readonly graph: Graph;
  shape(value: ValueId): readonly number[];
  dtype(value: ValueId): ValueDType;
  /** The numbers of a constant operand (float16 widened); undefined where it is computed. */
  constant(value: ValueId): TensorData | undefined;
  /** Storage type of float values on the device; arithmetic accumulates in f32. int32 is i32, bool and uint8 are u32. */
  readonly scalar: Scalar;
  readonly limits: DeviceLimits;
  /** Features the device was made with: `subgroups`, `chromium-experimental-subgroup-matrix`, `shader-f16`. */
  readonly features: ReadonlySet<string>;
  /** Chosen variants and tiles for this adapter. */
  readonly tuning: Tuning;
}

/** Makes the dispatches of a node; `[]` where no work is needed (reshape). Results without elements never get here. */
export type Lower<K extends OperatorName = OperatorName> = (context: LowerContext, node: NodeOf<K>) => Dispatch[];

/** A part of the table of lowerings; each file of this folder exports one. */
export type LowerTable = { readonly [K in OperatorName]?: Lower<K> };

/** Any node with any lowering: the pairing is checked by {@link LowerTable}. */
export type AnyLower = (context: LowerContext, node: Node) => Dispatch[];

/** Bytes of one element on the device. */
export function deviceElementBytes(dtype: ValueDType, scalar: Scalar): number {
  return dtype === 'float32' && scalar === 'f16' ? 2 : 4;
}

/** Floats as the device stores them: binary16 bits or float32, padded with zeros to whole words. */
export function packFloats(values: Float32Array, scalar: Scalar): ArrayBufferView {
  if (scalar === 'f32') return values;
  const even = values.length % 2 ? Float32Array.from({ length: values.length + 1 }, (_, i) => values[i] ?? 0) : values;
  return floatArrayToHalf(even);
}

/**
 * Workgroups for a kernel over a flat range, within 65,535 a dimension. The kernel's index is
 * `(workgroup_id.y * num_workgroups.x + workgroup_id.x) * size + local_invocation_index`; it must return when that is too large.
 */
export function flatWorkgroups(invocations: number, size: number): [number, number, number] {
  const groups = Math.max(1, Math.ceil(invocations / size));
  const y = Math.ceil(groups / 65_535);
  return [Math.ceil(groups / y), y, 1];
}

/** A uniform block from its members in order: integers as u32 (negative ones as i32), `{ f32 }` as floats. All scalars, so that no padding arises; padded to 16 bytes. */
export function uniforms(members: readonly (number | { readonly f32: number })[]): Uint32Array {
  const words = new Uint32Array(Math.ceil(members.length / 4) * 4);
  const floats = new Float32Array(words.buffer);
  for (const [i, member] of members.entries()) {
    if (typeof member === 'number') words[i] = member;
    else floats[i] = member.f32;
  }
  return words;
}
