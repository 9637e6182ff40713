// Places the intermediate values of a graph by their lifetimes, in one arena or in banks. Knows sizes and nodes, no device and no addresses of constants.
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
  /**
   * Several arenas in place of one, each at most `capacity` bytes, such that no node reads and writes the same one: WebGPU forbids a buffer
   * that is read and written in one dispatch, whatever the ranges. Not together with `scratch` and `inPlace`. Default: one arena.
   */
  banks?: { capacity: number; shared?: readonly SharedBank[] };
}

/** An arena of a program that has run before this one: what it does not keep may be overwritten, but by graph inputs, which are written before both run. */
export interface SharedBank {
  size: number;
  /** What is kept; `id` where this graph reads it. */
  taken: readonly { offset: number; bytes: number; id?: ValueId | undefined }[];
}

export interface MemoryPlan {
  /** Bytes of all arenas together, shared ones left out. */
  size: number;
  /** Bytes of each arena: one, or one a bank; shared banks come first, with 0. */
  sizes: number[];
  /** For each value the arena it lies in; 0 where there is only one. */
  banks: Int32Array;
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
  /** Roots that must lie in other banks. */
  apart: ReadonlySet<ValueId> | undefined;
  /** The value, -1 for scratch. */
  id: ValueId;
  place(offset: number, bank: number): void;
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
  const banks = new Int32Array(values.length);
  const apart = options.banks && apartOf(graph, roots);
  const intervals: Interval[] = [];
  for (const id of values.keys()) {
    if (roots[id] !== id || options.external(id) || last[id] === -Infinity) continue;
    const place = (offset: number, bank: number): void => {
      offsets[id] = offset;
      banks[id] = bank;
    };
    const bytes = align(options.bytes(id));
    intervals.push({ bytes, from: first[id]!, to: last[id]!, offset: -1, apart: apart?.get(id), id, place });
  }
  for (const i of nodes.keys()) {
    const bytes = align(options.scratch?.(i) ?? 0);
    const place = (offset: number): void => void (scratch[i] = offset);
    if (bytes > 0) intervals.push({ bytes, from: i, to: i, offset: -1, apart: undefined, id: -1, place });
  }
  // What follows a kept range starts at a whole multiple, too.
  const shared = options.banks?.shared?.map(({ size, taken }) => {
    return { size, taken: taken.map((kept) => ({ ...kept, bytes: align(kept.offset + kept.bytes) - kept.offset })) };
  });
  const sizes = placeAll(intervals, options.banks && { ...options.banks, ...(shared && { shared }) });
  for (const id of values.keys()) {
    offsets[id] = offsets[roots[id]!]!;
    banks[id] = banks[roots[id]!]!;
  }
  return { size: sizes.reduce((sum, size) => sum + size, 0), sizes, banks, offsets, roots, scratch };
}

/** For each root the roots that some node reads where it writes this one, or the other way round. */
function apartOf(graph: Graph, roots: Int32Array): Map<ValueId, Set<ValueId>> {
  const apart = new Map<ValueId, Set<ValueId>>();
  const add = (a: ValueId, b: ValueId): void => {
    if (!apart.has(a)) apart.set(a, new Set());
    apart.get(a)!.add(b);
  };
  for (const node of graph.nodes) {
    if (node.op === 'reshape') continue;
    for (const input of node.inputs) {
      if (input === NONE) continue;
      for (const output of node.outputs) {
        const [a, b] = [roots[input]!, roots[output]!];
        add(a, b);
        add(b, a);
      }
    }
  }
  return apart;
}

interface Bank {
  size: number;
  /** Most bytes. */
  limit: number;
  shared: boolean;
  /** Sorted by offset. */
  placed: Interval[];
  ids: Set<ValueId>;
}

