// `labelweave evaluate`: official metrics of results in files, as a console table, JSON, CSV, a page, and NumPy arrays.
import { basename } from 'node:path';
import {
  analyseCoco,
  type AreaRange,
  cocoAreaRanges,
  CocoEvaluator,
  type CocoResult,
  compareCoco,
  type EvaluationProgress,
  evaluateCoco,
  evaluateLvis,
  LvisEvaluator,
  type LvisResult,
  reportOfCoco,
  reportOfLvis,
  reportToCsv,
  reportToHtml,
  reportToJson,
  reportToText,
  writeNpy,
} from 'labelweave/evaluate';
import { readFile, writeBytes } from 'labelweave/node';
import { exitCodes, numberOption, textsOption, textOption, UsageError, wordOption } from './exit.js';
import { evaluateOpenImagesFiles, evaluatePanopticFiles, evaluateSemanticFiles, evaluateVocFiles } from './evaluate-files.js';
import { type Answer, dashed, mergeParts, type Options, pathOption, type Run, workersOption } from './evaluate-run.js';
import { evaluateUnifiedCommand } from './evaluate-unified.js';
import { createProgress, type Progress } from './progress.js';

const protocols: Readonly<Record<string, (run: Run) => Promise<Answer>>> = {
  coco,
  // Judged by COCO's protocol.
  objects365: coco,
  mapillary: coco,
  lvis,
  openimages: evaluateOpenImagesFiles,
  voc: evaluateVocFiles,
  panoptic: evaluatePanopticFiles,
  semantic: evaluateSemanticFiles,
};
const cocoLike = ['coco', 'objects365', 'mapillary'];

/** Options that only some protocols know. An option that would be passed over is an error. */
const special: Readonly<Record<string, readonly string[]>> = {
  mode: cocoLike,
  workers: [...cocoLike, 'lvis', 'panoptic'],
  arrays: [...cocoLike, 'lvis'],
  areas: cocoLike,
  slices: cocoLike,
  compare: cocoLike,
  resamples: cocoLike,
  analysis: cocoLike,
  partial: Object.keys(protocols),
  merge: Object.keys(protocols),
  gtDir: ['panoptic'],
  dtDir: ['panoptic'],
  labels: ['openimages'],
  hierarchy: ['openimages'],
  labelmap: ['openimages'],
  masks: ['openimages'],
  interpolation: ['voc'],
  classes: ['semantic'],
  ignoreLabel: ['semantic'],
  convention: ['semantic'],
  taxonomy: ['unified'],
  sets: ['unified'],
};

