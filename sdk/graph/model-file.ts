// Opens a model file that stands alone, without a manifest: what it reads and gives, and its graph. For people who look at models; detectors open packages.
import { ArgumentError, ModelError } from '../errors.js';
import type { Graph } from '../ir/graph.js';
import { resolveLocation } from '../store/location.js';
import { readLocation, type ReadOptions } from '../store/read.js';
import { isLocalName } from './manifest.js';
import type { TfliteModel } from './tflite/format.js';

/** An input or output as the file declares it: a dimension is a size, a name, or null where the file says nothing. */
export interface ModelPort {
  /** As the file says it. */
  name: string;
  /** Element type, in the words of the file. */
  type: string;
  /** Sizes, names of sizes that are open, null where nothing is known. */
  shape: readonly (number | string | null)[] | null;
}

/** What a model file says of itself. */
export interface ModelFileInfo {
  /** The exporter's format. */
  format: 'onnx' | 'tflite' | 'tfjs';
  /** The program that wrote the file, as far as it says. */
  producer: string;
  /** ONNX: version of the standard operator set. */
  opset?: number;
  /** What the file is fed. */
  inputs: readonly ModelPort[];
  /** What it gives. */
  outputs: readonly ModelPort[];
  /** Operators of the file, with how often they stand in it. */
  operators: Readonly<Record<string, number>>;
  /** TFLite: the detection tail that the file ends in (TFLite_Detection_PostProcess). A head takes its place. */
  tail?: DetectionTail;
}

/** What a detection tail reads. */
export interface DetectionTail {
  /** Value [1, P, 4] of offsets from the anchors: y, x, height, width. */
  boxes: string;
  /** Value [1, P, K + 1] of class scores, background first. */
  scores: string;
  /** Whether the scores have been through a sigmoid. */
  probabilities: boolean;
  /** [P] of centre x, y, width, height, as shares of the image. */
  anchors: readonly (readonly [number, number, number, number])[];
}

/** Options of {@link openModelFile}. */
export interface OpenModelFileOptions {
  /** Sizes of dimensions that have a name in the file. */
  dimensions?: Readonly<Record<string, number>> | undefined;
  /** Whole shapes of inputs by name, in the file's order of axes. */
  inputShapes?: Readonly<Record<string, readonly number[]>> | undefined;
  /** Values of the file to keep as outputs. Default: its own. */
  outputs?: readonly string[] | undefined;
  /** Stops; the promise rejects with `signal.reason`. */
  signal?: AbortSignal | undefined;
  /** Where downloads are kept between runs; see readLocation. Default: nowhere. */
  cache?: ReadOptions['cache'];
}

