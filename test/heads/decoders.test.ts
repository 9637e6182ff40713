// Every decoder against a twin in plain double-precision loops: random outputs in, all candidates out, on the reference and the WASM runtime.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ModelError } from '../../sdk/errors.js';
import type { LabelEmbeddings } from '../../sdk/heads/contract.js';
import { openHead } from '../../sdk/heads/head.js';
import { GraphBuilder } from '../../sdk/ir/builder.js';
import type { Graph } from '../../sdk/ir/graph.js';
import { createReferenceRuntime } from '../../sdk/runtime/reference/index.js';
import type { Runtime } from '../../sdk/runtime/runtime.js';
import { createWasmRuntime } from '../../sdk/runtime/wasm/index.js';
import { labelSpace } from '../../sdk/taxonomy/label-space.js';
import { sizeOf, type Shape } from '../../sdk/tensor/shape.js';
import { randomNumbers } from '../kernels/harness.js';

const HEIGHT = 32;
const WIDTH = 48;

/** Scores: chains of sigmoid, exp or pow in float32, a few units in the last place each. Boxes: pixels up to some hundreds from exp, likewise. */
const SCORE = 5e-6;
const PIXEL = 2e-3;

type Network = Readonly<Record<string, Shape>>;
type Outputs = Readonly<Record<string, readonly number[]>>;

interface Found {
  /** Row and label, which name a candidate. */
  at: string;
  score: number;
  box: readonly number[];
}

interface DecoderCase {
  name: string;
  decoder: Record<string, unknown>;
  labels: readonly string[];
  network: Network;
  embeddings?: LabelEmbeddings;
  /** Range of the random outputs; default -3 to 3. */
  range?: readonly [number, number];
  /** Numbers in place of random ones. */
  fill?: (name: string, random: readonly number[]) => readonly number[];
  twin(outputs: Outputs): Found[];
}

/** A "network" that adds 0 to each of its inputs, beside an image of 32 x 48 pixels. */
function networkOf(network: Network): Graph {
  const builder = new GraphBuilder();
  builder.input('image', 'float32', [1, HEIGHT, WIDTH, 3]);
  for (const [name, shape] of Object.entries(network)) {
    const x = builder.input(`${name}/in`, 'float32', [sizeOf(shape)]);
    const zero = builder.constant(`${name}/zero`, Float32Array.of(0), [1]);
    const [y] = builder.add('binary', `${name}/sum`, [x, zero], { kind: 'add', activation: { kind: 'none' } });
    builder.output(builder.reshape(name, y, shape));
  }
  return builder.build();
}

const sigmoid = (x: number): number => 1 / (1 + Math.exp(-x));
const softmax = (xs: readonly number[]): number[] => {
  const e = xs.map((x) => Math.exp(x));
  const sum = e.reduce((a, b) => a + b);
  return e.map((x) => x / sum);
};
const centred = (x: number, y: number, w: number, h: number): number[] => [x - w / 2, y - h / 2, x + w / 2, y + h / 2];
const range = (n: number): number[] => Array.from({ length: n }, (_, i) => i);
/** Every label of a row with its score. */
const each = (row: number, scores: readonly number[], box: readonly number[]): Found[] =>
  scores.map((score, label) => ({ at: `${row}/${label}`, score, box }));

const three = ['cat', 'dog', 'bird'];
const yoloAnchors = [[[10, 13], [16, 30]], [[33, 23], [60, 50]]]; // prettier-ignore

/** Rows of YOLO: [1, H, W, 2 * 8] a scale, or [1, 2, H, W, 8]. */
function yoloTwin(
  outputs: Outputs,
  names: readonly string[],
  square: boolean,
  scaleXY: number,
  anchorsFirst: boolean,
  threshold = 0,
): Found[] {
  // prettier-ignore
  const found: Found[] = [];
  let row = 0;
  names.forEach((name, l) => {
    const stride = [8, 16][l]!;
    const [H, W] = [HEIGHT / stride, WIDTH / stride];
    const visit = (a: number, y: number, x: number): void => {
      const start = anchorsFirst ? ((a * H + y) * W + x) * 8 : ((y * W + x) * 2 + a) * 8;
      const [tx, ty, tw, th, o, ...classes] = outputs[name]!.slice(start, start + 8) as [
        number,
        number,
        number,
        number,
        number,
        ...number[],
      ];
      const [aw, ah] = yoloAnchors[l]![a]!;
      const place = (t: number, cell: number): number => (sigmoid(t) * scaleXY - (scaleXY - 1) / 2 + cell) * stride;
      const extent = (t: number, size: number): number => (square ? (2 * sigmoid(t)) ** 2 * size : size * Math.exp(t));
      const box = centred(place(tx, x), place(ty, y), extent(tw, aw!), extent(th, ah!));
      found.push(...each(row++, classes.map((c) => sigmoid(o) * sigmoid(c)), box)); // prettier-ignore
    };
    if (anchorsFirst) for (const a of [0, 1]) for (const y of range(H)) for (const x of range(W)) visit(a, y, x);
    else for (const y of range(H)) for (const x of range(W)) for (const a of [0, 1]) visit(a, y, x);
  });
  return found.filter(({ score }) => score >= threshold);
}

