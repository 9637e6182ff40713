// Heads of the YOLO family that predict one row an anchor or cell: v2 to v7 with anchors, YOLOX, FastestDet. Anchor-free v8 and later: points.ts.
import type { NetworkValue } from './tail.js';
import { openClassScores, type ClassScoreOptions } from './class-scores.js';
import type { DecoderContext, OpenDecoder } from './decoder.js';
import { formatSpace } from '../taxonomy/label-space.js';
import { wrong } from './parameters.js';
import { needInputSize } from './network.js';
import { addRows, gridPriors, gridsOf, openRows, type Cell } from './rows.js';
import { type HeadPlan, PLAIN_BOXES } from './tail.js';

const positive = (x: number): boolean => x > 0;

/**
 * `"type": "yolo"`: Redmon and Farhadi, YOLOv3 (2018), Eq. in section 2.1; `scaleXY` of Bochkovskiy et al., YOLOv4 (2020), section 3.3 "eliminate grid
 * sensitivity"; `"extent": "square"` of scaled YOLOv4, YOLOv5 and YOLOv7.
 *
 * Row of an anchor: tx, ty, tw, th, objectness, class scores. With s = scaleXY of the scale, x = (sigmoid(tx) * s - (s - 1) / 2 + column) * stride,
 * w = anchor * e^tw, or anchor * (2 * sigmoid(tw))^2 for `square`. Score = objectness * class; with `"classScores": false` (one label) objectness alone.
 * Parameters: outputs, strides, anchors (a list of [width, height] in input pixels for each output), scaleXY (one or one a scale; 1), extent (`exp`),
 * classScores (true), from (`logit`), background, objectnessPower, classPower, labels (`all`).
 */
export const openYolo: OpenDecoder = (context) => {
  const { parameters } = context;
  const n = parameters.names('outputs').length;
  const strides = parameters.numbers('strides', n, 'a stride more than 0', positive);
  const anchors = parameters.anchors('anchors', n);
  const scaleXY = parameters.numbers('scaleXY', n, 'a number from 1', (x) => x >= 1, 1);
  const size = parameters.choice('extent', ['exp', 'square'], 'exp');
  const counts = anchors.map((list) => list.length);
  return openRowHead(context, {
    strides,
    anchors: counts,
    classScores: parameters.flag('classScores', true),
    scores: {},
    boxes: { position: 'sigmoid', extent: size === 'exp' ? 'exp' : 'sigmoid_squared' },
    prior: ({ x, y, anchor, level }) => {
      const [stride, s] = [strides[level]!, scaleXY[level]!];
      const [w, h] = anchors[level]![anchor]!;
      const grown = size === 'exp' ? 1 : 4;
      return [(x - (s - 1) / 2) * stride, (y - (s - 1) / 2) * stride, s * stride, s * stride, grown * w, grown * h];
    },
  });
};

/**
 * `"type": "yolox"`: Ge et al., YOLOX (2021), as exported without decoding. Row of a cell: dx, dy, dw, dh, objectness, class scores;
 * x = (dx + column) * stride, w = e^dw * stride. Parameters: outputs (one a stride, or one with all rows), strides, from (`probability`: the export
 * holds the sigmoids), background, objectnessPower, classPower, labels (`all`).
 */
export const openYolox: OpenDecoder = (context) => {
  const { parameters } = context;
  const strides = parameters.list('strides', 'strides more than 0', positive);
  return openRowHead(context, {
    strides,
    scores: { from: 'probability' },
    boxes: { position: 'identity', extent: 'exp' },
    prior: ({ x, y, level }) => {
      const stride = strides[level]!;
      return [x * stride, y * stride, stride, stride, stride, stride];
    },
  });
};

/**
 * `"type": "fastestdet"`: FastestDet (github.com/dog-qiuqiu/FastestDet). Row of a cell: objectness, dx, dy, w, h, class scores;
 * x = (column + tanh(dx)) * stride, w = sigmoid(w) * width of the input; score = objectness^0.6 * class^0.4, one label a cell.
 * Parameters: outputs, strides, from (`probability`), objectnessPower (0.6), classPower (0.4), labels (`best`).
 */
export const openFastestDet: OpenDecoder = (context) => {
  const { parameters, graph } = context;
  const strides = parameters.list('strides', 'strides more than 0', positive);
  const { width, height } = needInputSize(parameters.where, graph);
  return openRowHead(context, {
    strides,
    scores: { from: 'probability', powers: [0.6, 0.4] },
    labels: 'best',
    objectness: 0,
    box: 1,
    boxes: { position: 'tanh', extent: 'sigmoid' },
    prior: ({ x, y, level }) => {
      const stride = strides[level]!;
      return [x * stride, y * stride, stride, stride, width, height];
    },
  });
};

interface RowHead {
  strides: readonly number[];
  anchors?: readonly number[];
  /** Default true. */
  classScores?: boolean;
  scores: ClassScoreOptions;
  labels?: 'all' | 'best';
  /** Column of the objectness; default 4. */
  objectness?: number;
  /** First column of the box; default 0. */
  box?: number;
  boxes: { position: HeadPlan['code']['position']; extent: HeadPlan['code']['extent'] };
  prior(cell: Cell): readonly [number, number, number, number, number, number];
}

function openRowHead({ parameters, graph, labels, embeddings }: DecoderContext, head: RowHead): HeadPlan {
  const { strides, anchors = [], classScores = true, objectness = 4, box = 0 } = head;
  const classes = classScores ? openClassScores(parameters, labels, embeddings, { ...head.scores, objectness: true }) : undefined;
  const from = classes ? undefined : parameters.choice('from', ['logit', 'probability'], 'logit');
  if (!classes && labels.size !== 1)
    throw wrong(
      parameters.place('classScores'),
      `false with the ${labels.size} labels of ${formatSpace(labels)}`,
      'true, or one label',
    );
  const each = parameters.choice('labels', ['all', 'best'], head.labels ?? 'all');
  const columns = 5 + (classes?.columns ?? 0);
  const what = classes ? `4 for the box, 1 objectness, ${classes.columns} class scores` : '4 for the box, 1 objectness';
  const rows = openRows(parameters, 'outputs', graph, { columns, anchors, what });
  const size = needInputSize(parameters.where, graph);
  parameters.close();
  const priors = gridPriors(parameters.place('outputs'), rows, gridsOf(strides, size, anchors), (cell) => head.prior(cell));
  const inputs: NetworkValue[] = rows.blocks.map(({ value }) => value);
  return {
    type: 'yolo',
    from: classes ? classes.from : from!,
    shape: [rows.count, labels.size],
    inputs,
    scores(tail) {
      const all = addRows(tail, rows);
      const found = tail.columns(all, objectness, 1);
      return classes ? classes.add(tail, tail.columns(all, 5, classes.columns), found) : found;
    },
    rows: (tail) => addRows(tail, rows),
    boxSources: inputs.map(({ name }) => name),
    priors,
    code: { ...PLAIN_BOXES, ...head.boxes, columns: [box, box + 1, box + 2, box + 3] },
    labels: each,
  };
}
