// Lowers image_to_tensor to WebGPU dispatches, and writes the uniform that follows the frame.
import type { ImageFeed } from '../../runtime.js';
import { uniforms, type LowerTable } from './context.js';

/** Edge of a workgroup of kernels/shared/image_to_tensor.wgsl, in pixels. */
const TILE = 8;

/** What {@link frameWords} must know of a frame. */
export interface FramePlace extends Pick<ImageFeed, 'width' | 'height' | 'channels' | 'target'> {
  /** Bytes from one row to the next; 0 for a texture. */
  rowBytes: number;
}

/** The words of `struct Frame` (kernels/shared/frame.wgsl), 80 bytes. Computed in double precision: coordinates of large photos need more than float32. */
export function frameWords({ width, height, channels, rowBytes, target }: FramePlace): Uint32Array {
  return uniforms([
    ...[width, height, channels, rowBytes],
    ...axisWords(width, target.left, target.width),
    ...axisWords(height, target.top, target.height),
  ]);
}

/** The words of `struct FrameAxis`: output pixel i is centred at (i + 0.5 - start) * size / length source pixels. */
function axisWords(size: number, start: number, length: number): (number | { f32: number })[] {
  const scale = size / length;
  const origin = (0.5 - start) * scale;
  const whole = Math.floor(origin);
  const high = leadingBits(scale);
  const middle = leadingBits(scale - high);
  // Pixels whose centre is inside [start, start + length), cut to what a target can have.
  const begin = Math.max(0, Math.ceil(start - 0.5));
  const end = Math.min(2 ** 30, Math.ceil(start + length - 0.5));
  return [
    ...[begin, end, whole, { f32: origin - whole }],
    ...[high, middle, scale - high - middle, Math.max(1, scale)].map((f32) => ({ f32 })),
  ];
}

/** The first 11 bits of a positive number; with an index below 2^13 their product is exact in float32. */
function leadingBits(x: number): number {
  if (!(x > 0)) return 0;
  const unit = 2 ** (Math.floor(Math.log2(x)) - 10);
  return Math.floor(x / unit) * unit;
}

/** Lowerings of this file, by operator. */
export const image = {
  image_to_tensor(_, { inputs, outputs, attributes }) {
    const { height, width, order, mean, std, padValue, background } = attributes;
    const floats = [padValue, background, ...mean, 0, ...std, 0].map((f32) => ({ f32 }));
    return [
      {
        kernel: 'image_to_tensor',
        textureKernel: 'image_to_tensor_texture',
        overrides: { swap: order === 'BGR' ? 1 : 0 },
        bindings: [
          { kind: 'image', value: inputs[0]! },
          { kind: 'frame', value: inputs[0]! },
          { kind: 'value', value: outputs[0]! },
          { kind: 'uniform', data: uniforms([height, width, ...floats]) },
        ],
        workgroups: [Math.ceil(width / TILE), Math.ceil(height / TILE), 1],
      },
    ];
  },
} satisfies LowerTable;
