// Pictures for image tests, made here: noise, ramps and the files that sharp writes of them.
import sharp from 'sharp';
import type { ImageFrame } from '../../sdk/tensor/image-frame.js';

export const width = 37;
export const height = 23;

/** Bytes that look random and are the same every time (a linear congruential generator). */
export function noise(length: number, seed = 1): Uint8Array {
  const bytes = new Uint8Array(length);
  let state = seed;
  for (let i = 0; i < length; i++) {
    state = (Math.imul(state, 1103515245) + 12345) & 0x7fffffff;
    bytes[i] = state >> 16;
  }
  return bytes;
}

/** A smooth picture with a different ramp in every channel, so that turns, mirrors and channel swaps show. */
export function ramp(w = width, h = height, channels: 1 | 3 | 4 = 3): ImageFrame {
  const data = new Uint8Array(w * h * channels);
  for (let y = 0; y < h; y++) {
    for (let x = 0; x < w; x++) {
      const values = [(255 * x) / w, (255 * y) / h, (255 * (x + y)) / (w + h), 255 - (100 * x) / w];
      for (let c = 0; c < channels; c++) data[(y * w + x) * channels + c] = values[c]!;
    }
  }
  return { data, width: w, height: h, channels };
}

export function noisy(channels: 1 | 2 | 3 | 4) {
  return sharp(noise(width * height * channels), { raw: { width, height, channels } });
}

export function smooth(channels: 1 | 3 | 4 = 3) {
  const frame = ramp(width, height, channels);
  return sharp(frame.data, { raw: { width, height, channels } });
}

export function noisy16(channels: 1 | 3 | 4) {
  const samples = new Uint16Array(noise(width * height * channels * 2).buffer);
  return sharp(samples, { raw: { width, height, channels } }).toColourspace(channels === 1 ? 'grey16' : 'rgb16');
}
