// The frozen network that new heads stand on: where its classification layer reads, and which features of an image come out.
import { ArgumentError, describe, ModelError } from '../errors.js';
import { type Manifest, openModel, type OpenedModel, pruneTo, writePackage, type ModelSource } from '../graph/index.js';
import { fitTarget } from '../image/geometry.js';
import type { Graph, Value } from '../ir/graph.js';
import type { Executable, Runtime } from '../runtime/runtime.js';
import { sha256 } from '../store/sha256.js';
import { joinBytes } from '../tensor/bytes.js';
import { floatToHalf, halfArrayToFloat } from '../tensor/half.js';
import type { ImageFrame } from '../tensor/image-frame.js';
import type { ByteStore } from '../platform-types.js';

/** A model, seen as features and what its first head makes of them. */
export interface Backbone {
  readonly manifest: Manifest;
  /** With the network's own float input: what packages hold. */
  readonly graph: Graph;
  /** Features and box outputs, from an image. */
  readonly featureGraph: Graph;
  /** Digest of the whole model. */
  readonly digest: string;
  /** The value that the classification layer of the first head reads: [1, H, W, D]. */
  readonly features: Value;
  /** The outputs beside scores that the decoder reads: [1, H, W, n] each. */
  readonly boxes: readonly Value[];
  /** Decoder of the first head. */
  readonly decoder: Readonly<Record<string, unknown>> & { readonly type: string };
  readonly stride: number;
  /** The layer of the model's own head, where it is a 1x1 convolution with constant weights. */
  readonly own: { readonly weight: Float32Array; readonly bias: Float32Array } | undefined;
}

/** Opens a model for training of heads. Throws as openModel does, and ModelError `invalid-model` for a model whose first head is no CenterNet. */
export async function openBackbone(source: ModelSource, layer: string | undefined, signal?: AbortSignal): Promise<Backbone> {
  const { manifest, graph } = await openModel(source, { input: 'tensor', signal });
  const { graph: fromImage }: OpenedModel = await openModel(source, { signal });
  const head = manifest.heads[0]!;
  const decoder = head.decoder as Backbone['decoder'];
  const fail = (thing: string, found: string, wanted: string): never => {
    throw new ModelError('invalid-model', { thing, found, wanted });
  };
  const where = `head ${JSON.stringify(head.dataset)}`;
  if (decoder.type !== 'centernet' || decoder['from'] !== 'logit')
    fail(
      `${where}, decoder`,
      `${decoder.type}, from ${describe(decoder['from'])}`,
      'a centernet head with logits to train beside',
    );
  const find = (name: unknown, of: Graph): Value =>
    of.values.find((value) => value.name === name) ?? fail(where, `no value ${describe(name)}`, 'a value of the graph');
  const heatmap = graph.values.findIndex(({ name }) => name === decoder['heatmap']);
  const node = graph.nodes.find(({ outputs }) => outputs.includes(heatmap));
  let own: Backbone['own'];
  if (node?.op === 'conv2d') {
    const weight = graph.values[node.inputs[1]!]!;
    const bias = graph.values[node.inputs[2] ?? -1];
    const [rows, columns] = weight.shape;
    const plain = rows === 1 && columns === 1 && node.attributes.groups === 1 && node.attributes.activation.kind === 'none' && !(node.inputs[3]! >= 0) && !(node.inputs[4]! >= 0); // prettier-ignore
    const classes = weight.shape.at(-1)!;
    if (weight.constant && plain)
      own = {
        weight: weight.constant.values as Float32Array,
        bias: (bias?.constant?.values as Float32Array | undefined) ?? new Float32Array(classes),
      };
  }
  if (layer === undefined && !own)
    fail(
      `${where}, output ${describe(decoder['heatmap'])}`,
      `written by ${node?.op ?? 'nothing'}`,
      'a 1x1 convolution, or the option `layer`',
    );
  const name = layer ?? graph.values[node!.inputs[0]!]!.name;
  const features = find(name, graph);
  find(name, fromImage);
  const map = graph.values[heatmap]!.shape;
  const [batch, H, W] = features.shape;
  if (features.shape.length !== 4 || batch !== 1 || H !== map[1] || W !== map[2] || features.dtype !== 'float32') {
    throw new ArgumentError({
      thing: `layer ${JSON.stringify(name)}`,
      found: `${features.dtype} [${features.shape.join(', ')}]`,
      wanted: `float32 [1, ${map[1]}, ${map[2]}, D], a feature for each cell of the heat map`,
    });
  }
  const boxes = [decoder['offset'], decoder['size']].filter((value) => value !== undefined).map((value) => find(value, graph));
  const names = [name, ...boxes.map((value) => value.name)];
  const files = writePackage(manifest, graph);
  const digests = await Promise.all(Object.values(files).map((bytes) => sha256(bytes)));
  return {
    manifest,
    graph,
    featureGraph: pruneTo(fromImage, names),
    digest: await sha256(new TextEncoder().encode(digests.join())),
    features,
    boxes,
    decoder,
    stride: Number(decoder['stride']),
    // Rows of the own layer fit only where the new layers read what it reads.
    own: node?.op === 'conv2d' && node.inputs[0] === graph.values.indexOf(features) ? own : undefined,
  };
}

