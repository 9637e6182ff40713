// COCO box AP of the default model under different ways of preparing images and of suppressing boxes: the measurement behind the defaults. The AP is a
// short implementation of its own, kept apart from labelweave's, and shown to give pycocotools' number before it is used.
//
// node test/bench/coco-ap.mjs --gt instances.json [--dt results.json [--expect AP]] [--images FOLDER] [--resample labelweave,bilinear,linear,cubic,lanczos3,nearest]
//   [--fit stretch,letterbox] [--nms off,0.5,0.6,0.7] [--agnostic] [--threads N] [--limit N] [--json FILE]
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import sharp from 'sharp';
import { formatTable } from './table.mjs';

/** Scores below this change AP in the fourth digit at most; it is what the reference detections were made with. */
const LEAST_SCORE = 0.01;
const MAX_DETECTIONS = 100;

/** numpy.linspace(start, stop, count): steps from the start, the last one exact. */
const linspace = (start, stop, count) =>
  Array.from({ length: count }, (_, i) => (i === count - 1 ? stop : i * ((stop - start) / (count - 1)) + start));
const iouThresholds = linspace(0.5, 0.95, 10);
const recallThresholds = linspace(0, 1, 101);

/** IoU of [x, y, w, h] boxes; with a crowd, intersection over the detection's area. */
function overlap([dx, dy, dw, dh], { bbox: [gx, gy, gw, gh], iscrowd }) {
  const w = Math.min(dx + dw, gx + gw) - Math.max(dx, gx);
  const h = Math.min(dy + dh, gy + gh) - Math.max(dy, gy);
  if (w <= 0 || h <= 0) return 0;
  const both = w * h;
  return both / (iscrowd ? dw * dh : dw * dh + gw * gh - both);
}

/** Greedy matching at one threshold, in order of score: each detection takes the free box of largest IoU, crowds last and for any number. */
function match(detections, truths, ious, threshold) {
  const taken = new Set();
  return detections.map((_, d) => {
    let best = Math.min(threshold, 1 - 1e-10);
    let at = -1;
    for (let g = 0; g < truths.length; g++) {
      if (taken.has(g) && !truths[g].iscrowd) continue;
      if (at >= 0 && !truths[at].iscrowd && truths[g].iscrowd) break;
      if (ious[d][g] < best) continue;
      best = ious[d][g];
      at = g;
    }
    if (at >= 0) taken.add(at);
    return at < 0 ? 'false' : truths[at].iscrowd ? 'ignored' : 'true';
  });
}

/** numpy's sum: chunks of 8192, in each pairwise by blocks of at most 128 with eight accumulators, so that the last bit is that of pycocotools. */
function sum(values) {
  const pairwise = (from, n) => {
    if (n < 8) {
      let total = 0;
      for (let i = 0; i < n; i++) total += values[from + i];
      return total;
    }
    if (n > 128) {
      const half = (n >> 1) - ((n >> 1) % 8);
      return pairwise(from, half) + pairwise(from + half, n - half);
    }
    const r = values.slice(from, from + 8);
    let i = 8;
    for (; i < n - (n % 8); i += 8) for (let j = 0; j < 8; j++) r[j] += values[from + i + j];
    let total = r[0] + r[1] + (r[2] + r[3]) + (r[4] + r[5] + (r[6] + r[7]));
    for (; i < n; i++) total += values[from + i];
    return total;
  };
  let total = 0;
  for (let from = 0; from < values.length; from += 8192) total += pairwise(from, Math.min(8192, values.length - from));
  return total;
}

const groupBy = (items, key) => {
  const groups = new Map();
  for (const item of items) groups.set(key(item), [...(groups.get(key(item)) ?? []), item]);
  return groups;
};

/**
 * COCO's AP, AP50 and AP75 of boxes, all areas, 100 detections an image and class.
 * @param truth COCO annotation file
 * @param results [{ image_id, category_id, bbox, score }]
 */
