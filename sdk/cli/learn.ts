// `labelweave learn`: firings in, a taxonomy and its review out. `learn solve` has its own file.
import { basename, join } from 'node:path';
import { LabelweaveError } from 'labelweave';
import {
  addDatasets,
  additionCandidates,
  type CandidateOptions,
  candidates,
  chooseCrops,
  columnsFor,
  findRelations,
  type Firings,
  joinFirings,
  learnReportToHtml,
  learnReportToText,
  learnTaxonomy,
  type LearnProgress,
  lossNames,
  nodePins,
  readFirings,
  solverNames,
} from 'labelweave/learn';
import { encodeJpeg, readFile, toFrame, writeBytes } from 'labelweave/node';
import { readPins, readTaxonomy, writeTaxonomy } from 'labelweave/taxonomy/file';
import { type NameLevel, nameLevels } from 'labelweave/taxonomy/merge';
import { type Options, pathOption } from './evaluate-run.js';
import { numberOption, textOption, textsOption, UsageError, wordOption } from './exit.js';
import { interruptible } from './interrupt.js';
import { checkNames, pairsOption, readVectorFile } from './label-files.js';
import { learnSolveCommand } from './learn-solve.js';
import type { Progress } from './progress.js';

/** Runs `learn FIRINGS...` or `learn solve`. Throws UsageError, LoadError, LearnError, TaxonomyError. */
export async function learnCommand(files: readonly string[], options: Options): Promise<number> {
  if (files[0] === 'solve') return learnSolveCommand(files.slice(1), options);
  if (files.length === 0) throw new UsageError('learn: found no firings; wanted files, as labelweave firings makes them');
  const settings = readSettings(options);
  return interruptible(options['quiet'] === true, (signal, progress) => learn(files, settings, signal, progress));
}

type Settings = ReturnType<typeof readSettings>;

/** Every option, checked before any work is done. Throws UsageError. */
function readSettings(options: Options) {
  const number = (name: string, key: string, wanted: string, valid: (value: number) => boolean): number | undefined =>
    options[key] === undefined ? undefined : numberOption(name, options[key], wanted, valid);
  const addTo = pathOption(options, 'addTo');
  const threshold = number('threshold', 'threshold', 'a cost from 0', (n) => n >= 0);
  if (threshold !== undefined && addTo === undefined)
    throw new UsageError('--threshold: found no --add-to; wanted --add-to TAXONOMY with it');
  if (addTo !== undefined) {
    const other = ['loss', 'form', 'lambda', 'tau', 'minimumInstances', 'names', 'language', 'weight', 'pins', 'name', 'html', 'solver', 'timeLimit'].find((key) => options[key] !== undefined); // prettier-ignore
    if (other !== undefined)
      throw new UsageError(`--add-to: found --${other.replace(/[A-Z]/gu, (c) => `-${c.toLowerCase()}`)}, too; wanted only --threshold, -o and --report with it`); // prettier-ignore
  }
  if (options['form'] !== undefined && options['loss'] === 'stand-in')
    throw new UsageError('--form: found --loss stand-in, which has one form; wanted --loss ap or distortion with it');
  const weights = pairsOption('weight', options['weight']).map(
    ([name, value]) => [name, numberOption('weight', value, 'NAME=a number from 0', (n) => n >= 0)] as const,
  );
  const images = textsOption('images', options['images'], 'a folder');
  const html = pathOption(options, 'html');
  if (images.length > 0 && html === undefined) throw new UsageError('--images: found no --html; wanted --html FILE with it');
  return {
    loss: wordOption('loss', options['loss'] ?? 'ap', lossNames),
    form: wordOption('form', options['form'] ?? 'code', ['paper', 'code'] as const),
    lambda: number('lambda', 'lambda', 'a number from 0', (n) => n >= 0 && n < Infinity) ?? 0.5,
    tau: number('tau', 'tau', 'a number', (n) => Number.isFinite(n)),
    solver: wordOption('solver', options['solver'] ?? 'own', solverNames),
    timeLimit: number('time-limit', 'timeLimit', 'seconds, from 0', (n) => n >= 0),
    minimumInstances: number('minimum-instances', 'minimumInstances', 'an integer from 0', (n) => Number.isInteger(n) && n >= 0),
    names: options['names'] === undefined ? undefined : wordOption<NameLevel>('names', options['names'], nameLevels),
    language: pairsOption('language', options['language']),
    weights: weights.length ? Object.fromEntries(weights) : undefined,
    pins: pathOption(options, 'pins'),
    name: textOption('name', options['name']),
    output: pathOption(options, 'output'),
    report: pathOption(options, 'report'),
    html,
    images,
    addTo,
    threshold,
  };
}

