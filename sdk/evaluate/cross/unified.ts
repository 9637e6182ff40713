// One model, several data sets, each judged by its own official protocol: detections in unified labels go through a label map, then to the evaluator.
import { ArgumentError, describe } from '../../errors.js';
import type { Label, LabelId } from '../../taxonomy/label-space.js';
import type { UnifiedLabelSpace } from '../../taxonomy/unified.js';
import { evaluateCoco, type CocoOptions } from '../coco/evaluator.js';
import { toRows, type CocoDetection } from '../coco/inputs.js';
import { has, pickRows, type DetectionColumns } from '../input/columns.js';
import { evaluateLvis, type LvisOptions } from '../lvis/lvis.js';
import {
  evaluateOpenImages, type OpenImagesDetection, type OpenImagesLabel, type OpenImagesObject, type OpenImagesOptions,
} from '../openimages/openimages.js'; // prettier-ignore
import { reportOfCoco, reportOfLvis, reportOfOpenImages, reportOfVoc, type EvaluationReport } from '../report/report.js';
import type { FileSource, LongOptions } from '../types.js';
import { evaluateVoc, type VocDetection, type VocObject, type VocOptions } from '../voc/voc.js';
import { labelMapOf, type DatasetLabelMap } from './label-map.js';

interface NamedDataset {
  /** Name of the data set: that of the unified space, unless `map` is given. */
  readonly name: string;
  /** How unified labels become labels of the data set. Default: the unified space's own mapping. */
  readonly map?: DatasetLabelMap | undefined;
}

/** Detections in COCO's form whose `category_id` is the id of a unified label. */
export type UnifiedDetections = readonly CocoDetection[] | DetectionColumns | FileSource;

/** COCO, Objects365, Mapillary: ids of the data set's labels are its category ids. */
export interface UnifiedCocoDataset extends NamedDataset, Omit<CocoOptions, 'detections' | 'iouType' | keyof LongOptions> {
  /** COCO's protocol. */
  readonly protocol: 'coco';
  /** Default: `bbox`. */
  readonly iouType?: CocoOptions['iouType'];
  /** What the model found, in unified ids. */
  readonly detections: UnifiedDetections;
}

/** LVIS: ids of the data set's labels are its category ids. */
export interface UnifiedLvisDataset extends NamedDataset, Omit<LvisOptions, 'detections' | 'iouType' | keyof LongOptions> {
  /** LVIS' protocol. */
  readonly protocol: 'lvis';
  /** Default: `bbox`. */
  readonly iouType?: LvisOptions['iouType'];
  /** What the model found, in unified ids. */
  readonly detections: UnifiedDetections;
}

/** Open Images: labels of the data set are `/m/...`, as the ids of its label space (or its names, where ids are numbers). */
export interface UnifiedOpenImagesDataset extends NamedDataset, OpenImagesOptions {
  /** The tool of Open Images. Which of its forms, `protocol` says (default: the challenge). */
  readonly official: 'openimages';
  /** Boxes and masks. */
  readonly objects: readonly OpenImagesObject[];
  /** Verified image-level labels. */
  readonly labels: readonly OpenImagesLabel[];
  /** What the model found; `label` is the name of a unified label. */
  readonly detections: readonly OpenImagesDetection[];
}

/** Pascal VOC: labels by name. */
export interface UnifiedVocDataset extends NamedDataset, VocOptions {
  /** VOC's protocol. */
  readonly protocol: 'voc';
  /** Boxes. */
  readonly objects: readonly VocObject[];
  /** What the model found; `label` is the name of a unified label. */
  readonly detections: readonly VocDetection[];
}

/** A data set with what the model found on it. */
export type UnifiedDataset = UnifiedCocoDataset | UnifiedLvisDataset | UnifiedOpenImagesDataset | UnifiedVocDataset;

/** Options of {@link evaluateUnified}. */
export interface UnifiedOptions extends LongOptions {
  /** Name of the model in tables. Default: the name of the unified space. */
  readonly model?: string | undefined;
  /** The unified label space. */
  readonly unified: UnifiedLabelSpace;
  /** In the order of the table. */
  readonly datasets: readonly UnifiedDataset[];
}

