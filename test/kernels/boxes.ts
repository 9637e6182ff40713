// Boxes for tests of kernels that compare them.
import { randomNumbers } from './harness.js';

/** Numbers of `count` boxes xyxy: left and top from 0 to 100, extents from 0 to 60. */
export function randomBoxes(count: number, seed: number): number[] {
  const numbers = randomNumbers(count * 4, seed, 0, 1);
  return numbers.map((v, i) => Math.fround(i % 4 < 2 ? v * 100 : numbers[i - 2]! * 100 + v * 60));
}