/** Rows of cells, level by level. */
function cells(strides: readonly number[]): { x: number; y: number; stride: number }[] {
  return strides.flatMap((stride) =>
    range(Math.ceil(HEIGHT / stride)).flatMap((y) => range(Math.ceil(WIDTH / stride)).map((x) => ({ x, y, stride }))),
  );
}

const rowsOf = (data: readonly number[], columns: number): number[][] =>
  range(data.length / columns).map((i) => data.slice(i * columns, (i + 1) * columns));

/** TensorFlow's generator, written anew: [cy, cx, h, w] as shares. */
function tensorflowAnchors(): number[][] {
  const scales = [0.2, 0.575, 0.95, 1];
  const layers = [[0.1, 1, 0.2, 2, 0.2, 0.5], [0.575, 1, 0.575, 2, Math.sqrt(0.575 * 0.95), 1], [0.95, 1, 0.95, 2, Math.sqrt(0.95 * scales[3]!), 1]]; // prettier-ignore
  const grids = [[4, 6], [2, 3], [1, 2]]; // prettier-ignore
  return grids.flatMap(([H, W], l) =>
    range(H!).flatMap((y) =>
      range(W!).flatMap((x) =>
        range(3).map((a) => {
          const [scale, ratio] = [layers[l]![a * 2]!, layers[l]![a * 2 + 1]!];
          return [(y + 0.5) / H!, (x + 0.5) / W!, scale / Math.sqrt(ratio), scale * Math.sqrt(ratio)];
        }),
      ),
    ),
  );
}

function ssdTwin(boxes: readonly number[], scores: readonly (readonly number[])[]): Found[] {
  return tensorflowAnchors().flatMap(([cy, cx, h, w], i) => {
    const [ty, tx, th, tw] = boxes.slice(i * 4, i * 4 + 4) as [number, number, number, number];
    const x = (cx! + (tx / 10) * w!) * WIDTH;
    const y = (cy! + (ty / 10) * h!) * HEIGHT;
    return each(i, scores[i]!, centred(x, y, w! * Math.exp(tw / 5) * WIDTH, h! * Math.exp(th / 5) * HEIGHT));
  });
}

const ssdLayers = { type: 'multi-scale', strides: [8, 16, 32], minScale: 0.2, maxScale: 0.95, aspectRatios: [1, 2] };
const P_SSD = (24 + 6 + 2) * 3;

const clip = (shape: Shape, seed: number): Float32Array => Float32Array.from(randomNumbers(sizeOf(shape), seed));
const cosine = (a: readonly number[], b: ArrayLike<number>): number => {
  const dot = a.reduce((sum, x, i) => sum + x * b[i]!, 0);
  return dot / Math.hypot(...a) / Math.hypot(...Array.from(b));
};

