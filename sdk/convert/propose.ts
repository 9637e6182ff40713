// Guesses which head fits a network by the shapes of its outputs. Every guess is opened against the graph; what does not fit is not proposed.
import type { DetectionTail } from '../graph/model-file.js';
import { openHead } from '../heads/head.js';
import type { Graph } from '../ir/graph.js';
import { labelSpace } from '../taxonomy/label-space.js';
import type { Shape } from '../tensor/shape.js';

/** A decoder that fits the graph. */
export interface HeadProposal {
  /** For the manifest. */
  decoder: { type: string; [parameter: string]: unknown };
  /** Number of labels that it would score. */
  labels: number;
  /** What speaks for it. */
  why: string;
  /** Parameters that shapes do not tell: people must know them. */
  check: string[];
  /** Whether non-maximum suppression is wanted behind it. */
  nms: boolean;
}

interface Output {
  name: string;
  /** Without the leading 1 of a batch. */
  shape: Shape;
}

interface Grid extends Output {
  stride: number;
  channels: number;
}

/** Numbers of labels that data sets have: they speak for a reading of a row. */
const KNOWN = new Set([1, 10, 11, 12, 19, 20, 23, 37, 65, 80, 90, 91, 133, 150, 365, 500, 601, 1203]);

/** Anchors of Ultralytics' YOLOv5 for strides 8, 16, 32: the most common, and to be checked. */
const yoloAnchors: Readonly<Record<number, readonly (readonly [number, number])[]>> = {
  8: [[10, 13], [16, 30], [33, 23]],
  16: [[30, 61], [62, 45], [59, 119]],
  32: [[116, 90], [156, 198], [373, 326]],
}; // prettier-ignore

/**
 * Decoders that fit the outputs of a graph with one image input [1, height, width, 3] and outputs channels-last, the likeliest first.
 * Outputs of other heads may be left over. `tail` is what a TFLite file ends in: its anchors are known then.
 */
export async function proposeHeads(
  graph: Graph,
  size: { height: number; width: number },
  tail?: DetectionTail,
): Promise<HeadProposal[]> {
  const outputs = graph.outputs.map((id): Output => {
    const { name, shape } = graph.values[id]!;
    return { name, shape: shape.length > 1 && shape[0] === 1 ? shape.slice(1) : shape };
  });
  const guesses = [...(tail ? [ofTail(outputs, tail)] : []), ...maps(outputs, size), ...lists(outputs, size)];
  const fitting: HeadProposal[] = [];
  for (const guess of guesses) {
    const labels = labelSpace('labels', Array.from({ length: guess.labels }, (_, i) => `label ${i + 1}`));
    try {
      await openHead({ dataset: 'dataset', decoder: guess.decoder }, graph, labels);
    } catch {
      continue;
    }
    fitting.push(guess);
  }
  // Heads that read more of the outputs come first, then known numbers of labels; among equals the order of the guesses stays.
  const read = ({ decoder }: HeadProposal): number => {
    const named = new Set(Object.values(decoder).flat());
    return outputs.filter(({ name }) => named.has(name)).length;
  };
  return fitting.sort((a, b) => read(b) - read(a) || Number(KNOWN.has(b.labels)) - Number(KNOWN.has(a.labels)));
} // prettier-ignore

/** The head that does what the tail of the file does. */
function ofTail(outputs: readonly Output[], { boxes, scores, probabilities, anchors }: DetectionTail): HeadProposal {
  const C = outputs.find(({ name }) => name === scores)?.shape[1] ?? 0;
  const from = probabilities ? 'probability' : 'logit';
  return {
    decoder: { type: 'ssd', boxes, scores, from, anchors: { type: 'list', boxes: anchors } },
    labels: Math.max(C - 1, 1),
    why: `the file ends in TFLite_Detection_PostProcess with ${anchors.length} anchors`,
    check: ['variances: [0.1, 0.1, 0.2, 0.2] unless the file was made with other scales'],
    nms: true,
  };
}

