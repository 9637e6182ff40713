// One plain form for the results of all protocols, so that tables, files and pages need to know one thing only. It computes no metric.
import type { CocoResult } from '../coco/result.js';
import type { ProtocolDiagnostic } from '../diagnostics.js';
import type { LvisResult } from '../lvis/lvis.js';
import type { OpenImagesResult } from '../openimages/openimages.js';
import type { PanopticResult } from '../panoptic/panoptic.js';
import type { Protocol } from '../protocols.js';
import type { MiouConvention, SemanticResult } from '../semantic/semantic.js';
import type { Diagnostic } from '../types.js';
import type { VocResult } from '../voc/voc.js';
import type { Analysis } from './analysis.js';
import type { ModelComparison } from './compare.js';

/** A row of the table by class. Numbers may be NaN or -1 where the protocol says that there is nothing to measure. */
export interface ReportClass {
  /** Id of the class in its data set. */
  readonly id: number | string;
  /** Name of the class. */
  readonly name: string;
  /** Numbers by the name of their column. */
  readonly values: Readonly<Record<string, number>>;
}

/** A line of precision over recall. */
export interface ReportCurve {
  /** What the line shows. */
  readonly name: string;
  /** [n] rising, 0 to 1. */
  readonly recall: readonly number[];
  /** [n] 0 to 1. */
  readonly precision: readonly number[];
}

/** The result of an evaluation by any protocol. */
export interface EvaluationReport {
  /** The protocol that judged. */
  readonly protocol: Protocol;
  /** The options that matter for the numbers. */
  readonly settings: Readonly<Record<string, string | number>>;
  /** The official numbers in the official order. COCO and LVIS: -1 where nothing counts; elsewhere NaN. */
  readonly stats: readonly number[];
  /** Name of each of `stats`. */
  readonly statNames: readonly string[];
  /** The lines that the official tool prints, where it prints any. */
  readonly lines: readonly string[];
  /** One row a class. */
  readonly perClass: readonly ReportClass[];
  /** How many images, objects and detections there were. */
  readonly counts: Readonly<Record<string, number>>;
  /** What was odd about the input, and which rules applied. */
  readonly diagnostics: readonly (Diagnostic | ProtocolDiagnostic)[];
  /** Precision over recall, where the protocol has such curves. */
  readonly curves: readonly ReportCurve[];
  /** COCO, mode `corrected`: the numbers of mode `strict`, and what differs by name. */
  readonly corrections?: {
    readonly strictStats: readonly number[] | undefined;
    readonly changes: Readonly<Record<string, number>>;
  };
  /** Pixels or boxes by true and predicted class, where the protocol makes such a matrix. */
  readonly confusion?: ReportConfusion;
  /** Errors, thresholds, calibration and the rest, where they were asked for. */
  readonly analysis?: Analysis;
  /** A second model on the same images, where one was given. */
  readonly comparison?: ModelComparison;
}

/** A confusion matrix with names. */
export interface ReportConfusion {
  /** Names of the rows (true) and columns (predicted); the last stands for "none" or "ignored". */
  readonly names: readonly string[];
  /** [n, n] row-major. */
  readonly counts: readonly number[];
}

/** What may stand beside the official numbers. */
export interface ReportExtras {
  /** See {@link EvaluationReport.analysis}. */
  readonly analysis?: Analysis | undefined;
  /** See {@link EvaluationReport.comparison}. */
  readonly comparison?: ModelComparison | undefined;
}

const fixed = (value: number) => value.toFixed(3);

