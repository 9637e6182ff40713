// The order in which an importer takes the nodes of a file: every needed one after those it reads.
import type { ModelError } from '../errors.js';

/**
 * Depth first with an own stack: graphs are thousands of nodes deep.
 *
 * @param wanted the nodes that give the outputs, with the outputs' names
 * @param sourcesOf the nodes that a node reads, the last one first
 * @param cycle the error for a node that reads, by others or itself, one that reads it
 */
export function executionOrder<N>(
  wanted: Iterable<{ readonly node: N; readonly neededFor: string }>,
  sourcesOf: (node: N) => Iterable<N>,
  cycle: (neededFor: string, source: N, node: N) => ModelError,
): { node: N; neededFor: string }[] {
  const order: { node: N; neededFor: string }[] = [];
  const state = new Map<N, 'open' | 'done'>();
  for (const { node: first, neededFor } of wanted) {
    const stack = [{ node: first, leave: false }];
    while (stack.length > 0) {
      const { node, leave } = stack.pop()!;
      if (leave) {
        state.set(node, 'done');
        order.push({ node, neededFor });
        continue;
      }
      if (state.has(node)) continue;
      state.set(node, 'open');
      stack.push({ node, leave: true });
      for (const source of sourcesOf(node)) {
        // A node stays open while its descendants are visited: meeting an open one closes a cycle.
        if (state.get(source) === 'open') throw cycle(neededFor, source, node);
        stack.push({ node: source, leave: false });
      }
    }
  }
  return order;
}