/** What was computed of an image: stays the same for the whole training. */
export interface ImageFeatures {
  /** [H W, D] as float16 bits; as float32 where a number is too large for that. */
  readonly features: Uint16Array | Float32Array;
  /** Float32 [H, W, n] for each box output. */
  readonly boxes: readonly Float32Array[];
  readonly width: number;
  readonly height: number;
}

/** Largest number of float16. */
const largestHalf = 65504;

/** Computes features and keeps them: in memory up to a limit, and in a store. */
export class FeatureBank {
  readonly #backbone: Backbone;
  readonly #executable: Executable;
  /** Undefined once it has failed: no training fails for want of room. */
  #store: ByteStore | undefined;
  readonly #limit: number;
  readonly #kept = new Map<string, ImageFeatures>();
  #bytes = 0;

  private constructor(backbone: Backbone, executable: Executable, store: ByteStore | undefined, limit: number) {
    this.#backbone = backbone;
    this.#executable = executable;
    this.#store = store;
    this.#limit = limit;
  }

  static async open(
    backbone: Backbone,
    runtime: Runtime,
    { store, limit, signal }: { store: ByteStore | undefined; limit: number; signal: AbortSignal | undefined },
  ): Promise<FeatureBank> {
    return new FeatureBank(backbone, await runtime.compile(backbone.featureGraph, { signal }), store, limit);
  }

  /** Features of an image; `key` says which, `frame` opens it where nothing is kept. `keep`: whether it will be asked for again. */
  async get(
    key: string,
    { flipped = false, keep = false }: { readonly flipped?: boolean; readonly keep?: boolean },
    frame: () => Promise<ImageFrame>,
    signal?: AbortSignal,
  ): Promise<ImageFeatures> {
    const id = `${key}${flipped ? '/flipped' : ''}`;
    const known = this.#kept.get(id);
    if (known) return known;
    signal?.throwIfAborted();
    const opened = await frame();
    const { width, height } = opened;
    let found: ImageFeatures | undefined;
    let place = '';
    if (this.#store) {
      const pixels = new Uint8Array(opened.data.buffer, opened.data.byteOffset, opened.data.byteLength).slice();
      place = `features/1/${this.#backbone.digest}/${this.#backbone.features.name}/${width}x${height}x${opened.channels}/${await sha256(pixels)}/${flipped}`;
      const bytes = await this.#store.get(place).catch(() => this.#giveUp());
      if (bytes) found = this.#unpack(bytes, width, height);
    }
    if (!found) {
      found = await this.#compute(id, flipped ? mirrored(opened) : opened, signal);
      await this.#store?.put(place, pack(found)).catch(() => this.#giveUp());
    }
    const size = found.features.byteLength + found.boxes.reduce((sum, { byteLength }) => sum + byteLength, 0);
    if (keep && this.#bytes + size <= this.#limit) {
      this.#kept.set(id, found);
      this.#bytes += size;
    }
    return found;
  }