const cases: DecoderCase[] = [
  {
    name: 'YOLOv3, two scales, anchors inside the channels',
    decoder: { type: 'yolo', outputs: ['p8', 'p16'], strides: [8, 16], anchors: yoloAnchors },
    labels: three,
    network: { p8: [1, 4, 6, 16], p16: [1, 2, 3, 16] },
    twin: (o) => yoloTwin(o, ['p8', 'p16'], false, 1, false),
  },
  {
    name: 'YOLOv4, scaleXY',
    decoder: { type: 'yolo', outputs: ['p8', 'p16'], strides: [8, 16], anchors: yoloAnchors, scaleXY: [1.1, 1.1] },
    labels: three,
    network: { p8: [1, 4, 6, 16], p16: [1, 2, 3, 16] },
    twin: (o) => yoloTwin(o, ['p8', 'p16'], false, 1.1, false),
  },
  {
    name: 'YOLOv5 raw, [1, A, H, W, 5 + K]',
    decoder: { type: 'yolo', outputs: ['p8', 'p16'], strides: [8, 16], anchors: yoloAnchors, scaleXY: 2, extent: 'square' },
    labels: three,
    network: { p8: [1, 2, 4, 6, 8], p16: [1, 2, 2, 3, 8] },
    twin: (o) => yoloTwin(o, ['p8', 'p16'], true, 2, true),
  },
  {
    name: 'one label without class scores',
    decoder: { type: 'yolo', outputs: 'p16', strides: [16], anchors: [yoloAnchors[1]], classScores: false },
    labels: ['face'],
    network: { p16: [1, 2, 3, 10] },
    twin: ({ p16 }) =>
      rowsOf(p16!, 5).map(([tx, ty, tw, th, o], i) => {
        const [x, y, [aw, ah]] = [Math.floor(i / 2) % 3, Math.floor(i / 6), yoloAnchors[1]![i % 2]! as [number, number]];
        const box = centred((sigmoid(tx!) + x) * 16, (sigmoid(ty!) + y) * 16, aw * Math.exp(tw!), ah * Math.exp(th!));
        return { at: `${i}/0`, score: sigmoid(o!), box };
      }),
  },
  {
    name: 'YOLOv2: softmax over the labels',
    decoder: { type: 'yolo', outputs: 'p16', strides: [16], anchors: [yoloAnchors[1]], from: 'softmax' },
    labels: three,
    network: { p16: [1, 2, 3, 16] },
    twin: ({ p16 }) =>
      rowsOf(p16!, 8).flatMap(([tx, ty, tw, th, o, ...classes], i) => {
        const [x, y, [aw, ah]] = [Math.floor(i / 2) % 3, Math.floor(i / 6), yoloAnchors[1]![i % 2]! as [number, number]];
        const box = centred((sigmoid(tx!) + x) * 16, (sigmoid(ty!) + y) * 16, aw * Math.exp(tw!), ah * Math.exp(th!));
        return each(i, softmax(classes).map((c) => c * sigmoid(o!)), box); // prettier-ignore
      }),
  },
  {
    name: 'YOLOX, all rows in one list',
    decoder: { type: 'yolox', outputs: 'rows', strides: [8, 16] },
    labels: three,
    network: { rows: [1, 30, 8] },
    range: [0, 1],
    twin: ({ rows }) =>
      cells([8, 16]).flatMap(({ x, y, stride }, i) => {
        const [dx, dy, dw, dh, o, ...classes] = rows!.slice(i * 8, i * 8 + 8) as [number, number, number, number, number, ...number[]];
        const box = centred((dx + x) * stride, (dy + y) * stride, Math.exp(dw) * stride, Math.exp(dh) * stride);
        return each(i, classes.map((c) => c * o), box); // prettier-ignore
      }),
  },
  {
    name: 'FastestDet: objectness^0.6 class^0.4, one label a cell',
    decoder: { type: 'fastestdet', outputs: 'map', strides: [16] },
    labels: three,
    network: { map: [1, 2, 3, 8] },
    range: [0.01, 1],
    twin: ({ map }) =>
      cells([16]).map(({ x, y }, i) => {
        const [o, dx, dy, w, h, ...classes] = map!.slice(i * 8, i * 8 + 8) as [number, number, number, number, number, ...number[]];
        const best = Math.max(...classes);
        const box = centred((x + Math.tanh(dx)) * 16, (y + Math.tanh(dy)) * 16, sigmoid(w) * WIDTH, sigmoid(h) * HEIGHT);
        return { at: `${i}/${classes.indexOf(best)}`, score: o ** 0.6 * best ** 0.4, box };
      }),
  },
  {
    name: 'YOLOv8 raw: distributions over bins',
    decoder: { type: 'yolov8', outputs: ['p8', 'p16'], strides: [8, 16], bins: 4 },
    labels: three,
    network: { p8: [1, 4, 6, 19], p16: [1, 2, 3, 19] },
    twin: ({ p8, p16 }) => {
      const rows = [...rowsOf(p8!, 19), ...rowsOf(p16!, 19)];
      return cells([8, 16]).flatMap(({ x, y, stride }, i) => {
        const d = range(4).map((j) => softmax(rows[i]!.slice(j * 4, j * 4 + 4)).reduce((sum, p, b) => sum + p * b, 0) * stride);
        const [cx, cy] = [(x + 0.5) * stride, (y + 0.5) * stride];
        return each(i, rows[i]!.slice(16).map(sigmoid), [cx - d[0]!, cy - d[1]!, cx + d[2]!, cy + d[3]!]);
      });
    },
  },
  {
    name: 'NanoDet: scores first, no offset, probabilities',
    decoder: { type: 'yolov8', outputs: 'rows', first: 'scores', strides: [8, 16], bins: 2, offset: 0, from: 'probability' },
    labels: three,
    network: { rows: [1, 30, 11] },
    range: [0, 1],
    twin: ({ rows }) =>
      cells([8, 16]).flatMap(({ x, y, stride }, i) => {
        const row = rowsOf(rows!, 11)[i]!;
        const d = range(4).map((j) => softmax(row.slice(3 + j * 2, 5 + j * 2))[1]! * stride);
        const [cx, cy] = [x * stride, y * stride];
        return each(i, row.slice(0, 3), [cx - d[0]!, cy - d[1]!, cx + d[2]!, cy + d[3]!]);
      }),
  },
  {
    name: 'FCOS: exp, centerness, square root of the product',
    decoder: { type: 'fcos', boxes: ['b8', 'b16'], scores: ['s8', 's16'], centerness: ['c8', 'c16'], strides: [8, 16], objectnessPower: 0.5, classPower: 0.5 },
    labels: three,
    network: { b8: [1, 4, 6, 4], b16: [1, 2, 3, 4], s8: [1, 4, 6, 3], s16: [1, 2, 3, 3], c8: [1, 4, 6, 1], c16: [1, 2, 3, 1] },
    range: [-2, 2],
    twin: ({ b8, b16, s8, s16, c8, c16 }) =>
      cells([8, 16]).flatMap(({ x, y, stride }, i) => {
        const [boxes, scores, centre] = [[...b8!, ...b16!], [...s8!, ...s16!], [...c8!, ...c16!]];
        const d = boxes.slice(i * 4, i * 4 + 4).map((t) => Math.exp(t) * stride);
        const [cx, cy] = [(x + 0.5) * stride, (y + 0.5) * stride];
        const p = scores.slice(i * 3, i * 3 + 3).map((s) => Math.sqrt(sigmoid(s) * sigmoid(centre[i]!)));
        return each(i, p, [cx - d[0]!, cy - d[1]!, cx + d[2]!, cy + d[3]!]);
      }),
  },
  {
    name: 'FCOS with relu in pixels',
    decoder: { type: 'fcos', boxes: 'b', scores: 's', strides: [16], extent: 'relu', unit: 'pixels' },
    labels: three,
    network: { b: [1, 2, 3, 4], s: [1, 2, 3, 3] },
    twin: ({ b, s }) =>
      cells([16]).flatMap(({ x, y }, i) => {
        const d = b!.slice(i * 4, i * 4 + 4).map((t) => Math.max(t, 0));
        const [cx, cy] = [(x + 0.5) * 16, (y + 0.5) * 16];
        return each(i, s!.slice(i * 3, i * 3 + 3).map(sigmoid), [cx - d[0]!, cy - d[1]!, cx + d[2]!, cy + d[3]!]);
      }),
  },
  {
    name: 'SSD: softmax with background first, anchors of the detection API',
    decoder: { type: 'ssd', boxes: 'boxes', scores: 'scores', from: 'softmax', anchors: ssdLayers },
    labels: three,
    network: { boxes: [1, P_SSD, 4], scores: [1, P_SSD, 4] },
    twin: ({ boxes, scores }) => ssdTwin(boxes!, rowsOf(scores!, 4).map((row) => softmax(row).slice(1))), // prettier-ignore
  },
  {
    name: 'SSD: a map a layer, boxes [1, 1, P, 4], sigmoid with background last',
    decoder: { type: 'ssd', boxes: ['b0', 'b1', 'b2'], scores: ['s0', 's1', 's2'], background: 'last', anchors: ssdLayers },
    labels: three,
    network: { b0: [1, 4, 6, 12], b1: [1, 2, 3, 12], b2: [1, 1, 2, 12], s0: [1, 4, 6, 12], s1: [1, 2, 3, 12], s2: [1, 1, 2, 12] },
    twin: ({ b0, b1, b2, s0, s1, s2 }) => ssdTwin([...b0!, ...b1!, ...b2!], rowsOf([...s0!, ...s1!, ...s2!], 4).map((row) => row.slice(0, 3).map(sigmoid))), // prettier-ignore
  },
  {
    name: 'SSD: listed anchors, linear size, x before y',
    decoder: {
      type: 'ssd', boxes: 'b', scores: 's', background: 'none', coding: 'xywh', extent: 'linear', variances: [0.5, 0.25, 2, 3],
      anchors: { type: 'list', boxes: [[0.5, 0.25, 0.5, 0.5], [0.1, 0.9, 0.2, 0.4]] },
    },
    labels: ['face'],
    network: { b: [1, 2, 4], s: [1, 2] },
    range: [0.1, 2],
    twin: ({ b, s }) =>
      [[24, 8, 24, 16], [4.8, 28.8, 9.6, 12.8]].flatMap(([ax, ay, aw, ah], i) => {
        const [tx, ty, tw, th] = b!.slice(i * 4, i * 4 + 4) as [number, number, number, number];
        return each(i, [sigmoid(s![i]!)], centred(ax! + tx * 0.5 * aw!, ay! + ty * 0.25 * ah!, aw! * 2 * tw, ah! * 3 * th));
      }),
  },
  {
    name: 'RetinaNet, ratio-major, as torchvision',
    decoder: { type: 'retinanet', boxes: 'b', scores: 's', strides: [16], anchors: { scale: 2, octaves: 2, aspectRatios: [0.5, 2], round: true } },
    labels: three,
    network: { b: [1, 24, 4], s: [1, 24, 3] },
    range: [-1, 1],
    twin: ({ b, s }) =>
      cells([16]).flatMap(({ x, y }, cell) =>
        [[0.5, 32], [0.5, 45.25483399593904], [2, 32], [2, 45.25483399593904]].flatMap(([ratio, size], a) => {
          const i = cell * 4 + a;
          const [w, h] = [2 * Math.round(size! / Math.sqrt(ratio!) / 2), 2 * Math.round((size! * Math.sqrt(ratio!)) / 2)];
          const [tx, ty, tw, th] = b!.slice(i * 4, i * 4 + 4) as [number, number, number, number];
          return each(i, s!.slice(i * 3, i * 3 + 3).map(sigmoid), centred(x * 16 + tx * w, y * 16 + ty * h, w * Math.exp(tw), h * Math.exp(th)));
        }),
      ),
  },
  {
    name: 'EfficientDet: scale-major, centres of the cells, y before x',
    decoder: { type: 'retinanet', boxes: ['b'], scores: ['s'], strides: [16], coding: 'yxhw', anchors: { octaves: 3, aspectRatios: [1], order: 'scale-major', offset: 0.5 } },
    labels: three,
    network: { b: [1, 2, 3, 12], s: [1, 2, 3, 9] },
    range: [-1, 1],
    twin: ({ b, s }) =>
      cells([16]).flatMap(({ x, y }, cell) =>
        range(3).flatMap((a) => {
          const i = cell * 3 + a;
          const side = 64 * 2 ** (a / 3);
          const [ty, tx, th, tw] = b!.slice(i * 4, i * 4 + 4) as [number, number, number, number];
          return each(i, s!.slice(i * 3, i * 3 + 3).map(sigmoid), centred((x + 0.5) * 16 + tx * side, (y + 0.5) * 16 + ty * side, side * Math.exp(tw), side * Math.exp(th)));
        }),
      ),
  },
  {
    name: 'boxes: YOLOv8 decoded, [1, 4 + K, P]',
    decoder: { type: 'boxes', output: 'out' },
    labels: three,
    network: { out: [1, 7, 20] },
    range: [0, 1],
    twin: ({ out }) =>
      range(20).flatMap((i) => {
        const [x, y, w, h, ...p] = range(7).map((c) => out![c * 20 + i]!) as [number, number, number, number];
        return each(i, p, centred(x, y, w, h));
      }),
  },
  {
    name: 'boxes: YOLOv5 decoded, with objectness, corners as shares of the image',
    decoder: { type: 'boxes', output: 'out', objectness: true, format: 'xyxy', unit: 'relative' },
    labels: three,
    network: { out: [1, 20, 8] },
    range: [0, 1],
    twin: ({ out }) =>
      rowsOf(out!, 8).flatMap(([x1, y1, x2, y2, o, ...p], i) =>
        each(i, p.map((c) => c * o!), [x1! * WIDTH, y1! * HEIGHT, x2! * WIDTH, y2! * HEIGHT])), // prettier-ignore
  },
  {
    name: 'boxes and scores apart, logits, the best label of each',
    decoder: { type: 'boxes', boxes: 'b', scores: 's', format: 'yxyx', from: 'logit', labels: 'best' },
    labels: three,
    network: { b: [1, 1, 20, 4], s: [20, 3] },
    twin: ({ b, s }) =>
      rowsOf(s!, 3).map((row, i) => {
        const [y1, x1, y2, x2] = b!.slice(i * 4, i * 4 + 4) as [number, number, number, number];
        const best = Math.max(...row);
        return { at: `${i}/${row.indexOf(best)}`, score: sigmoid(best), box: [x1, y1, x2, y2] };
      }),
  },
  {
    name: 'DETR: softmax with background last',
    decoder: { type: 'detr', boxes: 'b', scores: 's' },
    labels: three,
    network: { b: [1, 20, 4], s: [1, 20, 4] },
    twin: ({ b, s }) =>
      rowsOf(s!, 4).flatMap((row, i) => {
        const [x, y, w, h] = b!.slice(i * 4, i * 4 + 4) as [number, number, number, number];
        return each(i, softmax(row).slice(0, 3), centred(x * WIDTH, y * HEIGHT, w * WIDTH, h * HEIGHT));
      }),
  },
  {
    name: 'Deformable DETR: sigmoids everywhere',
    decoder: { type: 'detr', boxes: 'b', scores: 's', from: 'logit', boxesFrom: 'logit' },
    labels: three,
    network: { b: [1, 20, 4], s: [1, 20, 3] },
    twin: ({ b, s }) =>
      rowsOf(s!, 3).flatMap((row, i) => {
        const [x, y, w, h] = b!.slice(i * 4, i * 4 + 4).map(sigmoid) as [number, number, number, number];
        return each(i, row.map(sigmoid), centred(x * WIDTH, y * HEIGHT, w * WIDTH, h * HEIGHT));
      }),
  },
  {
    name: 'end to end: one list of detections with a batch column, classes from 1',
    decoder: { type: 'detections', output: 'out', columns: ['batch', 'x1', 'y1', 'x2', 'y2', 'class', 'score'], firstClass: 1 },
    labels: three,
    network: { out: [20, 7] },
    range: [0.1, 1],
    fill: (_, random) => random.map((x, i) => (i % 7 === 5 ? 1 + (i % 3) : x)),
    twin: ({ out }) => rowsOf(out!, 7).map(([, x1, y1, x2, y2, c, score], i) => ({ at: `${i}/${c! - 1}`, score: score!, box: [x1!, y1!, x2!, y2!] })), // prettier-ignore
  },
  {
    name: 'end to end: boxes, scores and classes of the detection API',
    decoder: { type: 'detections', boxes: 'b', scores: 's', classes: 'c' },
    labels: three,
    network: { b: [1, 20, 4], s: [1, 20], c: [1, 20] },
    range: [0.1, 1],
    fill: (name, random) => (name === 'c' ? random.map((_, i) => i % 3) : random),
    twin: ({ b, s, c }) =>
      s!.map((score, i) => {
        const [y1, x1, y2, x2] = b!.slice(i * 4, i * 4 + 4) as [number, number, number, number];
        return { at: `${i}/${c![i]!}`, score, box: [x1 * WIDTH, y1 * HEIGHT, x2 * WIDTH, y2 * HEIGHT] };
      }),
  },
  {
    name: 'CenterNet of the paper: offsets and sizes in cells',
    decoder: { type: 'centernet', heatmap: 'h', from: 'logit', size: 'wh', offset: 'o', stride: 8, window: 1 },
    labels: three,
    network: { h: [1, 4, 6, 3], wh: [1, 4, 6, 2], o: [1, 4, 6, 2] },
    range: [0, 1],
    twin: ({ h, wh, o }) =>
      cells([8]).flatMap(({ x, y }, i) => {
        const box = centred((x + o![i * 2]!) * 8, (y + o![i * 2 + 1]!) * 8, wh![i * 2]! * 8, wh![i * 2 + 1]! * 8);
        return each(i, h!.slice(i * 3, i * 3 + 3).map(sigmoid), box);
      }),
  },
  {
    name: 'text embeddings: sigmoid of temperature * cosine + bias',
    decoder: { type: 'boxes', boxes: 'b', scores: 'f', embeddings: { dimensions: 8, temperature: 10, bias: -2 } },
    labels: three,
    embeddings: { data: clip([3, 8], 7), dimensions: 8 },
    network: { b: [1, 20, 4], f: [1, 20, 8] },
    twin: ({ b, f }) =>
      rowsOf(f!, 8).flatMap((row, i) => {
        const [x, y, w, h] = b!.slice(i * 4, i * 4 + 4) as [number, number, number, number];
        return each(i, range(3).map((k) => sigmoid(10 * cosine(row, clip([3, 8], 7).subarray(k * 8, k * 8 + 8)) - 2)), centred(x, y, w, h)); // prettier-ignore
      }),
  },
  {
    name: 'text embeddings: softmax with the shared background, features inside the rows of YOLOv8',
    decoder: { type: 'yolov8', outputs: 'rows', strides: [16], bins: 2, embeddings: { dimensions: 8, temperature: 5, activation: 'softmax' } },
    labels: three,
    embeddings: { data: clip([3, 8], 7), dimensions: 8, background: clip([8], 8) },
    network: { rows: [1, 6, 16] },
    twin: ({ rows }) =>
      cells([16]).flatMap(({ x, y }, i) => {
        const row = rowsOf(rows!, 16)[i]!;
        const d = range(4).map((j) => softmax(row.slice(j * 2, j * 2 + 2))[1]! * 16);
        const table = [...range(3).map((k) => clip([3, 8], 7).subarray(k * 8, k * 8 + 8)), clip([8], 8)];
        const p = softmax(table.map((t) => 5 * cosine(row.slice(8), t))).slice(0, 3);
        const [cx, cy] = [(x + 0.5) * 16, (y + 0.5) * 16];
        return each(i, p, [cx - d[0]!, cy - d[1]!, cx + d[2]!, cy + d[3]!]);
      }),
  },
]; // prettier-ignore

