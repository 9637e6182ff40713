// Anchor-free heads whose boxes are distances from a point to the four sides: YOLOv8 and v11 before their decoding, NanoDet, GFL, FCOS.
import { openClassScores } from './class-scores.js';
import type { DecoderContext, OpenDecoder } from './decoder.js';
import { needInputSize } from './network.js';
import { addRows, gridPriors, gridsOf, openRows, type Rows, sameRows } from './rows.js';
import { type HeadPlan, PLAIN_BOXES } from './tail.js';

const positive = (x: number): boolean => x > 0;

/**
 * `"type": "yolov8"`: YOLOv8, v9, v10, v11 raw, NanoDet, GFL: each distance is the expectation of a distribution over `bins` steps of a stride
 * (Li et al., Generalized Focal Loss, 2020, Eq. 5), from the point (column + offset) * stride.
 * Parameters: outputs (rows of 4 * bins numbers for left, top, right, bottom and the class scores; `"first": "scores"` for the other order), or boxes
 * and scores (separate outputs); strides; bins (16); offset (0.5); from (`logit`), background, labels (`all`).
 */
export const openYolov8: OpenDecoder = (context) => {
  const { parameters } = context;
  const bins = parameters.integer('bins', 1, 16);
  return openPoints(context, { bins, extent: 'identity', inStrides: true });
};

/**
 * `"type": "fcos"`: Tian et al., FCOS (2019), Eq. 1 to 3. Parameters: boxes, scores, centerness (optional outputs, one a stride, or one each with all
 * rows; a score is then class * centerness, with objectnessPower and classPower 0.5 for the square root); strides; offset (0.5);
 * extent (`exp`, `relu` or `identity`); unit (`stride` or `pixels`: what the distances are measured in); from (`logit`), background, labels (`all`).
 */
export const openFcos: OpenDecoder = (context) => {
  const { parameters } = context;
  const extent = parameters.choice('extent', ['exp', 'relu', 'identity'], 'exp');
  const inStrides = parameters.choice('unit', ['stride', 'pixels'], 'stride') === 'stride';
  return openPoints(context, { bins: 1, extent, inStrides });
};

function openPoints(
  { parameters, graph, labels, embeddings }: DecoderContext,
  { bins, extent, inStrides }: { bins: number; extent: HeadPlan['code']['extent']; inStrides: boolean },
): HeadPlan {
  const strides = parameters.list('strides', 'strides more than 0', positive);
  const offset = parameters.number('offset', 'cells from 0 to 1', (x) => x >= 0 && x <= 1, 0.5);
  const centerness = parameters.has('centerness');
  const classes = openClassScores(parameters, labels, embeddings, { objectness: centerness });
  const each = parameters.choice('labels', ['all', 'best'], 'all');
  const whatScores = `${classes.columns} class scores`;
  const whatBoxes = bins === 1 ? '4 distances' : `4 distances of ${bins} bins`;
  let boxes: Rows;
  let scores: Rows;
  let boxColumn = 0;
  let scoreColumn = 0;
  if (parameters.has('outputs')) {
    const scoresFirst = parameters.choice('first', ['boxes', 'scores'], 'boxes') === 'scores';
    const columns = 4 * bins + classes.columns;
    boxes = scores = openRows(parameters, 'outputs', graph, { columns, what: `${whatBoxes}, ${whatScores}` });
    if (scoresFirst) boxColumn = classes.columns;
    else scoreColumn = 4 * bins;
  } else {
    boxes = openRows(parameters, 'boxes', graph, { columns: 4 * bins, what: whatBoxes });
    scores = openRows(parameters, 'scores', graph, { columns: classes.columns, what: whatScores });
    sameRows(parameters.place('scores'), scores, 'boxes', boxes);
  }
  const centre = centerness ? openRows(parameters, 'centerness', graph, { columns: 1, what: 'the centerness' }) : undefined;
  if (centre) sameRows(parameters.place('centerness'), centre, 'scores', scores);
  const size = needInputSize(parameters.where, graph);
  parameters.close();
  const grids = gridsOf(strides, size, []);
  const priors = gridPriors(parameters.place('boxes or outputs'), boxes, grids, ({ x, y, level }) => {
    const stride = strides[level]!;
    const unit = inStrides ? stride : 1;
    return [(x + offset) * stride, (y + offset) * stride, 0, 0, unit, unit];
  });
  const values = [...boxes.blocks, ...scores.blocks, ...(centre?.blocks ?? [])].map(({ value }) => value);
  return {
    type: 'points',
    from: classes.from,
    shape: [scores.count, labels.size],
    inputs: values,
    scores: (tail) =>
      classes.add(tail, tail.columns(addRows(tail, scores), scoreColumn, classes.columns), centre && addRows(tail, centre)),
    rows: (tail) => addRows(tail, boxes),
    boxSources: boxes.blocks.map(({ value }) => value.name),
    priors,
    code: { ...PLAIN_BOXES, form: 'distances', bins, extent, columns: [0, 1, 2, 3].map((i) => boxColumn + i * bins) as unknown as HeadPlan['code']['columns'] }, // prettier-ignore
    labels: each,
  };
}