/** Runs one protocol and writes what was asked for. Throws UsageError, LoadError, EvaluationError. */
export async function evaluateCommand(protocol: string, options: Options): Promise<number> {
  const known = [...Object.keys(protocols), 'unified'];
  if (!known.includes(protocol)) throw new UsageError(`evaluate: found ${JSON.stringify(protocol)}; wanted ${known.join(', ')}`);
  for (const [name, owners] of Object.entries(special)) {
    if (options[name] !== undefined && !owners.includes(protocol))
      throw new UsageError(`--${dashed(name)}: not an option of evaluate ${protocol}; it belongs to ${owners.join(', ')}`);
  }
  if (protocol === 'unified') return evaluateUnifiedCommand(options);
  const needed = (name: string): string => {
    const path = pathOption(options, name);
    if (path === undefined) throw new UsageError(`evaluate ${protocol}: --${name} is missing; wanted --gt FILE and --dt FILE`);
    return path;
  };
  const gt = needed('gt');
  const merge = textsOption('merge', options['merge'], 'a file');
  // Merged partial results may be all there is.
  const dt = merge.length > 0 ? (pathOption(options, 'dt') ?? '') : needed('dt');
  const iouType = wordOption('iou-type', options['iouType'] ?? 'bbox', ['bbox', 'segm', 'boundary'] as const);
  const types: Readonly<Record<string, readonly string[]>> = {
    ...Object.fromEntries(cocoLike.map((name) => [name, ['bbox', 'segm', 'boundary']])),
    lvis: ['bbox', 'segm'],
    openimages: ['bbox', 'segm'],
  };
  if (options['iouType'] !== undefined && !types[protocol]?.includes(iouType)) {
    throw new UsageError(
      `--iou-type: found "${iouType}"; wanted ${types[protocol]?.join(' or ') ?? `nothing: ${protocol} has none`}`,
    );
  }
  const files = { json: pathOption(options, 'json'), html: pathOption(options, 'html'), csv: pathOption(options, 'csv') };
  const arraysFile = pathOption(options, 'arrays');
  const partialFile = pathOption(options, 'partial');
  const progress = createProgress(Boolean(options['quiet']));
  try {
    const parts = await Promise.all(merge.map(async (file) => ({ file, bytes: await readFile(file) })));
    const { report, arrays = [], partial } = await protocols[protocol]!({ gt, dt, iouType, options, progress, parts });
    progress.done();
    if (partialFile !== undefined) {
      await writeBytes(partialFile, partial!);
      if (!options['quiet']) progress.note(`${partialFile}: written`);
    }
    const text = new TextEncoder();
    const writers = { json: reportToJson, html: reportToHtml, csv: reportToCsv } as const;
    for (const [kind, file] of Object.entries(files) as [keyof typeof files, string | undefined][]) {
      if (file === undefined) continue;
      await writeBytes(file, text.encode(writers[kind](report)));
      if (!options['quiet']) progress.note(`${file}: written`);
    }
    if (arraysFile !== undefined) {
      const stem = arraysFile.replace(/\.npy$/, '');
      for (const { name, data, shape } of arrays) {
        await writeBytes(`${stem}-${name}.npy`, writeNpy(data, shape));
        if (!options['quiet']) progress.note(`${stem}-${name}.npy: [${shape.join(', ')}] float64`);
      }
    }
    process.stdout.write(reportToText(report));
  } finally {
    progress.done();
  }
  return exitCodes.ok.code;
}

/** Shows how far a long run is. */
function reportProgress(progress: Progress): (state: EvaluationProgress) => void {
  let last = 0;
  return ({ stage, done, total }) => {
    const now = performance.now();
    if (now - last < 100 && done < total) return;
    last = now;
    const unit = stage === 'matching' ? `${done} of ${total} classes` : `${(done / 1e6).toFixed(1)} MB`;
    const share = total > 0 ? ` ${Math.floor((100 * done) / total)} %` : '';
    progress.show(`${stage}: ${unit}${share}`);
  };
}

async function coco(run: Run): Promise<Answer> {
  const { gt, dt, iouType, options, progress } = run;
  const mode = wordOption('mode', options['mode'] ?? 'strict', ['strict', 'corrected'] as const);
  const workers = workersOption(options);
  const slices = await slicesOption(options);
  const against = pathOption(options, 'compare');
  const resamples = numberOption('resamples', options['resamples'] ?? 1000, 'a whole number from 2 to 100000', (n) => Number.isInteger(n) && n >= 2 && n <= 100_000); // prettier-ignore
  const areaRanges = areasOption(options);
  const parameters = { groundTruth: gt, iouType, mode, ...(areaRanges && { areaRanges }) };
  const onProgress = reportProgress(progress);
  const whole = dt !== '' && run.parts.length === 0 && options['partial'] === undefined;
  if (!whole && (against !== undefined || slices || options['analysis']))
    throw new UsageError('--compare, --slices and --analysis need all detections: they do not go with --partial and --merge');
  let result: CocoResult;
  let partial: Uint8Array | undefined;
  if (whole) result = await evaluateCoco({ ...parameters, detections: dt, workers, onProgress });
  else {
    using evaluator = await CocoEvaluator.open({ ...parameters, onProgress });
    await mergeParts(run.parts, (bytes) => evaluator.merge(bytes));
    if (dt !== '') await evaluator.add(dt, { onProgress });
    partial = await evaluator.partial();
    result = await evaluator.result({ onProgress });
  }
  const files = { groundTruth: gt, detections: dt, iouType };
  const wantsAnalysis = whole && (options['html'] !== undefined || options['analysis'] || slices);
  if (wantsAnalysis) progress.show('analysis');
  const analysis = wantsAnalysis ? await analyseCoco({ ...files, slices }) : undefined;
  if (against !== undefined) progress.show('comparison');
  const comparison =
    against === undefined
      ? undefined
      : await compareCoco({ ...files, against, resamples, names: [basename(dt), basename(against)] });
  const { T, R, K, A, M } = result.shape;
  return {
    report: reportOfCoco(result, { analysis, comparison }),
    partial,
    arrays: [
      { name: 'precision', data: result.precision, shape: [T, R, K, A, M] },
      { name: 'recall', data: result.recall, shape: [T, K, A, M] },
      { name: 'scores', data: result.scores, shape: [T, R, K, A, M] },
    ],
  };
}

