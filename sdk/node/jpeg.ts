// JPEG to pixels without native code. The package jpeg-js decodes to YCbCr; chroma and colours are made here the way libjpeg makes them.
import { ImageError } from '../errors.js';
import type { ImageHeader } from '../image/sniff.js';
import type { ImageFrame } from '../tensor/image-frame.js';

/**
 * Decodes a baseline or progressive JPEG of 8 bits to RGB, not turned yet. `jpeg-js` is loaded at the first use. Throws ImageError
 * `unsupported-image` for other codings, and whatever jpeg-js throws for damaged data.
 */
export async function decodeJpeg(bytes: Uint8Array, header: ImageHeader, maxPixels: number): Promise<ImageFrame> {
  if (header.depth !== 8 || (header.coding !== 'baseline' && header.coding !== 'progressive')) {
    throw new ImageError('unsupported-image', {
      thing: 'JPEG image',
      found: `${header.coding} coding with ${header.depth} bits`,
      wanted: 'baseline or progressive coding with 8 bits',
      next: 'Install the package sharp, or convert it to an ordinary JPEG or PNG.',
    });
  }
  const { width, height } = header.size!;
  const { decode } = (await import('jpeg-js')).default;
  let input = bytes;
  if (header.adobeTransformAt !== undefined) {
    // Else jpeg-js would convert the colours itself, from chroma that it only repeats.
    input = bytes.slice();
    input[header.adobeTransformAt] = 0;
  }
  const decoded = decode(input, {
    useTArray: true,
    formatAsRGBA: false,
    colorTransform: false,
    tolerantDecoding: false,
    maxResolutionInMP: maxPixels / 1e6,
    // Coefficients, planes and output take below 32 bytes a pixel; the limit holds against headers that lie.
    maxMemoryUsageInMB: 64 + (width * height * 32) / 2 ** 20,
  });
  if (decoded.width !== width || decoded.height !== height)
    throw new Error(`decoded ${decoded.width} x ${decoded.height} pixels`);
  const data = decoded.data as Uint8Array;
  const [luma, ...chroma] = header.sampling;
  if (chroma.length === 2 && !header.storedRgb) {
    const whole = chroma.every(([h, v]) => h === 1 && v === 1) && luma!.every((factor) => factor === 1 || factor === 2);
    if (whole) smoothChroma(data, width, height, luma![0], luma![1]);
    toRgb(data);
  }
  return { data, width, height, channels: 3 };
}

/**
 * Replaces repeated chroma samples by the triangle filter of libjpeg ("fancy upsampling", jdsample.c of the Independent JPEG Group): 3/4 of
 * the nearer and 1/4 of the further sample in every direction that is halved. In place, on interleaved YCbCr.
 */
function smoothChroma(data: Uint8Array, width: number, height: number, stepX: number, stepY: number): void {
  if (stepX === 1 && stepY === 1) return;
  const columns = Math.ceil(width / stepX);
  const rows = Math.ceil(height / stepY);
  // Three rows of samples are kept: writing goes over the samples of the row in work.
  const sampleRow = (row: number, channel: number, out: Uint8Array) => {
    const from = Math.min(Math.max(row, 0), rows - 1) * stepY * width;
    for (let i = 0; i < columns; i++) out[i] = data[(from + i * stepX) * 3 + channel]!;
  };
  const sums = new Int32Array(columns);
  for (const channel of [1, 2]) {
    let [above, here, below] = [new Uint8Array(columns), new Uint8Array(columns), new Uint8Array(columns)];
    sampleRow(0, channel, above);
    sampleRow(0, channel, here);
    for (let row = 0; row < rows; row++) {
      sampleRow(row + 1, channel, below);
      for (let part = 0; part < stepY; part++) {
        const y = row * stepY + part;
        if (y >= height) break;
        const far = part === 0 ? above : below;
        for (let i = 0; i < columns; i++) sums[i] = stepY === 1 ? here[i]! : 3 * here[i]! + far[i]!;
        const line = y * width * 3 + channel;
        if (stepX === 1) {
          for (let x = 0; x < width; x++) data[line + 3 * x] = (sums[x]! + 1 + part) >> 2;
          continue;
        }
        const shift = stepY === 1 ? 2 : 4;
        const [leftBias, rightBias] = stepY === 1 ? [1, 2] : [8, 7];
        for (let x = 0; x < width; x++) {
          const i = x >> 1;
          const side = x & 1 ? Math.min(i + 1, columns - 1) : Math.max(i - 1, 0);
          data[line + 3 * x] = (3 * sums[i]! + sums[side]! + (x & 1 ? rightBias : leftBias)) >> shift;
        }
      }
      [above, here, below] = [here, below, above];
    }
  }
}

/** YCbCr to RGB in place (JFIF 1.02), with the rounding of libjpeg's tables. */
function toRgb(data: Uint8Array): void {
  const fixed = (factor: number) => Math.round(factor * 65536);
  const clamped = new Uint8ClampedArray(1);
  const clamp = (value: number) => {
    clamped[0] = value;
    return clamped[0];
  };
  const [redCr, blueCb, greenCb, greenCr] = [fixed(1.402), fixed(1.772), -fixed(0.344136286), -fixed(0.714136286)];
  for (let i = 0; i + 2 < data.length; i += 3) {
    const y = data[i]!;
    const cb = data[i + 1]! - 128;
    const cr = data[i + 2]! - 128;
    data[i] = clamp(y + ((redCr * cr + 32768) >> 16));
    data[i + 1] = clamp(y + ((greenCb * cb + greenCr * cr + 32768) >> 16));
    data[i + 2] = clamp(y + ((blueCb * cb + 32768) >> 16));
  }
}
