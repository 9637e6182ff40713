// Turns a convolutional graph of labelweave's IR into an ONNX file, channels first, so that peers run the same network. For measurement only.
//
// Run as a program: node test/bench/to-onnx.mjs OUT.onnx (needs a built package).
import { writeFile } from 'node:fs/promises';
import { pathToFileURL } from 'node:url';
import { writeOnnx } from './onnx.mjs';

const OPSET = 17;

/** [N, H, W, C] -> [N, C, H, W]; other ranks stay. */
const channelsFirst = (shape) => (shape.length === 4 ? [shape[0], shape[3], shape[1], shape[2]] : [...shape]);

/** Axis of an [N, H, W, C] value -> where it is in [N, C, H, W]. */
const axisFirst = [0, 2, 3, 1];

/** Element i of the result is element perm... of `data`: a dense transpose of any rank. */
function transposed(data, shape, perm) {
  const strides = shape.map((_, i) => shape.slice(i + 1).reduce((a, b) => a * b, 1));
  const outShape = perm.map((p) => shape[p]);
  const out = new Float32Array(data.length);
  const index = outShape.map(() => 0);
  for (let i = 0; i < out.length; i++) {
    out[i] = data[index.reduce((sum, position, axis) => sum + position * strides[perm[axis]], 0)];
    for (let axis = index.length - 1; axis >= 0 && ++index[axis] === outShape[axis]; axis--) index[axis] = 0;
  }
  return out;
}

/**
 * The ONNX file of a graph with static shapes and one float input. Values keep their names; rank 4 means [N, C, H, W].
 * Throws for operators that it does not know, with the node's name.
 * @param graph a graph as `openModel(model, { input: 'tensor' })` gives it
 * @returns {Uint8Array}
 */