/** The twelve lines of pycocotools' summarize(). */
function cocoLines(result: CocoResult): string[] {
  const { iouThresholds, maxDetections, stats } = result;
  const range = `${iouThresholds[0]!.toFixed(2)}:${iouThresholds.at(-1)!.toFixed(2)}`;
  const last = result.mode === 'strict' ? maxDetections[2] : maxDetections.at(-1);
  const line = (i: number, what: string, iou: string, area: string, limit: number | string | undefined) =>
    ` Average ${what === 'AP' ? 'Precision' : 'Recall   '}  (${what}) @[ IoU=${iou.padEnd(9)} | area=${area.padStart(6)} | maxDets=${String(limit ?? '').padStart(3)} ] = ${fixed(stats[i]!)}`;
  return [
    line(0, 'AP', range, 'all', result.mode === 'strict' ? 100 : last),
    line(1, 'AP', '0.50', 'all', last),
    line(2, 'AP', '0.75', 'all', last),
    line(3, 'AP', range, 'small', last),
    line(4, 'AP', range, 'medium', last),
    line(5, 'AP', range, 'large', last),
    line(6, 'AR', range, 'all', maxDetections[0]),
    line(7, 'AR', range, 'all', maxDetections[1]),
    line(8, 'AR', range, 'all', maxDetections[2]),
    line(9, 'AR', range, 'small', last),
    line(10, 'AR', range, 'medium', last),
    line(11, 'AR', range, 'large', last),
    // Ranges that the official tool does not know.
    ...result.areaRanges.flatMap(({ name, min, max }, a) => {
      if (['all', 'small', 'medium', 'large'].includes(name)) return [];
      const values = result.perClass.map(({ APByArea }) => APByArea[a]!).filter((value) => value > -1);
      const mean = values.length > 0 ? values.reduce((sum, value) => sum + value, 0) / values.length : -1;
      return [` AP of area ${name} (${min} to ${max} square pixels) = ${fixed(mean)}`];
    }),
  ];
}

/** Mean precision over classes that count at each recall point, for some thresholds. */
function meanCurves(result: CocoResult): ReportCurve[] {
  const { shape, precision, recallPoints, iouThresholds } = result;
  const { T, R, K, A, M } = shape;
  const wanted = [...new Set([0.5, 0.75, 0.9].map((iou) => nearest(iouThresholds, iou)))];
  return (wanted.length > 0 && T > 0 ? wanted : []).map((t) => ({
    name: `IoU ${iouThresholds[t]!.toFixed(2)}`,
    recall: Array.from(recallPoints),
    precision: Array.from({ length: R }, (_, r) => {
      let [sum, n] = [0, 0];
      for (let k = 0; k < K; k++) {
        const value = precision[((t * R + r) * K + k) * A * M + (M - 1)]!;
        if (value < 0) continue;
        sum += value;
        n++;
      }
      return n ? sum / n : 0;
    }),
  }));
}

function nearest(values: ArrayLike<number>, wanted: number): number {
  let best = 0;
  for (let i = 1; i < values.length; i++) if (Math.abs(values[i]! - wanted) < Math.abs(values[best]! - wanted)) best = i;
  return best;
}

/** A COCO result (also Objects365 and Mapillary) as a report. */
export function reportOfCoco(result: CocoResult, { analysis, comparison }: ReportExtras = {}): EvaluationReport {
  const { corrections } = result;
  return {
    protocol: 'coco',
    settings: { iouType: result.iouType, mode: result.mode },
    stats: Array.from(result.stats),
    statNames: result.statNames,
    lines: cocoLines(result),
    perClass: result.perClass.map(({ id, name, AP, AP50, AP75, AR, APByArea, ARByArea, positives, detections }) => ({
      id,
      name,
      values: {
        AP,
        AP50,
        AP75,
        AR,
        ...Object.fromEntries(result.areaRanges.flatMap(({ name: area }, a) => (a > 0 ? [[`AP ${area}`, APByArea[a]!]] : []))),
        ...Object.fromEntries(result.areaRanges.flatMap(({ name: area }, a) => (a > 0 ? [[`AR ${area}`, ARByArea[a]!]] : []))),
        positives,
        detections,
      },
    })),
    counts: { ...result.counts },
    diagnostics: result.diagnostics,
    curves: meanCurves(result),
    ...(corrections && {
      corrections: {
        strictStats: corrections.strictStats && Array.from(corrections.strictStats),
        changes: corrections.changes,
      },
    }),
    ...(analysis && { analysis }),
    ...(comparison && { comparison }),
  };
}

/** An LVIS result as a report: AP, AP50, AP75, APs, APm, APl, APr, APc, APf, AR, ARs, ARm, ARl. */
export function reportOfLvis(result: LvisResult, { analysis }: ReportExtras = {}): EvaluationReport {
  const entries: [string, number][] = Object.entries(result.metrics);
  return {
    protocol: 'lvis',
    settings: { iouType: result.iouType },
    stats: entries.map(([, value]) => value),
    statNames: entries.map(([name]) => name),
    lines: entries.map(([name, value]) => ` ${name.padEnd(8)} = ${fixed(value)}`),
    perClass: result.perClass.map(({ id, name, frequency, ap, ar, positives }) => ({
      id,
      name: name ?? String(id),
      values: { AP: ap, AR: ar, positives, frequency: ['r', 'c', 'f'].indexOf(frequency) },
    })),
    counts: { ...result.counts },
    diagnostics: result.diagnostics,
    curves: lvisCurves(result),
    ...(analysis && { analysis }),
  };
}

