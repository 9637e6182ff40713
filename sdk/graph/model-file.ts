// Opens a model file that stands alone, without a manifest: what it reads and gives, and its graph. For people who look at models; detectors open packages.
import { ArgumentError } from '../errors.js';
import type { Graph } from '../ir/graph.js';
import { resolveLocation } from '../store/location.js';
import { readLocation, type ReadOptions } from '../store/read.js';

/** An input or output as the file declares it: a dimension is a size, a name, or null where the file says nothing. */
export interface ModelPort {
  name: string;
  type: string;
  shape: readonly (number | string | null)[] | null;
}

export interface ModelFileInfo {
  format: 'onnx';
  /** The program that wrote the file, as far as it says. */
  producer: string;
  /** Version of the standard operator set. */
  opset: number;
  inputs: readonly ModelPort[];
  outputs: readonly ModelPort[];
  /** Operators of the file, with how often they stand in it. */
  operators: Readonly<Record<string, number>>;
}

export interface OpenModelFileOptions {
  /** Sizes of dimensions that have a name in the file. */
  dimensions?: Readonly<Record<string, number>> | undefined;
  /** Whole shapes of inputs by name, in the file's order of axes. */
  inputShapes?: Readonly<Record<string, readonly number[]>> | undefined;
  /** Values of the file to keep as outputs. Default: its own. */
  outputs?: readonly string[] | undefined;
  signal?: AbortSignal | undefined;
  /** Where downloads are kept between runs; see readLocation. Default: nowhere. */
  cache?: ReadOptions['cache'];
}

/** True for names of model files that {@link openModelFile} reads. */
export function isModelFile(name: string): boolean {
  return /\.onnx([?#].*)?$/is.test(name);
}

/**
 * Reads an ONNX file, weight files beside it included. `info` is there at once; `graph()` imports and optimises, with inputs and outputs in the file's
 * order of axes. Throws LoadError, ModelError (a dimension without a size is asked for by its name), ArgumentError, or `signal.reason`.
 */
export async function openModelFile(
  location: string | URL,
  options: OpenModelFileOptions = {},
): Promise<{ info: ModelFileInfo; graph: () => Promise<Graph> }> {
  const place = String(location);
  if (!isModelFile(place))
    throw new ArgumentError({ thing: 'model file', found: JSON.stringify(place), wanted: 'a file that ends in .onnx' });
  const { signal, cache } = options;
  const read = { signal, cache };
  const [{ readOnnxModel, elementTypeName }, { readExternalData }] = await Promise.all([
    import('./onnx/model.js'),
    import('./onnx/read.js'),
  ]);
  const file = place.replace(/[?#].*$/s, '').replace(/^.*[/\\]/s, '');
  const model = readOnnxModel(await readLocation(location, read), file);
  const operators: Record<string, number> = {};
  for (const { op } of model.nodes) operators[op] = (operators[op] ?? 0) + 1;
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