/** Readings of outputs that are maps [H, W, C]. */
function maps(outputs: readonly Output[], { height, width }: { height: number; width: number }): HeadProposal[] {
  const grids = outputs
    .filter(({ shape }) => shape.length === 3 && shape[0]! < height && shape[1]! < width)
    .map((output): Grid => ({ ...output, stride: strideOf(output.shape, height, width), channels: output.shape[2]! }))
    .filter(({ stride }) => stride > 0);
  const found: HeadProposal[] = [];
  // One output a stride, all with the same channels.
  const byChannels = groupBy(grids, ({ channels }) => channels);
  for (const [C, levels] of byChannels) {
    const strides = levels.map(({ stride }) => stride);
    if (new Set(strides).size !== strides.length) continue;
    const names = levels.map(({ name }) => name);
    const what = `${levels.length} ${levels.length > 1 ? 'maps' : 'map'} of ${C} channels at stride ${strides.join(', ')}`;
    for (const anchors of [3, 1, 5, 2]) {
      const K = C / anchors - 5;
      if (!Number.isInteger(K) || K < 0 || (anchors < 3 && !KNOWN.has(K))) continue;
      if (anchors > 1) {
        const decoder = {
          type: 'yolo', outputs: names, strides,
          anchors: strides.map((stride) => (anchors === 3 && yoloAnchors[stride]) || Array.from({ length: anchors }, (_, i) => [stride * (i + 1), stride * (i + 1)])),
          ...(K === 0 ? { classScores: false } : {}),
        }; // prettier-ignore
        const check = [
          'anchors (those of YOLOv5 stand in for yours)',
          'scaleXY and extent: 1 and "exp" for YOLOv3, 2 and "square" for YOLOv5 and YOLOv7',
        ];
        found.push({
          decoder,
          labels: Math.max(K, 1),
          why: `${what}: ${anchors} anchors x (4 for the box, 1 objectness, ${K} labels)`,
          check,
          nms: true,
        });
      } else if (levels.length === 1 && K > 1) {
        found.push({
          decoder: { type: 'fastestdet', outputs: names, strides },
          labels: K,
          why: `${what}: 5 + ${K}, one scale`,
          check: [],
          nms: true,
        });
      } else {
        found.push({ decoder: { type: 'yolox', outputs: names, strides }, labels: K, why: `${what}: 5 + ${K}`, check: ['from: "probability" where the export holds sigmoids'], nms: true }); // prettier-ignore
      }
    }
    for (const bins of [16, 8]) {
      const K = C - 4 * bins;
      if (K < 1 || levels.length < 2) continue;
      found.push({ decoder: { type: 'yolov8', outputs: names, strides, bins }, labels: K, why: `${what}: 4 x ${bins} bins + ${K} labels`, check: [], nms: true }); // prettier-ignore
    }
  }
  // A map of scores with one of sizes or distances.
  const byStride = groupBy(grids, ({ stride }) => stride);
  const sameStride = [...byStride.values()];
  if (sameStride.length === 1) {
    const [level] = sameStride as [Grid[]];
    const { stride } = level[0]!;
    const sizes = level.filter(({ channels }) => channels === 4 || channels === 2);
    for (const heat of level.filter(({ channels }) => channels > 4 || channels === 1)) {
      const common = { type: 'centernet', heatmap: heat.name, from: 'logit', stride, window: 3 };
      const why = `a map of ${heat.channels} scores at stride ${stride}`;
      const check = ['from: "logit" or "probability"'];
      const [four] = sizes.filter(({ channels }) => channels === 4);
      const twos = sizes.filter(({ channels }) => channels === 2);
      if (four) found.push({ decoder: { ...common, size: four.name }, labels: heat.channels, why: `${why}, one of 4 distances`, check, nms: false }); // prettier-ignore
      if (twos.length === 2) found.push({ decoder: { ...common, size: twos[0]!.name, offset: twos[1]!.name }, labels: heat.channels, why: `${why}, two of 2 numbers`, check: [...check, 'which output is size and which is offset'], nms: false }); // prettier-ignore
    }
  } else if (sameStride.length > 1) {
    const pick = (channels: number): Grid[] => grids.filter((grid) => grid.channels === channels);
    const counts = new Set([...byChannels.keys()]);
    const strides = [...byStride.keys()].sort((a, b) => a - b);
    const sorted = (levels: Grid[]): string[] => levels.toSorted((a, b) => a.stride - b.stride).map(({ name }) => name);
    for (const A of [9, 3, 6, 1]) {
      const boxes = pick(4 * A);
      if (boxes.length !== strides.length) continue;
      for (const C of counts) {
        const scores = pick(C);
        if (C === 4 * A || scores.length !== strides.length || C % A !== 0 || C / A < 1) continue;
        const centre = A === 1 && C !== 1 ? pick(1) : [];
        const parts = { boxes: sorted(boxes), scores: sorted(scores), strides };
        if (A === 1) {
          const centerness = centre.length === strides.length ? { centerness: sorted(centre) } : {};
          found.push({ decoder: { type: 'fcos', ...parts, ...centerness }, labels: C, why: `${strides.length} maps of 4 distances and of ${C} scores`, check: ['extent: "exp", "relu" or "identity"', 'unit: "stride" or "pixels"'], nms: true }); // prettier-ignore
        } else {
          found.push({ decoder: { type: 'retinanet', ...parts, anchors: A === 9 ? {} : { octaves: 1, aspectRatios: A === 3 ? [0.5, 1, 2] : [0.5, 0.7, 1, 1.4, 2, 2.8] } }, labels: C / A, why: `${strides.length} maps of ${A} x 4 offsets and of ${A} x ${C / A} scores`, check: ['anchors: scale, order, offset'], nms: true }); // prettier-ignore
        }
      }
    }
  }
  return found;
}