/** The same cases with boxes of hundreds of pixels: a limit meant for exponents once cut distances at 80. Box numbers are those of `columns`. */
const large = (name: string, boxes: (output: string, i: number) => boolean, factor: number): DecoderCase => {
  const small = cases.find((row) => row.name === name)!;
  return {
    ...small,
    name: `${name}, boxes of hundreds of pixels`,
    fill: (output, random) =>
      (small.fill?.(output, random) ?? random).map((x, i) => (boxes(output, i) ? Math.fround(Math.abs(x) * factor) : x)),
  };
};

const largeCases: DecoderCase[] = [
  large('FCOS with relu in pixels', (output) => output === 'b', 300),
  // e^3.4 strides of 16 pixels are 479.
  large('FCOS: exp, centerness, square root of the product', (output) => output.startsWith('b'), 1.7),
  large('SSD: listed anchors, linear size, x before y', (output) => output === 'b', 10),
  large('boxes: YOLOv8 decoded, [1, 4 + K, P]', (_, i) => i < 4 * 20, 600),
  large('boxes and scores apart, logits, the best label of each', (output) => output === 'b', 200),
  large('YOLOX, all rows in one list', (_, i) => i % 8 === 2 || i % 8 === 3, 3.5),
  large('end to end: boxes, scores and classes of the detection API', (output) => output === 'b', 10),
  large('CenterNet of the paper: offsets and sizes in cells', (output) => output === 'wh', 60),
  {
    name: 'CenterNet with distances of hundreds of pixels',
    decoder: { type: 'centernet', heatmap: 'h', from: 'logit', size: 'd', stride: 8, window: 1 },
    labels: three,
    network: { h: [1, 4, 6, 3], d: [1, 4, 6, 4] },
    range: [0, 1],
    fill: (name, random) => (name === 'd' ? random.map((x) => Math.fround(x * 500)) : random),
    twin: ({ h, d }) =>
      cells([8]).flatMap(({ x, y }, i) => {
        const [l, t, r, b] = d!.slice(i * 4, i * 4 + 4) as [number, number, number, number];
        return each(i, h!.slice(i * 3, i * 3 + 3).map(sigmoid), [x * 8 - l, y * 8 - t, x * 8 + r, y * 8 + b]);
      }),
  },
];

