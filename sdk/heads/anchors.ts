// Heads whose rows are offsets from anchor boxes: SSD with generated anchors, RetinaNet and EfficientDet.
import { openClassScores } from './class-scores.js';
import type { DecoderContext, OpenDecoder } from './decoder.js';
import { type Parameters, wrong } from './parameters.js';
import { type InputSize, needInputSize } from './network.js';
import { addRows, gridPriors, gridsOf, openRows, type Rows, sameRows } from './rows.js';
import { type HeadPlan, PLAIN_BOXES } from './tail.js';

const positive = (x: number): boolean => x > 0;

/** Centre and size in input pixels. */
type Anchor = readonly [x: number, y: number, w: number, h: number];

/**
 * `"type": "ssd"`: Liu et al., SSD (2016), section 2.2. Outputs `boxes` (rows of 4 offsets) and `scores` (rows of class scores), one a layer or one for
 * all. With variances v and anchor (ax, ay, aw, ah): x = ax + v0 * tx * aw, y = ay + v1 * ty * ah, w = aw * e^(v2 * tw), h = ah * e^(v3 * th), or without
 * the exponential for `"extent": "linear"`.
 *
 * Parameters: boxes, scores, anchors, coding (`yxhw` as TensorFlow writes it, or `xywh`), variances ([0.1, 0.1, 0.2, 0.2] in the order x, y, w, h),
 * extent (`exp`), from (`logit`), background (`first`), labels (`all`). `anchors` has a `type`:
 * `multi-scale` (SSD and TensorFlow's detection API: strides, minScale, maxScale, aspectRatios, interpolated (true), reduceLowest (true), fixedSize
 * (false: every anchor is the whole image)), `sizes` (the first SSD: strides, minSizes, maxSizes, aspectRatios a layer), or `list` (boxes: [x, y, w, h]
 * as shares of the image).
 */
export const openSsd: OpenDecoder = (context) => {
  const { parameters, graph } = context;
  const size = needInputSize(parameters.where, graph);
  const layers = readAnchors(parameters, size);
  return openAnchors(context, layers, { background: 'first', variances: [0.1, 0.1, 0.2, 0.2], coding: 'yxhw' });
};

/**
 * `"type": "retinanet"`: Lin et al., Focal Loss (2017), section 4. Outputs `boxes` and `scores`, one a stride or one with all rows. Anchors of a level:
 * sizes scale * stride * 2^(i / octaves) with each aspect ratio (height / width).
 *
 * Parameters: boxes, scores, strides, anchors { scale (4), octaves (3), aspectRatios ([0.5, 1, 2]), order (`ratio-major` as in torchvision and
 * mmdetection, or `scale-major` as in Detectron2 and EfficientDet), offset (0: the anchor's place in its cell; EfficientDet 0.5),
 * round (false; torchvision rounds the half sizes) }, coding (`xywh` or `yxhw`), variances ([1, 1, 1, 1]), extent (`exp`), from (`logit`), background, labels (`all`).
 */
export const openRetinanet: OpenDecoder = (context) => {
  const { parameters, graph } = context;
  const input = needInputSize(parameters.where, graph);
  const strides = parameters.list('strides', 'strides more than 0', positive);
  const group = parameters.group('anchors');
  const scale = group.positive('scale', 4);
  const octaves = group.integer('octaves', 1, 3);
  const ratios = group.list('aspectRatios', 'height / width, more than 0', positive, [0.5, 1, 2]);
  const scaleMajor = group.choice('order', ['ratio-major', 'scale-major'], 'ratio-major') === 'scale-major';
  const offset = group.number('offset', 'cells from 0 to 1', (x) => x >= 0 && x <= 1, 0);
  const round = group.flag('round', false);
  group.close();
  const sizes = Array.from({ length: octaves }, (_, i) => scale * 2 ** (i / octaves));
  const shapes = scaleMajor
    ? sizes.flatMap((s) => ratios.map((r): [number, number] => [s, r]))
    : ratios.flatMap((r) => sizes.map((s): [number, number] => [s, r]));
  const layers = gridsOf(strides, input, []).map(({ height, width }, l): Layer => {
    const stride = strides[l]!;
    const boxes = shapes.map(([s, r]): [number, number] => {
      const [w, h] = [(s * stride) / Math.sqrt(r), s * stride * Math.sqrt(r)];
      return round ? [2 * roundEven(w / 2), 2 * roundEven(h / 2)] : [w, h];
    });
    return {
      height,
      width,
      anchors: boxes.length,
      at: (x, y, a) => [(x + offset) * stride, (y + offset) * stride, ...boxes[a]!],
    };
  });
  return openAnchors(context, layers, { background: 'none', variances: [1, 1, 1, 1], coding: 'xywh' });
};

