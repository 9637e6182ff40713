// SHA-256 of bytes as hexadecimal text (FIPS 180-4): the host's where it has one, else plain loops, for pages without a secure context have none.

/** 64 lower-case hexadecimal digits. */
export async function sha256(bytes: Uint8Array<ArrayBuffer>): Promise<string> {
  const { subtle } = (globalThis as { crypto?: { subtle?: SubtleCrypto } }).crypto ?? {};
  const digest = subtle ? new Uint8Array(await subtle.digest('SHA-256', bytes)) : plainSha256(bytes);
  return Array.from(digest, (byte) => byte.toString(16).padStart(2, '0')).join('');
}

/** The first 32 bits of the fractional parts of roots of the first primes. */
function roots(count: number, power: number): Int32Array {
  const words: number[] = [];
  for (let candidate = 2; words.length < count; candidate++) {
    let prime = true;
    for (let d = 2; d * d <= candidate; d++) if (candidate % d === 0) prime = false;
    if (prime) words.push((candidate ** power % 1) * 2 ** 32);
  }
  return Int32Array.from(words, (word) => word | 0);
}

/** @internal The digest, 32 bytes. */
export function plainSha256(bytes: Uint8Array): Uint8Array {
  const K = roots(64, 1 / 3);
  const state = roots(8, 1 / 2);
  // The message, a 1 bit, zeros, and the length in bits as 64-bit integer.
  const blocks = Math.ceil((bytes.length + 9) / 64);
  const tail = new Uint8Array(128);
  const whole = Math.floor(bytes.length / 64);
  tail.set(bytes.subarray(whole * 64));
  tail[bytes.length % 64] = 0x80;
  const end = (blocks - whole) * 64;
  const view = new DataView(tail.buffer);
  view.setUint32(end - 8, Math.floor(bytes.length / 2 ** 29));
  view.setUint32(end - 4, (bytes.length << 3) >>> 0);
  const w = new Int32Array(64);
  for (let block = 0; block < blocks; block++) {
    const source = block < whole ? bytes : tail;
    const at = (block < whole ? block : block - whole) * 64;
    for (let i = 0; i < 16; i++) {
      const j = at + i * 4;
      w[i] = (source[j]! << 24) | (source[j + 1]! << 16) | (source[j + 2]! << 8) | source[j + 3]!;
    }
    for (let i = 16; i < 64; i++) {
      const [a, b] = [w[i - 15]!, w[i - 2]!];
      const s0 = ((a >>> 7) | (a << 25)) ^ ((a >>> 18) | (a << 14)) ^ (a >>> 3);
      const s1 = ((b >>> 17) | (b << 15)) ^ ((b >>> 19) | (b << 13)) ^ (b >>> 10);
      w[i] = (w[i - 16]! + s0 + w[i - 7]! + s1) | 0;
    }
    let [a, b, c, d, e, f, g, h] = state as unknown as [number, number, number, number, number, number, number, number];
    for (let i = 0; i < 64; i++) {
      const s1 = ((e >>> 6) | (e << 26)) ^ ((e >>> 11) | (e << 21)) ^ ((e >>> 25) | (e << 7));
      const t1 = (h + s1 + ((e & f) ^ (~e & g)) + K[i]! + w[i]!) | 0;
      const s0 = ((a >>> 2) | (a << 30)) ^ ((a >>> 13) | (a << 19)) ^ ((a >>> 22) | (a << 10));
      const t2 = (s0 + ((a & b) ^ (a & c) ^ (b & c))) | 0;
      [h, g, f, e, d, c, b, a] = [g, f, e, (d + t1) | 0, c, b, a, (t1 + t2) | 0];
    }
    [a, b, c, d, e, f, g, h].forEach((word, i) => (state[i] = (state[i]! + word) | 0));
  }
  const digest = new DataView(new ArrayBuffer(32));
  state.forEach((word, i) => digest.setInt32(i * 4, word));
  return new Uint8Array(digest.buffer);
}
