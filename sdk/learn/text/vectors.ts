// Language as a loss: how far apart the vectors of two names point, or whether names are the same. It makes no vectors itself.
import { ArgumentError, describe, LearnError } from '../../errors.js';
import { formatSpace, type LabelSpace } from '../../taxonomy/label-space.js';
import type { EmbeddedSpace } from '../../taxonomy/merge/index.js';
import type { Loss } from '../costs/loss.js';
import { type Nodes, numberLabels } from '../nodes.js';

/** Options of {@link languageLoss}. */
export interface LanguageOptions {
  /** Pairs that are further apart (1 - cosine) are no candidates by language alone; they still have a cost. Default 0.05, a good value for CLIP. */
  readonly most?: number | undefined;
  /** What 1 - cosine is divided by, so that distances of this encoder compare with other losses; 1 is the most it gives then. Default 1: plain. */
  readonly scale?: number | undefined;
}

/** (n - 1) times the mean of `distance` over the pairs of members of which it says something. */
function meanOfPairs(members: readonly number[], distance: (a: number, b: number) => number): number {
  let sum = 0;
  let known = 0;
  for (let i = 0; i < members.length; i++) {
    for (let j = i + 1; j < members.length; j++) {
      const value = distance(members[i]!, members[j]!);
      if (Number.isNaN(value)) continue;
      sum += value;
      known++;
    }
  }
  return known > 0 ? ((members.length - 1) * sum) / known : Number.NaN;
}

/**
 * The language loss of vectors that a text encoder gave: two labels are 1 - cosine apart, n labels cost (n - 1) times the mean of their pairs. Data sets
 * without vectors, and rows of zeros, say nothing (NaN).
 *
 * @throws ArgumentError, LearnError `invalid-columns` for vectors that do not fit.
 */
export function languageLoss(
  spaces: readonly LabelSpace[],
  embedded: readonly EmbeddedSpace[],
  options: LanguageOptions = {},
): Loss {
  const nodes = numberLabels(spaces);
  const { most = 0.05, scale = 1 } = options;
  if (!(typeof most === 'number' && most >= 0)) {
    throw new ArgumentError({ thing: 'most', found: describe(most), wanted: 'a distance, at least 0' });
  }
  if (!(typeof scale === 'number' && scale > 0)) {
    throw new ArgumentError({ thing: 'scale', found: describe(scale), wanted: 'a number above 0' });
  }
  const rows: (Float64Array | undefined)[] = Array.from({ length: nodes.count });
  let width: number | undefined;
  for (const { space, vectors } of embedded) {
    const d = spaces.findIndex(({ name }) => name === space.name);
    const thing = `vectors of ${formatSpace(space)}`;
    const bad = (found: string, wanted: string): LearnError => new LearnError('invalid-columns', { thing, found, wanted });
    if (d < 0) throw bad('another data set', `one of ${spaces.map(({ name }) => name).join(', ')}`);
    if (spaces[d]!.size !== space.size || vectors.length === 0 || vectors.length % space.size !== 0) {
      throw bad(`${vectors.length} numbers`, `[${spaces[d]!.size}, D]: a row for each label`);
    }
    const own = vectors.length / space.size;
    width ??= own;
    if (own !== width) throw bad(`rows of ${own}`, `rows of ${width}, as those before`);
    for (let k = 0; k < space.size; k++) {
      const row = Float64Array.from({ length: own }, (_, i) => vectors[k * own + i]!);
      let sum = 0;
      for (const value of row) sum += value * value;
      if (!Number.isFinite(sum)) throw bad(`a number that is not finite in row ${k}`, 'finite numbers');
      if (sum > 0) rows[nodes.starts[d]! + k] = row.map((value) => value / Math.sqrt(sum));
    }
  }
  const distance = (a: number, b: number): number => {
    const [x, y] = [rows[a], rows[b]];
    if (!x || !y) return Number.NaN;
    let dot = 0;
    for (let i = 0; i < x.length; i++) dot += x[i]! * y[i]!;
    return Math.max(0, 1 - dot);
  };
  return {
    name: 'language',
    nodes,
    pairs: () => pairsBelow(nodes, distance, most),
    cost: (members) => ({ cost: meanOfPairs(members, (a, b) => Math.min(1, distance(a, b) / scale)) }),
  };
}

function pairsBelow(nodes: Nodes, distance: (a: number, b: number) => number, most: number): [number, number][] {
  const pairs: [number, number][] = [];
  for (let a = 0; a < nodes.count; a++) {
    for (let b = nodes.starts[nodes.datasetOf[a]! + 1]!; b < nodes.count; b++) if (distance(a, b) <= most) pairs.push([a, b]);
  }
  return pairs;
}
