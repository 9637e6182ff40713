// `labelweave evaluate`: official metrics of results in files, as a console table, JSON, CSV, a page, and NumPy arrays.
import {
  analyseCoco,
  type EvaluationProgress,
  evaluateCoco,
  evaluateLvis,
  reportOfCoco,
  reportOfLvis,
  reportToCsv,
  reportToHtml,
  reportToJson,
  reportToText,
  writeNpy,
} from 'labelweave/evaluate';
import { writeBytes } from 'labelweave/node';
import { exitCodes, UsageError, wordOption } from './exit.js';
import { evaluateOpenImagesFiles, evaluatePanopticFiles, evaluateSemanticFiles, evaluateVocFiles } from './evaluate-files.js';
import { type Answer, dashed, type Options, pathOption, type Run } from './evaluate-run.js';
import { createProgress, type Progress } from './progress.js';

const protocols: Readonly<Record<string, (run: Run) => Promise<Answer>>> = {
  coco,
  lvis,
  openimages: evaluateOpenImagesFiles,
  voc: evaluateVocFiles,
  panoptic: evaluatePanopticFiles,
  semantic: evaluateSemanticFiles,
};

/** Options that only some protocols know. An option that would be passed over is an error. */
const special: Readonly<Record<string, readonly string[]>> = {
  mode: ['coco'],
  workers: ['coco'],
  arrays: ['coco', 'lvis'],
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
};

/** Runs one protocol and writes what was asked for. Throws UsageError, LoadError, EvaluationError. */
export async function evaluateCommand(protocol: string, options: Options): Promise<number> {
  if (!Object.hasOwn(protocols, protocol))
    throw new UsageError(`evaluate: found ${JSON.stringify(protocol)}; wanted ${Object.keys(protocols).join(', ')}`);
  const needed = (name: string): string => {
    const path = pathOption(options, name);
    if (path === undefined) throw new UsageError(`evaluate ${protocol}: --${name} is missing; wanted --gt FILE and --dt FILE`);
    return path;
  };
  const [gt, dt] = [needed('gt'), needed('dt')];
  const iouType = wordOption('iou-type', options['iouType'] ?? 'bbox', ['bbox', 'segm', 'boundary'] as const);
  const types: Readonly<Record<string, readonly string[]>> = {
    coco: ['bbox', 'segm', 'boundary'],
    lvis: ['bbox', 'segm'],
    openimages: ['bbox', 'segm'],
  };
  if (options['iouType'] !== undefined && !types[protocol]?.includes(iouType)) {
    throw new UsageError(
      `--iou-type: found "${iouType}"; wanted ${types[protocol]?.join(' or ') ?? `nothing: ${protocol} has none`}`,
    );
  }
  for (const [name, known] of Object.entries(special)) {
    if (options[name] !== undefined && !known.includes(protocol))
      throw new UsageError(`--${dashed(name)}: not an option of evaluate ${protocol}; it belongs to ${known.join(' and ')}`);
  }
  const files = { json: pathOption(options, 'json'), html: pathOption(options, 'html'), csv: pathOption(options, 'csv') };
  const arraysFile = pathOption(options, 'arrays');
  const progress = createProgress(Boolean(options['quiet']));
  try {
    const { report, arrays = [] } = await protocols[protocol]!({ gt, dt, iouType, options, progress });
    progress.done();
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

async function coco({ gt, dt, iouType, options, progress }: Run): Promise<Answer> {
  const mode = wordOption('mode', options['mode'] ?? 'strict', ['strict', 'corrected'] as const);
  const given = options['workers'] ?? 1;
  const workers = given === 'auto' ? 'auto' : Number(given);
  if (workers !== 'auto' && !(Number.isInteger(workers) && workers >= 1 && workers <= 256))
    throw new UsageError(`--workers: found ${JSON.stringify(given)}; wanted a whole number from 1 to 256, or auto`);
  const onProgress = reportProgress(progress);
  const result = await evaluateCoco({ groundTruth: gt, detections: dt, iouType, mode, workers, onProgress });
  const wantsAnalysis = options['html'] !== undefined || options['analysis'];
  if (wantsAnalysis) progress.show('analysis');
  const analysis = wantsAnalysis ? await analyseCoco({ groundTruth: gt, detections: dt, iouType }) : undefined;
  const { T, R, K, A, M } = result.shape;
  return {
    report: reportOfCoco(result, { analysis }),
    arrays: [
      { name: 'precision', data: result.precision, shape: [T, R, K, A, M] },
      { name: 'recall', data: result.recall, shape: [T, K, A, M] },
      { name: 'scores', data: result.scores, shape: [T, R, K, A, M] },
    ],
  };
}

async function lvis({ gt, dt, iouType, progress }: Run): Promise<Answer> {
  const onProgress = reportProgress(progress);
  const result = await evaluateLvis({
    groundTruth: gt,
    detections: dt,
    iouType: iouType === 'segm' ? 'segm' : 'bbox',
    onProgress,
  });
  const { T, R, K, A } = result.shape;
  return {
    report: reportOfLvis(result),
    // LVIS has one limit of detections only: the last axis of COCO, M, is 1.
    arrays: [
      { name: 'precision', data: result.precision, shape: [T, R, K, A, 1] },
      { name: 'recall', data: result.recall, shape: [T, K, A, 1] },
    ],
  };
}
