// The messages of an ONNX file (onnx.proto) as plain data; weights stay views of the file. Interprets nothing.
import { ModelError } from '../../errors.js';
import { WireReader, WireType } from './wire.js';

/** TensorProto.DataType. */
export const ElementType = {
  float: 1, uint8: 2, int8: 3, uint16: 4, int16: 5, int32: 6, int64: 7, string: 8, bool: 9, float16: 10, double: 11, uint32: 12, uint64: 13,
  complex64: 14, complex128: 15, bfloat16: 16, float8e4m3fn: 17, float8e4m3fnuz: 18, float8e5m2: 19, float8e5m2fnuz: 20, uint4: 21, int4: 22,
} as const; // prettier-ignore

/** Name of an element type, for messages. */
export function elementTypeName(type: number): string {
  return Object.entries(ElementType).find(([, value]) => value === type)?.[0] ?? `type ${type}`;
}

/** A TensorProto as it stands in the file: data is in one of the fields. */
export interface OnnxTensor {
  name: string;
  dims: number[];
  type: number;
  /** Little-endian elements, a view of the file. */
  raw: Uint8Array<ArrayBuffer> | undefined;
  /** float_data: little-endian float32, views of the file. */
  floats: Uint8Array<ArrayBuffer>[];
  /** double_data: little-endian float64. */
  doubles: Uint8Array<ArrayBuffer>[];
  /** int32_data, int64_data or uint64_data. */
  integers: number[];
  /** Number of elements of string_data. */
  strings: number;
  /** Where the data stands, if in a file of its own. */
  external: { location: string; offset: number; length: number | undefined } | undefined;
}

/** An AttributeProto. Subgraphs are noted, not read: control flow cannot be imported. */
export interface OnnxAttribute {
  f: number;
  i: number;
  s: string | undefined;
  t: OnnxTensor | undefined;
  floats: number[];
  ints: number[];
  strings: string[];
  hasGraph: boolean;
  isReference: boolean;
}

export interface OnnxNode {
  name: string;
  op: string;
  domain: string;
  /** An empty name is an absent optional operand. */
  inputs: string[];
  outputs: string[];
  attributes: Map<string, OnnxAttribute>;
}

/** A dimension: a number, a name that callers may bind, or undefined where the file says nothing. */
export type OnnxDimension = number | string | undefined;

export interface OnnxValueInfo {
  name: string;
  /** Element type; 0 where the value is no tensor. */
  type: number;
  /** Undefined where the file leaves the rank open. */
  shape: OnnxDimension[] | undefined;
  /** What it is instead of a tensor. */
  kind: 'tensor' | 'sequence' | 'map' | 'optional' | 'sparse tensor' | 'unknown';
}

/** A parsed model. */
export interface OnnxModel {
  /** Name of the file, for messages. */
  file: string;
  irVersion: number;
  producer: string;
  /** Version of the operator set by domain; '' is the standard one. */
  opsets: Map<string, number>;
  graphName: string;
  nodes: OnnxNode[];
  initializers: Map<string, OnnxTensor>;
  inputs: OnnxValueInfo[];
  outputs: OnnxValueInfo[];
}

/**
 * Parses an ONNX file. The bytes are used in place: leave them as they are while the model is in use.
 * Throws {@link ModelError} `invalid-model` for bytes that are no ONNX model, with the place.
 */
export function readOnnxModel(bytes: Uint8Array<ArrayBuffer>, file = 'model.onnx'): OnnxModel {
  const reader = new WireReader(bytes, file);
  const model: OnnxModel = {
    file, irVersion: 0, producer: '', opsets: new Map(), graphName: '', nodes: [], initializers: new Map(), inputs: [], outputs: [],
  }; // prettier-ignore
  let hasGraph = false;
  let functions = 0;
  reader.message((field, wire) => {
    switch (field) {
      case 1:
        reader.expect(field, wire, WireType.varint);
        model.irVersion = reader.signed();
        return true;
      case 2:
        reader.expect(field, wire, WireType.bytes);
        model.producer = reader.text();
        return true;
      case 7:
        reader.expect(field, wire, WireType.bytes);
        hasGraph = true;
        readGraph(reader.sub(), model);
        return true;
      case 8: {
        reader.expect(field, wire, WireType.bytes);
        const [domain, version] = readOpset(reader.sub());
        model.opsets.set(domain, version);
        return true;
      }
      case 25:
        functions++;
        return false;
      default:
        return false;
    }
  });
  const thing = `file "${file}"`;
  if (!hasGraph) {
    throw new ModelError('invalid-model', {
      thing,
      found: bytes.length === 0 ? 'an empty file' : 'no graph',
      wanted: 'an ONNX model',
    });
  }
  if (functions > 0 && model.nodes.some(({ domain }) => domain !== '' && domain !== 'ai.onnx')) {
    throw new ModelError('unsupported-operator', {
      thing,
      found: `${functions} functions of the model's own`,
      wanted: 'a graph of standard operators',
      next: 'Inline them first (onnx.inliner.inline_local_functions).',
    });
  }
  return model;
}

