// AP of a head on data sets, from kept features: the same decoder and the same tail as detect, then COCO's protocol.
import { evaluateCoco } from '../evaluate/index.js';
import { openHead } from '../heads/head.js';
import { fitTarget, toSourceBoxes } from '../image/geometry.js';
import { selectDetections } from '../postprocess/select.js';
import type { Runtime } from '../runtime/runtime.js';
import { Tails } from '../tails.js';
import { type Backbone, featuresOf, type ImageFeatures } from './head-network.js';
import { headGraph, type HeadLayer } from './head-package.js';
import type { HeadTargets, ReadDataset } from './head-data.js';

/** AP of one head on one data set. */
export interface HeadScore {
  /** Name of the head's label space. */
  readonly head: string;
  /** Name of the data set. */
  readonly dataset: string;
  /** 0 to 1, mean over IoU 0.5 to 0.95 and the classes that the data set has; NaN without ground truth. */
  readonly ap: number;
  /** The same at IoU 0.5. */
  readonly ap50: number;
}

/** As `labelweave detect` does it for an evaluation. */
const maxDetections = 100;

/** Evaluates a head on a data set; `features` gives those of its images by position. */
export async function evaluateHead(
  backbone: Backbone,
  layer: HeadLayer,
  runtime: Runtime,
  read: ReadDataset,
  { columns, annotated }: HeadTargets,
  features: (image: number) => Promise<ImageFeatures>,
  signal: AbortSignal | undefined,
): Promise<HeadScore> {
  const { graph, entry } = headGraph(backbone, layer);
  const { labels } = layer;
  const { manifest } = backbone;
  const base = await runtime.compile(graph, { signal });
  try {
    const head = await openHead(entry, graph, labels);
    const tails = new Tails(base, [{ head, labels: labels.size }]);
    const answer = { space: labels, mapping: undefined, combine: 'max', missing: [] } as const;
    const detections: { image_id: number; category_id: number; score: number; bbox: number[] }[] = [];
    for (const i of read.images.keys()) {
      signal?.throwIfAborted();
      const found = await features(i);
      const feeds = Object.fromEntries(backbone.boxes.map(({ name }, b) => [`${name}:in`, found.boxes[b]!]));
      const nms = manifest.nms ?? false;
      const [candidates] = await tails.run([answer], {
        feeds: { features: featuresOf(found), ...feeds },
        scoreThreshold: 0,
        wanted: maxDetections * 4,
        signal,
      });
      toSourceBoxes(candidates!.boxes, fitTarget(manifest.input.fit, found, manifest.input), found);
      const { boxes, scores, labelIndices } = selectDetections(candidates!, { scoreThreshold: 0, maxDetections, nms });
      scores.forEach((score, d) => {
        // Of other labels the data set does not say where they are.
        if (!annotated[labelIndices[d]!]) return;
        const [x1, y1, x2, y2] = boxes.subarray(4 * d, 4 * d + 4);
        detections.push({ image_id: i + 1, category_id: labelIndices[d]! + 1, score, bbox: [x1!, y1!, x2! - x1!, y2! - y1!] });
      });
    }
    const annotations = read.images.flatMap(({ boxes }, i) =>
      boxes
        .filter(({ category }) => columns[category]! >= 0)
        .map(({ category, box, crowd }) => {
          return {
            image_id: i + 1,
            category_id: columns[category]! + 1,
            bbox: box,
            area: box[2] * box[3],
            iscrowd: Number(crowd),
          };
        }),
    );
    const { stats } = await evaluateCoco({
      groundTruth: {
        images: read.images.map((_, i) => ({ id: i + 1 })),
        categories: labels.labels.filter(({ index }) => annotated[index]).map(({ index, name }) => ({ id: index + 1, name })),
        annotations: annotations.map((annotation, i) => ({ ...annotation, id: i + 1 })),
      },
      detections,
      iouType: 'bbox',
      mode: 'corrected',
      signal,
    });
    const number = (value: number): number => (value < 0 ? Number.NaN : value);
    return { head: labels.name, dataset: read.dataset.name, ap: number(stats[0]!), ap50: number(stats[1]!) };
  } finally {
    base.dispose();
  }
}
