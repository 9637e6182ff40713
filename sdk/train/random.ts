// A seeded stream of random numbers whose state is four words, so that a checkpoint continues it exactly.

/** Random numbers from 0 to below 1. */
export interface Random {
  /** The next number, 0 to below 1. */
  (): number;
  /** Four 32-bit words; `randomFrom` continues there. */
  state(): [number, number, number, number];
}

/** xoshiro128** (Blackman & Vigna 2018) from its state. */
export function randomFrom(words: readonly [number, number, number, number]): Random {
  let [a, b, c, d] = words.map((word) => word >>> 0) as [number, number, number, number];
  const rotate = (x: number, k: number) => ((x << k) | (x >>> (32 - k))) >>> 0;
  const next = () => {
    const result = Math.imul(rotate(Math.imul(b, 5) >>> 0, 7), 9) >>> 0;
    const t = (b << 9) >>> 0;
    c = (c ^ a) >>> 0;
    d = (d ^ b) >>> 0;
    b = (b ^ c) >>> 0;
    a = (a ^ d) >>> 0;
    c = (c ^ t) >>> 0;
    d = rotate(d, 11);
    return result;
  };
  return Object.assign(() => next() / 4294967296, { state: (): [number, number, number, number] => [a, b, c, d] });
}

/** A stream from a seed; the words come from splitmix32. */
export function seededRandom(seed: number): Random {
  let state = seed >>> 0;
  const word = () => {
    state = (state + 0x9e3779b9) >>> 0;
    let z = state;
    z = Math.imul(z ^ (z >>> 16), 0x21f0aaad);
    z = Math.imul(z ^ (z >>> 15), 0x735a2d97);
    return (z ^ (z >>> 15)) >>> 0;
  };
  return randomFrom([word(), word(), word(), word()]);
}
