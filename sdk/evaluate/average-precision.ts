// From a ranked list of hits and misses to precision, recall and average precision, by the rules of VOC's development kit. No matching.
import { numpySum } from './stats.js';

/**
 * Area under the curve after every precision is raised to the best at a higher recall (VOC 2010 and later, Open Images). The products are
 * summed in NumPy's order. 0 for an empty curve, NaN where recall is.
 * @param recall rising, without the end points
 * @param sum how products are added; `sequential` as Padilla's tool does
 */
export function areaUnderCurve(recall: Float64Array, precision: Float64Array, sum: 'numpy' | 'sequential' = 'numpy'): number {
  const n = recall.length;
  const best = new Float64Array(n + 1);
  for (let i = n - 1; i >= 0; i--) best[i] = Math.max(precision[i]!, best[i + 1]!);
  const products = new Float64Array(n + 1);
  let count = 0;
  let before = 0;
  for (let i = 0; i <= n; i++) {
    const here = i < n ? recall[i]! : 1;
    if (here !== before) products[count++] = (here - before) * best[i]!;
    before = here;
  }
  if (sum === 'numpy') return numpySum(products, count);
  let total = 0;
  for (let i = 0; i < count; i++) total += products[i]!;
  return total;
}

/** The eleven recall levels of VOC 2007: i * 0.1 in doubles, so 0.30000000000000004 and two more stand a little above their tenth. */
const elevenLevels = Float64Array.from({ length: 11 }, (_, i) => i * 0.1);

/**
 * Mean of the best precision at recall >= 0, 0.1, ..., 1 (VOC 2007). 0 for an empty curve.
 * @param sum `devkit` divides every term by 11, from recall 0 up (py-faster-rcnn); `padilla` divides the sum, from recall 1 down
 */
export function elevenPointAverage(recall: Float64Array, precision: Float64Array, sum: 'devkit' | 'padilla' = 'devkit'): number {
  const at = elevenLevels.map((level) => {
    let best = 0;
    for (let i = 0; i < recall.length; i++) if (recall[i]! >= level) best = Math.max(best, precision[i]!);
    return best;
  });
  if (sum === 'devkit') return at.reduce((total, value) => total + value / 11, 0);
  return at.reduceRight((total, value) => total + value, 0) / 11;
}
