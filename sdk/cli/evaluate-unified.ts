// `labelweave evaluate unified`: models with unified labels on several data sets, each by its official protocol, and on data sets they never saw.
import { dirname, isAbsolute, join } from 'node:path';
import {
  evaluateUnified,
  matchTestLabels,
  readGroundTruth,
  reportToHtml,
  type TestLabelMatch,
  type UnifiedDataset,
  type UnifiedResult,
  unifiedTable,
} from 'labelweave/evaluate';
import { readFile, writeBytes } from 'labelweave/node';
import { type LabelSpace, labelSpace, type UnifiedLabelSpace } from 'labelweave/taxonomy';
import { readTaxonomy } from 'labelweave/taxonomy/file';
import { readVectors } from 'labelweave/taxonomy/merge';
import { jsonOf, readOpenImages, readVoc } from './evaluate-files.js';
import { type Options, pathOption } from './evaluate-run.js';
import { exitCodes, UsageError } from './exit.js';
import { createProgress, type Progress } from './progress.js';

const protocols = ['coco', 'objects365', 'mapillary', 'lvis', 'openimages', 'voc'] as const;

/** One entry of the file of --sets. */
interface SetEntry {
  readonly name: string;
  readonly protocol: (typeof protocols)[number];
  readonly gt: string;
  /** One model's detections, or those of several by the name of the model. */
  readonly dt: string | Readonly<Record<string, string>>;
  readonly iouType?: 'bbox' | 'segm' | undefined;
  readonly labels?: string | undefined;
  readonly hierarchy?: string | undefined;
  readonly labelmap?: string | undefined;
  readonly masks?: string | undefined;
  readonly interpolation?: 'eleven-point' | 'area' | undefined;
  /** Vectors of the labels of a data set that the model was not trained on. */
  readonly vectors?: string | undefined;
}

interface SetsFile {
  readonly model?: string | undefined;
  /** Vectors of the labels of the data sets of the taxonomy, by their names. */
  readonly vectors?: Readonly<Record<string, string>> | undefined;
  readonly sets: readonly SetEntry[];
}

const keys = ['name', 'protocol', 'gt', 'dt', 'iouType', 'labels', 'hierarchy', 'labelmap', 'masks', 'interpolation', 'vectors'];

/** Checks the file of --sets. Throws UsageError. */
function checkSets(value: unknown, file: string): SetsFile {
  const wrong = (found: string, wanted: string): never => {
    throw new UsageError(`--sets ${file}: found ${found}; wanted ${wanted}`);
  };
  const isObject = (entry: unknown): entry is Record<string, unknown> =>
    typeof entry === 'object' && entry !== null && !Array.isArray(entry);
  const isTexts = (entry: unknown) => isObject(entry) && Object.values(entry).every((text) => typeof text === 'string');
  if (!isObject(value) || !Array.isArray(value['sets']) || value['sets'].length === 0)
    return wrong('no list "sets"', '{"sets": [{"name": ..., "protocol": ..., "gt": ..., "dt": ...}, ...]}');
  if (value['vectors'] !== undefined && !isTexts(value['vectors'])) wrong('vectors', 'file names by data set');
  (value['sets'] as unknown[]).forEach((entry, i) => {
    const thing = `sets[${i}]`;
    if (!isObject(entry)) return wrong(`${thing} ${JSON.stringify(entry)}`, 'an object');
    const strange = Object.keys(entry).find((key) => !keys.includes(key));
    if (strange !== undefined) wrong(`${thing}.${strange}`, keys.join(', '));
    for (const key of keys) {
      if (key === 'dt' && isTexts(entry['dt']) && Object.keys(entry['dt'] as object).length > 0) continue;
      if (entry[key] !== undefined && typeof entry[key] !== 'string')
        wrong(`${thing}.${key} ${JSON.stringify(entry[key])}`, 'a text');
    }
    for (const key of ['name', 'gt', 'dt']) if (!entry[key]) wrong(`no ${thing}.${key}`, 'one');
    if (!protocols.includes(entry['protocol'] as 'coco'))
      wrong(`${thing}.protocol ${JSON.stringify(entry['protocol'])}`, protocols.join(', '));
    if (!['bbox', 'segm', undefined].includes(entry['iouType'] as 'bbox')) wrong(`${thing}.iouType`, 'bbox or segm');
    if (!['eleven-point', 'area', undefined].includes(entry['interpolation'] as 'area'))
      wrong(`${thing}.interpolation`, 'eleven-point or area');
  });
  return value as unknown as SetsFile;
}