/** What one data set gave. */
export interface UnifiedDatasetResult {
  /** Its name. */
  readonly name: string;
  /** Name of `value`, as the protocol calls it. */
  readonly metric: string;
  /** The official main number, 0 to 1: COCO and LVIS AP, Open Images and VOC mAP at IoU 0.5; -1 or NaN where nothing counts. */
  readonly value: number;
  /** Detections of unified labels that the data set does not have: left out, as its ground truth knows nothing of them. */
  readonly leftOut: number;
  /** Detections that were judged. */
  readonly mapped: number;
  /** Everything else. */
  readonly report: EvaluationReport;
}

/** One row of UniDet's tables, with the reports behind it. */
export interface UnifiedResult {
  /** Name of the model. */
  readonly model: string;
  /** In the order given. */
  readonly datasets: readonly UnifiedDatasetResult[];
  /** Plain mean of the values, as UniDet's tables have it; NaN where one of them is missing. */
  readonly mean: number;
}

/**
 * Evaluates a model with unified labels on several data sets, each by its own official protocol (UniDet, 5). Every detection is mapped to the
 * label that the data set has for it; one without is left out and counted.
 * @throws ArgumentError, EvaluationError, LabelSpaceError, LoadError, or `signal.reason`
 */
export async function evaluateUnified(options: UnifiedOptions): Promise<UnifiedResult> {
  const { unified, datasets, signal, onProgress } = options;
  const twice = datasets.find(({ name }, i) => datasets.findIndex((other) => other.name === name) !== i);
  if (datasets.length === 0 || twice) {
    throw new ArgumentError({
      thing: 'datasets',
      found: twice ? `"${twice.name}" twice` : 'none',
      wanted: 'one or more, each once',
    });
  }
  // All maps first: a wrong name is found before hours of work.
  const maps = datasets.map((dataset) => dataset.map ?? labelMapOf(unified, dataset.name));
  const results: UnifiedDatasetResult[] = [];
  for (const [i, dataset] of datasets.entries()) {
    signal?.throwIfAborted();
    results.push(await evaluateOne(dataset, new Mapper(maps[i]!), { signal, onProgress }));
  }
  const valid = results.every(({ value }) => value > -1);
  return {
    model: options.model ?? unified.name,
    datasets: results,
    mean: valid ? results.reduce((sum, { value }) => sum + value, 0) / results.length : Number.NaN,
  };
}

async function evaluateOne(dataset: UnifiedDataset, mapper: Mapper, long: LongOptions): Promise<UnifiedDatasetResult> {
  const finish = (metric: string, report: EvaluationReport): UnifiedDatasetResult => ({
    name: dataset.name,
    metric,
    value: report.stats[0]!,
    leftOut: mapper.leftOut,
    mapped: mapper.mapped,
    report,
  });
  if ('official' in dataset) {
    const { objects, labels, detections } = dataset;
    const mapped = mapper.byName(detections, ({ id, name }) => (typeof id === 'string' ? id : name));
    return finish('mAP50', reportOfOpenImages(evaluateOpenImages(objects, labels, mapped, dataset)));
  }
  if (dataset.protocol === 'voc') {
    const mapped = mapper.byName(dataset.detections, ({ name }) => name);
    return finish('mAP50', reportOfVoc(evaluateVoc(dataset.objects, mapped, dataset)));
  }
  const iouType = dataset.iouType ?? 'bbox';
  const detections = await mapper.byId(dataset.detections, iouType !== 'bbox', long);
  if (dataset.protocol === 'coco') {
    // pycocotools stops where there are no detections at all; here that is a model without any label of the data set, whose AP is 0.
    const mode = mapper.mapped === 0 ? 'corrected' : dataset.mode;
    return finish('AP', reportOfCoco(await evaluateCoco({ ...dataset, ...long, iouType, detections, mode })));
  }
  return finish('AP', reportOfLvis(await evaluateLvis({ ...dataset, ...long, iouType: iouType as 'bbox', detections })));
}

/** Applies a label map and counts. */
class Mapper {
  leftOut = 0;
  mapped = 0;
  constructor(private readonly map: DatasetLabelMap) {}

