// Heads whose boxes need no grid: decoded boxes with scores, DETR's queries, and lists of finished detections.
import { openClassScores } from './class-scores.js';
import type { DecoderContext, OpenDecoder } from './decoder.js';
import { type Parameters, wrong } from './parameters.js';
import { needInputSize } from './network.js';
import { addRows, openRows, type Rows, sameRows } from './rows.js';
import { type HeadPlan, PLAIN_BOXES } from './tail.js';

/**
 * `"type": "boxes"`: decoded boxes and class scores, as most exports of YOLOv5 to v11, RT-DETR and EfficientDet give them.
 * Parameters: either `output`, rows of the box, the objectness (with `"objectness": true`) and the class scores ([1, P, 4 + K] or [1, 4 + K, P]), or
 * `boxes` and `scores` as outputs of their own; format (`cxcywh`, `xyxy` or `yxyx`); unit (`pixels` of the input, or `relative`: 0 to 1);
 * from (`probability`), background (`none`), objectnessPower, classPower, labels (`all`).
 */
export const openBoxes: OpenDecoder = (context) => {
  const { parameters, graph, labels, embeddings } = context;
  const whole = parameters.has('output');
  const objectness = whole && parameters.flag('objectness', false);
  const classes = openClassScores(parameters, labels, embeddings, { from: 'probability', objectness });
  const each = parameters.choice('labels', ['all', 'best'], 'all');
  const box = openFormat(context, 'cxcywh', 'pixels');
  const first = objectness ? 5 : 4;
  let boxes: Rows;
  let scores: Rows;
  if (whole) {
    parameters.name('output');
    const what = `4 for the box, ${objectness ? '1 objectness, ' : ''}${classes.columns} class scores`;
    boxes = scores = openRows(parameters, 'output', graph, { columns: first + classes.columns, what });
  } else {
    boxes = openRows(parameters, 'boxes', graph, { columns: 4, what: 'a box' });
    scores = openRows(parameters, 'scores', graph, { columns: classes.columns, what: 'class scores' });
    sameRows(parameters.place('scores'), scores, 'boxes', boxes);
  }
  parameters.close();
  return {
    type: 'boxes',
    from: classes.from,
    shape: [scores.count, labels.size],
    inputs: [...boxes.blocks, ...scores.blocks].map(({ value }) => value),
    scores(tail) {
      const rows = addRows(tail, scores);
      return whole
        ? classes.add(tail, tail.columns(rows, first, classes.columns), objectness ? tail.columns(rows, 4, 1) : undefined)
        : classes.add(tail, rows);
    },
    rows: (tail) => addRows(tail, boxes),
    boxSources: boxes.blocks.map(({ value }) => value.name),
    ...box,
    labels: each,
  };
};

/**
 * `"type": "detr"`: queries of Carion et al., DETR (2020), and its successors: centre and size as shares of the image, a class a query.
 * Parameters: boxes, scores, boxesFrom (`probability`, or `logit` where the sigmoid of the boxes is left out), from (`softmax`, or `logit` for
 * Deformable DETR and later), background (`last` with softmax, else `none`), labels (`all`). No suppression is needed.
 */
export const openDetr: OpenDecoder = ({ parameters, graph, labels, embeddings }) => {
  const sigmoid = parameters.choice('boxesFrom', ['probability', 'logit'], 'probability') === 'logit';
  const softmax = !parameters.has('embeddings') && parameters.choice('from', ['logit', 'softmax', 'probability'], 'softmax') === 'softmax'; // prettier-ignore
  const classes = openClassScores(parameters, labels, embeddings, { from: 'softmax', background: softmax ? 'last' : 'none' });
  const each = parameters.choice('labels', ['all', 'best'], 'all');
  const boxes = openRows(parameters, 'boxes', graph, { columns: 4, what: 'centre and size' });
  const scores = openRows(parameters, 'scores', graph, { columns: classes.columns, what: 'class scores of a query' });
  sameRows(parameters.place('scores'), scores, 'boxes', boxes);
  const { width, height } = needInputSize(parameters.where, graph);
  parameters.close();
  return {
    type: 'detr',
    from: classes.from,
    shape: [scores.count, labels.size],
    inputs: [...boxes.blocks, ...scores.blocks].map(({ value }) => value),
    scores: (tail) => classes.add(tail, addRows(tail, scores)),
    rows: (tail) => addRows(tail, boxes),
    boxSources: boxes.blocks.map(({ value }) => value.name),
    priors: Float32Array.of(0, 0, width, height, width, height),
    code: { ...PLAIN_BOXES, position: sigmoid ? 'sigmoid' : 'identity', extent: sigmoid ? 'sigmoid' : 'identity' },
    labels: each,
  };
};