function sharedBank({ size, taken }: SharedBank): Bank {
  const placed = taken.map(({ offset, bytes, id = -1 }): Interval => {
    return { bytes, offset, from: -Infinity, to: Infinity, apart: undefined, id, place: () => undefined };
  });
  placed.sort((a, b) => a.offset - b.offset);
  return { size, limit: size, shared: true, placed, ids: new Set(placed.map(({ id }) => id)) };
}

/** Orders that are tried for banks: by size, and by sizes that are a little untrue, the same in every run. */
const ORDERS = 24;

/** Places every interval and gives the bytes of each bank: for one arena by size; for banks the best of several orders. */
function placeAll(intervals: readonly Interval[], banks: PlanOptions['banks']): number[] {
  const total = (sizes: readonly number[]): number => sizes.reduce((sum, size) => sum + size, 0);
  let best: Packed | undefined;
  // Park and Miller's generator, "Random number generators: good ones are hard to find", 1988.
  let state = 1;
  const random = (): number => (state = (state * 48_271) % 2_147_483_647) / 2_147_483_647;
  for (let i = 0; i < (banks ? ORDERS : 1); i++) {
    const weight = new Map(intervals.map((item) => [item, i === 0 ? item.bytes : item.bytes * (0.5 + random())]));
    const order = [...intervals].sort((a, b) => weight.get(b)! - weight.get(a)! || a.from - b.from);
    const packed = pack(order, banks?.capacity ?? Infinity, banks?.shared ?? []);
    if (!best || total(packed.sizes) < total(best.sizes)) best = packed;
  }
  for (const [item, { offset, bank }] of best!.places) item.place(offset, bank);
  return best!.sizes;
}

interface Packed {
  /** Bytes of each bank. */
  sizes: number[];
  places: Map<Interval, { offset: number; bank: number }>;
}

/** Places intervals in the given order. */
function pack(order: readonly Interval[], capacity: number, shared: readonly SharedBank[]): Packed {
  const places: Packed['places'] = new Map();
  const fresh = (): Bank => ({ size: 0, limit: capacity, shared: false, placed: [], ids: new Set() });
  const banks: Bank[] = shared.length > 0 ? shared.map(sharedBank) : [fresh()];
  for (const item of order) {
    // The bank that grows least; among equals the first, and a new one only where no other will do.
    let best = -1;
    let at = 0;
    let growth = Infinity;
    for (const [i, bank] of banks.entries()) {
      if ((item.apart && overlaps(item.apart, bank.ids)) || (bank.shared && item.from < 0)) continue;
      const offset = lowestGap(bank.placed, item);
      const grown = Math.max(0, offset + item.bytes - bank.size);
      // An item that is larger than a bank may be still gets one of its own: its owner says what is wrong with it.
      if (grown >= growth || ((offset > 0 || bank.shared) && offset + item.bytes > bank.limit)) continue;
      [best, at, growth] = [i, offset, grown];
    }
    if (best < 0) {
      banks.push(fresh());
      [best, at] = [banks.length - 1, 0];
    }
    const bank = banks[best]!;
    item.offset = at;
    places.set(item, { offset: at, bank: best });
    bank.size = Math.max(bank.size, at + item.bytes);
    bank.ids.add(item.id);
    let index = bank.placed.length;
    while (index > 0 && bank.placed[index - 1]!.offset > at) index--;
    bank.placed.splice(index, 0, item);
  }
  return { sizes: banks.map(({ size, shared: isShared }) => (isShared ? 0 : size)), places };
}

function overlaps(some: ReadonlySet<ValueId>, others: ReadonlySet<ValueId>): boolean {
  for (const id of some) if (others.has(id)) return true;
  return false;
}

/** The lowest offset where the item meets no other that lives at the same time. */
function lowestGap(placed: readonly Interval[], item: Interval): number {
  let offset = 0;
  for (const other of placed) {
    if (other.to < item.from || other.from > item.to) continue;
    if (other.offset >= offset + item.bytes) break;
    offset = Math.max(offset, other.offset + other.bytes);
  }
  return offset;
}
