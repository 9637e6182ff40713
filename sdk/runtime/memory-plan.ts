// Places the intermediate values of a graph in one arena by their lifetimes. Knows sizes and nodes, no device and no addresses of constants.
import type { Graph, ValueId } from '../ir/graph.js';
import { NONE } from '../ir/operators.js';

export interface PlanOptions {
  /** Bytes that a value takes, with whatever padding the device wants. */
  bytes(value: ValueId): number;
  /** True for values that live elsewhere: constants, images, values of a base graph. They are never placed or overwritten. */
  external(value: ValueId): boolean;
  /** Bytes that node `index` needs only while it runs. Default 0. */
  scratch?(index: number): number;
  /**
   * Operand positions of node `index` whose memory its first result may take over, because each element is read before it is written. Default none.
   * The planner does it only where the operand is not needed afterwards.
   */
  inPlace?(index: number): readonly number[];
  /** Every place starts at a multiple of this many bytes. A power of two; default 16. */
  alignment?: number;
}

export interface MemoryPlan {
  /** Bytes of the whole arena. */
  size: number;
  /** For each value the byte offset in the arena; -1 where its memory is external or it is never used. */
  offsets: Float64Array;
  /** For each value the value whose memory it shares (itself, mostly): reshapes and results in place. An external root is an alias of that value. */
  roots: Int32Array;
  /** For each node the byte offset of its scratch; -1 without. */
  scratch: Float64Array;
}

/** A place in memory and time. `to` is the last node index (inclusive) that needs it. */
interface Interval {
  bytes: number;
  from: number;
  to: number;
  offset: number;
  place(offset: number): void;
}

/**
 * Plans by size: the largest interval first, each at the lowest gap among the placed ones that live at the same time
 * (Pisarchyk and Lee, "Efficient Memory Management for Deep Neural Net Inference", 2020, greedy by size). Graph inputs live from the start and
 * outputs to the end; a reshape shares the memory of its operand.
 */
export function planMemory(graph: Graph, options: PlanOptions): MemoryPlan {
  const { values, nodes } = graph;
  const alignment = options.alignment ?? 16;
  const align = (n: number): number => Math.ceil(n / alignment) * alignment;
  const end = nodes.length;
  const roots = Int32Array.from(values.keys());
  const root = (id: ValueId): ValueId => {
    while (roots[id] !== id) id = roots[id]!;
    return id;
  };
  for (const node of nodes) if (node.op === 'reshape') roots[node.outputs[0]!] = root(node.inputs[0]!);

  // First and last node index that touches each root.
  const first = new Float64Array(values.length).fill(Infinity);
  const last = new Float64Array(values.length).fill(-Infinity);
  const touch = (id: ValueId, at: number): void => {
    const r = root(id);
    first[r] = Math.min(first[r]!, at);
    last[r] = Math.max(last[r]!, at);
  };
  for (const id of graph.inputs) touch(id, -1);
  for (const [i, node] of nodes.entries()) {
    for (const id of node.inputs) if (id !== NONE) touch(id, i);
    for (const id of node.outputs) touch(id, i);
  }
  for (const id of graph.outputs) touch(id, end);

  for (const [i, node] of nodes.entries()) {
    if (node.op === 'reshape') continue;
    const result = root(node.outputs[0]!);
    for (const position of options.inPlace?.(i) ?? []) {
      const operand = node.inputs[position];
      if (operand === undefined || operand === NONE) continue;
      const place = root(operand);
      const shared = node.inputs.filter((id) => id !== NONE && root(id) === place).length > 1;
      if (shared || place === result || options.external(place) || options.external(result)) continue;
      if (last[place] !== i || first[result] !== i || options.bytes(place) !== options.bytes(result)) continue;
      roots[result] = place;
      last[place] = last[result]!;
      break;
    }
  }
  for (const id of values.keys()) roots[id] = root(id);

  const offsets = new Float64Array(values.length).fill(-1);
  const scratch = new Float64Array(nodes.length).fill(-1);
  const intervals: Interval[] = [];
  for (const id of values.keys()) {
    if (roots[id] !== id || options.external(id) || last[id] === -Infinity) continue;
    const place = (offset: number): void => void (offsets[id] = offset);
    intervals.push({ bytes: align(options.bytes(id)), from: first[id]!, to: last[id]!, offset: -1, place });
  }
  for (const i of nodes.keys()) {
    const bytes = align(options.scratch?.(i) ?? 0);
    if (bytes > 0) intervals.push({ bytes, from: i, to: i, offset: -1, place: (offset) => void (scratch[i] = offset) });
  }
  const size = pack(intervals);
  for (const id of values.keys()) offsets[id] = offsets[roots[id]!]!;
  return { size, offsets, roots, scratch };
}

function pack(intervals: Interval[]): number {
  let size = 0;
  const placed: Interval[] = [];
  for (const item of [...intervals].sort((a, b) => b.bytes - a.bytes || a.from - b.from)) {
    let offset = 0;
    // `placed` is sorted by offset, so that the first gap that is wide enough is the lowest.
    for (const other of placed) {
      if (other.to < item.from || other.from > item.to) continue;
      if (other.offset >= offset + item.bytes) break;
      offset = Math.max(offset, other.offset + other.bytes);
    }
    item.offset = offset;
    item.place(offset);
    size = Math.max(size, offset + item.bytes);
    let at = placed.length;
    while (at > 0 && placed[at - 1]!.offset > offset) at--;
    placed.splice(at, 0, item);
  }
  return size;
}