const runtimes: readonly [string, () => Promise<Runtime>][] = [
  ['reference', async () => createReferenceRuntime()],
  ['wasm', () => createWasmRuntime({ threads: 1 })],
];

describe.each(runtimes)('decoders on %s', (_, create) => {
  it.each([...cases, ...largeCases].map((row) => [row.name, row] as const))('%s', async (_name, row) => {
    const runtime = await create();
    try {
      const graph = networkOf(row.network);
      const labels = labelSpace('toy', row.labels);
      const head = await openHead({ dataset: 'toy', decoder: row.decoder }, graph, labels, { embeddings: row.embeddings });
      const builder = new GraphBuilder();
      head.addPeaks(builder, head.addScores(builder), { k: 1e6, labels: labels.size });
      const program = await (await runtime.compile(graph)).extend(builder.build());
      const outputs: Record<string, readonly number[]> = {};
      const feeds: Record<string, Float32Array> = { image: new Float32Array(HEIGHT * WIDTH * 3) };
      Object.entries(row.network).forEach(([name, shape], i) => {
        const random = randomNumbers(sizeOf(shape), 11 + i, ...(row.range ?? [-3, 3]));
        outputs[name] = row.fill?.(name, random) ?? random;
        feeds[`${name}/in`] = Float32Array.from(outputs[name]!);
      });
      const { from } = head.scores;
      const result = await program.run({ feeds: { ...feeds, ...head.feeds(0, from) }, outputs: head.outputs }, (results) => {
        const rows = Array.from(results['tail:index'] as Int32Array, (index) => Math.floor(index / labels.size));
        return { rows, ...head.decode(results, { labels: labels.size, from }) };
      });
      const found = new Map(
        Array.from(result.scores, (score, i) => [
          `${result.rows[i]}/${result.labelIndices[i]}`,
          { score, box: [...result.boxes.subarray(i * 4, i * 4 + 4)] },
        ]),
      );
      const wanted = row.twin(outputs);
      expect([...found.keys()].sort()).toEqual(wanted.map(({ at }) => at).sort());
      for (const { at, score, box } of wanted) {
        const other = found.get(at)!;
        expect(Math.abs(other.score - score), `score of ${at}: ${other.score}, wanted ${score}`).toBeLessThan(SCORE);
        other.box.forEach((x, i) => expect(Math.abs(x - box[i]!), `box of ${at}: [${other.box.join(', ')}], wanted [${box.join(', ')}]`).toBeLessThan(PIXEL)); // prettier-ignore
      }
      if (largeCases.includes(row)) expect(Math.max(...wanted.map(({ box }) => box[2]! - box[0]!))).toBeGreaterThan(300);
      // The best come first.
      expect([...result.scores]).toEqual([...result.scores].sort((a, b) => b - a));
    } finally {
      runtime.dispose();
    }
  });
});

