// Intersection over union of every pair of boxes, two columns a step, in double precision as maskApi's bbIou computes it.
// Twin: `boxIouPlain` in sdk/evaluate/match/pairwise.ts.

/**
 * a: f64 [n, 5] rows x1, y1, x2, y2, area. b: five f64 columns [stride] of the same fields one after the other, stride = m rounded up to an even
 * number, padding 0. crowd: i64 [stride], all ones where the area of `a` alone divides. out: f64 [n, stride].
 */
export function pairwiseIou(n: i32, stride: i32, a: usize, b: usize, crowd: usize, out: usize): void {
  const bytes = <usize>stride << 3;
  const zero = f64x2.splat(0);
  const left = b;
  const top = left + bytes;
  const right = top + bytes;
  const bottom = right + bytes;
  const areas = bottom + bytes;
  for (let i = 0; i < n; i++) {
    const x1 = v128.load64_splat(a);
    const y1 = v128.load64_splat(a, 8);
    const x2 = v128.load64_splat(a, 16);
    const y2 = v128.load64_splat(a, 24);
    const area = v128.load64_splat(a, 32);
    a += 40;
    for (let at: usize = 0; at < bytes; at += 16) {
      const w = f64x2.sub(f64x2.min(x2, v128.load(right + at)), f64x2.max(x1, v128.load(left + at)));
      const h = f64x2.sub(f64x2.min(y2, v128.load(bottom + at)), f64x2.max(y1, v128.load(top + at)));
      const touching = v128.and(f64x2.gt(w, zero), f64x2.gt(h, zero));
      if (!v128.any_true(touching)) {
        v128.store(out + at, zero);
        continue;
      }
      const shared = f64x2.mul(w, h);
      const union = f64x2.sub(f64x2.add(area, v128.load(areas + at)), shared);
      const below = v128.bitselect(area, union, v128.load(crowd + at));
      v128.store(out + at, v128.and(f64x2.div(shared, below), touching));
    }
    out += bytes;
  }
}