/** JSON of a file that maps names of slices to lists of image ids. Throws UsageError, LoadError. */
async function slicesOption(options: Options): Promise<Record<string, number[]> | undefined> {
  const file = pathOption(options, 'slices');
  if (file === undefined) return undefined;
  const text = new TextDecoder().decode(await readFile(file));
  const wrong = (found: string) =>
    new UsageError(`--slices ${file}: found ${found}; wanted JSON such as {"night": [1, 5], "rain": [2]}: image ids by name`);
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw wrong(`broken JSON (${(error as Error).message})`);
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw wrong('no object');
  for (const [name, ids] of Object.entries(value)) {
    if (!Array.isArray(ids) || !ids.every((id) => typeof id === 'number'))
      throw wrong(`${JSON.stringify(name)}, which is no list of numbers`);
  }
  return value as Record<string, number[]>;
}

/** `tiny:0:256,huge:90000:1e10` beside COCO's own ranges. Throws UsageError. */
function areasOption(options: Options): AreaRange[] | undefined {
  const text = textOption('areas', options['areas']);
  if (text === undefined) return undefined;
  const own = text.split(',').map((part): AreaRange => {
    const [name, min, max, ...rest] = part.split(':');
    const range = { name: name!.trim(), min: Number(min || Number.NaN), max: Number(max || Number.NaN) };
    if (range.name === '' || rest.length > 0 || !(range.min <= range.max))
      throw new UsageError(`--areas: found ${JSON.stringify(part)}; wanted name:min:max in square pixels, separated by commas`);
    return range;
  });
  const names = new Set(own.map(({ name }) => name));
  if (names.size < own.length) throw new UsageError('--areas: found a name twice; wanted every name once');
  return [...cocoAreaRanges.filter(({ name }) => !names.has(name)), ...own];
}

async function lvis(run: Run): Promise<Answer> {
  const { gt, dt, options, progress } = run;
  const onProgress = reportProgress(progress);
  const parameters = { groundTruth: gt, iouType: run.iouType === 'segm' ? 'segm' : 'bbox', onProgress } as const;
  let result: LvisResult;
  let partial: Uint8Array | undefined;
  if (dt !== '' && run.parts.length === 0 && options['partial'] === undefined)
    result = await evaluateLvis({ ...parameters, detections: dt, workers: workersOption(options) });
  else {
    using evaluator = await LvisEvaluator.open(parameters);
    await mergeParts(run.parts, (bytes) => evaluator.merge(bytes));
    if (dt !== '') await evaluator.add(dt, { onProgress });
    partial = await evaluator.partial();
    result = await evaluator.result({ onProgress });
  }
  const { T, R, K, A } = result.shape;
  return {
    report: reportOfLvis(result),
    partial,
    // LVIS has one limit of detections only: the last axis of COCO, M, is 1.
    arrays: [
      { name: 'precision', data: result.precision, shape: [T, R, K, A, 1] },
      { name: 'recall', data: result.recall, shape: [T, K, A, 1] },
    ],
  };
}
