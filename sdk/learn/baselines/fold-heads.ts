// UniDet's naive merge of weights (Table 5): the classification layers of a partitioned detector become one layer in a unified label space, offline.
import { ArgumentError, describe, LabelSpaceError } from '../../errors.js';
import { formatSpace, type LabelSpace } from '../../taxonomy/label-space.js';
import type { UnifiedLabelSpace } from '../../taxonomy/unified.js';

/** The last linear layer of one head: logits [K] = weight [K, C] x features [C] + bias [K]. A 1 x 1 convolution is the same. */
export interface LinearHead {
  /** Name of the data set in the unified label space. */
  readonly dataset: string;
  /** [K, C] row-major, or [K + 1, C] with the background as the last row. */
  readonly weight: ArrayLike<number>;
  /** [K] or [K + 1]; zeros where not given. */
  readonly bias?: ArrayLike<number> | undefined;
}

/** One layer for all. */
export interface FoldedHead {
  /** [U, C], or [U + 1, C] with the background as the last row. */
  readonly weight: Float32Array;
  /** [U] or [U + 1]. */
  readonly bias: Float32Array;
  /** U, or U + 1 with background. */
  readonly rows: number;
  /** C. */
  readonly features: number;
}

/**
 * Averages the rows of the labels behind each unified label, which is the same as averaging their logits:
 * logit_u = sum over members of logit / number of members. Background rows are averaged over all heads.
 *
 * @throws ArgumentError where sizes do not fit, LabelSpaceError `invalid-taxonomy` where a head is missing.
 */
export function foldHeads(heads: readonly LinearHead[], unified: UnifiedLabelSpace): FoldedHead {
  const spaces = unified.datasets;
  const bySpace = spaces.map((space) => {
    const own = heads.filter(({ dataset }) => dataset === space.name);
    if (own.length !== 1) {
      throw new LabelSpaceError('invalid-taxonomy', {
        thing: formatSpace(space),
        found: `${own.length} heads`,
        wanted: 'one head for each data set of the unified label space',
      });
    }
    return own[0]!;
  });
  let features: number | undefined;
  let background: boolean | undefined;
  bySpace.forEach((head, d) => {
    const { size, name } = spaces[d]!;
    const thing = `head of ${name}`;
    const rows = head.bias?.length ?? rowsOf(head.weight.length, size, features);
    const wide = rows === size + 1;
    if ((rows !== size && !wide) || head.weight.length % rows !== 0 || head.weight.length === 0) {
      throw new ArgumentError({
        thing,
        found: `${head.weight.length} weights and ${describe(head.bias?.length)} biases`,
        wanted: `[${size}, C], or [${size + 1}, C] with a background row`,
      });
    }
    const own = head.weight.length / rows;
    if ((features ?? own) !== own || (background ?? wide) !== wide) {
      throw new ArgumentError({
        thing,
        found: `${own} features ${wide ? 'with' : 'without'} background`,
        wanted: `${features} features ${background ? 'with' : 'without'} background, as the heads before`,
      });
    }
    features = own;
    background = wide;
  });
  const C = features!;
  const U = unified.size;
  const rows = U + (background ? 1 : 0);
  const sums = new Float64Array(rows * C);
  const biases = new Float64Array(rows);
  const counts = new Float64Array(rows);
  const add = (to: number, head: LinearHead, from: number): void => {
    for (let i = 0; i < C; i++) sums[to * C + i]! += head.weight[from * C + i]!;
    biases[to]! += head.bias?.[from] ?? 0;
    counts[to]!++;
  };
  bySpace.forEach((head, d) => {
    const space = spaces[d]!;
    for (let u = 0; u < U; u++) {
      const id = unified.labels[u]!.members[space.name];
      if (id !== undefined) add(u, head, space.byId(id).index);
    }
    if (background) add(U, head, space.size);
  });
  const weight = new Float32Array(rows * C);
  for (let u = 0; u < rows; u++) for (let i = 0; i < C; i++) weight[u * C + i] = sums[u * C + i]! / counts[u]!;
  return { weight, bias: Float32Array.from(biases, (sum, u) => sum / counts[u]!), rows, features: C };
}

/** Rows of a weight without bias: as many as there are labels, unless only one row more gives the number of features of the heads before. */
function rowsOf(length: number, size: number, features: number | undefined): number {
  if (features !== undefined && length === (size + 1) * features) return size + 1;
  return length % size === 0 ? size : size + 1;
}

/** The labels of each unified label as nodes of `spaces`, in the order of the unified labels. Data sets that are not there are left out. */
export function clustersOf(unified: UnifiedLabelSpace, spaces: readonly LabelSpace[]): number[][] {
  let start = 0;
  const starts = spaces.map(({ size }) => (start += size) - size);
  return unified.labels.map(({ members }) =>
    spaces.flatMap((space, d) => {
      const id = members[space.name];
      return id === undefined ? [] : [starts[d]! + space.byId(id).index];
    }),
  );
}