describe('a decoder that disagrees with its graph says how', () => {
  const yolo = { type: 'yolo', outputs: ['p8', 'p16'], strides: [8, 16], anchors: yoloAnchors };
  const good: Network = { p8: [1, 4, 6, 16], p16: [1, 2, 3, 16] };
  const ssd = { type: 'ssd', boxes: 'boxes', scores: 'scores', from: 'softmax', anchors: ssdLayers };
  const ssdNet: Network = { boxes: [1, P_SSD, 4], scores: [1, P_SSD, 4] };
  const text = { type: 'boxes', boxes: 'b', scores: 'f', embeddings: { dimensions: 8, temperature: 10 } };
  const textNet: Network = { b: [1, 20, 4], f: [1, 20, 8] };
  it.each<[string, Record<string, unknown>, Network, string, LabelEmbeddings?]>([
    [
      'channels first',
      yolo,
      { ...good, p8: [1, 16, 4, 6] },
      'found [1, 16, 4, 6], with the channels first; wanted [1, H, W, 16]',
    ],
    ['labels', yolo, { ...good, p8: [1, 4, 6, 14] }, 'wanted [1, H, W, 16] or [1, P, 8]: 2 anchors x 8 numbers (4 for the box, 1 objectness, 3 class scores)'], // prettier-ignore
    [
      'an output that is none',
      { ...yolo, outputs: ['p8', 'p32'] },
      good,
      'found "p32"; wanted an output of the graph: "p8" [1, 4, 6, 16], "p16"',
    ],
    ['strides', { ...yolo, strides: [8, 32] }, good, 'a grid of 2 x 3; wanted a grid of 1 x 2 x 2'],
    [
      'too few anchors',
      { ...yolo, anchors: [yoloAnchors[0]] },
      good,
      'anchors: found 1 lists; wanted 2 lists of [width, height]',
    ],
    ['an anchor of one number', { ...yolo, anchors: [yoloAnchors[0], [[3]]] }, good, 'anchors[1]: found [[3]]'],
    ['a stride of 0', { ...yolo, strides: [8, 0] }, good, 'strides: found [8, 0]'],
    [
      'an unknown parameter',
      { ...yolo, scaleXy: 2 },
      good,
      'the unknown parameter "scaleXy"; wanted only type, outputs, strides',
    ],
    ['no class scores for three labels', { ...yolo, classScores: false }, good, 'classScores: found false with the 3 labels'],
    ['rows of anchors', { ...ssd, anchors: { ...ssdLayers, strides: [8, 16] } }, ssdNet, `found ${P_SSD} rows; wanted 90`],
    ['a background too few', { ...ssd, background: 'none' }, ssdNet, 'found [1, 96, 4]; wanted [1, H, W, 9] or [1, P, 3]'],
    [
      'another number of boxes',
      ssd,
      { ...ssdNet, boxes: [1, 95, 4] },
      'scores: found 96 rows ([1, 96, 4]); wanted 95, as in boxes',
    ],
    ['an unknown kind of anchors', { ...ssd, anchors: { type: 'some' } }, ssdNet, 'anchors.type: found "some"; wanted "multi-scale", "sizes" or "list"'], // prettier-ignore
    ['no anchors', { ...ssd, anchors: undefined }, ssdNet, 'anchors: found undefined; wanted an object'],
    [
      'columns without a score',
      { type: 'detections', output: 'b', columns: ['x1', 'y1', 'x2', 'y2'] },
      textNet,
      'columns: found x1, y1, x2, y2',
    ],
    ['no embeddings', text, textNet, 'found no text embeddings; wanted [3, 8]'],
    ['embeddings of another length', text, textNet, 'found [3, 7]; wanted [3, 8]', { data: clip([3, 7], 1), dimensions: 7 }],
    ['an embedding of zeros', text, textNet, 'found row 0 of length 0', { data: new Float32Array(24), dimensions: 8 }],
    ['embeddings for a head without', { type: 'boxes', boxes: 'b', scores: 'f' }, { b: [1, 20, 4], f: [1, 20, 3] }, 'text embeddings of the caller', { data: clip([3, 8], 1), dimensions: 8 }], // prettier-ignore
  ])('%s', async (_, decoder, network, message, embeddings) => {
    const labels = labelSpace('toy', three);
    const error = await openHead({ dataset: 'toy', decoder }, networkOf(network), labels, { embeddings }).catch(
      (e: unknown) => e,
    );
    expect(error).toBeInstanceOf(ModelError);
    expect((error as Error).message).toContain(message);
  });
});

