// Pictures that go to the GPU without a copy through the CPU: canvas, ImageBitmap, img, VideoFrame, video and GPUTexture give what their pixels give.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { GraphBuilder } from '../../sdk/ir/builder.js';
import { toFrame, toGpuFrame, type ImageInput } from '../../sdk/image/frame.js';
import type { Executable, Feed } from '../../sdk/runtime/runtime.js';
import { createWebGpuRuntime, type WebGpuRuntime } from '../../sdk/runtime/webgpu/index.js';

/** Copies of pictures are exact; a video frame may pass through YUV, whose rounding is up to two levels. */
const [EXACT, VIDEO] = [0.01, 3];
const [width, height] = [32, 24];
const target = { left: 0, top: 0, width, height };

let runtime: WebGpuRuntime;
let executable: Executable;
beforeAll(async () => {
  runtime = await createWebGpuRuntime({ software: true });
  const g = new GraphBuilder();
  const attributes = { height, width, order: 'RGB', mean: [0, 0, 0], std: [1, 1, 1], padValue: 0, background: 0 } as const;
  g.output(g.add('image_to_tensor', 't', [g.image('photo')], attributes)[0]);
  executable = await runtime.compile(g.build());
});
afterAll(() => runtime.dispose());

/** A picture with a colour of its own in each pixel, shifted by `seed`. */
function canvasOf(seed: number, w = width, h = height): HTMLCanvasElement {
  const canvas = document.createElement('canvas');
  [canvas.width, canvas.height] = [w, h];
  const context = canvas.getContext('2d')!;
  const data = context.createImageData(w, h);
  for (let i = 0; i < w * h; i++) data.data.set([(i * 7 + seed) & 255, (i * 3) & 255, (255 - i + seed) & 255, 255], i * 4);
  context.putImageData(data, 0, 0);
  return canvas;
}

const run = (photo: Feed): Promise<Float32Array> =>
  executable.run({ feeds: { photo }, outputs: ['t'] }, ({ t }) => t!.slice() as Float32Array);

async function onGpu(input: ImageInput): Promise<Float32Array> {
  const frame = toGpuFrame(input);
  if (frame instanceof Promise) throw new Error('found pixels; wanted a source');
  return run({ ...frame, target });
}

const onCpu = async (input: ImageInput): Promise<Float32Array> => run({ ...(await toFrame(input)), target });

function worst(a: Float32Array, b: Float32Array): number {
  expect(a.length).toBe(b.length);
  return a.reduce((most, value, i) => Math.max(most, Math.abs(value - b[i]!)), 0);
}

async function videoOf(canvas: HTMLCanvasElement): Promise<HTMLVideoElement> {
  const video = document.createElement('video');
  video.muted = true;
  video.srcObject = canvas.captureStream();
  const ready = new Promise<void>((resolve) => video.requestVideoFrameCallback(() => resolve()));
  await video.play();
  // A still canvas sends nothing: draw it once more.
  canvas.getContext('2d')!.drawImage(canvas, 0, 0);
  await ready;
  return video;
}

describe('pictures on the GPU', () => {
  it.each<[string, number, () => ImageInput | Promise<ImageInput>]>([
    ['canvas', EXACT, () => canvasOf(1)],
    ['ImageBitmap', EXACT, () => createImageBitmap(canvasOf(2))],
    ['VideoFrame', EXACT, () => new VideoFrame(canvasOf(3), { timestamp: 0 })],
    ['video element', VIDEO, () => videoOf(canvasOf(4))],
    [
      'img element',
      EXACT,
      async () => {
        const image = new Image();
        image.src = canvasOf(5).toDataURL();
        await image.decode();
        return image;
      },
    ],
    ['a canvas of another size', EXACT, () => canvasOf(6, 100, 7)],
  ])('%s', async (_, tolerance, make) => {
    const input = await make();
    const [found, wanted] = [await onGpu(input), await onCpu(input)];
    expect(wanted.some((value) => value > 100)).toBe(true);
    expect(worst(found, wanted)).toBeLessThan(tolerance);
  });

  it('GPUTexture of the same device, and not one that cannot be bound', async () => {
    const device = runtime.gpuDevice;
    const { data } = canvasOf(7).getContext('2d')!.getImageData(0, 0, width, height);
    const texture = device.createTexture({
      size: [width, height],
      format: 'rgba8unorm',
      usage: GPUTextureUsage.COPY_DST | GPUTextureUsage.TEXTURE_BINDING,
    });
    device.queue.writeTexture({ texture }, data, { bytesPerRow: width * 4 }, [width, height]);
    expect(worst(await onGpu(texture), await onCpu({ data, width, height }))).toBeLessThan(EXACT);
    texture.destroy();
    const other = device.createTexture({ size: [4, 4], format: 'rgba8unorm', usage: GPUTextureUsage.COPY_DST });
    await expect(onGpu(other)).rejects.toMatchObject({
      code: 'invalid-argument',
      found: expect.stringMatching(/usage 2/) as string,
    });
    await expect(toFrame(other)).rejects.toMatchObject({ code: 'unsupported-image' });
  });

  it('frames that wait keep the picture of their call; pixels and pictures take turns', async () => {
    const canvas = canvasOf(0);
    const context = canvas.getContext('2d')!;
    const frames = Array.from({ length: 6 }, (_, i) => {
      context.fillStyle = `rgb(${i * 40} 0 0)`;
      context.fillRect(0, 0, width, height);
      return i % 2
        ? onGpu(canvas)
        : run({ data: new Uint8Array(width * height * 3).fill(i * 40), width, height, channels: 3, target });
    });
    context.fillStyle = 'white';
    context.fillRect(0, 0, width, height);
    expect((await Promise.all(frames)).map((t) => Math.round(t[0]!))).toEqual([0, 40, 80, 120, 160, 200]);
  });

  it('what the device does not take is named, and the next frame is right', async () => {
    await expect(run({ source: {}, width, height, target })).rejects.toMatchObject({
      code: 'invalid-argument',
      thing: 'feed "photo"',
    });
    await expect(run({ source: canvasOf(1), width: 0, height, target })).rejects.toMatchObject({ code: 'invalid-argument' });
    const input = canvasOf(8);
    expect(worst(await onGpu(input), await onCpu(input))).toBeLessThan(EXACT);
  });

  it('a closed bitmap is named', async () => {
    const bitmap = await createImageBitmap(canvasOf(1));
    bitmap.close();
    expect(() => toGpuFrame(bitmap)).toThrow(/closed bitmap/);
  });
});
