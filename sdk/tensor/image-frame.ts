// Decoded pixels, as every stage and host passes them on.

/** Upright 8-bit pixels: rows from the top, tightly packed, interleaved. 1 grey, 3 RGB, 4 RGBA with straight alpha. */
export interface ImageFrame {
  /** width * height * channels bytes. */
  data: Uint8Array | Uint8ClampedArray;
  /** Pixels; at least 1. */
  width: number;
  /** Pixels; at least 1. */
  height: number;
  /** 1 grey, 3 RGB, 4 RGBA. */
  channels: 1 | 3 | 4;
}
