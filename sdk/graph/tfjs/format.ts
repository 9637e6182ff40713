// The TF.js graph-model file (model.json): its structure, checked, with attributes decoded. Knows no operators.
import * as v from 'valibot';
import { ModelError, describe } from '../../errors.js';
import { parseJson, parseWith } from '../json.js';

/** Schemas are made of few kinds of valibot's, those that our own formats use: they travel to every page. */
const textOr = <T>(other: (x: unknown) => boolean, wanted: string) =>
  v.custom<string | T>((x) => typeof x === 'string' || other(x), wanted);
const TextOrNumber = textOr<number>((x) => typeof x === 'number', 'a text or a number');

const Dimension = v.looseObject({ size: v.optional(TextOrNumber) });
const TensorShape = v.looseObject({ dim: v.optional(v.array(Dimension)), unknownRank: v.optional(v.boolean()) });
const Text = textOr<number[]>((x) => Array.isArray(x) && x.every((y) => typeof y === 'number'), 'a text or numbers');

/** One attribute as protobuf's JSON writes it: `s` is base64, integers may be strings. */
const Attribute = v.looseObject({
  s: v.optional(Text),
  i: v.optional(TextOrNumber),
  f: v.optional(TextOrNumber),
  b: v.optional(v.boolean()),
  type: v.optional(TextOrNumber),
  shape: v.optional(TensorShape),
  list: v.optional(
    v.looseObject({
      s: v.optional(v.array(Text)),
      i: v.optional(v.array(TextOrNumber)),
      f: v.optional(v.array(v.number())),
      type: v.optional(v.array(TextOrNumber)),
    }),
  ),
});

const GraphNode = v.looseObject({
  name: v.string(),
  op: v.string(),
  input: v.optional(v.array(v.string()), []),
  attr: v.optional(v.record(v.string(), Attribute), {}),
});

const Quantization = v.looseObject({
  dtype: v.string(),
  scale: v.optional(v.number()),
  min: v.optional(v.number()),
});

const WeightSpec = v.looseObject({
  name: v.string(),
  shape: v.array(v.pipe(v.number(), v.integer(), v.minValue(0))),
  dtype: v.string(),
  quantization: v.optional(Quantization),
});

const WeightGroup = v.looseObject({ paths: v.array(v.string()), weights: v.array(WeightSpec) });

const SignatureTensors = v.record(
  v.string(),
  v.looseObject({ name: v.optional(v.string()), tensorShape: v.optional(TensorShape) }),
);
const Signature = v.looseObject({ inputs: v.optional(SignatureTensors, {}), outputs: v.optional(SignatureTensors, {}) });

const ModelJson = v.looseObject({
  format: v.optional(v.nullable(v.string())),
  modelTopology: v.looseObject({ node: v.array(GraphNode) }),
  weightsManifest: v.array(WeightGroup),
  signature: v.optional(v.nullable(Signature)),
  userDefinedMetadata: v.optional(v.nullable(v.looseObject({ signature: v.optional(Signature) }))),
});

export type TfjsAttribute = v.InferOutput<typeof Attribute>;
export type TfjsNode = v.InferOutput<typeof GraphNode>;
export type TfjsWeightSpec = v.InferOutput<typeof WeightSpec>;
export type TfjsWeightGroup = v.InferOutput<typeof WeightGroup>;

export interface TfjsModel {
  nodes: TfjsNode[];
  weightGroups: TfjsWeightGroup[];
  /** Signature key -> tensor name; empty if the file has no signature. */
  inputs: Map<string, string>;
  outputs: Map<string, string>;
  /** Shapes that the signature gives to inputs, -1 where unknown, by signature key. */
  inputShapes: Map<string, number[]>;
}

/** Reads a model.json. Throws {@link ModelError} `invalid-model` that names the path in the file. */
export function readTfjsModel(bytes: Uint8Array, file: string): TfjsModel {
  const json = parseJson(bytes, file);
  const format = (json as { format?: unknown } | null)?.format;
  if (format !== undefined && format !== null && format !== 'graph-model') {
    throw new ModelError('invalid-model', {
      thing: `file "${file}": format`,
      found: describe(format),
      wanted: '"graph-model"',
      next:
        format === 'layers-model'
          ? 'Convert the Keras model with tensorflowjs_converter --output_format tfjs_graph_model.'
          : undefined!,
    });
  }
  const model = parseWith(ModelJson, json, file);
  const signature = model.signature ?? model.userDefinedMetadata?.signature;
  const names = (tensors: Record<string, { name?: string | undefined }> = {}): Map<string, string> =>
    new Map(Object.entries(tensors).map(([key, { name }]) => [key, name ?? key]));
  return {
    nodes: model.modelTopology.node,
    weightGroups: model.weightsManifest,
    inputs: names(signature?.inputs),
    outputs: names(signature?.outputs),
    inputShapes: new Map(
      Object.entries(signature?.inputs ?? {}).flatMap(([key, { tensorShape }]) => {
        const dims = readShape(tensorShape);
        return dims ? [[key, dims]] : [];
      }),
    ),
  };
}

/** Dimensions of a TensorShapeProto, -1 where unknown; undefined without rank. */
export function readShape(shape: v.InferOutput<typeof TensorShape> | undefined): number[] | undefined {
  if (!shape || shape.unknownRank) return undefined;
  return (shape.dim ?? []).map(({ size }) => (size === undefined ? 0 : Number(size)));
}

/** Text of a bytes attribute: base64 as protobuf's JSON writes it, or character codes. */
export function readText(text: v.InferOutput<typeof Text>): string {
  if (typeof text !== 'string') return String.fromCharCode(...text.slice(0, 4096));
  try {
    return atob(text);
  } catch {
    return text;
  }
}

const types: Readonly<Record<string, string>> = {
  1: 'DT_FLOAT', 2: 'DT_DOUBLE', 3: 'DT_INT32', 4: 'DT_UINT8', 6: 'DT_INT8', 7: 'DT_STRING', 9: 'DT_INT64', 10: 'DT_BOOL', 19: 'DT_HALF',
}; // prettier-ignore

/** `DT_FLOAT` for both spellings of a type attribute, the name and the number. */
export function readType(type: string | number): string {
  return typeof type === 'number' ? (types[type] ?? `type ${type}`) : type;
}