export function toOnnx(graph) {
  const { values } = graph;
  const nodes = [];
  const weights = [];
  let made = 0;

  /** Adds a node with one result; without a name of its own the result gets a fresh one. */
  const add = (op, inputs, attributes = {}, output = `t${made++}`) => {
    nodes.push({ op, name: `n${nodes.length}`, inputs, outputs: [output], attributes });
    return output;
  };
  const shared = new Map();
  const weight = (data, shape, name = `w${weights.length}`) => {
    weights.push({ name, data, shape });
    return name;
  };
  const scalar = (value) => {
    if (!shared.has(value)) shared.set(value, weight(Float32Array.of(value), []));
    return shared.get(value);
  };
  const constant = (id, shape = channelsFirst(values[id].shape), perm = [0, 3, 1, 2]) => {
    const { values: data } = values[id].constant;
    return weight(values[id].shape.length === perm.length ? transposed(data, values[id].shape, perm) : data, shape);
  };
  const operand = (id) => (values[id].constant ? constant(id) : values[id].name);

  const activations = {
    none: (x) => x,
    relu: (x, _, out) => add('Relu', [x], {}, out),
    relu6: (x, _, out) => add('Clip', [x, scalar(0), scalar(6)], {}, out),
    sigmoid: (x, _, out) => add('Sigmoid', [x], {}, out),
    // alpha * min(max(x + 3, 0), 6), and times x: alpha as the model stores it, which is near 1/6 but not equal to it.
    hard_sigmoid: (x, { alpha }, out) =>
      add('Mul', [add('HardSigmoid', [x], { alpha: { float: 1 / 6 }, beta: { float: 0.5 } }), scalar(6 * alpha)], {}, out),
    hard_swish: (x, { alpha }, out) =>
      add(
        'Mul',
        [add('Mul', [x, scalar(6 * alpha)]), add('HardSigmoid', [x], { alpha: { float: 1 / 6 }, beta: { float: 0.5 } })],
        {},
        out,
      ),
  };

  /** Adds the fused parts of a node behind its main operator, which `main` adds given a name or none; the last result gets `output`. */
  const finish = (node, main, output) => {
    const { activation = { kind: 'none' }, residual: when } = node.attributes;
    const residual = node.op === 'conv2d' && node.inputs[3] >= 0 ? operand(node.inputs[3]) : undefined;
    const activate = activations[activation.kind];
    if (!activate)
      throw new Error(
        `to-onnx: node "${node.name}": found activation ${activation.kind}; wanted one of ${Object.keys(activations).join(', ')}.`,
      );
    const steps = activation.kind === 'none' ? [] : [(x, out) => activate(x, activation, out)];
    if (residual)
      steps.splice(when === 'before_activation' ? 0 : steps.length, 0, (x, out) => add('Add', [x, residual], {}, out));
    let value = main(steps.length === 0 ? output : undefined);
    steps.forEach((step, i) => (value = step(value, i === steps.length - 1 ? output : undefined)));
  };

  /** x times its gate [N, C]; two readers of one gated value share it. */
  const gated = new Map();
  const scaled = (x, scale) => {
    if (scale === undefined || scale < 0) return operand(x);
    const key = `${x},${scale}`;
    if (!gated.has(key)) {
      const [n, c] = values[scale].shape;
      const gate = add('Reshape', [operand(scale), weight(BigInt64Array.of(BigInt(n), BigInt(c), 1n, 1n), [4])]);
      gated.set(key, add('Mul', [operand(x), gate]));
    }
    return gated.get(key);
  };

  const convolution = (node, kernel, filter, group, bias, scale, output) => {
    const { strides, padding, dilations } = node.attributes;
    const inputs = [scaled(node.inputs[0], scale), filter];
    if (bias >= 0) inputs.push(constant(bias));
    const attributes = { kernel_shape: kernel, strides: [...strides], pads: [...padding], dilations: [...dilations], group };
    finish(node, (out) => add('Conv', inputs, attributes, out), output);
  };

  const operators = {
    conv2d(node, output) {
      const [, w, bias = -1, , scale] = node.inputs;
      const [kh, kw, c, o] = values[w].shape;
      convolution(node, [kh, kw], constant(w, [o, c, kh, kw], [3, 2, 0, 1]), node.attributes.groups, bias, scale, output);
    },
    depthwise_conv2d(node, output) {
      const [, w, bias = -1, scale] = node.inputs;
      const [kh, kw, c] = values[w].shape;
      convolution(node, [kh, kw], constant(w, [c, 1, kh, kw], [2, 0, 1]), c, bias, scale, output);
    },
    activation(node, output) {
      finish(node, (out) => (out ? add('Identity', [operand(node.inputs[0])], {}, out) : operand(node.inputs[0])), output);
    },
    binary(node, output) {
      const op = { add: 'Add', sub: 'Sub', mul: 'Mul', div: 'Div' }[node.attributes.kind];
      if (!op) throw new Error(`to-onnx: node "${node.name}": found ${node.attributes.kind}; wanted add, sub, mul or div.`);
      finish(node, (out) => add(op, node.inputs.map(operand), {}, out), output);
    },
    reduce(node, output) {
      const { kind, axes, keepDims } = node.attributes;
      if (kind !== 'mean' || String(axes) !== '1,2' || !keepDims) {
        throw new Error(
          `to-onnx: node "${node.name}": found ${kind} over axes ${axes}; wanted the mean over height and width, kept as 1.`,
        );
      }
      add('GlobalAveragePool', [operand(node.inputs[0])], {}, output);
    },
    reshape(node, output) {
      const from = values[node.inputs[0]].shape;
      const to = values[node.outputs[0]].shape;
      // Only where channels are all there is does the order of elements not depend on the layout.
      for (const shape of [from, to]) {
        if (shape.length === 4 && shape[1] * shape[2] !== 1)
          throw new Error(`to-onnx: node "${node.name}": found a reshape of [${shape}]; wanted height and width 1.`);
      }
      add('Reshape', [operand(node.inputs[0]), weight(BigInt64Array.from(channelsFirst(to), BigInt), [to.length])], {}, output);
    },
    resize(node, output) {
      const { mode, height, width, coordinates } = node.attributes;
      if (mode !== 'bilinear') throw new Error(`to-onnx: node "${node.name}": found resize ${mode}; wanted bilinear.`);
      const [n, , , c] = values[node.inputs[0]].shape;
      const sizes = weight(BigInt64Array.from([n, c, height, width], BigInt), [4]);
      const attributes = { mode: 'linear', coordinate_transformation_mode: coordinates };
      finish(node, (out) => add('Resize', [operand(node.inputs[0]), '', '', sizes], attributes, out), output);
    },
    concat(node, output) {
      const rank = values[node.outputs[0]].shape.length;
      const { axis } = node.attributes;
      add('Concat', node.inputs.map(operand), { axis: rank === 4 ? axisFirst[axis] : axis }, output);
    },
  };

  for (const node of graph.nodes) {
    const write = operators[node.op];
    if (!write)
      throw new Error(
        `to-onnx: node "${node.name}": found operator ${node.op}; wanted one of ${Object.keys(operators).join(', ')}.`,
      );
    write(node, values[node.outputs[0]].name);
  }
  const described = (id) => ({ name: values[id].name, shape: channelsFirst(values[id].shape) });
  return writeOnnx({ nodes, weights, inputs: graph.inputs.map(described), outputs: graph.outputs.map(described), opset: OPSET });
}

/** ONNX file of the default model up to its logits and sizes. */
export async function defaultModelAsOnnx() {
  const [{ openModel }, { default: model }] = await Promise.all([
    import('../../dist/index.js'),
    import('../../dist/models/centernet-mbv3/index.js'),
  ]);
  const { graph } = await openModel(model, { input: 'tensor' });
  return toOnnx(graph);
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  const [, , out] = process.argv;
  if (!out) throw new Error('to-onnx: found no file name; wanted: node test/bench/to-onnx.mjs OUT.onnx');
  await writeFile(out, await defaultModelAsOnnx());
}
