// The intermediate representation: values with static shapes and nodes in execution order. Importers write it, runtimes read it.
import type { DType, StoredData, TensorData } from '../tensor/dtype.js';
import { halfArrayToFloat } from '../tensor/half.js';
import type { Shape } from '../tensor/shape.js';
import type { Attributes, OperatorName } from './operators.js';

/** Index into {@link Graph.values}. */
export type ValueId = number;

/** A constant as the model stored it. Widening float16 is exact and done once, when asked for. */
export class Constant {
  #values: TensorData | undefined;
  constructor(
    /** How it is stored; float16 holds its bits in a Uint16Array. */
    readonly dtype: DType,
    readonly stored: StoredData,
  ) {}

  /** The numbers kernels compute with: float16 widened to Float32Array, everything else as stored. Do not write to it. */
  get values(): TensorData {
    if (!(this.stored instanceof Uint16Array)) return this.stored;
    return (this.#values ??= halfArrayToFloat(this.stored));
  }
}

/** A tensor of the graph: a constant, an input, or the result of one node. */
export interface Value {
  /** Unique in the graph; taken from the model where it has one. */
  name: string;
  /** What kernels see: float16 constants appear as float32. `image` inputs have dtype uint8 and shape []: their size comes with the frame. */
  dtype: Exclude<DType, 'float16'>;
  /** Static dimensions, outermost first; activations are [N, H, W, C]. */
  shape: Shape;
  /** Its numbers, where they are known. */
  constant?: Constant;
  /** An input that takes an {@link ImageFeed} instead of numbers. */
  image?: true;
}

/** One operator applied to values; its attributes depend on `op`. */
export type Node = { [K in OperatorName]: NodeOf<K> }[OperatorName];

export interface NodeOf<K extends OperatorName> {
  op: K;
  /** Name of the node in the model it came from, for messages and profiles. */
  name: string;
  /** Operands in the order of the operator's comment; NONE (-1) where an optional one is absent. */
  inputs: ValueId[];
  outputs: ValueId[];
  attributes: Attributes[K];
}

/** Nodes stand in execution order; every value is written once: by a node, as a constant, or as an input. */
export interface Graph {
  /** Every tensor; a {@link ValueId} is a position here. */
  values: Value[];
  /** In execution order. */
  nodes: Node[];
  /** What every run feeds. */
  inputs: ValueId[];
  /** What a run can read back. */
  outputs: ValueId[];
}
