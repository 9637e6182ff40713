// `labelweave convert`: a model file, or a package, becomes a model package with smaller weights; prints what that changes.
import { mkdir, readFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { chooseRuntime, parseLabelFile, type LabelSpace, type ModelSource } from 'labelweave';
import { convertModel, proposeManifest, type ConvertedModel } from 'labelweave/convert';
import { toFrame, writeBytes } from 'labelweave/node';
import { exitCodes, textOption, textsOption, UsageError, wordOption } from './exit.js';
import { namedLabels } from './labels.js';
import { namedModel, standsAlone } from './models.js';

export async function convertCommand(model: string, options: Record<string, unknown>): Promise<number> {
  const output = textOption('output', options['output'], 'a folder');
  if (output === undefined) throw new UsageError('convert: found no --output; wanted -o and a folder for the package');
  const weights = wordOption('weights', options['weights'], ['float16', 'float32', 'int8'] as const);
  const manifestFile = textOption('manifest', options['manifest'], 'one path');
  const labels = textOption('labels', options['labels'], 'one name or path');
  const size = sizeOption(options['size']);
  const images = textsOption('image', options['image'], 'a path');
  const frames = await Promise.all(images.map((image) => toFrame(image)));

  const source = (await standsAlone(model))
    ? await fileSource(model, { manifestFile, labels, size })
    : packageSource(model, manifestFile ?? labels);
  const { runtime } = await chooseRuntime(['wasm', 'reference'], { threads: 1 });
  let converted: ConvertedModel;
  try {
    converted = await convertModel(source, { weights, runtime, ...(frames.length > 0 ? { frames } : {}) });
  } finally {
    runtime.dispose();
  }
  const { manifest, files, bytes, change } = converted;
  await mkdir(output, { recursive: true });
  for (const [name, content] of Object.entries(files)) await writeBytes(join(output, name), content);

  if (options['json']) {
    const sizes = Object.fromEntries(Object.entries(files).map(([name, content]) => [name, content.length]));
    process.stdout.write(`${JSON.stringify({ model: manifest.name, output, weights, bytes, files: sizes, change }, null, 2)}\n`);
    return exitCodes.ok.code;
  }
  const megabytes = (n: number): string => `${(n / 1e6).toFixed(2)} MB`;
  const measured = frames.length > 0 ? `${frames.length} ${frames.length > 1 ? 'pictures' : 'picture'}` : 'a made picture';
  const lines = [
    `${manifest.name}: weights ${megabytes(bytes.before)} -> ${megabytes(bytes.after)} (${weights})`,
    ...Object.entries(files).map(([name, content]) => `  ${name.padEnd(22)} ${content.length.toLocaleString('en').padStart(12)} bytes`), // prettier-ignore
    `change of the outputs on ${measured}:`,
    ...change.map(({ output: name, largest, relative }) => `  ${name}: largest ${largest.toPrecision(2)}, ${(relative * 100).toPrecision(2)} % of the values (root mean square)`), // prettier-ignore
  ];
  process.stdout.write(`${lines.join('\n')}\n`);
  return exitCodes.ok.code;
}

function packageSource(model: string, unwanted: string | undefined): ModelSource {
  if (unwanted !== undefined)
    throw new UsageError('--manifest, --labels: found with a package; wanted only with a model file, which has none');
  return namedModel(model);
}

interface FileOptions {
  manifestFile: string | undefined;
  labels: string | undefined;
  size: { height: number; width: number } | undefined;
}

/** A model file with the manifest that was given, or the one that is proposed. */
async function fileSource(model: string, { manifestFile, labels, size }: FileOptions): Promise<ModelSource> {
  const files = { files: {}, base: dirname(model) };
  if (manifestFile !== undefined) {
    const manifest = JSON.parse(await readFile(manifestFile, 'utf8')) as Record<string, unknown>;
    const graph = { ...(manifest['graph'] as object), file: basename(model) };
    return { manifest: { ...manifest, graph }, ...files };
  }
  const { heads, manifest } = await proposeManifest(model, { size });
  const [best] = heads;
  if (!manifest || !best)
    throw new UsageError(`convert: found no head that fits ${model}; wanted --manifest (see labelweave inspect ${model})`);
  const [head] = manifest.heads as [(typeof manifest.heads)[number]];
  const notes = [`no --manifest: taken for ${best.decoder.type} (${best.why})`, ...best.check.map((what) => `check ${what}`), `check input: order, mean, std`]; // prettier-ignore
  process.stderr.write(`${notes.join('\n')}\n`);
  if (labels === undefined) return { manifest, ...files };
  const space = await labelsOf(labels);
  return { manifest: { ...manifest, heads: [{ ...head, dataset: space.dataset, labels: space.labels }] }, ...files };
}

async function labelsOf(labels: string): Promise<{ dataset: string; labels: { id: number | string; name: string }[] }> {
  const known: LabelSpace | undefined = await namedLabels(labels);
  const spec = known ?? parseLabelFile(await readFile(labels, 'utf8'), labels);
  if (Array.isArray(spec)) {
    return {
      dataset: basename(labels).replace(/\.\w+$/, ''),
      labels: (spec as string[]).map((name, i) => ({ id: i + 1, name })),
    };
  }
  const space = spec as LabelSpace;
  if (!Array.isArray(space.labels)) throw new UsageError('--labels: found groups; wanted a list of labels, in the order of the scores'); // prettier-ignore
  return { dataset: space.name, labels: space.labels.map(({ id, name }) => ({ id, name })) };
}

/** `--size 320x480`: height x width. */
export function sizeOption(value: unknown): { height: number; width: number } | undefined {
  const text = textOption('size', value, 'HEIGHTxWIDTH');
  if (text === undefined) return undefined;
  const [, height, width] = /^(\d{1,5})x(\d{1,5})$/.exec(text) ?? [];
  if (height === undefined) throw new UsageError(`--size: found ${JSON.stringify(text)}; wanted HEIGHTxWIDTH, such as 320x480`);
  return { height: Number(height), width: Number(width) };
}