/** Parses one TensorProto, as test data is stored. */
export function readOnnxTensor(bytes: Uint8Array<ArrayBuffer>, file = 'tensor.pb'): OnnxTensor {
  return readTensor(new WireReader(bytes, file));
}

function readOpset(reader: WireReader): [domain: string, version: number] {
  let domain = '';
  let version = 1;
  reader.message((field, wire) => {
    if (field === 1 && wire === WireType.bytes) domain = reader.text();
    else if (field === 2 && wire === WireType.varint) version = reader.signed();
    else return false;
    return true;
  });
  return [domain === 'ai.onnx' ? '' : domain, version];
}

function readGraph(reader: WireReader, model: OnnxModel): void {
  reader.message((field, wire) => {
    if (![1, 2, 5, 11, 12, 15].includes(field)) return false;
    reader.expect(field, wire, WireType.bytes);
    switch (field) {
      case 1:
        model.nodes.push(readNode(reader.sub()));
        return true;
      case 2:
        model.graphName = reader.text();
        return true;
      case 5: {
        const tensor = readTensor(reader.sub());
        if (model.initializers.has(tensor.name)) reader.fail(`a second initializer "${tensor.name}"`, 'unique names');
        model.initializers.set(tensor.name, tensor);
        return true;
      }
      case 11:
        model.inputs.push(readValueInfo(reader.sub()));
        return true;
      case 12:
        model.outputs.push(readValueInfo(reader.sub()));
        return true;
      default:
        throw new ModelError('unsupported-operator', {
          thing: `file "${model.file}"`,
          found: 'sparse weights',
          wanted: 'dense weights',
        });
    }
  });
}

function readNode(reader: WireReader): OnnxNode {
  const node: OnnxNode = { name: '', op: '', domain: '', inputs: [], outputs: [], attributes: new Map() };
  reader.message((field, wire) => {
    if (![1, 2, 3, 4, 5, 7].includes(field)) return false;
    reader.expect(field, wire, WireType.bytes);
    if (field === 1) node.inputs.push(reader.text());
    else if (field === 2) node.outputs.push(reader.text());
    else if (field === 3) node.name = reader.text();
    else if (field === 4) node.op = reader.text();
    else if (field === 5) {
      const [name, attribute] = readAttribute(reader.sub());
      node.attributes.set(name, attribute);
    } else node.domain = reader.text();
    return true;
  });
  return node;
}

function readAttribute(reader: WireReader): [name: string, attribute: OnnxAttribute] {
  let name = '';
  const attribute: OnnxAttribute = {
    f: 0, i: 0, s: undefined, t: undefined, floats: [], ints: [], strings: [], hasGraph: false, isReference: false,
  }; // prettier-ignore
  reader.message((field, wire) => {
    switch (field) {
      case 1:
        reader.expect(field, wire, WireType.bytes);
        name = reader.text();
        return true;
      case 2:
        reader.expect(field, wire, WireType.fixed32);
        attribute.f = reader.float();
        return true;
      case 3:
        reader.expect(field, wire, WireType.varint);
        attribute.i = reader.signed();
        return true;
      case 4:
        reader.expect(field, wire, WireType.bytes);
        attribute.s = reader.text();
        return true;
      case 5:
        reader.expect(field, wire, WireType.bytes);
        attribute.t = readTensor(reader.sub());
        return true;
      case 6:
      case 11:
        attribute.hasGraph = true;
        return false;
      case 7:
        reader.repeated(wire, attribute.floats, (r) => r.float());
        return true;
      case 8:
        reader.repeated(wire, attribute.ints, (r) => r.signed());
        return true;
      case 9:
        reader.expect(field, wire, WireType.bytes);
        attribute.strings.push(reader.text());
        return true;
      case 21:
        attribute.isReference = true;
        return false;
      default:
        return false;
    }
  });
  return [name, attribute];
}