async function learn(files: readonly string[], settings: Settings, signal: AbortSignal, progress: Progress): Promise<void> {
  const { loss, form, lambda, tau, solver, timeLimit, minimumInstances, names, weights, name, addTo } = settings;
  const onProgress = progressOf(progress);
  const old = addTo === undefined ? undefined : readTaxonomy(await readFile(addTo), { file: addTo });
  const parts: Firings[] = [];
  for (const file of files) {
    progress.show(`reading ${file}`);
    parts.push(await readFirings(file, { signal }));
  }
  const firings = joinFirings(parts);
  checkNames('language', settings.language, firings.spaces);
  const language = await Promise.all(
    settings.language.map(async ([dataset, file]) => {
      return readVectorFile(
        firings.spaces.find((one) => one.name === dataset)!,
        file,
      );
    }),
  );
  // A pins file may be written over by the answer, so it is read before.
  const pins = settings.pins === undefined ? {} : readPins(await readFile(settings.pins), { file: settings.pins });
  const candidateOptions: CandidateOptions = {
    loss,
    signal,
    onProgress,
    ...(loss !== 'stand-in' && { form }),
    ...(tau !== undefined && { tau }),
    ...(minimumInstances !== undefined && { minimumInstances }),
    ...(names !== undefined && { names }),
    ...(language.length > 0 && { language }),
    ...(weights && { weights }),
  };
  if (old) {
    // Firings of the taxonomy's own detector, or of the heads of its data sets.
    const byHeads = old.unified.datasets.every(({ name: one }) => firings.spaces.some((space) => space.name === one));
    const { taxonomy, added } = addDatasets(
      old,
      await additionCandidates(firings, { signal, onProgress, ...(byHeads && { taxonomy: old }) }),
      settings.threshold === undefined ? {} : { threshold: settings.threshold },
    );
    progress.done();
    await write(settings.output, writeTaxonomy(taxonomy));
    if (settings.report !== undefined) await write(settings.report, `${JSON.stringify({ added }, undefined, 2)}\n`);
    const joined = added.filter((one) => one.joined);
    progress.note(`${added.length} labels added: ${joined.length} joined, ${added.length - joined.length} appended; ${taxonomy.unified.size} unified labels`); // prettier-ignore
    return;
  }
  const found = await candidates(firings, candidateOptions);
  // Pinned merges that no threshold lets through have a cost, too, where something can be said of it.
  const { mustMerge = [], locked = [] } = nodePins(pins, found.spaces);
  const known = new Set(found.columns.map(({ members }) => members.join()));
  const wanted = [...mustMerge, ...locked].map((nodes) => [...nodes].sort((a, b) => a - b)).filter((nodes) => nodes.length > 1 && !known.has(nodes.join())); // prettier-ignore
  const pinnedColumns = wanted.length ? (await columnsFor(firings, wanted, candidateOptions)).filter(({ cost }) => Number.isFinite(cost)) : []; // prettier-ignore
  const learnOptions = {
    pins,
    pinnedColumns,
    lambda,
    solver,
    signal,
    onProgress,
    ...(timeLimit !== undefined && { timeLimit }),
    ...(name !== undefined && { name }),
  };
  const first = await learnTaxonomy(found, learnOptions);
  // Labels that are part of others; what stands together already is no relation.
  const relations = await findRelations(firings, { merges: first.solution.merges, signal, onProgress });
  const { taxonomy, report } = relations.length ? await learnTaxonomy(found, { ...learnOptions, relations }) : first;
  signal.throwIfAborted();
  const crops = settings.images.length ? await cutCrops(firings, report, settings.images, signal, progress) : undefined;
  progress.done();
  await write(settings.output, writeTaxonomy(taxonomy));
  if (settings.report !== undefined) await write(settings.report, `${JSON.stringify(report, undefined, 2)}\n`);
  if (settings.html !== undefined) await write(settings.html, learnReportToHtml(report, crops ? { crops } : {}));
  progress.note(learnReportToText(report));
}

