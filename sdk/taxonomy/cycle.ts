// Finds a cycle in a directed graph of numbered nodes. It knows nothing of labels.

/**
 * A cycle as the nodes on it, each once, in the direction of the edges; undefined where there is none. `next(i)` are the nodes that edges of
 * node i lead to, each from 0 to count - 1. Depth-first with a stack of its own: a chain of any length is fine. O(nodes + edges).
 */
export function findCycle(count: number, next: (node: number) => readonly number[]): number[] | undefined {
  /** 0 not seen, 1 on the path, 2 done. */
  const state = new Uint8Array(count);
  for (let start = 0; start < count; start++) {
    if (state[start]) continue;
    const path: { node: number; next: readonly number[]; at: number }[] = [{ node: start, next: next(start), at: 0 }];
    state[start] = 1;
    for (let top = path[0]; top; top = path[path.length - 1]) {
      const node = top.next[top.at++];
      if (node === undefined) {
        state[top.node] = 2;
        path.pop();
      } else if (state[node] === 1) {
        const nodes = path.map((step) => step.node);
        return nodes.slice(nodes.indexOf(node));
      } else if (!state[node]) {
        state[node] = 1;
        path.push({ node, next: next(node), at: 0 });
      }
    }
  }
  return undefined;
}
