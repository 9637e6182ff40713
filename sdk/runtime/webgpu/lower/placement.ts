// Concat without copies: which results are written where they stand in a concat's result. The plan of memory is made elsewhere.
import type { Graph, ValueId } from '../../../ir/graph.js';

/** Where the channels of a result go: into `value`, whose pixels have `pitch` channels, from channel `offset` on. */
export interface Placement {
  readonly value: ValueId;
  readonly pitch: number;
  readonly offset: number;
}

/** Operators whose kernels can leave room between the pixels of their result. */
const placing: ReadonlySet<string> = new Set(['conv2d', 'depthwise_conv2d']);

const placements = new WeakMap<Graph, ReadonlyMap<ValueId, Placement>>();

/**
 * Where the result `id` of a convolution is written: into its part of a concat over channels, if that is all that reads it and channels come in
 * fours, else into memory of its own. The concat then has nothing left to do for this operand: {@link isPlaced}.
 */
export function placementOf(graph: Graph, id: ValueId): Placement {
  const found = placed(graph).get(id);
  if (found) return found;
  const channels = graph.values[id]!.shape.at(-1)!;
  return { value: id, pitch: channels, offset: 0 };
}

/** Whether an operand of a concat stands in the concat's result already. */
export function isPlaced(graph: Graph, id: ValueId): boolean {
  return placed(graph).has(id);
}

function placed(graph: Graph): ReadonlyMap<ValueId, Placement> {
  const known = placements.get(graph);
  if (known) return known;
  const found = new Map<ValueId, Placement>();
  const readers = new Map<ValueId, number>();
  for (const id of [...graph.nodes.flatMap(({ inputs }) => inputs), ...graph.outputs])
    readers.set(id, (readers.get(id) ?? 0) + 1);
  const makers = new Map(graph.nodes.flatMap(({ op, outputs }) => outputs.map((id) => [id, op] as const)));
  for (const node of graph.nodes) {
    if (node.op !== 'concat') continue;
    const result = node.outputs[0]!;
    const { shape } = graph.values[result]!;
    const pitch = shape.at(-1)!;
    if (node.attributes.axis !== shape.length - 1 || pitch % 4 !== 0) continue;
    let offset = 0;
    for (const id of node.inputs) {
      const channels = graph.values[id]!.shape.at(-1)!;
      const fours = channels % 4 === 0 && offset % 4 === 0;
      if (fours && readers.get(id) === 1 && placing.has(makers.get(id) ?? '')) found.set(id, { value: result, pitch, offset });
      offset += channels;
    }
  }
  placements.set(graph, found);
  return found;
}