/** Runs all models on all data sets and writes the table. Throws UsageError, LoadError, EvaluationError, LabelSpaceError, TaxonomyError. */
export async function evaluateUnifiedCommand(options: Options): Promise<number> {
  const given = (name: string): string => {
    const path = pathOption(options, name);
    if (path === undefined)
      throw new UsageError(`evaluate unified: --${name} is missing; wanted --taxonomy FILE and --sets FILE`);
    return path;
  };
  for (const name of ['gt', 'dt', 'iouType']) {
    if (options[name] !== undefined)
      throw new UsageError(`--${name === 'iouType' ? 'iou-type' : name}: evaluate unified reads it from the file of --sets`);
  }
  const [taxonomyFile, setsFile] = [given('taxonomy'), given('sets')];
  const files = { json: pathOption(options, 'json'), csv: pathOption(options, 'csv'), html: pathOption(options, 'html') };
  const { unified } = readTaxonomy(await readFile(taxonomyFile), { file: taxonomyFile });
  const sets = checkSets(await jsonOf(setsFile, 'invalid-ground-truth'), setsFile);
  const at = (path: string) => (isAbsolute(path) || /^[a-z]+:\/\//i.test(path) ? path : join(dirname(setsFile), path));
  const models = modelsOf(sets, setsFile);
  const progress = createProgress(Boolean(options['quiet']));
  try {
    const matched = new Map<string, Awaited<ReturnType<typeof unseen>>>();
    for (const entry of sets.sets) {
      if (entry.vectors !== undefined) matched.set(entry.name, await unseen(entry, sets, unified, at));
    }
    const results: UnifiedResult[] = [];
    for (const model of models) {
      const datasets: UnifiedDataset[] = [];
      for (const entry of sets.sets) {
        progress.show(`${model ?? unified.name}: ${entry.name}`);
        datasets.push(await datasetOf(entry, model, unified, matched.get(entry.name)?.map, at, progress));
      }
      results.push(await evaluateUnified({ unified, datasets, model: model ?? sets.model, onProgress: ({ stage }) => progress.show(`${model ?? unified.name}: ${stage}`) })); // prettier-ignore
    }
    progress.done();
    const text = new TextEncoder();
    const matches = Object.fromEntries([...matched].map(([name, { matches: list }]) => [name, list.map(plainMatch)]));
    if (files.json !== undefined) await writeBytes(files.json, text.encode(jsonText(results, matches)));
    if (files.csv !== undefined) await writeBytes(files.csv, text.encode(unifiedTable(results, 'csv')));
    if (files.html !== undefined) {
      const stem = files.html.replace(/\.html?$/i, '');
      for (const { model, datasets } of results) {
        for (const { name, report } of datasets) {
          const file = `${stem}-${[...(results.length > 1 ? [model] : []), name].join('-').replace(/[^\p{L}\p{N}._-]+/gu, '_')}.html`;
          await writeBytes(file, text.encode(reportToHtml(report, { title: `${model} on ${name}` })));
          if (!options['quiet']) progress.note(`${file}: written`);
        }
      }
    }
    process.stdout.write(unifiedTable(results));
    for (const { model, datasets } of results) {
      for (const { name, mapped, leftOut } of datasets.filter(({ leftOut: left }) => left > 0))
        process.stdout.write(
          `${model} on ${name}: ${mapped} detections judged, ${leftOut} of labels that ${name} does not have left out\n`,
        );
    }
    for (const [name, list] of Object.entries(matches)) {
      const found = list.filter(({ unified: label }) => label !== undefined);
      process.stdout.write(`${name}: ${found.length} of ${list.length} labels matched to unified labels by their vectors\n`);
    }
  } finally {
    progress.done();
  }
  return exitCodes.ok.code;
}

/** Names of the models; [undefined] where there is only one without a name. Throws UsageError where data sets disagree. */
function modelsOf({ sets }: SetsFile, file: string): (string | undefined)[] {
  const lists = sets.map(({ dt }) => (typeof dt === 'string' ? undefined : Object.keys(dt)));
  const first = lists[0];
  const other = lists.findIndex((list) => JSON.stringify(list?.toSorted()) !== JSON.stringify(first?.toSorted()));
  if (other > 0) {
    const show = (list: readonly string[] | undefined) => (list ? list.join(', ') : 'one without a name');
    throw new UsageError(
      `--sets ${file}: found models ${show(lists[other])} in sets[${other}].dt; wanted ${show(first)}, as in sets[0]`,
    );
  }
  return first ?? [undefined];
}

async function datasetOf(
  entry: SetEntry,
  model: string | undefined,
  unified: UnifiedLabelSpace,
  map: UnifiedDataset['map'],
  at: (path: string) => string,
  progress: Progress,
): Promise<UnifiedDataset> {
  const { name, protocol, iouType = 'bbox' } = entry;
  const gt = at(entry.gt);
  const dt = at(typeof entry.dt === 'string' ? entry.dt : entry.dt[model!]!);
  const named = { name, ...(map && { map }) };
  if (protocol === 'openimages') {
    const inputs = await readOpenImages(gt, dt, (file) => entry[file] && at(entry[file]), progress);
    const { objects, labels, detections, classes, hierarchy } = inputs;
    const track = iouType === 'segm' ? ('segmentation' as const) : ('detection' as const);
    return { ...named, official: 'openimages', objects, labels, detections, classes, track, ...(hierarchy && { hierarchy }) };
  }
  if (protocol === 'voc') {
    const inputs = await readVoc(gt, dt, progress, (id) => unified.space.byId(id).name);
    return { ...named, protocol, interpolation: entry.interpolation ?? 'area', ...inputs };
  }
  const common = { ...named, groundTruth: gt, detections: dt, iouType };
  return protocol === 'lvis' ? { ...common, protocol } : { ...common, protocol: 'coco' };
}

/** Matches the labels of a data set that no model was trained on, by vectors (UniDet, 5.3). Throws UsageError, ArgumentError. */
async function unseen(entry: SetEntry, { vectors = {} }: SetsFile, unified: UnifiedLabelSpace, at: (path: string) => string) {
  const read = async (space: LabelSpace, file: string) => readVectors(space, await readFile(at(file)), file);
  const trained = await Promise.all(
    unified.datasets.map((space) => {
      const file = vectors[space.name];
      if (file === undefined) throw new UsageError(`--sets: sets entry ${entry.name} has vectors; found none of ${space.name} in "vectors"; wanted a file for every data set of the taxonomy`); // prettier-ignore
      return read(space, file);
    }),
  );
  return matchTestLabels(unified, trained, await read(await spaceOf(entry, at), entry.vectors!));
}

/** Labels of a data set in the order of its ground truth. */
async function spaceOf(entry: SetEntry, at: (path: string) => string): Promise<LabelSpace> {
  const gt = at(entry.gt);
  if (entry.protocol === 'openimages') {
    const { classes, names } = await readOpenImages(gt, '', (file) => entry[file] && at(entry[file]), createProgress(true));
    return labelSpace(entry.name, classes.map((id) => ({ id, name: names.get(id) ?? id }))); // prettier-ignore
  }
  if (entry.protocol === 'voc') {
    const { objects } = await readVoc(gt, '', createProgress(true));
    return labelSpace(entry.name, [...new Set(objects.map(({ label }) => label))].sort());
  }
  const { categories } = await readGroundTruth(gt, { masks: false });
  return labelSpace(entry.name, categories.map(({ id, name }) => ({ id, name }))); // prettier-ignore
}

const plainMatch = ({ label, unified, dataset, nearest, cosine }: TestLabelMatch) => ({
  label: label.name,
  unified: unified?.name,
  dataset,
  nearest: nearest?.name,
  cosine,
});

function jsonText(results: readonly UnifiedResult[], matches: object): string {
  const plain = {
    labelweave: 'unified-evaluation',
    version: 1,
    models: results.map(({ model, mean, datasets }) => ({
      model,
      mean,
      datasets: datasets.map(({ name, metric, value, mapped, leftOut, report }) => ({
        name,
        metric,
        value,
        mapped,
        leftOut,
        stats: report.stats,
        statNames: report.statNames,
        perClass: report.perClass.map(({ id, name: label, values }) => ({ id, name: label, ...values })),
        diagnostics: report.diagnostics,
      })),
    })),
    ...(Object.keys(matches).length > 0 && { matches }),
  };
  return `${JSON.stringify(plain, (_, value: unknown) => (ArrayBuffer.isView(value) ? Array.from(value as Float64Array) : value), 1)}\n`;
}
