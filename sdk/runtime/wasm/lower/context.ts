// What a lowering may ask for: shapes, addresses, constants, scratch; and how it hands back its steps. No operator here.
import { ModelError } from '../../../errors.js';
import type { Graph, Node, NodeOf, Value, ValueId } from '../../../ir/graph.js';
import type { OperatorName } from '../../../ir/operators.js';
import type { TensorData } from '../../../tensor/dtype.js';
import { sizeOf } from '../../../tensor/shape.js';
import type { Step } from '../step.js';

/** An address that is known once memory is laid out; call it inside `emit` only. */
export type Address = () => number;

/** A lowered node: bytes of scratch, and a function that makes the steps when addresses are known. */
export interface Lowered {
  scratch?: number;
  /** Operand positions whose memory the first result may take over. */
  inPlace?: readonly number[];
  /** `scratch` is the address of the node's scratch. */
  emit(scratch: number): Step[];
}

export type Lowering<K extends OperatorName> = (node: NodeOf<K>, context: Context) => Lowered;

export interface Settings {
  threads: number;
  /** Rows of the register tile. */
  tileRows: number;
}

/** Bytes that kernels may read behind any value. */
export const OVERREAD = 64;

/** Collects the constants of a graph while its nodes are lowered. */
export class Context {
  /** Constants to write: bytes and a writer that fills them once memory is there. */
  readonly constants: { bytes: number; write: (to: ArrayBufferLike, at: number) => void }[] = [];
  /** Bytes of all constants, each at a multiple of 16. */
  constantBytes = 0;
  /** Set before any step is made. */
  constantBase = 0;
  /** Addresses of values; set before any step is made. */
  resolve: (id: ValueId) => number = () => 0;
  readonly #stored = new Map<ValueId, Address>();

  constructor(
    readonly graph: Graph,
    readonly settings: Settings,
  ) {}

  value(id: ValueId): Value {
    return this.graph.values[id]!;
  }

  /** Shape of an operand or result. */
  shape(id: ValueId): readonly number[] {
    return this.value(id).shape;
  }

  size(id: ValueId): number {
    return sizeOf(this.shape(id));
  }

  /** 4, or 1 for bool and uint8. */
  element(id: ValueId): number {
    const { dtype } = this.value(id);
    return dtype === 'bool' || dtype === 'uint8' ? 1 : 4;
  }

  /** The numbers of a constant operand; undefined where it is computed. */
  numbers(id: ValueId): TensorData | undefined {
    return this.value(id).constant?.values;
  }

  /** Address of any value. Constants are stored as they are, once. */
  address(id: ValueId): Address {
    const constant = this.value(id).constant;
    if (!constant) return () => this.resolve(id);
    let address = this.#stored.get(id);
    if (!address) {
      const element = this.element(id);
      address = this.constant(this.size(id) * element, (to, at) => {
        const { values } = constant;
        new (values.constructor as new (b: ArrayBufferLike, o: number, n: number) => TensorData)(to, at, values.length).set(
          values,
        );
      });
      this.#stored.set(id, address);
    }
    return address;
  }

  /** Reserves constant memory that `write` fills later; whole multiples of 16 bytes, zero at first. */
  constant(bytes: number, write: (to: ArrayBufferLike, at: number) => void): Address {
    const offset = this.constantBytes;
    const size = Math.ceil(bytes / 16) * 16;
    this.constants.push({
      bytes: size,
      write: (to, at) => {
        new Uint8Array(to, at, size).fill(0);
        write(to, at);
      },
    });
    this.constantBytes += size;
    return () => this.constantBase + offset;
  }

  /** A constant table of integers. */
  integers(values: readonly number[] | Int32Array): Address {
    return this.constant(values.length * 4, (to, at) => new Int32Array(to, at, values.length).set(values));
  }

  /** `count` zeros, shared by all who ask. */
  zeros(count: number): Address {
    this.#zeros.most = Math.max(this.#zeros.most, count);
    return () => this.#zeros.at();
  }
  readonly #zeros: { most: number; at: Address } = { most: 0, at: () => 0 };

  /** To be called once all nodes are lowered. */
  close(): void {
    this.#zeros.at = this.constant((this.#zeros.most + 16) * 4, () => {});
  }

  unsupported(node: Pick<Node, 'name' | 'op'>, found: string, wanted: string): ModelError {
    return new ModelError('unsupported-operator', { thing: `node "${node.name}" (${node.op}) on wasm`, found, wanted });
  }
}

/** Regions of a step's scratch, one behind another. */
export class Scratch {
  /** Bytes of all regions. */
  bytes = 0;

  /** Adds a region; gives where it starts. */
  reserve(bytes: number): number {
    const at = this.bytes;
    this.bytes += room(bytes);
    return at;
  }
}

/** Bytes rounded up so that the next region in the same scratch starts aligned, with room to read behind. */
export function room(bytes: number): number {
  return Math.ceil((bytes + OVERREAD) / 64) * 64;
}