/** Writes a whole file or nothing; to stdout where no file is named. */
async function write(file: string | undefined, text: string): Promise<void> {
  if (file === undefined) process.stdout.write(text);
  else await writeBytes(file, new TextEncoder().encode(text));
}

function progressOf(progress: Progress): (step: LearnProgress) => void {
  let last = 0;
  return ({ phase, done, total }) => {
    const now = Date.now();
    if (now - last < 100) return;
    last = now;
    progress.show(`${phase}: ${done}${total ? ` of ${total}` : ''}`);
  };
}

/** Side of a crop in pixels: shown at half of it. */
const side = 112;

/** Small pictures of labels as `data:` URLs. Images that are in no folder, or cannot be read, are counted and left out. */
async function cutCrops(
  firings: Firings,
  report: Parameters<typeof learnReportToHtml>[0],
  folders: readonly string[],
  signal: AbortSignal,
  progress: Progress,
): Promise<Map<number, string[]>> {
  const byImage = groupBy(chooseCrops(firings, report), ({ image }) => image);
  const crops = new Map<number, string[]>();
  let missing = 0;
  let done = 0;
  for (const [image, requests] of byImage) {
    signal.throwIfAborted();
    progress.show(`pictures: ${++done} of ${byImage.size}`);
    // Firings name their images as they were given: with a folder in front, maybe another one than today's.
    const places = folders.flatMap((folder) => [join(folder, image), join(folder, basename(image))]);
    const frame = await firstOf(places, (place) => toFrame(place, { signal }));
    if (!frame) {
      missing++;
      continue;
    }
    for (const { label, box } of requests) {
      const jpeg = await encodeJpeg(cut(frame, box), { quality: 80 });
      const url = `data:image/jpeg;base64,${Buffer.from(jpeg).toString('base64')}`;
      crops.set(label, [...(crops.get(label) ?? []), url]);
    }
  }
  if (missing > 0)
    progress.note(`labelweave: ${missing} of ${byImage.size} images are in no folder of --images, or cannot be read`);
  return crops;
}

function groupBy<T, K>(items: readonly T[], keyOf: (item: T) => K): Map<K, T[]> {
  const groups = new Map<K, T[]>();
  for (const item of items) groups.set(keyOf(item), [...(groups.get(keyOf(item)) ?? []), item]);
  return groups;
}

async function firstOf<T>(places: readonly string[], open: (place: string) => Promise<T>): Promise<T | undefined> {
  for (const place of places) {
    try {
      return await open(place);
    } catch (error) {
      if (!(error instanceof LabelweaveError)) throw error;
    }
  }
  return undefined;
}

type Frame = Awaited<ReturnType<typeof toFrame>>;

/** A part of a frame at the size of a crop, averaged over the pixels it covers; what lies outside is grey. */
function cut({ data, width, height, channels }: Frame, [x1, y1, x2, y2]: readonly [number, number, number, number]): Frame {
  const result = new Uint8ClampedArray(side * side * 3).fill(128);
  const step = [(x2 - x1) / side, (y2 - y1) / side] as const;
  for (let v = 0; v < side; v++) {
    for (let u = 0; u < side; u++) {
      const [left, top] = [Math.floor(x1 + u * step[0]), Math.floor(y1 + v * step[1])];
      const [right, bottom] = [
        Math.max(left + 1, Math.floor(x1 + (u + 1) * step[0])),
        Math.max(top + 1, Math.floor(y1 + (v + 1) * step[1])),
      ];
      let count = 0;
      const sum = [0, 0, 0];
      for (let y = Math.max(0, top); y < Math.min(height, bottom); y++) {
        for (let x = Math.max(0, left); x < Math.min(width, right); x++) {
          const at = (y * width + x) * channels;
          for (let c = 0; c < 3; c++) sum[c]! += data[at + (channels === 1 ? 0 : c)]!;
          count++;
        }
      }
      if (count > 0) for (let c = 0; c < 3; c++) result[(v * side + u) * 3 + c] = sum[c]! / count;
    }
  }
  return { data: result, width: side, height: side, channels: 3 } as Frame;
}