/** What a column of finished detections may hold. */
const COLUMNS = ['batch', 'x1', 'y1', 'x2', 'y2', 'cx', 'cy', 'w', 'h', 'score', 'class'] as const;

/**
 * `"type": "detections"`: finished detections of a network that has its own suppression (YOLOv10, end-to-end exports, TensorFlow's detection API).
 * Parameters: either `output` [1, N, C] with `columns` (default x1, y1, x2, y2, score, class; also cx, cy, w, h, batch), or `boxes` [1, N, 4], `scores`
 * [1, N] and `classes` [1, N] with format (`yxyx` as TensorFlow writes it, or `xyxy`, `cxcywh`); unit (`pixels`, or `relative` for the second form);
 * firstClass (0: the class number of the first label).
 */
export const openDetections: OpenDecoder = (context) => {
  const { parameters, graph, labels } = context;
  const K = labels.size;
  const firstClass = parameters.number('firstClass', 'an integer', Number.isInteger, 0);
  const oneHot = Float32Array.from({ length: K }, (_, i) => firstClass + i);
  const whole = parameters.has('output');
  const columns = whole ? readColumns(parameters) : [];
  const rows = openRows(parameters, whole ? 'output' : 'boxes', graph, {
    columns: whole ? columns.length : 4,
    what: whole ? columns.join(', ') : 'a box',
  });
  let scores = rows;
  let classes = rows;
  if (!whole) {
    scores = openRows(parameters, 'scores', graph, { columns: 1, what: 'a score' });
    classes = openRows(parameters, 'classes', graph, { columns: 1, what: 'the number of a class' });
    sameRows(parameters.place('scores'), scores, 'boxes', rows);
    sameRows(parameters.place('classes'), classes, 'boxes', rows);
  }
  const centred = columns.includes('cx');
  const box = openFormat(context, whole ? (centred ? 'cxcywh' : 'xyxy') : 'yxyx', whole ? 'pixels' : 'relative', whole);
  parameters.close();
  const places = (centred ? ['cx', 'cy', 'w', 'h'] : ['x1', 'y1', 'x2', 'y2']).map((name) => columns.indexOf(name));
  const at = (name: string): number => Math.max(columns.indexOf(name), 0);
  return {
    type: 'detections',
    from: 'probability',
    shape: [rows.count, K],
    inputs: [...rows.blocks, ...scores.blocks, ...classes.blocks].map(({ value }) => value),
    scores(tail) {
      const score = tail.columns(addRows(tail, scores), at('score'), 1);
      const number = tail.columns(addRows(tail, classes), at('class'), 1);
      const wanted = tail.constant('classes', oneHot, [1, K]);
      return tail.binary('mul', tail.float(tail.add('compare', [number, wanted], { kind: 'equal' })), score);
    },
    rows: (tail) => addRows(tail, rows),
    boxSources: rows.blocks.map(({ value }) => value.name),
    priors: box.priors,
    code: whole ? { ...box.code, columns: places as unknown as HeadPlan['code']['columns'] } : box.code,
  };
};

function readColumns(parameters: Parameters): string[] {
  const columns = parameters.has('columns') ? parameters.names('columns', `a list of ${COLUMNS.join(', ')}`) : ['x1', 'y1', 'x2', 'y2', 'score', 'class']; // prettier-ignore
  const complete = (names: readonly string[]): boolean => names.every((name) => columns.filter((c) => c === name).length === 1);
  const known = columns.every((column) => (COLUMNS as readonly string[]).includes(column));
  const boxed = complete(['x1', 'y1', 'x2', 'y2']) || complete(['cx', 'cy', 'w', 'h']);
  if (!known || !boxed || !complete(['score', 'class'])) {
    throw wrong(parameters.place('columns'), columns.join(', '), 'x1, y1, x2, y2 (or cx, cy, w, h), score and class, each once, and any number of batch'); // prettier-ignore
  }
  return columns;
}

type BoxFormat = 'cxcywh' | 'xyxy' | 'yxyx';

/** `format` and `unit`: how four numbers are a box. */
function openFormat(
  { parameters, graph }: DecoderContext,
  format: BoxFormat,
  unit: 'pixels' | 'relative',
  fixed = false,
): Pick<HeadPlan, 'priors' | 'code'> {
  const chosen = fixed ? format : parameters.choice('format', ['cxcywh', 'xyxy', 'yxyx'], format);
  const relative = parameters.choice('unit', ['pixels', 'relative'], unit) === 'relative';
  const { width, height } = relative ? needInputSize(parameters.where, graph) : { width: 1, height: 1 };
  return {
    priors: Float32Array.of(0, 0, width, height, width, height),
    code: {
      ...PLAIN_BOXES,
      form: chosen === 'cxcywh' ? 'center' : 'corners',
      columns: chosen === 'yxyx' ? [1, 0, 3, 2] : [0, 1, 2, 3],
    },
  };
}