function readTensor(reader: WireReader): OnnxTensor {
  const tensor: OnnxTensor = {
    name: '', dims: [], type: 0, raw: undefined, floats: [], doubles: [], integers: [], strings: 0, external: undefined,
  }; // prettier-ignore
  const places = new Map<string, string>();
  let isExternal = false;
  reader.message((field, wire) => {
    switch (field) {
      case 1:
        reader.repeated(wire, tensor.dims, (r) => r.signed());
        return true;
      case 2:
        reader.expect(field, wire, WireType.varint);
        tensor.type = reader.signed();
        return true;
      case 4:
      case 10: {
        const list = field === 4 ? tensor.floats : tensor.doubles;
        if (wire === WireType.bytes) list.push(reader.view());
        else if (field === 4) list.push(new Uint8Array(Float32Array.of(reader.float()).buffer));
        else list.push(new Uint8Array(Float64Array.of(reader.double()).buffer));
        return true;
      }
      case 5:
      case 7:
        reader.repeated(wire, tensor.integers, (r) => r.signed());
        return true;
      case 11:
        reader.repeated(wire, tensor.integers, (r) => r.unsigned());
        return true;
      case 6:
        tensor.strings++;
        return false;
      case 8:
        reader.expect(field, wire, WireType.bytes);
        tensor.name = reader.text();
        return true;
      case 9:
        reader.expect(field, wire, WireType.bytes);
        tensor.raw = reader.view();
        return true;
      case 13: {
        reader.expect(field, wire, WireType.bytes);
        const [key, value] = readEntry(reader.sub());
        places.set(key, value);
        return true;
      }
      case 14:
        reader.expect(field, wire, WireType.varint);
        isExternal = reader.signed() === 1;
        return true;
      default:
        return false;
    }
  });
  if (isExternal) {
    const length = places.get('length');
    tensor.external = {
      location: places.get('location') ?? '',
      offset: Number(places.get('offset') ?? '0'),
      length: length === undefined ? undefined : Number(length),
    };
  }
  return tensor;
}

function readEntry(reader: WireReader): [key: string, value: string] {
  const entry: [string, string] = ['', ''];
  reader.message((field, wire) => {
    if (wire !== WireType.bytes || field > 2) return false;
    entry[field - 1] = reader.text();
    return true;
  });
  return entry;
}

const kinds: Readonly<Record<number, OnnxValueInfo['kind']>> = {
  1: 'tensor',
  4: 'sequence',
  5: 'map',
  8: 'sparse tensor',
  9: 'optional',
};

function readValueInfo(reader: WireReader): OnnxValueInfo {
  const info: OnnxValueInfo = { name: '', type: 0, shape: undefined, kind: 'unknown' };
  reader.message((field, wire) => {
    if (wire !== WireType.bytes || field > 2) return false;
    if (field === 1) info.name = reader.text();
    else {
      const type = reader.sub();
      type.message((variant, typeWire) => {
        info.kind = kinds[variant] ?? info.kind;
        if (variant !== 1 || typeWire !== WireType.bytes) return false;
        readTensorType(type.sub(), info);
        return true;
      });
    }
    return true;
  });
  return info;
}

function readTensorType(reader: WireReader, info: OnnxValueInfo): void {
  reader.message((field, wire) => {
    if (field === 1 && wire === WireType.varint) {
      info.type = reader.signed();
      return true;
    }
    if (field !== 2 || wire !== WireType.bytes) return false;
    const dims: OnnxDimension[] = [];
    const shape = reader.sub();
    shape.message((f, w) => {
      if (f !== 1 || w !== WireType.bytes) return false;
      let dimension: OnnxDimension;
      const dim = shape.sub();
      dim.message((g, v) => {
        if (g === 1 && v === WireType.varint) {
          const size = dim.signed();
          // Old exporters write 0 or -1 for what they do not know.
          dimension = size > 0 ? size : undefined;
        } else if (g === 2 && v === WireType.bytes) {
          dimension = dim.text() || undefined;
        } else return false;
        return true;
      });
      dims.push(dimension);
      return true;
    });
    info.shape = dims;
    return true;
  });
}
