// Concat without copies: which results are written straight into it, and that the numbers are those of the reference for every kernel that can.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { GraphBuilder } from '../../sdk/ir/builder.js';
import type { Graph, ValueId } from '../../sdk/ir/graph.js';
import type { Attributes } from '../../sdk/ir/operators.js';
import { createReferenceRuntime } from '../../sdk/runtime/reference/index.js';
import type { Runtime } from '../../sdk/runtime/runtime.js';
import { createWebGpuRuntime } from '../../sdk/runtime/webgpu/index.js';
import { isPlaced, placementOf } from '../../sdk/runtime/webgpu/lower/placement.js';
import { sizeOf } from '../../sdk/tensor/shape.js';
import { expectClose, randomNumbers, runGraph, SUMMED } from '../kernels/harness.js';

const SHAPE = [1, 6, 9, 32] as const;
const window = (side: number): Attributes['depthwise_conv2d'] => {
  const pad = (side - 1) / 2;
  return { strides: [1, 1], padding: [pad, pad, pad, pad], dilations: [1, 1], activation: { kind: 'relu' } };
};

class Net {
  readonly builder = new GraphBuilder();
  readonly x = this.builder.input('x', 'float32', SHAPE);
  #seed = 1;

  weight(shape: readonly number[]): ValueId {
    const data = Float32Array.from(randomNumbers(sizeOf(shape), this.#seed, -0.3, 0.3));
    return this.builder.constant(`w${this.#seed++}`, data, shape);
  }
  conv(name: string, channels: number, side: number, x = this.x): ValueId {
    const inner = this.builder.type(x).shape.at(-1)!;
    const attributes = { ...window(side), groups: 1, residual: 'before_activation' } as const;
    return this.builder.add('conv2d', name, [x, this.weight([side, side, inner, channels])], attributes)[0]!;
  }
  depthwise(name: string): ValueId {
    return this.builder.add('depthwise_conv2d', name, [this.x, this.weight([3, 3, 32])], window(3))[0]!;
  }
  concat(name: string, ids: ValueId[], axis = 3): ValueId {
    return this.builder.add('concat', name, ids, { axis })[0]!;
  }
  build(...outputs: ValueId[]): Graph {
    for (const id of outputs) this.builder.output(id);
    return this.builder.build();
  }
}

/** A point, a window for Winograd, a depthwise result, an input that must be copied, channels that are not in fours last. */
function mixed(): { graph: Graph; ids: ValueId[]; joined: ValueId } {
  const net = new Net();
  const ids = [net.conv('point', 12, 1), net.conv('window', 36, 3), net.depthwise('depthwise'), net.x, net.conv('odd', 6, 1), net.conv('last', 10, 3)];
  const joined = net.concat('joined', ids);
  const after = net.conv('after', 8, 1, joined);
  return { graph: net.build(joined, after), ids, joined };
} // prettier-ignore

describe('placementOf', () => {
  it('puts channels in fours where they belong', () => {
    const { graph, ids, joined } = mixed();
    expect(ids.map((id) => isPlaced(graph, id))).toEqual([true, true, true, false, false, false]);
    expect(placementOf(graph, ids[1]!)).toEqual({ value: joined, pitch: 128, offset: 12 });
    expect(placementOf(graph, ids[4]!)).toEqual({ value: ids[4], pitch: 6, offset: 0 });
  });

  it('leaves alone what others read, what is an output, what is joined along another axis, and what is joined twice', () => {
    const net = new Net();
    const [read, output, rows, twice] = ['read', 'output', 'rows', 'twice'].map((name) => net.conv(name, 8, 1));
    const a = net.concat('a', [read!, output!]);
    const b = net.conv('b', 4, 1, read);
    const c = net.concat('c', [rows!, net.conv('other', 8, 1)], 1);
    const d = net.concat('d', [twice!, twice!]);
    const graph = net.build(a, b, c, d, output!);
    for (const id of [read!, output!, rows!, twice!]) expect(isPlaced(graph, id)).toBe(false);
  });
});

describe.each(['direct', 'quad', 'winograd', 'tiled 32x64'])('concat of results by %s', (variant) => {
  let webgpu: Runtime;
  let reference: Runtime;
  beforeAll(async () => {
    const keys = ['conv2d_1x1/wide', 'conv2d_1x1/narrow', 'conv2d_window', 'conv2d_row'];
    const tuning = Object.fromEntries(keys.map((key) => [key, variant]));
    webgpu = await createWebGpuRuntime({ software: true, limits: 'default', tuning });
    reference = createReferenceRuntime();
  });
  afterAll(() => {
    webgpu.dispose();
    reference.dispose();
  });

  it('agrees with the reference', async () => {
    const { graph } = mixed();
    const feeds = { x: Float32Array.from(randomNumbers(sizeOf(SHAPE), 99)) };
    const wanted = await runGraph(reference, graph, feeds);
    const found = await runGraph(webgpu, graph, feeds);
    wanted.forEach((data, i) => expectClose(found[i]!, data, SUMMED));
  });
});