function lvisCurves({ shape: { R, K, A }, precision }: LvisResult): ReportCurve[] {
  return [0, 5].map((t) => ({
    name: `IoU ${(0.5 + 0.05 * t).toFixed(2)}`,
    recall: Array.from({ length: R }, (_, r) => r / (R - 1)),
    precision: Array.from({ length: R }, (_, r) => {
      let [sum, n] = [0, 0];
      for (let k = 0; k < K; k++) {
        const value = precision[((t * R + r) * K + k) * A]!;
        if (value < 0) continue;
        sum += value;
        n++;
      }
      return n ? sum / n : 0;
    }),
  }));
}

/** At most `most` points of a long curve, its ends among them. */
function thin(name: string, recall: ArrayLike<number>, precision: ArrayLike<number>, most = 200): ReportCurve {
  const n = recall.length;
  const count = Math.min(n, most);
  const at = Array.from({ length: count }, (_, i) => (count === 1 ? 0 : Math.round((i * (n - 1)) / (count - 1))));
  return { name, recall: at.map((i) => recall[i]!), precision: at.map((i) => precision[i]!) };
}

/** An Open Images result as a report: mAP, then the AP of each class in the order of the label map. */
export function reportOfOpenImages(result: OpenImagesResult, names: ReadonlyMap<string, string> = new Map()): EvaluationReport {
  const entries = Object.entries(result.metrics);
  return {
    protocol: 'openimages',
    settings: {
      protocol: result.protocol,
      track: result.track,
      iouThreshold: result.iouThreshold,
      groupOfWeight: result.groupOfWeight,
    },
    stats: entries.map(([, value]) => value),
    statNames: entries.map(([name]) => name),
    lines: entries.slice(0, 1).map(([name, value]) => ` ${name} = ${fixed(value)}`),
    perClass: result.perClass.map(({ label, ap, positives, ranked }) => ({
      id: label,
      name: names.get(label) ?? label,
      values: { AP: ap, positives, ranked },
    })),
    counts: { classes: result.perClass.length, positives: result.perClass.reduce((sum, { positives }) => sum + positives, 0) },
    diagnostics: result.diagnostics,
    curves: mostPositives(result.perClass, ({ positives }) => positives).map(({ label, recall, precision }) =>
      thin(names.get(label) ?? label, recall, precision),
    ),
  };
}

function mostPositives<T>(classes: readonly T[], positives: (entry: T) => number, most = 6): T[] {
  return [...classes]
    .filter((entry) => positives(entry) > 0)
    .sort((a, b) => positives(b) - positives(a))
    .slice(0, most);
}

/** A Pascal VOC result as a report: mAP, and where there are more thresholds than one the mAP at each. */
export function reportOfVoc(result: VocResult): EvaluationReport {
  const { meanAp, iouThresholds } = result;
  const single = iouThresholds.length === 1;
  const statNames = single
    ? [`mAP@${iouThresholds[0]}`]
    : ['mAP', ...iouThresholds.map((threshold) => `mAP@${threshold.toFixed(2)}`)];
  const stats = single ? [result.map] : [result.map, ...meanAp];
  return {
    protocol: 'voc',
    settings: { convention: result.convention, interpolation: result.interpolation },
    stats,
    statNames,
    lines: statNames.map((name, i) => ` ${name.padEnd(8)} = ${fixed(stats[i]!)}`),
    perClass: result.perClass.map(({ label, curves, positives, difficult, detections }) => ({
      id: label,
      name: label,
      values: {
        AP: curves.reduce((sum, { ap }) => sum + ap, 0) / curves.length,
        ...(single ? {} : Object.fromEntries(curves.map(({ iouThreshold, ap }) => [`AP@${iouThreshold.toFixed(2)}`, ap]))),
        positives,
        difficult,
        detections,
        tp: curves[0]!.tp,
        fp: curves[0]!.fp,
      },
    })),
    counts: {
      classes: result.perClass.length,
      positives: result.perClass.reduce((sum, { positives }) => sum + positives, 0),
      detections: result.perClass.reduce((sum, { detections }) => sum + detections, 0),
    },
    diagnostics: result.diagnostics,
    curves: mostPositives(result.perClass, ({ positives }) => positives).map(({ label, curves }) =>
      thin(label, curves[0]!.recall, curves[0]!.precision),
    ),
  };
}

