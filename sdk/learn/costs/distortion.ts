// UniDet's unsupervised loss (Eq. 9): how far the scores of each member are from the merged ones, box by box. No ground truth is looked at.
import { ArgumentError, describe, LearnError } from '../../errors.js';
import type { Firings } from '../firings/firings.js';
import type { LongOptions } from './ap-loss.js';
import type { Loss } from './loss.js';

/** Options of {@link distortionLoss}. */
export interface DistortionOptions {
  /** Scores below count as 0. Default 0. Dense firings of many heads want 0.01 or so: time goes with the square of the scores a box has. */
  readonly minScore?: number | undefined;
  /**
   * False (default): the mean over all boxes, as Eq. 9 within Eq. 7. True: divided by the mean square of the label's own scores, so that rare labels do not
   * come for nothing; two labels that never fire together then cost 1/4 + 1/4 plus what the scores of the other add.
   */
  readonly relative?: boolean | undefined;
  /** Least cosine of the scores of two labels to be a pair at all. Default 0: they fire on a box in common. */
  readonly leastCosine?: number | undefined;
}

/**
 * The distortion loss: L_c = mean over boxes of (d_c - mean over members m of d_m)^2, summed over the members c. Boxes of one proposal are one box, each
 * label with its best score there. Exact for sets of any size from the sums of products of pairs, which are computed once.
 *
 * @throws ArgumentError, LearnError `invalid-firings` where there is no box, or `signal.reason`.
 */
export async function distortionLoss(firings: Firings, options: DistortionOptions = {}, long: LongOptions = {}): Promise<Loss> {
  const { minScore = 0, relative = false, leastCosine = 0 } = options;
  for (const [thing, value] of Object.entries({ minScore, leastCosine })) {
    if (!(typeof value === 'number' && value >= 0 && value <= 1)) {
      throw new ArgumentError({ thing, found: describe(value), wanted: 'a number from 0 to 1' });
    }
  }
  const { count: L, datasetOf, boxStarts, scoreStarts, scoreLabels, scores, proposals } = firings;
  const N = boxStarts.length - 1;
  const squares = new Float64Array(L);
  const products = new Map<number, number>();
  let boxes = 0;
  const best = new Map<number, number>();
  /** Rows of one image by proposal. */
  const order: number[] = [];
  let last = performance.now();
  for (let i = 0; i < N; i++) {
    if (i % 256 === 0 && performance.now() - last > 50) {
      long.onProgress?.({ phase: 'distortion', done: i, total: N });
      await new Promise((resolve) => setTimeout(resolve, 0));
      long.signal?.throwIfAborted();
      last = performance.now();
    }
    order.length = 0;
    for (let p = boxStarts[i]!; p < boxStarts[i + 1]!; p++) order.push(p);
    if (proposals) order.sort((x, y) => proposals[x]! - proposals[y]! || x - y);
    for (let k = 0; k < order.length;) {
      best.clear();
      const first = order[k]!;
      do {
        const p = order[k]!;
        for (let e = scoreStarts[p]!; e < scoreStarts[p + 1]!; e++) {
          const score = scores[e]!;
          if (score < minScore) continue;
          const label = scoreLabels[e]!;
          if (score > (best.get(label) ?? 0)) best.set(label, score);
        }
        k++;
      } while (proposals && k < order.length && proposals[order[k]!] === proposals[first]);
      boxes++;
      const fired = [...best];
      for (let x = 0; x < fired.length; x++) {
        const [a, s] = fired[x]!;
        squares[a]! += s * s;
        for (let y = x + 1; y < fired.length; y++) {
          const [b, t] = fired[y]!;
          if (datasetOf[a] === datasetOf[b]) continue;
          const key = Math.min(a, b) * L + Math.max(a, b);
          products.set(key, (products.get(key) ?? 0) + s * t);
        }
      }
    }
  }
  if (boxes === 0) throw new LearnError('invalid-firings', { thing: 'firings', found: 'no box', wanted: 'boxes with scores' });
  const product = (a: number, b: number): number =>
    a === b ? squares[a]! : (products.get(Math.min(a, b) * L + Math.max(a, b)) ?? 0);
  return {
    name: 'distortion',
    nodes: firings,
    pairs: () =>
      [...products.keys()]
        .sort((x, y) => x - y)
        .map((key): [number, number] => [Math.floor(key / L), key % L])
        .filter(([a, b]) => product(a, b) >= leastCosine * Math.sqrt(squares[a]! * squares[b]!)),
    cost(members) {
      const n = members.length;
      let all = 0;
      for (const a of members) for (const b of members) all += product(a, b);
      let cost = 0;
      for (const c of members) {
        let cross = 0;
        for (const m of members) cross += product(c, m);
        // sum over boxes of (d_c - mean)^2, multiplied out.
        const own = Math.max(0, squares[c]! - (2 / n) * cross + all / (n * n));
        if (relative) cost += squares[c]! > 0 ? own / squares[c]! : 1;
        else cost += own / boxes;
      }
      return { cost };
    },
  };
}
