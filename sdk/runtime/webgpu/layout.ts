// Lowers a graph and decides where everything lies: banks of intermediate values, constants, uniform blocks. It makes no buffer.
import { DeviceError, InternalError } from '../../errors.js';
import type { Graph, Node, ValueId } from '../../ir/graph.js';
import { formatShape, sizeOf } from '../../tensor/shape.js';
import { planMemory, type MemoryPlan, type SharedBank } from '../memory-plan.js';
import type { Gpu } from './gpu.js';
import type { Scalar } from './kernels.js';
import {
  deviceElementBytes,
  packFloats,
  type Binding,
  type DeviceLimits,
  type Dispatch,
  type LowerContext,
} from './lower/context.js';
import { lower, wideValues } from './lower/index.js';
import type { Tuning } from './tune.js';

/** What a binding is bound to. */
export type Bound =
  /** A value, by its root in the plan, or the scratch of a node (an id behind the graph's values). */
  | { kind: 'place'; id: ValueId; bytes: number }
  /** Constants by key. */
  | { kind: 'constant'; key: string }
  /** A block of the uniform buffer. */
  | { kind: 'uniform'; block: number }
  /** Pixels of an image input. */
  | { kind: 'image'; value: ValueId }
  /** Size and place of the frame of an image input. */
  | { kind: 'frame'; value: ValueId };

export interface LaidDispatch {
  dispatch: Dispatch;
  /** Index of the graph's node it belongs to. */
  node: number;
  bound: readonly Bound[];
}

export interface Layout {
  readonly graph: Graph;
  readonly scalar: Scalar;
  readonly dispatches: readonly LaidDispatch[];
  readonly plan: MemoryPlan;
  /** Numbers of constants by key; each is called once. */
  readonly constants: ReadonlyMap<string, () => ArrayBufferView>;
  /** Distinct uniform blocks. */
  readonly uniforms: readonly Uint8Array[];
  /** True for float values that are stored as float32 whatever `scalar` is. */
  wide(value: ValueId): boolean;
  /** Bytes of a value on the device, whole multiples of 16. */
  bytes(value: ValueId): number;
}

/** Every range that is bound is a whole number of vec4<u32>. */
const ROUND = 16;

const roundUp = (n: number, to: number): number => Math.ceil(n / to) * to;

/** What lowerings may know of a graph on a device. */
export function lowerContext(gpu: Gpu, graph: Graph, scalar: Scalar, tuning: Tuning): LowerContext {
  return {
    graph,
    scalar,
    tuning,
    limits: gpu.facts.limits,
    features: gpu.features,
    shape: (id) => graph.values[id]!.shape,
    dtype: (id) => graph.values[id]!.dtype,
    constant: (id) => graph.values[id]!.constant?.values,
  };
}

/** The dispatches of a graph, node by node; gives way between two nodes when `breathe` says so. */
export async function lowerGraph(
  context: LowerContext,
  breathe: (done: number) => Promise<void> | undefined,
): Promise<{ dispatch: Dispatch; node: number }[]> {
  const { graph } = context;
  const dispatches: { dispatch: Dispatch; node: number }[] = [];
  for (const [i, node] of graph.nodes.entries()) {
    // Results without elements need no work.
    if (!node.outputs.every((id) => sizeOf(graph.values[id]!.shape) === 0)) {
      for (const dispatch of lower(context, node)) dispatches.push({ dispatch, node: i });
    }
    await breathe(i);
  }
  return dispatches;
}

/**
 * Plans memory. `linked` are inputs that lie in the memory of a base graph, `shared` is that memory.
 * Throws DeviceError `out-of-memory` with numbers where a tensor is larger than the device can bind, or all of them together than `memoryLimit`.
 */