/** Readings of outputs that are lists [P, C] or [C, P]. */
function lists(outputs: readonly Output[], { height, width }: { height: number; width: number }): HeadProposal[] {
  const found: HeadProposal[] = [];
  const flat = outputs.filter(({ shape }) => shape.length === 2);
  const cells = (strides: readonly number[]): number =>
    strides.reduce((sum, stride) => sum + Math.ceil(height / stride) * Math.ceil(width / stride), 0);
  const grid = cells([8, 16, 32]);
  for (const { name, shape } of flat) {
    const [a, b] = shape as [number, number];
    for (const [P, C] of a === b ? [[a, b]] : [[a, b], [b, a]]) {
      const text = `one list of ${P} rows with ${C} numbers`;
      if (P === 3 * grid && C! > 5)
        found.push({ decoder: { type: 'boxes', output: name, objectness: true }, labels: C! - 5, why: `${text}: three anchors a cell, 4 for the box, 1 objectness`, check: [], nms: true });
      if (P === grid && C! > 5 && KNOWN.has(C! - 5))
        found.push({ decoder: { type: 'yolox', outputs: name, strides: [8, 16, 32] }, labels: C! - 5, why: `${text}: one a cell of strides 8, 16, 32, 5 + ${C! - 5}`, check: ['whether boxes are decoded already: then "boxes" with "objectness"'], nms: true });
      if (P === grid && C! > 4)
        found.push({ decoder: { type: 'boxes', output: name }, labels: C! - 4, why: `${text}: one a cell of strides 8, 16, 32, 4 for the box`, check: [], nms: true });
      if (P === grid && C! > 68 && KNOWN.has(C! - 64))
        found.push({ decoder: { type: 'yolov8', outputs: name, strides: [8, 16, 32] }, labels: C! - 64, why: `${text}: one a cell, 4 x 16 bins`, check: [], nms: true });
      if (P! <= 1000 && C === 6 && P === a)
        found.push({ decoder: { type: 'detections', output: name }, labels: 80, why: `${text}: finished detections x1, y1, x2, y2, score, class`, check: ['how many labels the classes count', 'columns'], nms: false });
      if (P! <= 1000 && C === 7 && P === a)
        found.push({ decoder: { type: 'detections', output: name, columns: ['batch', 'x1', 'y1', 'x2', 'y2', 'class', 'score'] }, labels: 80, why: `${text}: finished detections with their batch`, check: ['how many labels the classes count', 'columns'], nms: false });
    }
  } // prettier-ignore
  for (const boxes of flat.filter(({ shape }) => shape[1] === 4)) {
    for (const scores of flat.filter(({ name, shape }) => name !== boxes.name && shape[0] === boxes.shape[0] && shape[1]! > 1)) {
      const [P, C] = scores.shape as [number, number];
      const parts = { boxes: boxes.name, scores: scores.name };
      const text = `${P} boxes of 4 numbers with ${C} scores`;
      const strides = [16, 32, 64, 128, 256, 512];
      const ssd = cells(strides) * 6 - cells([16]) * 3;
      if (P === ssd) {
        const anchors = { type: 'multi-scale', strides, minScale: 0.2, maxScale: 0.95, aspectRatios: [1, 2, 0.5, 3, 0.3333] };
        found.push({ decoder: { type: 'ssd', ...parts, anchors }, labels: C - 1, why: `${text}: the anchors of SSD-MobileNet, with a background`, check: ['from: "logit" or "softmax"', 'anchors'], nms: true }); // prettier-ignore
      }
      if (P <= 1000) {
        found.push({ decoder: { type: 'detr', ...parts }, labels: C - 1, why: `${text}: queries with a background behind the labels`, check: ['from: "softmax" or "logit"', 'background'], nms: false }); // prettier-ignore
      }
      found.push({ decoder: { type: 'boxes', ...parts }, labels: C, why: text, check: ['format: "cxcywh", "xyxy" or "yxyx"', 'unit: "pixels" or "relative"', 'from', 'background'], nms: true }); // prettier-ignore
    }
  }
  const ones = flat.filter(({ shape }) => shape[1] === 1);
  const singles = [...outputs.filter(({ shape }) => shape.length === 1), ...ones];
  for (const boxes of flat.filter(({ shape }) => shape[1] === 4)) {
    const beside = singles.filter(({ shape }) => shape[0] === boxes.shape[0]);
    if (beside.length === 2) {
      found.push({ decoder: { type: 'detections', boxes: boxes.name, scores: beside[0]!.name, classes: beside[1]!.name }, labels: 80, why: `${boxes.shape[0]} boxes with a score and a class each`, check: ['which output is score and which is class', 'how many labels'], nms: false }); // prettier-ignore
    }
  }
  return found;
}

/** Input pixels a cell, or 0 where height and width disagree. */
function strideOf([h, w]: Shape, height: number, width: number): number {
  const stride = Math.round(height / h!);
  return Math.ceil(height / stride) === h && Math.ceil(width / stride) === w ? stride : 0;
}

function groupBy<T>(items: readonly T[], key: (item: T) => number): Map<number, T[]> {
  const groups = new Map<number, T[]>();
  for (const item of items) groups.set(key(item), [...(groups.get(key(item)) ?? []), item]);
  return groups;
}