  #targets(id: LabelId): readonly Label[] {
    const found = this.map.targets.get(id) ?? [];
    if (found.length === 0) this.leftOut++;
    this.mapped += found.length;
    return found;
  }

  /** Detections whose label is the name of a unified label. Throws LabelSpaceError for a name that is none. */
  byName<D extends { label: string }>(detections: readonly D[], labelOf: (label: Label) => string): D[] {
    return detections.flatMap((detection) => {
      const { id } = this.map.unified.byName(detection.label);
      return this.#targets(id).map((label) => ({ ...detection, label: labelOf(label) }));
    });
  }

  /**
   * Rows whose category_id is the id of a unified label, with those of the data set. A row without class stays as it is, for the evaluator to
   * refuse. Throws LabelSpaceError for an id that is none.
   */
  async byId(detections: UnifiedDetections, masks: boolean, long: LongOptions): Promise<DetectionColumns> {
    const rows = await toRows(detections, { ...long, masks });
    const places: number[] = [];
    const categoryIds: number[] = [];
    for (let row = 0; row < rows.count; row++) {
      if (!(rows.present[row]! & has.category)) {
        places.push(row);
        categoryIds.push(Number.NaN);
        continue;
      }
      for (const label of this.#targets(this.#unifiedId(rows.categoryIds[row]!))) {
        places.push(row);
        categoryIds.push(numberOf(label));
      }
    }
    return pickRows(rows, places, categoryIds);
  }

  #unifiedId(id: number): LabelId {
    return this.map.unified.byId(id).id;
  }
}

function numberOf({ id, name }: Label): number {
  if (typeof id === 'number') return id;
  throw new ArgumentError({
    thing: `label "${name}"`,
    found: `id ${describe(id)}`,
    wanted: 'a number, as category_id of COCO and LVIS files is',
  });
}

/** Form of {@link unifiedTable}. */
export type TableFormat = 'text' | 'markdown' | 'csv';

/**
 * The table of UniDet's Tables 1 to 6: a row a model, a column a data set with its metric, the mean. Percent with one decimal; CSV has full doubles
 * from 0 to 1. Throws ArgumentError where models were judged on different data sets.
 */
export function unifiedTable(results: readonly UnifiedResult[], format: TableFormat = 'text'): string {
  const first = results[0];
  if (!first) throw new ArgumentError({ thing: 'results', found: 'none', wanted: 'one or more' });
  const columns = first.datasets.map(({ name, metric }) => `${name} ${metric}`);
  for (const { model, datasets } of results) {
    const own = datasets.map(({ name, metric }) => `${name} ${metric}`);
    if (own.join('\n') !== columns.join('\n')) {
      throw new ArgumentError({ thing: `results of "${model}"`, found: own.join(', '), wanted: columns.join(', ') });
    }
  }
  const percent = (value: number) => (value > -1 ? (100 * value).toFixed(1) : '-');
  const clean = (text: string) => text.replace(/[\p{Cc}|]+/gu, ' ');
  const header = ['model', ...columns, 'mean'].map(clean);
  const rows = results.map(({ model, datasets, mean }) => [
    clean(model),
    ...datasets.map(({ value }) => percent(value)),
    percent(mean),
  ]);
  if (format === 'csv') {
    const quote = (text: string) => (/[",\n\r]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text);
    const full = results.map(({ model, datasets, mean }) => [model, ...datasets.map(({ value }) => String(value)), String(mean)]);
    return [['model', ...columns, 'mean'], ...full].map((row) => `${row.map(quote).join(',')}\r\n`).join('');
  }
  const widths = header.map((title, i) => Math.max(title.length, ...rows.map((row) => row[i]!.length)));
  const pad = (row: readonly string[]) => row.map((text, i) => (i === 0 ? text.padEnd(widths[i]!) : text.padStart(widths[i]!)));
  if (format === 'markdown') {
    const line = (row: readonly string[]) => `| ${pad(row).join(' | ')} |\n`;
    const rule = `| ${widths.map((width, i) => (i === 0 ? '-'.repeat(width) : `${'-'.repeat(width - 1)}:`)).join(' | ')} |\n`;
    return line(header) + rule + rows.map(line).join('');
  }
  return [header, ...rows].map((row) => `${pad(row).join('  ').trimEnd()}\n`).join('');
}
