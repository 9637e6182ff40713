// COCO evaluation as a whole process, parsing included, on seeded files of the sizes of COCO and Objects365: seconds, memory, and pycocotools beside it.
//
// npm run build && node test/bench/evaluate.mjs [coco] [coco_segm] [coco_boundary] [o365_5th] [o365] [--repeat N] [--workers N] [--python FILE] [--keep]
//
// Files are made by ../shared/tools/gen_coco.py where that and a Python with numpy (and pycocotools for masks) are there: the very files of the
// quoted figures. Else by the generator below: as many images, annotations, classes and detections, other content. With --python (an interpreter
// that has pycocotools) the official tool runs on the same files in turn and the bits of the curves are compared; else figures are quoted.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { closeSync, existsSync, mkdirSync, openSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { formatTable, median } from './table.mjs';

/** Sizes and what was measured elsewhere: seconds of the whole process and peak MB of pycocotools 2.0.11 and of the best native engine seen. */
const cases = {
  coco: {
    preset: 'coco',
    iouType: 'bbox',
    images: 5000,
    classes: 80,
    truths: 36697,
    detections: 200893,
    quoted: [19.5, 895, 0.34, 47],
  },
  coco_segm: {
    preset: 'coco_segm',
    iouType: 'segm',
    images: 5000,
    classes: 80,
    truths: 36045,
    detections: 199580,
    quoted: [23.5, 1073, 1.72, 640],
  },
  coco_boundary: { preset: 'coco_segm', iouType: 'boundary', images: 5000, classes: 80, truths: 36045, detections: 199580 },
  o365_5th: {
    preset: 'o365_5th',
    iouType: 'bbox',
    images: 6000,
    classes: 365,
    truths: 90500,
    detections: 599132,
    quoted: [73, 3144, 1.0, 188],
  },
  o365: {
    preset: 'o365',
    iouType: 'bbox',
    images: 30000,
    classes: 365,
    truths: 451166,
    detections: 3001070,
    quoted: [400, 14950, 7.1, 433],
  },
};

const here = (path) => fileURLToPath(new URL(path, import.meta.url));
const generator = here('../../../shared/tools/gen_coco.py');
const folder = join(tmpdir(), 'labelweave-bench-evaluate');

const runPycocotools = `
import sys, hashlib, io, contextlib, json, numpy as np
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval
with contextlib.redirect_stdout(io.StringIO()):
    gt = COCO(sys.argv[1]); dt = gt.loadRes(sys.argv[2]); e = COCOeval(gt, dt, sys.argv[3]); e.evaluate(); e.accumulate(); e.summarize()
sha = lambda a: hashlib.sha256(np.ascontiguousarray(a, dtype='<f8').tobytes()).hexdigest()
import resource
print(json.dumps(dict(ap=e.stats[0], bits=sha(e.eval['precision']) + sha(e.eval['recall']), mb=resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)))
`;

/** One evaluation; run in a process of its own by this script. */
async function evaluateOnce([groundTruth, detections, iouType, workers]) {
  const { evaluateCoco } = await import('../../dist/evaluate/index.js');
  const result = await evaluateCoco({ groundTruth, detections, iouType, workers: Number(workers) });
  const sha = (values) =>
    createHash('sha256')
      .update(new Uint8Array(values.buffer, values.byteOffset, values.byteLength))
      .digest('hex');
  const mb = process.resourceUsage().maxRSS / 1024;
  const bits = process.env.LABELWEAVE_BENCH_BITS ? sha(result.precision) + sha(result.recall) : '';
  process.stdout.write(JSON.stringify({ ap: result.stats[0], bits, mb }));
}