export function layOut(
  gpu: Gpu,
  context: LowerContext,
  lowered: readonly { dispatch: Dispatch; node: number }[],
  linked: ReadonlySet<ValueId>,
  shared: readonly SharedBank[],
  memoryLimit: number,
): Layout {
  const { graph, scalar, limits } = context;
  const wideIds = wideValues(graph);
  const scalarOf = (id: ValueId): Scalar => (wideIds.has(id) ? 'f32' : scalar);
  const sizes = graph.values.map(({ image, dtype, shape }, id) =>
    image ? 0 : Math.max(ROUND, roundUp(sizeOf(shape) * deviceElementBytes(dtype, scalarOf(id)), ROUND)),
  );
  const values = [...graph.values];
  const scratches = new Map<string, ValueId>();
  const constants = new Map<string, () => ArrayBufferView>();
  const uniforms: Uint8Array[] = [];
  const blocks = new Map<string, number>();

  const scratch = (node: number, key: string, bytes: number): ValueId => {
    const name = `${node}/${key}`;
    let id = scratches.get(name);
    if (id === undefined) {
      id = values.length;
      scratches.set(name, id);
      values.push({ name: `scratch ${name}`, dtype: 'uint8', shape: [bytes] });
      sizes.push(0);
    }
    sizes[id] = Math.max(sizes[id]!, roundUp(bytes, ROUND));
    return id;
  };
  const uniform = (data: Uint32Array | ArrayBuffer): number => {
    const bytes = ArrayBuffer.isView(data) ? new Uint8Array(data.buffer, data.byteOffset, data.byteLength) : new Uint8Array(data);
    const key = String(bytes);
    let block = blocks.get(key);
    if (block === undefined) {
      blocks.set(key, (block = uniforms.length));
      const padded = new Uint8Array(roundUp(bytes.length, ROUND));
      padded.set(bytes);
      uniforms.push(padded);
    }
    return block;
  };
  const constantOf = new Map<ValueId, ValueId>();
  // A reshape of a constant is that constant.
  for (const node of graph.nodes) {
    const [from] = node.inputs;
    if (node.op !== 'reshape') continue;
    const root = constantOf.get(from!) ?? from!;
    if (graph.values[root]!.constant) constantOf.set(node.outputs[0]!, root);
  }
  const bind = (binding: Binding, node: number): Bound => {
    switch (binding.kind) {
      case 'value': {
        const id = constantOf.get(binding.value) ?? binding.value;
        const value = graph.values[id]!;
        if (!value.constant) return { kind: 'place', id, bytes: sizes[id]! };
        const key = `=${value.name}`;
        constants.set(key, () => deviceConstant(graph, id, scalarOf(id)));
        return { kind: 'constant', key };
      }
      case 'packed':
        if (!constants.has(binding.key)) constants.set(binding.key, binding.data);
        return { kind: 'constant', key: binding.key };
      case 'scratch': {
        const id = scratch(node, binding.key, binding.bytes);
        return { kind: 'place', id, bytes: roundUp(binding.bytes, ROUND) };
      }
      case 'uniform':
        return { kind: 'uniform', block: uniform(binding.data) };
      default:
        return { kind: binding.kind, value: binding.value };
    }
  };

  const dispatches = lowered.map(({ dispatch, node }): LaidDispatch => {
    checkDispatch(gpu, dispatch, graph.nodes[node]!, limits);
    return { dispatch, node, bound: dispatch.bindings.map((binding) => bind(binding, node)) };
  });

  // The planner sees dispatches as nodes and scratch as values: lifetimes end with the last dispatch that reads.
  const steps: Node[] = [];
  let next = 0;
  for (const [i, node] of graph.nodes.entries()) {
    if (node.op === 'reshape') steps.push(node);
    for (; dispatches[next]?.node === i; next++) {
      const { dispatch, bound } = dispatches[next]!;
      const accesses = gpu.accesses(dispatch.kernel);
      const ids = (access: string): ValueId[] =>
        bound.flatMap((to, at) => (to.kind === 'place' && accesses[at] === access ? [to.id] : []));
      steps.push({
        op: 'activation',
        name: node.name,
        inputs: ids('read'),
        outputs: ids('write'),
        attributes: {},
      } as unknown as Node);
    }
  }
  const plan = planMemory(
    { values, nodes: steps, inputs: graph.inputs, outputs: graph.outputs },
    {
      bytes: (id) => sizes[id]!,
      external: (id) => values[id]!.constant !== undefined || values[id]!.image === true || linked.has(id),
      alignment: Math.max(ROUND, gpu.device.limits.minStorageBufferOffsetAlignment),
      banks: { capacity: limits.maxBufferSize, shared },
    },
  );
  for (const [id, value] of values.entries()) {
    if (sizes[id]! <= limits.maxStorageBufferBindingSize || value.constant) continue;
    throw tooLarge(
      `value "${value.name}" ${formatShape(value.shape)}`,
      `${sizes[id]} bytes`,
      `at most ${limits.maxStorageBufferBindingSize}, the largest binding of ${gpu.facts.name}`,
    );
  }
  if (plan.size > memoryLimit) {
    throw tooLarge(
      `graph of ${graph.nodes.length} nodes`,
      `${plan.size} bytes for intermediate values`,
      `at most ${memoryLimit} (memoryLimit)`,
    );
  }
  const wide = (id: ValueId): boolean => scalar === 'f16' && wideIds.has(id);
  return { graph, scalar, dispatches, plan, constants, uniforms, wide, bytes: (id) => sizes[id]! };
}

export function tooLarge(thing: string, found: string, wanted: string): DeviceError {
  const next = 'Use a smaller input size, precision "f16", or device: "wasm".';
  return new DeviceError('out-of-memory', { thing: `${thing} on webgpu`, found, wanted, next });
}

/** A constant as kernels read it: floats in the storage precision, one word for every bool and byte. */
export function deviceConstant(graph: Graph, id: ValueId, scalar: Scalar): ArrayBufferView {
  const { values } = graph.values[id]!.constant!;
  if (values instanceof Float32Array) return packFloats(values, scalar);
  return values instanceof Int32Array ? values : Uint32Array.from(values);
}

/** A lowering that breaks the contract is found here, not by the driver. */
function checkDispatch(gpu: Gpu, dispatch: Dispatch, node: Node, limits: DeviceLimits): void {
  const { kernel, bindings, workgroups } = dispatch;
  const fail = (found: string, wanted: string): never => {
    throw new InternalError(`kernel "${kernel}" for node "${node.name}" (${node.op})`, found, wanted);
  };
  const accesses = gpu.accesses(kernel);
  if (accesses.length !== bindings.length) fail(`${bindings.length} bindings`, `${accesses.length}`);
  for (const [i, { kind }] of bindings.entries()) {
    const access = accesses[i]!;
    const uniform = kind === 'uniform' || kind === 'frame';
    if (uniform !== (access === 'uniform') || access === 'texture')
      fail(`a ${kind} at binding ${i}`, `what its WGSL declares (${access})`);
    if ((kind === 'packed' || kind === 'image') && access === 'write')
      fail(`binding ${i} written`, 'constants and images read only');
  }
  const most = limits.maxComputeWorkgroupsPerDimension;
  if (workgroups.some((n) => !Number.isInteger(n) || n < 1 || n > most))
    fail(`workgroups ${workgroups.join(' x ')}`, `1 to ${most} each`);
}
