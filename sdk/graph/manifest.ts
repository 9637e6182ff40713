// The manifest of a model package, labelweave.json: what the network is fed, what its results mean, where it comes from. Data and its schema only.
import * as v from 'valibot';
import { ModelError } from '../errors.js';
import { parseWith } from './json.js';

const text = v.pipe(v.string(), v.minLength(1));
const positive = v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(16384));
const finite = v.pipe(v.number(), v.finite());
const triple = v.tuple([finite, finite, finite]);
const nonZero = v.pipe(finite, v.check((x) => x !== 0, 'a number other than 0')); // prettier-ignore
const share = v.pipe(v.number(), v.minValue(0), v.maxValue(1));

/** A name beside the manifest: never a URL, never outside the folder, so that a manifest cannot make its reader fetch other things. */
const fileName = v.pipe(
  text,
  v.check((name) => isLocalName(name), 'a file name inside the folder of the manifest'),
);

/** True for names such as `a.bin` and `weights/a.bin`. */
export function isLocalName(name: string): boolean {
  return name.length > 0 && !/^[/\\]|^[a-z][a-z0-9+.-]*:/i.test(name) && !name.split(/[/\\]/).includes('..');
}

const Label = v.strictObject({
  /** The dataset's own id (COCO category ids run from 1 to 90 with gaps; Open Images uses text). */
  id: v.custom<number | string>((x) => Number.isInteger(x) || (typeof x === 'string' && x !== ''), 'an integer or a text'),
  name: text,
  synonyms: v.optional(v.array(text)),
});

/** The fields of a decoder that name values of the graph, as a text or a list of texts; no other field does. */
const VALUE_FIELDS = [
  'heatmap',
  'size',
  'features',
  'offset',
  'output',
  'outputs',
  'boxes',
  'scores',
  'centerness',
  'classes',
] as const;

/** Only what is read here: the parameters of each type are checked by its head, against the graph (sdk/heads). */
const Decoder = v.looseObject({
  /** Name of the decoder, such as `centernet`, `yolo` or `ssd`. */
  type: text,
});

const Manifest = v.strictObject({
  /** Version of the manifest. */
  labelweave: v.picklist([1]),
  name: text,
  description: v.optional(v.string(), ''),
  /** Where the weights come from, for people. */
  origin: v.optional(v.string(), ''),
  /** SPDX expression. */
  license: v.optional(v.string(), ''),
  copyright: v.optional(v.string()),
  graph: v.strictObject({
    format: v.picklist(['labelweave', 'tfjs', 'onnx', 'tflite']),
    file: fileName,
    /** TFLite only: byte at which the model starts in a file that holds other things too. */
    offset: v.optional(v.pipe(v.number(), v.integer(), v.minValue(0))),
    /** Weight files of our own format; the other formats name theirs themselves. */
    weights: v.optional(v.array(fileName), []),
    /** SHA-256 of files by name, 64 hexadecimal digits: what is read must have it. */
    sha256: v.optional(v.record(text, v.pipe(text, v.check((x) => /^[0-9a-f]{64}$/i.test(x), '64 hexadecimal digits')))), // prettier-ignore
  }),
  input: v.strictObject({
    /** Name of the graph's input [1, height, width, 3]. */
    name: text,
    height: positive,
    width: positive,
    order: v.optional(v.picklist(['RGB', 'BGR']), 'RGB'),
    /** The network gets (v - mean) / std with v in 0..255, per channel in `order`. */
    mean: v.optional(triple, [0, 0, 0]),
    std: v.optional(v.tuple([nonZero, nonZero, nonZero]), [1, 1, 1]),
    fit: v.optional(v.picklist(['stretch', 'letterbox']), 'stretch'),
    /** v outside the image. */
    padValue: v.optional(finite, 0),
  }),
  heads: v.pipe(
    v.array(
      v.strictObject({
        dataset: text,
        labels: v.pipe(v.array(Label), v.minLength(1)),
        decoder: Decoder,
      }),
    ),
    v.minLength(1),
  ),
  /** Non-maximum suppression behind the heads; null where the decoder needs none. */
  nms: v.optional(v.nullable(v.strictObject({ iouThreshold: share, perClass: v.boolean() })), null),
});

/** A checked manifest, defaults filled in. */
export type Manifest = v.InferOutput<typeof Manifest>;
/** How an author writes it: fields with defaults may be left out. */
export type ManifestInput = v.InferInput<typeof Manifest>;
export type ManifestHead = Manifest['heads'][number];
export type Decoder = ManifestHead['decoder'];

/** Checks a manifest. Throws {@link ModelError} `invalid-model` that names path, found and wanted. */
export function parseManifest(value: unknown, file = 'labelweave.json'): Manifest {
  const manifest = parseWith(Manifest, value, file);
  for (const [i, { labels }] of manifest.heads.entries()) {
    const ids = new Set<number | string>();
    for (const [j, { id }] of labels.entries()) {
      if (ids.has(id)) {
        throw new ModelError('invalid-model', {
          thing: `file "${file}", heads[${i}].labels[${j}].id`,
          found: `${JSON.stringify(id)} again`,
          wanted: 'each id once',
        });
      }
      ids.add(id);
    }
  }
  if (manifest.graph.format === 'labelweave' && manifest.graph.weights.length === 0) {
    throw new ModelError('invalid-model', {
      thing: `file "${file}", graph.weights`,
      found: 'no files',
      wanted: 'at least one .safetensors file',
    });
  }
  return manifest;
}

/** Names of the graph values that the heads read. */
export function headValues(manifest: Manifest): string[] {
  const named = manifest.heads.flatMap(({ decoder }) => VALUE_FIELDS.flatMap((field) => decoder[field]));
  return [...new Set(named.filter((name) => typeof name === 'string'))];
}