/** A panoptic result as a report: PQ, SQ, RQ of all classes, of things, of stuff. */
export function reportOfPanoptic(result: PanopticResult): EvaluationReport {
  const groups = [
    ['all', result.all],
    ['things', result.things],
    ['stuff', result.stuff],
  ] as const;
  const percent = (value: number) => (100 * value).toFixed(1).padStart(6);
  return {
    protocol: 'panoptic',
    settings: {},
    stats: groups.flatMap(([, { pq, sq, rq }]) => [pq, sq, rq]),
    statNames: groups.flatMap(([name]) => ['PQ', 'SQ', 'RQ'].map((letter) => (name === 'all' ? letter : `${letter} ${name}`))),
    lines: [
      `${''.padEnd(10)}|     PQ      SQ      RQ      N`,
      '-'.repeat(43),
      ...groups.map(
        ([name, { pq, sq, rq, n }]) =>
          `${(name[0]!.toUpperCase() + name.slice(1)).padEnd(10)}| ${percent(pq)}  ${percent(sq)}  ${percent(rq)}  ${String(n).padStart(5)}`,
      ),
    ],
    perClass: result.perClass.map(({ categoryId, name, isThing, pq, sq, rq, tp, fp, fn }) => ({
      id: categoryId,
      name: name ?? String(categoryId),
      values: { PQ: pq, SQ: sq, RQ: rq, thing: Number(isThing), tp, fp, fn },
    })),
    counts: { images: result.images, classes: result.all.n, things: result.things.n, stuff: result.stuff.n },
    diagnostics: result.diagnostics,
    curves: [],
  };
}

/** What a semantic report is made of beside the result. */
export interface SemanticReportParts {
  /** Images that were counted. */
  readonly images: number;
  /** [K + 1, K + 1] pixels, row = predicted, column = true, last = ignored. */
  readonly confusion: ArrayLike<number>;
  /** What was odd about the files. */
  readonly diagnostics?: readonly ProtocolDiagnostic[];
  /** mIoU by both conventions, so that nobody has to guess which one a number is. */
  readonly byConvention?: Readonly<Record<MiouConvention, number>>;
}

/** A semantic segmentation result as a report: mIoU, fwIoU, mACC, pACC (detectron2's order). Classes that occur nowhere are left out. */
export function reportOfSemantic(result: SemanticResult, parts: SemanticReportParts): EvaluationReport {
  const { mIoU, fwIoU, meanAccuracy, pixelAccuracy, perClass, convention } = result;
  const stats = [mIoU, fwIoU, meanAccuracy, pixelAccuracy];
  const statNames = ['mIoU', 'fwIoU', 'mACC', 'pACC'];
  const K = perClass.length;
  const occurring = perClass.filter(({ name, truth, predicted }) => name !== undefined || truth + predicted > 0);
  const kept = [...occurring.map(({ index }) => index), K];
  return {
    protocol: 'semantic',
    settings: {
      convention,
      ...(parts.byConvention && {
        'mIoU (detectron2)': parts.byConvention.detectron2,
        'mIoU (cityscapes)': parts.byConvention.cityscapes,
      }),
    },
    stats,
    statNames,
    lines: statNames.map(
      (name, i) => ` ${name.padEnd(6)} = ${fixed(stats[i]!)}${i === 0 ? `   (convention ${convention})` : ''}`,
    ),
    perClass: occurring.map(({ index, name, iou, accuracy, precision, truth, predicted }) => ({
      id: index,
      name: name ?? String(index),
      values: { IoU: iou, accuracy, precision, 'true pixels': truth, 'predicted pixels': predicted },
    })),
    counts: { images: parts.images, classes: result.classes, pixels: perClass.reduce((sum, { truth }) => sum + truth, 0) },
    diagnostics: parts.diagnostics ?? [],
    curves: [],
    confusion: {
      names: [...occurring.map(({ name, index }) => name ?? String(index)), 'ignored'],
      counts: kept.flatMap((truth) => kept.map((predicted) => parts.confusion[predicted * (K + 1) + truth]!)),
    },
  };
}
