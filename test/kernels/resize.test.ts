// resize: half_pixel, align_corners and nearest against PyTorch; TensorFlow's asymmetric coordinates and every rounding by hand.
import { APPROXIMATED, golden, randomTensor, ROUNDED, testOperator, type Case } from './harness.js';

const row = (data: number[]) => ({ shape: [1, 1, data.length, 1], data });
const nearest = (
  coordinates: 'half_pixel' | 'asymmetric' | 'align_corners',
  rounding: Case<'resize'>['attributes']['nearest'],
  width: number,
) => ({
  mode: 'nearest' as const,
  height: 1,
  width,
  coordinates,
  nearest: rounding,
});

const byHand: Case<'resize'>[] = [
  {
    name: 'bilinear asymmetric doubles: every other pixel is a mean, the last repeats',
    attributes: { mode: 'bilinear', height: 1, width: 6, coordinates: 'asymmetric', nearest: 'floor' },
    inputs: [row([0, 10, 40])],
    outputs: [{ data: [0, 5, 10, 25, 40, 40] }],
  },
  {
    name: 'bilinear asymmetric halves: every other pixel',
    attributes: { mode: 'bilinear', height: 1, width: 2, coordinates: 'asymmetric', nearest: 'floor' },
    inputs: [row([1, 2, 3, 4])],
    outputs: [{ data: [1, 3] }],
  },
  { name: 'nearest floor', attributes: nearest('asymmetric', 'floor', 4), inputs: [row([1, 2])], outputs: [{ data: [1, 1, 2, 2] }] },
  { name: 'nearest ceil', attributes: nearest('asymmetric', 'ceil', 4), inputs: [row([1, 2])], outputs: [{ data: [1, 2, 2, 2] }] },
  // Coordinates 0, 0.5, 1, 1.5: the ties tell the roundings apart.
  { name: 'nearest round_prefer_floor', attributes: nearest('asymmetric', 'round_prefer_floor', 4), inputs: [row([1, 2])], outputs: [{ data: [1, 1, 2, 2] }] },
  { name: 'nearest round_prefer_ceil', attributes: nearest('asymmetric', 'round_prefer_ceil', 4), inputs: [row([1, 2])], outputs: [{ data: [1, 2, 2, 2] }] },
  { name: 'nearest align_corners', attributes: nearest('align_corners', 'round_prefer_ceil', 5), inputs: [row([1, 2, 3])], outputs: [{ data: [1, 2, 2, 3, 3] }] },
  {
    name: 'bilinear asymmetric doubles 9x8x20',
    attributes: { mode: 'bilinear', height: 18, width: 16, coordinates: 'asymmetric', nearest: 'floor' },
    inputs: [randomTensor([1, 9, 8, 20], 1)],
  },
  {
    name: 'bilinear, then relu of the mean, not the mean of relus',
    attributes: { mode: 'bilinear', height: 1, width: 6, coordinates: 'asymmetric', nearest: 'floor', activation: { kind: 'relu' } },
    inputs: [row([-10, 20, -40])],
    outputs: [{ data: [0, 5, 20, 0, 0, 0] }],
  },
  {
    name: 'nearest, then leaky_relu',
    attributes: { ...nearest('asymmetric', 'floor', 4), activation: { kind: 'leaky_relu', alpha: 0.25 } },
    inputs: [row([-4, 2])],
    outputs: [{ data: [-1, -1, 2, 2] }],
  },
  ...(['relu6', 'sigmoid', 'hard_swish'] as const).flatMap((kind) =>
    (['nearest', 'bilinear'] as const).map((mode): Case<'resize'> => ({
      name: `${mode} with ${kind}, 7 channels`,
      attributes: { mode, height: 5, width: 7, coordinates: 'half_pixel', nearest: 'floor', activation: { kind, alpha: 1 / 6 } },
      inputs: [randomTensor([2, 3, 4, 7], 2)],
    })),
  ),
]; // prettier-ignore

testOperator('resize', [...golden('resize'), ...byHand], { reference: ROUNDED, others: APPROXIMATED });
