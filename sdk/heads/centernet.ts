// CenterNet head: a map of centre scores and the size of the box at each centre (Zhou et al., Objects as Points, 2019).
import { formatSpace } from '../taxonomy/label-space.js';
import { formatShape } from '../tensor/shape.js';
import { openClassScores } from './class-scores.js';
import type { DecoderContext, OpenDecoder } from './decoder.js';
import { type Parameters, wrong } from './parameters.js';
import { inputSize, outputOf } from './network.js';
import { type HeadPlan, type NetworkValue, PLAIN_BOXES } from './tail.js';

/**
 * `"type": "centernet"`. Parameters: heatmap, output [1, H, W, K], the score of each label at each centre; from (`logit` or `probability`);
 * stride, input pixels from one centre to the next; window, side of the square in which a peak is the largest of its label, odd; and
 * size, output [1, H, W, 4]: distances from a centre to left, top, right, bottom in input pixels; or, with offset, output [1, H, W, 2]
 * (dx, dy): size [1, H, W, 2], width and height, both in cells, as in the paper. With `features`, output [1, H, W, D], and `embeddings` (see class-scores.ts)
 * the head compares features with text where a caller gives text; the heatmap has the labels that it came with.
 */
export const openCenternet: OpenDecoder = (context) => {
  const { parameters, graph, labels, embeddings } = context;
  const heatmap = outputOf(parameters.place('heatmap'), parameters.name('heatmap', 'the name of a graph output [1, H, W, K]'), graph); // prettier-ignore
  const from = parameters.choice('from', ['logit', 'probability']);
  const size = outputOf(parameters.place('size'), parameters.name('size', 'the name of a graph output [1, H, W, 4]'), graph);
  const offset = parameters.has('offset')
    ? outputOf(parameters.place('offset'), parameters.name('offset', 'the name of a graph output [1, H, W, 2]'), graph)
    : undefined;
  const stride = parameters.number('stride', 'pixels, more than 0', (x) => x > 0);
  const window = parameters.number('window', 'an odd integer from 1', (x) => Number.isInteger(x) && x > 0 && x % 2 === 1);
  const each = parameters.choice('labels', ['all', 'best'], 'all');
  const features = parameters.has('embeddings')
    ? outputOf(parameters.place('features'), parameters.name('features', 'the name of a graph output [1, H, W, D]'), graph)
    : undefined;
  const text = features && embeddings ? openClassScores(parameters, labels, embeddings) : undefined;
  if (features && !text) parameters.group('embeddings');
  parameters.close();
  if (embeddings && !text)
    throw wrong(parameters.where, 'text embeddings of the caller', 'a decoder with the fields "features" and "embeddings"');
  const { shape } = heatmap;
  const [batch, height, width, channels] = shape as [number, number, number, number];
  const place = `${parameters.place('heatmap')} ${JSON.stringify(heatmap.name)}`;
  if (shape.length !== 4 || batch !== 1) throw wrong(place, formatShape(shape), '[1, H, W, K]');
  if (text && features) checkMap(parameters, 'features', features, heatmap, text.columns);
  if (!text && channels !== labels.size) {
    const wanted = `${labels.size}, one for each label of ${formatSpace(labels)}`;
    throw wrong(`${place} ${formatShape(shape)}`, `${channels} channels`, wanted);
  }
  checkMap(parameters, 'size', size, heatmap, offset ? 2 : 4);
  if (offset) checkMap(parameters, 'offset', offset, heatmap, 2);
  checkStride(context, stride, height, width);
  const cells = height * width;
  const priors = new Float32Array(cells * 6);
  for (let i = 0; i < cells; i++) {
    const unit = offset ? stride : 1;
    priors.set([(i % width) * stride, Math.floor(i / width) * stride, stride, stride, unit, unit], i * 6);
  }
  const values: NetworkValue[] = offset ? [offset, size] : [size];
  const scored: HeadPlan['scores'] =
    text && features
      ? (tail) =>
          tail.reshape(text.add(tail, tail.reshape(tail.read(features), [cells, text.columns])), [1, height, width, labels.size])
      : (tail) => tail.read(heatmap);
  return {
    type: 'centernet',
    from: text ? text.from : from,
    shape: [1, height, width, labels.size],
    inputs: [text && features ? features : heatmap, ...values],
    scores: scored,
    rows: (tail) => {
      const parts = values.map((value) => tail.reshape(tail.read(value), [cells, value.shape[3]!]));
      return tail.stack(parts, 1);
    },
    boxSources: values.map(({ name }) => name),
    priors,
    code: { ...PLAIN_BOXES, form: offset ? 'center' : 'distances' },
    window,
    labels: each,
  } satisfies HeadPlan;
};

function checkMap(parameters: Parameters, key: string, value: NetworkValue, heatmap: NetworkValue, channels: number): void {
  const wanted = [...heatmap.shape.slice(0, 3), channels];
  if (formatShape(value.shape) === formatShape(wanted)) return;
  throw wrong(
    `${parameters.place(key)} ${JSON.stringify(value.name)}`,
    formatShape(value.shape),
    `${formatShape(wanted)}, to fit the heatmap ${formatShape(heatmap.shape)}`,
  );
}

function checkStride({ parameters, graph }: DecoderContext, stride: number, height: number, width: number): void {
  const input = inputSize(graph);
  if (!input) return;
  const [rows, columns] = [Math.ceil(input.height / stride), Math.ceil(input.width / stride)];
  if (rows === height && columns === width) return;
  throw wrong(
    parameters.place('stride'),
    `${stride}, which makes ${rows} x ${columns} centres of the input ${input.height} x ${input.width}`,
    `the ${height} x ${width} centres of the heatmap`,
  );
}