/** To the nearest integer, halves to the even one, as PyTorch rounds. */
const roundEven = (x: number): number => (Math.abs(x % 1) === 0.5 ? 2 * Math.round(x / 2) : Math.round(x));

interface Layer {
  height: number;
  width: number;
  anchors: number;
  at(x: number, y: number, anchor: number): Anchor;
}

interface AnchorDefaults {
  background: 'none' | 'first';
  variances: readonly [number, number, number, number];
  coding: 'xywh' | 'yxhw';
}

function openAnchors(
  { parameters, graph, labels, embeddings }: DecoderContext,
  layers: readonly Layer[],
  defaults: AnchorDefaults,
): HeadPlan {
  const coding = parameters.choice('coding', ['xywh', 'yxhw'], defaults.coding);
  const [vx, vy, vw, vh] = parameters.list('variances', 'four numbers more than 0, for x, y, w, h', positive, defaults.variances); // prettier-ignore
  if ([vx, vy, vw, vh].includes(undefined)) throw wrong(parameters.place('variances'), 'fewer than four numbers', 'four: x, y, w, h'); // prettier-ignore
  const extent = parameters.choice('extent', ['exp', 'linear'], 'exp') === 'exp' ? 'exp' : 'identity';
  const classes = openClassScores(parameters, labels, embeddings, { background: defaults.background });
  const each = parameters.choice('labels', ['all', 'best'], 'all');
  const anchors = layers.map((layer) => layer.anchors);
  const boxes = openRows(parameters, 'boxes', graph, { columns: 4, anchors, what: 'offsets from an anchor' });
  const scores = openRows(parameters, 'scores', graph, { columns: classes.columns, anchors, what: 'class scores' });
  sameRows(parameters.place('scores'), scores, 'boxes', boxes);
  sameOrder(parameters, boxes, scores);
  parameters.close();
  const priors = gridPriors(parameters.place('boxes'), boxes, layers, ({ x, y, anchor, level }) => {
    const [ax, ay, aw, ah] = layers[level]!.at(x, y, anchor);
    return [ax, ay, vx! * aw, vy! * ah, aw, ah];
  });
  return {
    type: 'anchors',
    from: classes.from,
    shape: [scores.count, labels.size],
    inputs: [...boxes.blocks, ...scores.blocks].map(({ value }) => value),
    scores: (tail) => classes.add(tail, addRows(tail, scores)),
    rows: (tail) => addRows(tail, boxes),
    boxSources: boxes.blocks.map(({ value }) => value.name),
    priors,
    code: { ...PLAIN_BOXES, extent, columns: coding === 'xywh' ? [0, 1, 2, 3] : [1, 0, 3, 2], scale: [vw!, vh!] },
    labels: each,
  };
}

/** Grids of boxes and scores must count their anchors in the same order. */
function sameOrder(parameters: Parameters, boxes: Rows, scores: Rows): void {
  boxes.blocks.forEach(({ grid }, i) => {
    const other = scores.blocks[i]?.grid;
    if (grid && other && grid.order !== other.order)
      throw wrong(parameters.place('scores'), `anchors ${other.order}`, `${grid.order}, as in the boxes`);
  });
}

