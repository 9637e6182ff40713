// An image input on the GPU: its pixels in a buffer or a texture that grow with the frames, and the block that says where they land.
import { ArgumentError, describe } from '../../errors.js';
import type { Value } from '../../ir/graph.js';
import { checkFeed, checkTarget } from '../feeds.js';
import type { Feed, ImageFeed, SourceFeed } from '../runtime.js';
import { TextureUsage, Usage, type Gpu } from './gpu.js';
import { frameWords, type FramePlace } from './lower/image.js';

/** Bytes of `struct Frame` (kernels/shared/frame.wgsl). */
const FRAME_BYTES = 80;

/** What a texture of ours must be able to do: browsers copy pictures by drawing them. */
const USAGE = TextureUsage.copyTarget | TextureUsage.binding | TextureUsage.render;

export class ImageSlot {
  #buffer: GPUBuffer | undefined;
  #bytes = 0;
  #texture: GPUTexture | undefined;
  /** The texture of this frame, ours or the caller's; undefined where it came as pixels. */
  #bound: GPUTexture | undefined;
  /** Where pictures are drawn that the device refuses, and the kind of these. */
  #canvas: OffscreenCanvas | undefined;
  #refused: unknown;
  /** What the block says now. */
  readonly #last = { width: 0, height: 0, channels: 0, left: NaN, top: NaN, across: NaN, down: NaN };
  readonly #rest = new Uint8Array(4);
  /** Steps whose bind group is made for the buffer or texture of now. */
  #renewed = new WeakSet<object>();

  constructor(
    readonly gpu: Gpu,
    readonly value: Value,
    readonly uniform: GPUBuffer,
    readonly offset: number,
  ) {}

  /** Bytes held for pixels. */
  get bytes(): number {
    return this.#bytes + (this.#texture ? this.#texture.width * this.#texture.height * 4 : 0);
  }

  /** Binding of `struct Frame`. */
  get frame(): GPUBufferBinding {
    return { buffer: this.uniform, offset: this.offset, size: FRAME_BYTES };
  }

  /** Whether the frame is a texture. */
  get isTexture(): boolean {
    return this.#bound !== undefined;
  }

  /** Binding of the pixels; there are some once a frame was written. */
  get pixels(): GPUBindingResource {
    return this.#bound ? this.#bound.createView() : { buffer: this.#buffer! };
  }

  /** True the first time it is asked for `step` since the buffer or texture is another one. */
  renewed(step: object): boolean {
    if (this.#renewed.has(step)) return false;
    this.#renewed.add(step);
    return true;
  }

  /** Throws ArgumentError for a feed that is no image. */
  check(thing: string, feed: Feed | undefined): void {
    if (!isSource(feed)) return checkFeed(thing, feed, this.value);
    const { source, width, height, target } = feed;
    if (typeof source !== 'object' || source === null || !(width >= 1 && height >= 1)) {
      throw new ArgumentError({
        thing,
        found: `${describe(source)}, ${width} x ${height}`,
        wanted: 'a picture of at least one pixel',
      });
    }
    const most = this.gpu.device.limits.maxTextureDimension2D;
    if (width > most || height > most) {
      throw new ArgumentError({
        thing,
        found: `${width} x ${height} pixels`,
        wanted: `at most ${most} a side, the largest texture of the device`,
      });
    }
    if (isTexture(source) && !(source.usage & TextureUsage.binding)) {
      throw new ArgumentError({ thing, found: `a GPUTexture with usage ${source.usage}`, wanted: 'one with TEXTURE_BINDING' });
    }
    checkTarget(thing, target);
  }

  /** Hands the picture to the device; the feed may be reused at once, but for textures. */
  write(feed: Feed): void {
    if (isSource(feed)) this.#writeSource(feed);
    else this.#writePixels(feed as ImageFeed);
  }

  /**
   * The picture of a frame that has to wait, as a texture of its own: videos go on meanwhile. To be destroyed when the frame is done. Textures of the
   * caller and pixels are given back as they are.
   */
  hold(feed: Feed): { feed: Feed; held: GPUTexture | undefined } {
    if (!isSource(feed) || isTexture(feed.source)) return { feed, held: undefined };
    const held = this.#textureOf(feed.width, feed.height);
    this.#copy(feed, held);
    return { feed: { ...feed, source: held }, held };
  }

  release(): void {
    this.#buffer?.destroy();
    this.#buffer = undefined;
    this.#bytes = 0;
    this.#texture?.destroy();
    this.#texture = undefined;
    this.#bind(undefined);
    this.#renewed = new WeakSet();
  }

  #writePixels({ data, width, height, channels, target }: ImageFeed): void {
    const { device } = this.gpu;
    const bytes = Math.ceil(data.length / 16) * 16;
    if (bytes > this.#bytes) {
      this.#buffer?.destroy();
      this.#buffer = device.createBuffer({ label: 'pixels', size: bytes, usage: Usage.storage | Usage.copyTarget });
      this.#bytes = bytes;
      this.#renewed = new WeakSet();
    }
    this.#bind(undefined);
    const whole = data.length & ~3;
    const pixels = data as Uint8Array<ArrayBuffer>;
    if (whole > 0) device.queue.writeBuffer(this.#buffer!, 0, pixels, 0, whole);
    if (whole < data.length) {
      this.#rest.set(data.subarray(whole));
      device.queue.writeBuffer(this.#buffer!, whole, this.#rest);
    }
    this.#place({ width, height, channels, rowBytes: width * channels, target });
  }

  #writeSource(feed: SourceFeed): void {
    const { source, width, height, target } = feed;
    if (isTexture(source)) this.#bind(source);
    else {
      // Larger than the picture does no harm: the block says how much of it counts.
      if (!this.#texture || this.#texture.width < width || this.#texture.height < height) {
        const old = this.#texture;
        this.#texture = this.#textureOf(Math.max(width, old?.width ?? 0), Math.max(height, old?.height ?? 0));
        old?.destroy();
      }
      this.#copy(feed, this.#texture);
      this.#bind(this.#texture);
    }
    // Textures have no bytes in a row; the same number as for pixels keeps the block as it is.
    this.#place({ width, height, channels: 4, rowBytes: width * 4, target });
  }

  #textureOf(width: number, height: number): GPUTexture {
    return this.gpu.device.createTexture({ label: 'picture', size: [width, height], format: 'rgba8unorm', usage: USAGE });
  }

