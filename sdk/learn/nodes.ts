// Labels numbered through several data sets: node = start of the data set + position. Checks the list of data sets; no scores here.
import { describe, LearnError } from '../errors.js';
import { formatLabel, formatSpace, isLabelSpace, type Label, type LabelSpace } from '../taxonomy/label-space.js';

/** The labels of D data sets as nodes 0..L-1. */
export interface Nodes {
  /** The data sets, in order. */
  readonly spaces: readonly LabelSpace[];
  /** L, labels in all. */
  readonly count: number;
  /** [D + 1] first node of each data set, and L. */
  readonly starts: Int32Array;
  /** [L] position of the data set of each node. */
  readonly datasetOf: Int32Array;
}

/**
 * Numbers the labels of data sets. Throws LearnError `invalid-firings` where the list is empty, holds anything else than label spaces, or names a
 * data set twice.
 */
export function numberLabels(spaces: readonly LabelSpace[]): Nodes {
  if (!Array.isArray(spaces) || spaces.length === 0 || !spaces.every(isLabelSpace)) {
    throw new LearnError('invalid-firings', {
      thing: 'data sets',
      found: describe(spaces),
      wanted: 'an array of label spaces, one or more',
    });
  }
  const names = spaces.map(({ name }) => name);
  const twin = names.findIndex((name, d) => names.indexOf(name) !== d);
  if (twin >= 0) {
    throw new LearnError('invalid-firings', {
      thing: `data sets[${twin}]`,
      found: `${JSON.stringify(names[twin])} a second time`,
      wanted: 'each data set once, under a name of its own',
    });
  }
  const starts = new Int32Array(spaces.length + 1);
  spaces.forEach(({ size }, d) => (starts[d + 1] = starts[d]! + size));
  const count = starts[spaces.length]!;
  const datasetOf = new Int32Array(count);
  spaces.forEach((_, d) => datasetOf.fill(d, starts[d], starts[d + 1]));
  return { spaces: Object.freeze([...spaces]), count, starts, datasetOf };
}

/** The label behind a node. */
export function labelOfNode({ spaces, starts, datasetOf }: Nodes, node: number): Label {
  const d = datasetOf[node]!;
  return spaces[d]!.labels[node - starts[d]!]!;
}

/** How messages name a node: `"sofa" (id 18) of label space "voc"`. */
export function formatNode(nodes: Nodes, node: number): string {
  return `${formatLabel(labelOfNode(nodes, node))} of ${formatSpace(nodes.spaces[nodes.datasetOf[node]!]!)}`;
}

/**
 * Checks the members of a merge: nodes, ascending order is made, at most one label of a data set. Throws LearnError `invalid-columns`.
 */
export function checkMembers(nodes: Nodes, members: readonly number[]): number[] {
  const sorted = [...members].sort((a, b) => a - b);
  sorted.forEach((node, i) => {
    if (!Number.isInteger(node) || node < 0 || node >= nodes.count) {
      throw new LearnError('invalid-columns', {
        thing: 'members of a merge',
        found: describe(node),
        wanted: `nodes from 0 to ${nodes.count - 1}`,
      });
    }
    const before = sorted[i - 1];
    if (before !== undefined && nodes.datasetOf[before] === nodes.datasetOf[node]) {
      throw new LearnError('invalid-columns', {
        thing: 'members of a merge',
        found: `${formatNode(nodes, before)} and ${formatNode(nodes, node)}`,
        wanted: 'at most one label of a data set',
      });
    }
  });
  return sorted;
}