function readAnchors(parameters: Parameters, input: InputSize): Layer[] {
  const group = parameters.group('anchors');
  const type = group.choice('type', ['multi-scale', 'sizes', 'list']);
  if (type === 'list') return [readList(group, input)];
  const strides = group.list('strides', 'strides more than 0', positive);
  const offset = group.number('offset', 'cells from 0 to 1', (x) => x >= 0 && x <= 1, 0.5);
  const grids = gridsOf(strides, input, []);
  const shapes = type === 'multi-scale' ? multiScale(group, strides.length, input) : bySizes(group, strides.length);
  group.close();
  return grids.map(({ height, width }, l) => ({
    height,
    width,
    anchors: shapes[l]!.length,
    // Cells share the image evenly, as every generator counts them: a grid of 19 on 300 pixels has cells of 300 / 19.
    at: (x, y, a) => {
      const centre: [number, number] =
        type === 'multi-scale'
          ? [((x + offset) / width) * input.width, ((y + offset) / height) * input.height]
          : [(x + offset) * strides[l]!, (y + offset) * strides[l]!];
      return [...centre, ...shapes[l]![a]!];
    },
  }));
}

/** Scales from minScale to maxScale, linear over the layers (SSD, Eq. 4); sizes are shares of the input. */
function multiScale(group: Parameters, layers: number, input: InputSize): [number, number][][] {
  const share = (x: number): boolean => x > 0 && x <= 1;
  const minScale = group.number('minScale', 'a share of the image, more than 0', share, 0.2);
  const maxScale = group.number('maxScale', 'a share of the image, more than 0', share, 0.95);
  const ratios = group.list('aspectRatios', 'width / height, more than 0', positive, [1, 2, 0.5, 3, 1 / 3]);
  const interpolated = group.flag('interpolated', true);
  const reduceLowest = group.flag('reduceLowest', true);
  const fixedSize = group.flag('fixedSize', false);
  const scale = (l: number): number =>
    l >= layers ? 1 : layers === 1 ? (minScale + maxScale) / 2 : minScale + ((maxScale - minScale) * l) / (layers - 1);
  return Array.from({ length: layers }, (_, l) => {
    const pairs: [scale: number, ratio: number][] =
      l === 0 && reduceLowest
        ? [[0.1, 1], [scale(0), 2], [scale(0), 0.5]] // prettier-ignore
        : ratios.map((ratio): [number, number] => [scale(l), ratio]);
    if (interpolated && !(l === 0 && reduceLowest)) pairs.push([Math.sqrt(scale(l) * scale(l + 1)), 1]);
    return pairs.map(([s, r]): [number, number] =>
      fixedSize ? [input.width, input.height] : [s * Math.sqrt(r) * input.width, (s / Math.sqrt(r)) * input.height],
    );
  });
}

/** Squares of the least size and of the mean with the largest, then both ways of each ratio; all in pixels, as the first SSD made them. */
function bySizes(group: Parameters, layers: number): [number, number][][] {
  const least = group.numbers('minSizes', layers, 'pixels more than 0', positive);
  const most = group.numbers('maxSizes', layers, 'pixels more than 0', positive);
  const ratios = group.list('aspectRatios', 'ratios more than 1, for all layers', (x) => x > 1, [2]);
  return least.map((size, l) => [
    [size, size],
    [Math.sqrt(size * most[l]!), Math.sqrt(size * most[l]!)],
    ...ratios.flatMap((r): [number, number][] => [
      [size * Math.sqrt(r), size / Math.sqrt(r)],
      [size / Math.sqrt(r), size * Math.sqrt(r)],
    ]),
  ]);
}

function readList(group: Parameters, input: InputSize): Layer {
  const flat = group.rows('boxes', 4);
  group.close();
  const boxes = flat.map(([x, y, w, h]): Anchor => [x! * input.width, y! * input.height, w! * input.width, h! * input.height]);
  return { height: 1, width: boxes.length, anchors: 1, at: (x) => boxes[x]! };
}