export function cocoAP(truth, results) {
  const key = ({ image_id, category_id }) => `${image_id}/${category_id}`;
  const truths = groupBy(truth.annotations, key);
  const found = groupBy(results, key);
  const images = truth.images.map(({ id }) => id).sort((a, b) => a - b);
  const categories = truth.categories.map(({ id }) => id).sort((a, b) => a - b);
  /** [threshold][recall][category], undefined where a class has no boxes. */
  const precision = iouThresholds.map(() => recallThresholds.map(() => []));

  for (const [k, category] of categories.entries()) {
    const perImage = images.map((image) => {
      const all = truths.get(`${image}/${category}`) ?? [];
      const boxes = [...all.filter((g) => !g.iscrowd), ...all.filter((g) => g.iscrowd)];
      const detections = (found.get(`${image}/${category}`) ?? []).sort((a, b) => b.score - a.score).slice(0, MAX_DETECTIONS);
      return { boxes, detections, ious: detections.map(({ bbox }) => boxes.map((g) => overlap(bbox, g))) };
    });
    const wanted = perImage.reduce((n, { boxes }) => n + boxes.filter((g) => !g.iscrowd).length, 0);
    if (wanted === 0) continue;
    for (const [t, threshold] of iouThresholds.entries()) {
      const outcomes = perImage.flatMap(({ detections, boxes, ious }) => {
        const kinds = match(detections, boxes, ious, threshold);
        return detections.map(({ score }, d) => ({ score, kind: kinds[d] }));
      });
      const curve = [];
      let right = 0;
      let wrong = 0;
      for (const { kind } of outcomes.sort((a, b) => b.score - a.score)) {
        if (kind === 'true') right++;
        if (kind === 'false') wrong++;
        curve.push({ recall: right / wanted, precision: right / (wrong + right + 2 ** -52) });
      }
      for (let i = curve.length - 1; i > 0; i--) curve[i - 1].precision = Math.max(curve[i - 1].precision, curve[i].precision);
      let at = 0;
      for (const [r, recall] of recallThresholds.entries()) {
        while (at < curve.length && curve[at].recall < recall) at++;
        precision[t][r][k] = curve[at]?.precision ?? 0;
      }
    }
  }
  const mean = (cells) => {
    const values = cells.flat(2).filter((value) => value !== undefined);
    return sum(values) / values.length;
  };
  return { AP: mean(precision), AP50: mean([precision[0]]), AP75: mean([precision[5]]) };
}

// Ways to bring an image to the network's input. Each gives the frame to detect in and the way back to source pixels.

/** Bilinear without antialiasing, pixel centres at half integers: what most training code does. */
function bilinear({ data, width, height }, toWidth, toHeight) {
  const out = new Uint8Array(toWidth * toHeight * 3);
  const axis = (n, from) =>
    Array.from({ length: n }, (_, i) => {
      const at = Math.min(Math.max(((i + 0.5) * from) / n - 0.5, 0), from - 1);
      const low = Math.floor(at);
      return [low, Math.min(low + 1, from - 1), at - low];
    });
  const columns = axis(toWidth, width);
  for (const [y, [top, bottom, fy]] of axis(toHeight, height).entries()) {
    for (const [x, [left, right, fx]] of columns.entries()) {
      for (let c = 0; c < 3; c++) {
        const at = (row, column) => data[(row * width + column) * 3 + c];
        const upper = at(top, left) * (1 - fx) + at(top, right) * fx;
        const lower = at(bottom, left) * (1 - fx) + at(bottom, right) * fx;
        out[(y * toWidth + x) * 3 + c] = Math.round(upper * (1 - fy) + lower * fy);
      }
    }
  }
  return out;
}

const resamplers = {
  bilinear,
  ...Object.fromEntries(
    ['nearest', 'linear', 'cubic', 'mitchell', 'lanczos2', 'lanczos3'].map((kernel) => [
      kernel,
      ({ data, width, height }, toWidth, toHeight) =>
        sharp(data, { raw: { width, height, channels: 3 } })
          .resize(toWidth, toHeight, { fit: 'fill', kernel })
          .raw()
          .toBuffer(),
    ]),
  ),
};

/** The image in the network's input of `side` pixels, and `scale` and `offset` from there to source pixels. */
async function prepareImage(image, resample, fit, side) {
  const { width, height } = image;
  const ratio = side / Math.max(width, height);
  const [w, h] = fit === 'stretch' ? [side, side] : [Math.round(width * ratio), Math.round(height * ratio)];
  const [left, top] = [(side - w) >> 1, (side - h) >> 1];
  // labelweave's own resampling: it scales frames itself, so a letterboxed one is given as a frame padded to a square.
  if (resample === 'labelweave') {
    if (fit === 'stretch') return { frame: { ...image, channels: 3 }, scale: [1, 1], offset: [0, 0] };
    const square = Math.max(width, height);
    const offset = [(square - width) >> 1, (square - height) >> 1];
    const padded = paste(image.data, width, height, square, ...offset);
    return { frame: { data: padded, width: square, height: square, channels: 3 }, scale: [1, 1], offset };
  }
  const pixels = new Uint8Array(await resamplers[resample](image, w, h));
  const data = fit === 'stretch' ? pixels : paste(pixels, w, h, side, left, top);
  return {
    frame: { data, width: side, height: side, channels: 3 },
    scale: [width / w, height / h],
    offset: fit === 'stretch' ? [0, 0] : [left, top],
  };
}

