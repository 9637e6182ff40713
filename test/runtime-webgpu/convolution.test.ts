// Which kernel a convolution becomes, by channels, shape, tuning, precision, features and limits; no device is needed to decide.
import { describe, expect, it } from 'vitest';
import { GraphBuilder } from '../../sdk/ir/builder.js';
import type { Attributes } from '../../sdk/ir/operators.js';
import { convolution, questions, softwareTuning } from '../../sdk/runtime/webgpu/lower/convolution.js';
import type { AnyLower, DeviceLimits, Dispatch, LowerContext } from '../../sdk/runtime/webgpu/lower/context.js';
import { sizeOf } from '../../sdk/tensor/shape.js';

/** WebGPU's defaults. */
const limits: DeviceLimits = {
  maxComputeInvocationsPerWorkgroup: 256,
  maxComputeWorkgroupSizeX: 256,
  maxComputeWorkgroupSizeY: 256,
  maxComputeWorkgroupSizeZ: 64,
  maxComputeWorkgroupStorageSize: 16_384,
  maxComputeWorkgroupsPerDimension: 65_535,
  maxStorageBuffersPerShaderStage: 8,
  maxStorageBufferBindingSize: 2 ** 27,
  maxUniformBufferBindingSize: 2 ** 16,
  maxBufferSize: 2 ** 28,
};

const attributes: Attributes['conv2d'] = {
  strides: [1, 1],
  padding: [0, 0, 0, 0],
  dilations: [1, 1],
  groups: 1,
  activation: { kind: 'none' },
  residual: 'before_activation',
};

type Given = Partial<Pick<LowerContext, 'tuning' | 'scalar' | 'limits'>> & { features?: string[] };

function lowered(builder: GraphBuilder, given: Given): Dispatch[] {
  const graph = builder.build();
  const context: LowerContext = {
    graph,
    shape: (id) => graph.values[id]!.shape,
    dtype: (id) => graph.values[id]!.dtype,
    constant: (id) => graph.values[id]!.constant?.values,
    scalar: given.scalar ?? 'f32',
    limits: given.limits ?? limits,
    features: new Set(given.features),
    tuning: given.tuning ?? {},
  };
  const [node] = graph.nodes;
  return (convolution as unknown as Record<string, AnyLower>)[node!.op]!(context, node!);
}

/** Kernels of a convolution [1, side, side, channels] -> out with a square window and padding that keeps the size. */
function conv2d(side: number, channels: number, out: number, window: number, given: Given = {}, changed: Partial<Attributes['conv2d']> = {}): string[] {
  const builder = new GraphBuilder();
  const x = builder.input('x', 'float32', [1, side, side, channels]);
  const shape = [window, window, channels / (changed.groups ?? 1), out];
  const weight = builder.constant('weight', new Float32Array(sizeOf(shape)), shape);
  const pad = (window - 1) / 2;
  const [y] = builder.add('conv2d', 'conv2d', [x, weight], { ...attributes, padding: [pad, pad, pad, pad], ...changed });
  builder.output(y!);
  return lowered(builder, given).map(({ kernel }) => kernel);
} // prettier-ignore

const software: Given = { tuning: softwareTuning, features: ['subgroups'] };
const winograd = (product: string) => ['winograd_input', product, 'winograd_output'];

describe('conv2d', () => {
  it.each([
    ['an unmeasured GPU, 1x1', conv2d(20, 64, 64, 1), ['conv2d_tiled']],
    ['an unmeasured GPU, 3x3', conv2d(20, 64, 64, 3), ['conv2d_tiled']],
    ['few pixels', conv2d(1, 64, 16, 1), ['conv2d_row']],
    ['channels that are not in fours', conv2d(20, 18, 64, 1), ['conv2d_scalar']],
    ['filters that are not in fours', conv2d(20, 64, 18, 3), ['conv2d_scalar']],
    ['groups in fours', conv2d(20, 64, 64, 3, {}, { groups: 4 }), ['conv2d_direct']],
    ['groups of two', conv2d(20, 64, 64, 3, {}, { groups: 32 }), ['conv2d_scalar']],
    ['software, 1x1', conv2d(20, 64, 64, 1, software), ['conv2d_quad']],
    ['software, odd', conv2d(20, 18, 64, 1, software), ['conv2d_quad_scalar']],
    ['software without subgroups', conv2d(20, 64, 64, 1, { tuning: softwareTuning }), ['conv2d_direct']],
    ['software, few pixels', conv2d(1, 64, 16, 1, software), ['conv2d_quad']],
    ['software, 3x3 with many channels', conv2d(20, 64, 64, 3, software), winograd('conv2d_direct')],
    ['software, 3x3, whole fours of strips', conv2d(32, 64, 64, 3, software), winograd('conv2d_quad')],
    ['software, 3x3 with few channels', conv2d(20, 16, 64, 3, software), ['conv2d_quad']],
    ['Winograd is for stride 1', conv2d(20, 64, 64, 3, software, { strides: [2, 2] }), ['conv2d_quad']],
    ['Winograd is for f32', conv2d(20, 64, 64, 3, { ...software, scalar: 'f16' }), ['conv2d_quad']],
    ['Winograd within memory', conv2d(200, 128, 32, 3, software), ['conv2d_quad']],
    [
      'a tile with more lanes than the device has',
      conv2d(20, 64, 64, 1, {
        tuning: { [questions.point.key]: 'tiled 128x64' },
        limits: { ...limits, maxComputeInvocationsPerWorkgroup: 128 },
      }),
      ['conv2d_direct'],
    ],
  ])('%s', (_, found, wanted) => {
    expect(found).toEqual(wanted);
  });
});

it('depthwise windows slide where they can', () => {
  const overrides = (window: number, stride: number, dilation: number) => {
    const builder = new GraphBuilder();
    const x = builder.input('x', 'float32', [1, 30, 30, 8]);
    const weight = builder.constant('weight', new Float32Array(window * window * 8), [window, window, 8]);
    const more = { strides: [stride, stride], dilations: [dilation, dilation], padding: [0, 0, 0, 0] } as const;
    builder.output(builder.add('depthwise_conv2d', 'd', [x, weight], { ...more, activation: { kind: 'none' } })[0]!);
    return lowered(builder, {})[0]!.overrides;
  };
  expect(overrides(3, 1, 1)).toMatchObject({ slide: 1, taps: 3 });
  expect(overrides(5, 2, 1)).toMatchObject({ slide: 2, taps: 5 });
  expect(overrides(7, 1, 1)).toMatchObject({ slide: 1, taps: 7 });
  expect(overrides(7, 2, 1)).toMatchObject({ slide: 0 });
  expect(overrides(3, 1, 2)).toMatchObject({ slide: 0 });
});

it('every question has a graph of the operator it is about, and an answer for software', () => {
  for (const { key, choices, graph } of Object.values(questions)) {
    expect(graph().nodes.map(({ op }) => op)).toEqual(['conv2d']);
    expect(choices).toContain('direct');
    expect(softwareTuning[key]).toBeDefined();
  }
});
