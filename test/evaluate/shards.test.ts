// Batches and merged shards of Open Images and VOC: the same bits as one run over everything, in any order; damaged partial results are refused.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  evaluateOpenImages,
  evaluateVoc,
  OpenImagesEvaluator,
  VocEvaluator,
  type OpenImagesDetection,
  type OpenImagesObject,
  type VocDetection,
  type VocObject,
} from '../../sdk/evaluate/index.js';
import { openShard, writeShard } from '../../sdk/evaluate/shards.js';

/** One evaluator of either protocol. */
interface Evaluator {
  add(detections: readonly (OpenImagesDetection & VocDetection)[]): void;
  merge(partial: Uint8Array): void;
  partial(): Uint8Array;
  result(): { map: number; perClass: readonly unknown[] };
}

const classes = ['a', 'b', 'c'];
const images = ['i0', 'i1', 'i10', 'i2', 'i3'];
const coordinate = fc.integer({ min: 0, max: 6 });
const box = fc.tuple(coordinate, coordinate, coordinate, coordinate).map(([x, y, w, h]) => [x, y, x + w + 1, y + h + 1] as const);
const where = { image: fc.constantFrom(...images), label: fc.constantFrom(...classes), box };
const objects = fc.array(fc.record({ ...where, difficult: fc.boolean(), groupOf: fc.boolean() }), { maxLength: 12 });
/** Few different scores, so that ties are many. */
const found = fc.array(fc.record({ ...where, score: fc.constantFrom(0.1, 0.2, 0.5, 0.9) }), { maxLength: 30 });
const labels = [{ image: 'i0', label: 'b', confidence: 0 }];

interface Row {
  name: string;
  open(truth: readonly (OpenImagesObject & VocObject)[]): Evaluator;
  whole(truth: readonly (OpenImagesObject & VocObject)[], detections: readonly (OpenImagesDetection & VocDetection)[]): unknown;
}

const protocols: Row[] = [
  {
    name: 'Open Images',
    open: (truth) => new OpenImagesEvaluator(truth, labels, { classes }),
    whole: (truth, detections) => evaluateOpenImages(truth, labels, detections, { classes }),
  },
  {
    name: 'Open Images V2',
    open: (truth) => new OpenImagesEvaluator(truth, labels, { classes, protocol: 'v2' }),
    whole: (truth, detections) => evaluateOpenImages(truth, labels, detections, { classes, protocol: 'v2' }),
  },
  {
    name: 'VOC',
    open: (truth) => new VocEvaluator(truth, { interpolation: 'area', iouThresholds: [0.3, 0.5] }),
    whole: (truth, detections) => evaluateVoc(truth, detections, { interpolation: 'area', iouThresholds: [0.3, 0.5] }),
  },
  {
    name: 'VOC with a list of images',
    open: (truth) => new VocEvaluator(truth, { interpolation: 'eleven-point', images, classes }),
    whole: (truth, detections) => evaluateVoc(truth, detections, { interpolation: 'eleven-point', images, classes }),
  },
];

const withoutDiagnostics = (result: unknown) => ({ ...(result as object), diagnostics: undefined });

describe.each(protocols)('$name', ({ open, whole }) => {
  it('batches and shards in any order give the bits of one run', () => {
    fc.assert(
      fc.property(
        objects,
        found,
        fc.array(fc.nat(2), { minLength: 5, maxLength: 5 }),
        fc.boolean(),
        (truth, list, shardOf, backwards) => {
          const detections = list as never as (OpenImagesDetection & VocDetection)[];
          const wanted = withoutDiagnostics(whole(truth as never, detections));
          const shards = [0, 1, 2].map((n) => {
            const shard = open(truth as never);
            // One batch an image, the images from the last to the first.
            for (const [i, image] of [...images.entries()].reverse()) {
              if (shardOf[i] === n) shard.add(detections.filter((entry) => entry.image === image));
            }
            return shard.partial();
          });
          const main = open(truth as never);
          for (const bytes of backwards ? shards.reverse() : shards) main.merge(bytes);
          expect(withoutDiagnostics(main.result())).toEqual(wanted);
          // A result in the middle changes nothing.
          expect(withoutDiagnostics(main.result())).toEqual(wanted);
        },
      ),
      { numRuns: 60 },
    );
  });

  const hit = { image: 'i0', label: 'a', box: [0, 0, 4, 4] as const, score: 0.5 };
  const truth = [{ image: 'i0', label: 'a', box: [0, 0, 4, 4] as const }] as never;

  it('an image may come once; what is refused changes nothing', () => {
    const evaluator = open(truth);
    evaluator.add([hit]);
    const before = evaluator.result();
    expect(() => evaluator.add([{ ...hit, image: 'i1' }, hit])).toThrow(/image i0: found detections in two batches/);
    expect(() =>
      evaluator.add([
        { ...hit, image: 'i2' },
        { ...hit, score: Number.NaN, image: 'i3' },
      ]),
    ).toThrow(/detection 1/);
    expect(() => evaluator.merge(evaluator.partial())).toThrow(/two batches or shards/);
    expect(evaluator.result()).toEqual(before);
    evaluator.add([{ ...hit, image: 'i1' }]);
  });

  it('refuses shards of other ground truth and damaged ones', () => {
    const evaluator = open(truth);
    evaluator.add([hit]);
    const bytes = evaluator.partial();
    const other = open([{ image: 'i0', label: 'b', box: [0, 0, 4, 5] }] as never);
    expect(() => other.merge(bytes)).toThrow(/partial result: found truth/);
    expect(() => other.merge('text' as never)).toThrow(/partial result/);
    for (let end = 0; end < bytes.length; end += 7) {
      expect(() => open(truth).merge(bytes.subarray(0, end))).toThrow(/partial result/);
    }
  });
});

it('a shard comes back as it was, whatever its columns', () => {
  fc.assert(
    fc.property(
      fc.float64Array({ noNaN: true }),
      fc.uint8Array(),
      fc.uint32Array(),
      fc.dictionary(fc.constantFrom('k1', 'k2'), fc.string()),
      (a, b, c, head) => {
        const bytes = writeShard('test', head, { a, b, c });
        // Bytes that do not start on a multiple of 8.
        const moved = new Uint8Array(bytes.length + 3).subarray(3);
        moved.set(bytes);
        const opened = openShard<Record<string, string>, { a: Float64Array; b: Uint8Array; c: Uint32Array }>(moved, 'test', head);
        expect(opened.columns).toEqual({ a, b, c });
        expect(opened.head).toMatchObject(head);
      },
    ),
  );
  expect(() => openShard(writeShard('other', {}, {}), 'test', {})).toThrow(/partial result/);
});