function paste(data, width, height, side, left, top) {
  const out = new Uint8Array(side * side * 3);
  for (let y = 0; y < height; y++) out.set(data.subarray(y * width * 3, (y + 1) * width * 3), ((y + top) * side + left) * 3);
  return out;
}

const { values: options } = parseArgs({
  options: {
    gt: { type: 'string' },
    images: { type: 'string' },
    dt: { type: 'string' },
    expect: { type: 'string' },
    resample: { type: 'string', default: 'labelweave' },
    fit: { type: 'string', default: 'stretch' },
    nms: { type: 'string', default: 'off' },
    agnostic: { type: 'boolean', default: false },
    threads: { type: 'string', default: 'auto' },
    limit: { type: 'string' },
    json: { type: 'string' },
  },
});
if (!options.gt) throw new Error('--gt: found nothing; wanted a COCO annotation file.');
const truth = JSON.parse(await readFile(options.gt, 'utf8'));

if (options.dt) {
  const figures = cocoAP(truth, JSON.parse(await readFile(options.dt, 'utf8')));
  console.log(`${options.dt}: ${JSON.stringify(figures)}`);
  if (options.expect && figures.AP !== Number(options.expect))
    throw new Error(`AP: found ${figures.AP}; wanted ${options.expect}.`);
}

if (options.images) {
  const { loadDetector } = await import('../../dist/index.js');
  const { default: model } = await import('../../dist/models/centernet-mbv3/index.js');
  const detector = await loadDetector(model, {
    device: 'wasm',
    threads: options.threads === 'auto' ? 'auto' : Number(options.threads),
  });
  const side = detector.model.input.height;
  const images = truth.images.slice(0, Number(options.limit ?? truth.images.length));
  const ids = new Set(images.map(({ id }) => id));
  const part = { ...truth, images, annotations: truth.annotations.filter(({ image_id }) => ids.has(image_id)) };
  const rows = [];
  for (const fit of options.fit.split(',')) {
    for (const resample of options.resample.split(',')) {
      if (resample !== 'labelweave' && !resamplers[resample]) {
        throw new Error(`--resample: found ${resample}; wanted labelweave, ${Object.keys(resamplers).join(', ')}.`);
      }
      const prepared = [];
      for (const { id, file_name } of images) {
        const { data, info } = await sharp(join(options.images, file_name))
          .toColourspace('srgb')
          .removeAlpha()
          .raw()
          .toBuffer({ resolveWithObject: true });
        prepared.push({ id, ...(await prepareImage({ data, width: info.width, height: info.height }, resample, fit, side)) });
      }
      for (const nms of options.nms.split(',')) {
        const settings = {
          scoreThreshold: LEAST_SCORE,
          maxDetections: MAX_DETECTIONS,
          nms: nms === 'off' ? false : { iouThreshold: Number(nms), perClass: !options.agnostic },
        };
        const results = [];
        for (const { id, frame, scale, offset } of prepared) {
          for (const { labelId, score, box } of await detector.detect(frame, settings)) {
            const [x1, y1, x2, y2] = box.map((v, i) => (v - offset[i % 2]) * scale[i % 2]);
            results.push({ image_id: id, category_id: labelId, bbox: [x1, y1, x2 - x1, y2 - y1], score });
          }
        }
        const figures = cocoAP(part, results);
        rows.push({ fit, resample, nms, ...figures });
        console.error(`${fit}, ${resample}, nms ${nms}: AP ${figures.AP.toFixed(4)}`);
      }
    }
  }
  detector.dispose();
  const cells = rows.map(({ fit, resample, nms, AP, AP50, AP75 }) => [
    `${fit}, ${resample}, nms ${nms}`,
    ...[AP, AP50, AP75].map((v) => v.toFixed(4)),
  ]);
  console.log(formatTable([`${images.length} images`, 'AP', 'AP50', 'AP75'], cells));
  if (options.json) await writeFile(options.json, `${JSON.stringify(rows, null, 2)}\n`);
}