/** True for names of model files that {@link openModelFile} reads: `.onnx`, `.tflite`, and `model.json` of TF.js. */
export function isModelFile(name: string): boolean {
  return /\.(onnx|tflite)([?#].*)?$|(^|[/\\])model\.json([?#].*)?$/is.test(name);
}

/**
 * Reads a model file, weight files beside it included. `info` is there at once; `graph()` imports and optimises, with inputs and outputs in the file's
 * order of axes. Throws LoadError, ModelError (a dimension without a size is asked for by its name), ArgumentError, or `signal.reason`.
 */
export async function openModelFile(
  location: string | URL,
  options: OpenModelFileOptions = {},
): Promise<{ info: ModelFileInfo; graph: () => Promise<Graph> }> {
  const place = String(location);
  if (!isModelFile(place) && !/\.json([?#].*)?$/is.test(place))
    throw new ArgumentError({ thing: 'model file', found: JSON.stringify(place), wanted: 'a file that ends in .onnx or .tflite, or a model.json' }); // prettier-ignore
  const name = place.replace(/[?#].*$/s, '');
  if (/\.tflite$/i.test(name)) return openTflite(location, options);
  return /\.onnx$/i.test(name) ? openOnnx(location, options) : openTfjs(location, options);
}

interface OpenedFile {
  info: ModelFileInfo;
  graph: () => Promise<Graph>;
}

async function openTflite(location: string | URL, options: OpenModelFileOptions): Promise<OpenedFile> {
  const { signal, cache, inputShapes, outputs } = options;
  const [{ readTflite }, { importTflite }, { liteOperators }] = await Promise.all([
    import('./tflite/format.js'),
    import('./tflite/import.js'),
    import('./tflite/operators.js'),
  ]);
  const model = readTflite(await readLocation(location, { signal, cache }), fileName(location));
  const operators = count(
    model.operators.map(({ code, custom }) => custom || (liteOperators.get(code)?.name ?? `number ${code}`)),
  );
  const port = (index: number): ModelPort => {
    const { name, type, shape } = model.tensors[index]!;
    return { name, type, shape: shape.map((d) => (d < 0 ? null : d)) };
  };
  const info: ModelFileInfo = {
    format: 'tflite',
    producer: model.description,
    inputs: model.inputs.map(port),
    outputs: model.outputs.map(port),
    operators,
  };
  const tail = await tailOf(model);
  if (tail) info.tail = tail;
  // The tail itself cannot be imported; what it reads can.
  const wanted = outputs ?? (tail && [tail.boxes, tail.scores]);
  return {
    info,
    graph: async () => (await import('./optimize/index.js')).optimizeGraph(importTflite(model, { outputs: wanted, inputShapes })),
  };
}

/** Number of LOGISTIC in the schema. */
const LOGISTIC = 14;

/** Anchors are a constant [P, 4] of y, x, height, width. */
async function tailOf({ operators, tensors }: TfliteModel): Promise<DetectionTail | undefined> {
  const operator = operators.find(({ custom }) => custom === 'TFLite_Detection_PostProcess');
  const [boxes, scores, anchors] = operator?.inputs.map((index) => tensors[index]) ?? [];
  if (!boxes || !scores || !anchors?.data || anchors.shape.length !== 2 || anchors.shape[1] !== 4) return undefined;
  const { constantOf } = await import('./tflite/weights.js');
  const { values } = constantOf(anchors);
  return {
    boxes: boxes.name,
    scores: scores.name,
    probabilities: operators.some(({ code, outputs }) => code === LOGISTIC && outputs.includes(operator!.inputs[1]!)),
    anchors: Array.from({ length: anchors.shape[0]! }, (_, i) => {
      const [y, x, h, w] = [values[i * 4]!, values[i * 4 + 1]!, values[i * 4 + 2]!, values[i * 4 + 3]!];
      return [x, y, w, h] as const;
    }),
  };
}

async function openTfjs(location: string | URL, options: OpenModelFileOptions): Promise<OpenedFile> {
  const { signal, cache, inputShapes, outputs } = options;
  const [{ readTfjsModel }, { readTfjsWeights }, { importTfjs }] = await Promise.all([
    import('./tfjs/format.js'),
    import('./tfjs/weights.js'),
    import('./tfjs/import.js'),
  ]);
  const read = { signal, cache };
  const file = fileName(location);
  const model = readTfjsModel(await readLocation(location, read), file);
  const used = new Set(model.nodes.flatMap(({ input }) => input.map((reference) => reference.replace(/^\^|:\d+$/g, ''))));
  const ports = (names: readonly string[]): ModelPort[] => names.map((name) => ({ name, type: 'float32', shape: model.inputShapes.get(name)?.map((d) => (d < 0 ? null : d)) ?? null })); // prettier-ignore
  const placeholders = model.nodes.filter(({ op }) => op === 'Placeholder').map(({ name }) => name);
  const ends = model.nodes.filter(({ name, op }) => !used.has(name) && op !== 'Const' && op !== 'NoOp').map(({ name }) => name);
  const info: ModelFileInfo = {
    format: 'tfjs',
    producer: '',
    inputs: ports(model.inputs.size > 0 ? [...model.inputs.keys()] : placeholders),
    outputs: ports(model.outputs.size > 0 ? [...model.outputs.keys()] : ends),
    operators: count(model.nodes.map(({ op }) => op)),
  };
  return {
    info,
    async graph() {
      const paths = [...new Set(model.weightGroups.flatMap((group) => group.paths))];
      const outside = paths.find((path) => !isLocalName(path));
      if (outside !== undefined) {
        throw new ModelError('invalid-model', {
          thing: `file "${file}", weightsManifest`,
          found: JSON.stringify(outside),
          wanted: 'file names inside the folder',
        });
      }
      const bytes = await Promise.all(paths.map((path) => readLocation(resolveLocation(String(location), path), read)));
      const shards = new Map(paths.map((path, i) => [path, bytes[i]!]));
      const weights = readTfjsWeights(model.weightGroups, (path) => shards.get(path));
      const { optimizeGraph } = await import('./optimize/index.js');
      return optimizeGraph(importTfjs(model, weights, { outputs, inputShapes, file }));
    },
  };
}

const fileName = (location: string | URL): string => String(location).replace(/[?#].*$/s, '').replace(/^.*[/\\]/s, ''); // prettier-ignore

function count(names: readonly string[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const name of names) counts[name] = (counts[name] ?? 0) + 1;
  return counts;
}

async function openOnnx(location: string | URL, options: OpenModelFileOptions): Promise<OpenedFile> {
  const place = String(location);
  const { signal, cache } = options;
  const read = { signal, cache };
  const [{ readOnnxModel, elementTypeName }, { readExternalData }] = await Promise.all([
    import('./onnx/model.js'),
    import('./onnx/read.js'),
  ]);
  const model = readOnnxModel(await readLocation(location, read), fileName(location));
  const operators = count(model.nodes.map(({ op }) => op));
  const port = ({ name, type, shape, kind }: (typeof model.inputs)[number]): ModelPort => ({
    name,
    type: kind === 'tensor' ? elementTypeName(type) : kind,
    shape: shape ? shape.map((d) => d ?? null) : null,
  });
  const info: ModelFileInfo = {
    format: 'onnx',
    producer: model.producer,
    opset: model.opsets.get('') ?? 1,
    inputs: model.inputs.filter(({ name }) => !model.initializers.has(name)).map(port),
    outputs: model.outputs.map(port),
    operators,
  };
  return {
    info,
    async graph() {
      const [{ importOnnx }, { optimizeGraph }] = await Promise.all([import('./onnx/import.js'), import('./optimize/index.js')]);
      const external = await readExternalData(model, async (names) => {
        const bytes = await Promise.all(names.map((name) => readLocation(resolveLocation(place, name), read)));
        return new Map(names.map((name, i) => [name, bytes[i]!]));
      });
      signal?.throwIfAborted();
      const { dimensions, inputShapes, outputs } = options;
      return optimizeGraph(importOnnx(model, { dimensions, inputShapes, outputs, externalData: (name) => external.get(name) }));
    },
  };
}