/** Mulberry32: a small seeded generator of numbers in [0, 1). */
function seeded(state) {
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** Writes gt.json and dt.json of the wanted sizes; scores have three digits, so that ties are common. Masks are stars, detections their outlines moved. */
async function generate({ preset, images, classes, truths, detections, iouType }, out) {
  const masks = iouType !== 'bbox';
  const { encodeRle, rleFromPolygon } = masks ? await import('../../dist/evaluate/index.js') : {};
  const random = seeded(preset.length + images);
  const between = (low, high) => low + random() * (high - low);
  const round = (value) => Math.round(value * 100) / 100;
  const star = ([x, y, w, h]) =>
    Array.from({ length: 16 }, (_, i) => {
      const angle = (i / 16) * 2 * Math.PI;
      const radius = between(0.62, 1) / 2;
      return [round(x + w * (0.5 + radius * Math.cos(angle))), round(y + h * (0.5 + radius * Math.sin(angle)))];
    }).flat();
  const box = () => {
    const side = Math.exp(between(Math.log(6), Math.log(300)));
    const shape = Math.exp(between(-0.5, 0.5));
    const [w, h] = [Math.min(side * shape, 630), Math.min(side / shape, 470)];
    return [between(0, 640 - w), between(0, 480 - h), w, h].map(round);
  };
  /** Classes with a long tail. */
  const someClass = () => 1 + Math.floor(classes * random() ** 2.5);
  const file = openSync(join(out, 'dt.json'), 'w');
  const annotations = [];
  let text = '[';
  for (let i = 0, truth = 0, row = 0; i < images; i++) {
    const own = [];
    for (; truth < Math.round(((i + 1) * truths) / images); truth++) {
      const bbox = box();
      own.push({
        id: truth + 1,
        image_id: 13 * i + 1,
        category_id: someClass(),
        bbox,
        area: round(bbox[2] * bbox[3] * between(0.45, 0.95)),
        iscrowd: random() < 0.01 ? 1 : 0,
      });
      if (masks) own.at(-1).segmentation = [star(bbox)];
    }
    for (; row < Math.round(((i + 1) * detections) / images); row++) {
      const near = own.length > 0 && random() < 0.35 ? own[Math.floor(random() * own.length)] : undefined;
      const bbox = near ? near.bbox.map((v) => round(Math.max(0.5, v * between(0.94, 1.06)))) : box();
      const result = { image_id: 13 * i + 1, category_id: near && random() < 0.86 ? near.category_id : someClass() };
      if (masks) result.segmentation = { size: [480, 640], counts: encodeRle(rleFromPolygon(star(bbox), 480, 640)) };
      else result.bbox = bbox;
      text += `${row > 0 ? ',\n' : ''}${JSON.stringify({ ...result, score: Math.round(1000 * random() ** (near ? 0.6 : 3)) / 1000 })}`;
    }
    annotations.push(...own);
    if (text.length > 1e6 || i + 1 === images) {
      writeSync(file, i + 1 === images ? `${text}]` : text);
      text = '';
    }
  }
  closeSync(file);
  const truth = openSync(join(out, 'gt.json'), 'w');
  const list = (name, count, at) => {
    writeSync(truth, `"${name}":[`);
    for (let i = 0; i < count; i += 4096)
      writeSync(
        truth,
        (i ? ',' : '') + Array.from({ length: Math.min(4096, count - i) }, (_, j) => JSON.stringify(at(i + j))).join(),
      );
    writeSync(truth, ']');
  };
  writeSync(truth, '{');
  list('images', images, (i) => ({ id: 13 * i + 1, width: 640, height: 480, file_name: `${i}.jpg` }));
  writeSync(truth, ',');
  list('categories', classes, (k) => ({ id: k + 1, name: `class ${k}` }));
  writeSync(truth, ',');
  list('annotations', annotations.length, (i) => annotations[i]);
  writeSync(truth, '}');
  closeSync(truth);
}

/** Runs a command and measures the whole process. */
function measure(command, args, env = {}) {
  const start = performance.now();
  const { status, stdout, stderr } = spawnSync(command, args, { encoding: 'utf8', env: { ...process.env, ...env } });
  if (status !== 0) throw new Error(`${command} failed: ${stderr.slice(-400)}`);
  return { seconds: (performance.now() - start) / 1000, ...JSON.parse(stdout.trim().split('\n').at(-1)) };
}

async function main() {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      repeat: { type: 'string', default: '3' },
      workers: { type: 'string', default: '1' },
      python: { type: 'string' },
      keep: { type: 'boolean', default: false },
    },
  });
  const idle = measure(process.execPath, [
    '-e',
    'process.stdout.write(JSON.stringify({ mb: process.resourceUsage().maxRSS / 1024 }))',
  ]);
  console.log(
    `Node ${process.version}, idle: ${idle.seconds.toFixed(2)} s, ${idle.mb.toFixed(0)} MB. Whole processes, medians of ${values.repeat}.\n`,
  );
  const rows = [];
  for (const name of positionals.length > 0 ? positionals : ['coco', 'coco_segm']) {
    const one = cases[name];
    if (!one) throw new Error(`No case ${name}; there are ${Object.keys(cases).join(', ')}.`);
    const out = join(folder, one.preset);
    let made = 'kept';
    if (!existsSync(join(out, 'gt.json'))) {
      mkdirSync(out, { recursive: true });
      made = 'gen_coco.py';
      const python =
        existsSync(generator) && spawnSync(values.python || 'python3', [generator, '--preset', one.preset, '--out', out]);
      if (!python || python.status !== 0) {
        made = 'own generator';
        await generate(one, out);
      }
    }
    const args = [join(out, 'gt.json'), join(out, 'dt.json'), one.iouType];
    const runs = Array.from({ length: Number(values.repeat) }, () =>
      measure(process.execPath, [here('./evaluate.mjs'), '--once', ...args, values.workers]),
    );
    const [seconds, mb] = [median(runs.map((run) => run.seconds)), median(runs.map((run) => run.mb))];
    const row = [name, made, seconds.toFixed(2), mb.toFixed(0), (mb - idle.mb).toFixed(0), runs[0].ap.toFixed(6)];
    if (values.python && one.iouType !== 'boundary') {
      const official = measure(values.python, ['-c', runPycocotools, ...args]);
      const { bits } = measure(process.execPath, [here('./evaluate.mjs'), '--once', ...args, values.workers], {
        LABELWEAVE_BENCH_BITS: '1',
      });
      row.push(
        `${official.seconds.toFixed(1)} s, ${official.mb.toFixed(0)} MB, ${bits === official.bits ? 'same bits' : 'OTHER BITS'}`,
      );
    } else row.push(one.quoted ? `${one.quoted[0]} s, ${one.quoted[1]} MB (quoted)` : '');
    row.push(one.quoted ? `${one.quoted[2]} s, ${one.quoted[3]} MB (quoted)` : '');
    rows.push(row);
  }
  console.log(
    formatTable(['case', 'files', 's', 'MB', 'above idle', 'AP', 'pycocotools 2.0.11', 'best native engine seen'], rows),
  );
  if (!values.keep) rmSync(folder, { recursive: true, force: true });
}

if (process.argv[2] === '--once') await evaluateOnce(process.argv.slice(3));
else await main();