  #giveUp(): undefined {
    this.#store = undefined;
  }

  async #compute(id: string, frame: ImageFrame, signal: AbortSignal | undefined): Promise<ImageFeatures> {
    const { manifest, features, boxes, featureGraph } = this.#backbone;
    const target = fitTarget(manifest.input.fit, frame, manifest.input);
    const input = featureGraph.values[featureGraph.inputs[0]!]!.name;
    const outputs = [features.name, ...boxes.map(({ name }) => name)];
    return this.#executable.run({ feeds: { [input]: { ...frame, target } }, outputs, signal }, (results) => {
      const values = results[features.name] as Float32Array;
      const largest = largestOf(values, `features of ${id}`);
      return {
        features: largest <= largestHalf ? Uint16Array.from(values, floatToHalf) : values.slice(),
        boxes: boxes.map(({ name }) => {
          largestOf(results[name] as Float32Array, `${name} of ${id}`);
          return (results[name] as Float32Array).slice();
        }),
        width: frame.width,
        height: frame.height,
      };
    });
  }

  /** undefined for an entry of other sizes: it is computed again. */
  #unpack(bytes: Uint8Array<ArrayBuffer>, width: number, height: number): ImageFeatures | undefined {
    const count = (value: Value): number => value.shape.reduce((a, b) => a * b, 1);
    const n = count(this.#backbone.features);
    const sizes = this.#backbone.boxes.map(count);
    const rest = 4 * sizes.reduce((sum, size) => sum + size, 0);
    const whole = bytes.length === 4 * n + rest;
    if (!whole && bytes.length !== 2 * n + rest) return undefined;
    const copy = bytes.slice().buffer;
    let at = whole ? 4 * n : 2 * n;
    const features = whole ? new Float32Array(copy, 0, n) : new Uint16Array(copy, 0, n);
    const boxes = sizes.map((size) => {
      const part = new Float32Array(copy.slice(at, at + 4 * size));
      at += 4 * size;
      return part;
    });
    return { features, boxes, width, height };
  }

  dispose(): void {
    this.#kept.clear();
    this.#executable.dispose();
  }
}

function pack({ features, boxes }: ImageFeatures): Uint8Array<ArrayBuffer> {
  return joinBytes([features, ...boxes].map((part) => new Uint8Array(part.buffer, part.byteOffset, part.byteLength)));
}

/** Largest absolute value. Throws ModelError for a number that is not finite. */
function largestOf(values: Float32Array, thing: string): number {
  let largest = 0;
  for (let i = 0; i < values.length; i++) {
    const size = Math.abs(values[i]!);
    if (!(size < Infinity))
      throw new ModelError('invalid-model', { thing, found: `${values[i]} at ${i}`, wanted: 'finite numbers' });
    if (size > largest) largest = size;
  }
  return largest;
}

/** Left and right exchanged. */
export function mirrored(frame: ImageFrame): ImageFrame {
  const { data, width, height, channels } = frame;
  const turned = data.slice();
  for (let y = 0; y < height; y++)
    for (let x = 0; x < width; x++)
      for (let c = 0; c < channels; c++)
        turned[(y * width + x) * channels + c] = data[(y * width + width - 1 - x) * channels + c]!;
  return { ...frame, data: turned };
}

/** Float32 [H W, D]. */
export function featuresOf({ features }: ImageFeatures): Float32Array {
  return features instanceof Uint16Array ? halfArrayToFloat(features) : features;
}
