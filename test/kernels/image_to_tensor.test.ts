// image_to_tensor: resampling against Pillow's BILINEAR on float pixels; letterbox rectangles, padding and channel order by hand.
import { golden, PIXELS, randomNumbers, testOperator, type Case } from './harness.js';

const base = { height: 4, width: 4, order: 'RGB', mean: [0, 0, 0], std: [1, 1, 1], padValue: 114, background: 0 } as const;
const grey = (width: number, height: number, data: number[]) => ({ width, height, channels: 1 as const, data });
const gray = (values: number[]): number[] => values.flatMap((v) => [v, v, v]);
const bytes = (count: number, seed: number): number[] => randomNumbers(count, seed, 0, 256).map(Math.floor);

const cases: Case<'image_to_tensor'>[] = [
  {
    name: 'a 2x1 image between bars of padding',
    attributes: { ...base, height: 3, width: 2 },
    inputs: [{ image: { ...grey(2, 1, [10, 20]), target: { left: 0, top: 1, width: 2, height: 1 } } }],
    outputs: [{ data: gray([114, 114, 10, 20, 114, 114]) }],
  },
  {
    name: 'a fractional rectangle: pixels whose centre is inside',
    attributes: { ...base, height: 1, width: 4 },
    inputs: [{ image: { ...grey(1, 1, [50]), target: { left: 0, top: 0, width: 2.5, height: 1 } } }],
    // The centre of pixel 2, at 2.5, is not inside [0, 2.5).
    outputs: [{ data: gray([50, 50, 114, 114]) }],
  },
  {
    name: 'padding is normalised like the rest',
    attributes: { ...base, height: 1, width: 2, mean: [14, 4, 0], std: [10, 10, 2] },
    inputs: [{ image: { width: 1, height: 1, channels: 3, data: [24, 24, 24], target: { left: 0, top: 0, width: 1, height: 1 } } }],
    outputs: [{ data: [1, 2, 12, 10, 11, 57] }],
  },
  {
    name: 'BGR',
    attributes: { ...base, height: 1, width: 1, order: 'BGR' },
    inputs: [{ image: { width: 1, height: 1, channels: 3, data: [1, 2, 3] } }],
    outputs: [{ data: [3, 2, 1] }],
  },
  {
    name: 'alpha 0 shows the background, alpha 255 the pixel',
    attributes: { ...base, height: 1, width: 2, background: 7 },
    inputs: [{ image: { width: 2, height: 1, channels: 4, data: [100, 101, 102, 0, 100, 101, 102, 255] } }],
    outputs: [{ data: [7, 7, 7, 100, 101, 102] }],
  },
  {
    name: 'shrinking by 2 weighs 1 3 3 1',
    attributes: { ...base, height: 1, width: 4 },
    inputs: [{ image: grey(8, 1, [0, 0, 80, 0, 0, 0, 0, 0]) }],
    // Output 0 reads pixels 0 to 2 with 3 3 1 of 7, output 1 pixels 1 to 4 with 1 3 3 1 of 8.
    outputs: [{ data: gray([80 / 7, 30, 0, 0]) }],
  },
  {
    name: 'letterbox of a photo-like image with fractional height',
    attributes: { ...base, height: 32, width: 32 },
    inputs: [{ image: { width: 61, height: 37, channels: 3, data: bytes(61 * 37 * 3, 3), target: { left: 0, top: 6, width: 32, height: 19.4 } } }],
  },
  {
    name: 'enlarged with a rectangle beyond the target',
    attributes: { ...base, height: 16, width: 16 },
    inputs: [{ image: { width: 5, height: 7, channels: 4, data: bytes(5 * 7 * 4, 4), target: { left: -3, top: -2, width: 25, height: 21 } } }],
  },
]; // prettier-ignore

testOperator('image_to_tensor', [...golden('image_to_tensor'), ...cases], { reference: PIXELS, others: PIXELS });
