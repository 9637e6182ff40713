// Small random firings with many ties: boxes on a coarse grid, few scores, crowds, labels without ground truth.
import fc from 'fast-check';
import { FiringsBuilder, type Firings, type ImageFirings } from '../../sdk/learn/firings/firings.js';
import { labelSpace } from '../../sdk/taxonomy/label-space.js';

const grid = fc.integer({ min: 0, max: 6 }).map((n) => n * 10);
const box = fc
  .tuple(grid, grid, fc.constantFrom(20, 30, 40), fc.constantFrom(20, 30, 40))
  .map(([x, y, w, h]) => [x, y, x + w, y + h]);
const score = fc.constantFrom(0.05, 0.2, 0.25, 0.5, 0.75, 1);

export interface Sizes {
  readonly sets?: number;
  readonly labels?: number;
  readonly images?: number;
}

export const spacesOf = (sets: number, labels: number) =>
  Array.from({ length: sets }, (_, d) =>
    labelSpace(
      `set${d}`,
      Array.from({ length: labels }, (_, k) => `label ${d}.${k}`),
    ),
  );

/** Images as a builder takes them. */
export function arbitraryImages({ sets = 3, labels = 2, images = 6 }: Sizes = {}): fc.Arbitrary<ImageFirings[]> {
  const L = sets * labels;
  const one = fc.record({
    d: fc.integer({ min: 0, max: sets - 1 }),
    boxes: fc.array(box, { maxLength: 6 }),
    truths: fc.array(
      fc.record({ box, label: fc.integer({ min: 0, max: labels - 1 }), crowd: fc.constantFrom(false, false, false, true) }),
      { maxLength: 4 },
    ),
    entries: fc.array(fc.record({ b: fc.nat(5), label: fc.integer({ min: 0, max: L - 1 }), score }), { maxLength: 12 }),
  });
  return fc.array(one, { minLength: 1, maxLength: images }).map((list) =>
    list.map(({ d, boxes, truths, entries }, id): ImageFirings => {
      const seen = new Set<string>();
      const kept = entries.filter(({ b, label }) => {
        const key = `${b} ${label}`;
        if (b >= boxes.length || seen.has(key)) return false;
        seen.add(key);
        return true;
      });
      return {
        dataset: `set${d}`,
        id,
        truths: {
          boxes: truths.flatMap((one) => one.box),
          labels: truths.map((one) => one.label),
          crowd: truths.map((one) => one.crowd),
        },
        boxes: boxes.flat(),
        entries: { boxes: kept.map((e) => e.b), labels: kept.map((e) => e.label), scores: kept.map((e) => e.score) },
      };
    }),
  );
}

export function build(images: readonly ImageFirings[], { sets = 3, labels = 2 }: Sizes = {}): Firings {
  const builder = new FiringsBuilder(spacesOf(sets, labels));
  for (const image of images) builder.addImage(image);
  return builder.finish();
}