describe('any decoder at all', () => {
  it('opens or is refused by name', async () => {
    const name = fc.constantFrom('p8', 'p16', 'b', 's', 'rows', 'out', 'none');
    const value = fc.oneof(
      name,
      fc.array(name, { maxLength: 3 }),
      fc.double(),
      fc.array(fc.integer({ min: -1, max: 32 }), { maxLength: 4 }),
      fc.boolean(),
      fc.constantFrom(
        null,
        {},
        [[]],
        [[[8, 8]], [[16, 16]]],
        { type: 'multi-scale' },
        { type: 'list', boxes: [[0, 0, 1, 1]] },
        { dimensions: 3 },
      ),
      fc.constantFrom('logit', 'softmax', 'probability', 'none', 'first', 'best', 'exp', 'xywh', 'relative'),
    );
    const fields = ['outputs', 'output', 'boxes', 'scores', 'centerness', 'classes', 'heatmap', 'size', 'offset', 'strides', 'stride', 'window', 'anchors', 'from', 'background', 'scaleXY', 'extent', 'bins', 'labels', 'columns', 'format', 'unit', 'embeddings', 'variances', 'coding', 'objectness', 'first']; // prettier-ignore
    // A good decoder with a field or two that are not.
    const edits = fc.dictionary(fc.constantFrom(...fields), fc.oneof(value, fc.constant(undefined)), { minKeys: 1, maxKeys: 2 });
    const given = fc.record({ row: fc.constantFrom(...cases), edits });
    let opened = 0;
    await fc.assert(
      fc.asyncProperty(given, async ({ row, edits: changed }) => {
        const { decoder, network, labels, embeddings } = row;
        try {
          await openHead({ dataset: 'toy', decoder: { ...decoder, ...changed } }, networkOf(network), labelSpace('toy', labels), { embeddings }); // prettier-ignore
          opened++;
        } catch (error) {
          if (!(error instanceof ModelError)) throw error;
        }
      }),
      { numRuns: 3000 },
    );
    // Some are right all the same.
    expect(opened).toBeGreaterThan(10);
  });
});

describe('several heads in one tail', () => {
  it('share values of the network, not names; geometry says whether boxes are the same', async () => {
    const graph = networkOf({ b: [1, 20, 4], s: [1, 20, 3], t: [1, 20, 2], c: [1, 20, 4] });
    const open = (scores: string, boxes: string, labels: readonly string[], prefix: string) =>
      openHead({ dataset: prefix, decoder: { type: 'boxes', boxes, scores } }, graph, labelSpace(prefix, labels), { prefix });
    const [a, b, c] = await Promise.all([
      open('s', 'b', three, 'a'),
      open('t', 'b', ['x', 'y'], 'b'),
      open('t', 'c', ['x', 'y'], 'c'),
    ]);
    expect(a.geometry).toBe(b.geometry);
    expect(a.geometry).not.toBe(c.geometry);
    const builder = new GraphBuilder();
    a.addPeaks(builder, a.addScores(builder), { k: 5, labels: 3 });
    b.addPeaks(builder, b.addScores(builder), { k: 5, labels: 2 });
    expect(builder.build().outputs.length).toBe(8);
  });
});