  /**
   * On the device, with straight alpha, as sRGB. What the device does not take as it is (video on some drivers) is drawn on a canvas first, which still
   * happens in this turn of the event loop. Throws ArgumentError for what cannot be drawn either.
   */
  #copy({ source, width, height }: SourceFeed, texture: GPUTexture): void {
    const copy = (from: object): void =>
      this.gpu.device.queue.copyExternalImageToTexture(
        { source: from as ImageBitmap },
        { texture, premultipliedAlpha: false, colorSpace: 'srgb' },
        [width, height],
      );
    let refused: unknown;
    if (source.constructor !== this.#refused) {
      try {
        return copy(source);
      } catch (error) {
        refused = error;
      }
    }
    try {
      copy(this.#draw(source, width, height));
      // The next one of this kind is drawn at once.
      this.#refused = source.constructor;
    } catch (cause) {
      const why = refused ?? cause;
      throw new ArgumentError({
        thing: `feed "${this.value.name}"`,
        found: `${describe(source)} that the device does not take (${why instanceof Error ? why.message : String(why)})`,
        wanted: 'a canvas, ImageBitmap, img, video or VideoFrame of this origin, not closed',
        cause: why,
      });
    }
  }

  #draw(source: object, width: number, height: number): OffscreenCanvas {
    this.#canvas ??= new OffscreenCanvas(width, height);
    if (this.#canvas.width !== width || this.#canvas.height !== height)
      [this.#canvas.width, this.#canvas.height] = [width, height];
    const context = this.#canvas.getContext('2d')!;
    context.globalCompositeOperation = 'copy';
    context.drawImage(source as CanvasImageSource, 0, 0, width, height);
    return this.#canvas;
  }

  #bind(texture: GPUTexture | undefined): void {
    if (this.#bound === texture) return;
    this.#bound = texture;
    this.#renewed = new WeakSet();
  }

  /** Writes the block where it says something new. */
  #place(frame: FramePlace): void {
    const { width, height, channels, target } = frame;
    const last = this.#last;
    const same =
      width === last.width && height === last.height && channels === last.channels && target.left === last.left &&
      target.top === last.top && target.width === last.across && target.height === last.down; // prettier-ignore
    if (same) return;
    this.gpu.device.queue.writeBuffer(this.uniform, this.offset, frameWords(frame) as Uint32Array<ArrayBuffer>);
    [last.width, last.height, last.channels] = [width, height, channels];
    [last.left, last.top, last.across, last.down] = [target.left, target.top, target.width, target.height];
  }
}

function isSource(feed: Feed | undefined): feed is SourceFeed {
  return typeof feed === 'object' && !ArrayBuffer.isView(feed) && 'source' in feed;
}

function isTexture(source: object): source is GPUTexture {
  return 'createView' in source && 'usage' in source;
}
