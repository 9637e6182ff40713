// What stands between the rows of features and the scores of a head, forward and backward, on any device: linear, cosine and text classifiers, and the
// correction of boxes.
import type { DeviceArray, TrainDevice } from './device.js';
import type { Kernel } from './head-rows.js';
import { unitOf } from './layers.js';
import type { DeviceParameter } from './optimizers.js';
import { referenceKernels } from './reference/index.js';

/** How scores are made of features. */
export type Classifier =
  /** A convolution: weight [kernel, kernel, D, C], bias [C]. */
  | { readonly kind: 'linear' }
  /** scale cos(feature, weight) + bias: weight [C, D] (UniSeg, App. G). Kernel 1. */
  | { readonly kind: 'cosine'; readonly scale: number }
  /** temperature cos(projected feature, text) + bias, the text frozen: weight [kernel, kernel, D, E], bias [E], scoring [2] (ScaleDet, Eq. 5). */
  | { readonly kind: 'text'; readonly vectors: Float32Array; readonly temperature: number | undefined };

/** The last of them; without a temperature one is found on the photos. */
export type TextClassifier = Extract<Classifier, { kind: 'text' }>;

/** Numbers of a head: what is trained, and what a package holds. */
export interface LayerWeights {
  /** Of the classifier. */
  readonly weight: Float32Array;
  readonly bias: Float32Array;
  /** [2] of a text classifier: temperature and bias, one pair for all labels; not trained. */
  readonly scoring?: Float32Array | undefined;
  /** Correction of boxes: [kernel, kernel, D, 4] and [4], corners in cells; undefined where boxes are the model's. */
  readonly boxWeight?: Float32Array | undefined;
  readonly boxBias?: Float32Array | undefined;
}

/** Length of a row of features, kernel kernel D, and columns, C. */
export interface LayerShape {
  readonly kernel: Kernel;
  readonly K: number;
  readonly C: number;
}

/** Arrays that live for one step. */
export class Scope {
  readonly #device: TrainDevice;
  readonly #own: DeviceArray[] = [];

  constructor(device: TrainDevice) {
    this.#device = device;
  }

  zeros(length: number): DeviceArray {
    return this.keep(this.#device.zeros(length));
  }

  keep<T extends { dispose(): void }>(array: T): T {
    this.#own.push(array as unknown as DeviceArray);
    return array;
  }

  dispose(): void {
    for (const array of this.#own) array.dispose();
  }
}

/** A classifier whose parameters lie on a device. */
export interface Layer {
  /** In the order of the gradients. */
  readonly parameters: readonly DeviceParameter[];
  /** What lies on the device beside them. */
  readonly constants: readonly DeviceArray[];
  /** Scores [P, C] of rows [P, K], and what turns their gradient into those of the parameters. */
  forward(
    x: DeviceArray,
    P: number,
    scope: Scope,
  ): { logits: DeviceArray; backward(slopes: DeviceArray): (DeviceArray | undefined)[] };
  /** As a package has them, channels in the length that they were trained in. */
  read(): Promise<Omit<LayerWeights, 'boxWeight' | 'boxBias'>>;
}

/** Puts a classifier on a device. For a loss that knows the temperature (`hard_soft_labels`) a text classifier gives plain cosines. */
export function openLayer(
  device: TrainDevice,
  name: string,
  classifier: Classifier,
  { K, C }: LayerShape,
  { weight, bias, scoring }: LayerWeights,
  plainCosines: boolean,
): Layer {
  const [w, b] = [device.upload(weight), device.upload(bias)];
  const parameters = [
    { name: `${name}/weight`, weights: w },
    { name: `${name}/bias`, weights: b, decays: false },
  ];
  const read = async () => ({ weight: await w.read(), bias: await b.read() });
  if (classifier.kind === 'linear') return { parameters, constants: [], read, forward: linear(device, w, b, K, C) };
  if (classifier.kind === 'cosine') {
    const scale = device.upload(Float32Array.of(classifier.scale));
    return {
      parameters,
      constants: [scale],
      read,
      forward(x, P, scope) {
        const [f, u] = [unitRows(device, x, P, K, scope), unitRows(device, w, C, K, scope)];
        const logits = scope.zeros(P * C);
        device.matmul({ a: f.unit, b: scaled(device, u.unit, scale, scope), out: logits, M: P, N: C, K, transposeB: true });
        device.add_rows({ x: logits, row: b, P, C });
        return {
          logits,
          backward(slopes) {
            const [plain, sums] = [scope.zeros(C * K), scope.zeros(C)];
            device.matmul({ a: slopes, b: f.unit, out: plain, M: C, N: K, K: P, transposeA: true });
            const gradient = scaled(device, plain, scale, scope);
            device.unit_rows_gradient({ gradient, unit: u.unit, lengths: u.lengths, P: C, D: K });
            device.sum_rows({ x: slopes, out: sums, P, C });
            return [gradient, sums];
          },
        };
      },
    };
  }
  const { vectors } = classifier;
  const [temperature, shift] = scoring!;
  const kept = { name: `${name}/scoring`, weights: device.upload(scoring!), decays: false };
  const shifts = device.upload(new Float32Array(C).fill(shift!));
  const E = vectors.length / C;
  const unit = unitOf(vectors, C, E, referenceKernels).unit as Float32Array;
  const texts = device.upload(plainCosines ? unit : unit.map((value) => temperature! * value));
  const project = linear(device, w, b, K, E);
  return {
    parameters: [...parameters, kept],
    constants: [texts, shifts],
    read: async () => ({ ...(await read()), scoring: await kept.weights.read() }),
    forward(x, P, scope) {
      const { logits: z, backward } = project(x, P, scope);
      const u = unitRows(device, z, P, E, scope);
      const logits = scope.zeros(P * C);
      device.matmul({ a: u.unit, b: texts, out: logits, M: P, N: C, K: E, transposeB: true });
      if (!plainCosines) device.add_rows({ x: logits, row: shifts, P, C });
      return {
        logits,
        backward(slopes) {
          const gradient = scope.zeros(P * E);
          device.matmul({ a: slopes, b: texts, out: gradient, M: P, N: E, K: C });
          device.unit_rows_gradient({ gradient, unit: u.unit, lengths: u.lengths, P, D: E });
          return [...backward(gradient), undefined];
        },
      };
    },
  };
}

/** x [P, K] weight [K, C] + bias [C]. */
function linear(device: TrainDevice, weight: DeviceArray, bias: DeviceArray, K: number, C: number): Layer['forward'] {
  return (x, P, scope) => {
    const logits = scope.zeros(P * C);
    device.matmul({ a: x, b: weight, out: logits, M: P, N: C, K });
    device.add_rows({ x: logits, row: bias, P, C });
    return {
      logits,
      backward(slopes) {
        const [gradient, sums] = [scope.zeros(K * C), scope.zeros(C)];
        device.matmul({ a: x, b: slopes, out: gradient, M: K, N: C, K: P, transposeA: true });
        device.sum_rows({ x: slopes, out: sums, P, C });
        return [gradient, sums];
      },
    };
  };
}

function unitRows(
  device: TrainDevice,
  x: DeviceArray,
  P: number,
  D: number,
  scope: Scope,
): { unit: DeviceArray; lengths: DeviceArray } {
  const made = { unit: scope.zeros(P * D), lengths: scope.zeros(P) };
  device.unit_rows({ x, ...made, P, D });
  return made;
}

/** A few numbers times one that lies on the device: a product of [n, 1] and [1, 1]. */
function scaled(device: TrainDevice, x: DeviceArray, scale: DeviceArray, scope: Scope): DeviceArray {
  const out = scope.zeros(x.length);
  device.matmul({ a: x, b: scale, out, M: x.length, N: 1, K: 1 });
  return out;
}

/** Corrections of boxes: added to the corners that the model gives, [m, 4] in cells. */
export interface BoxLayer {
  /** In the order of the gradients. */
  readonly parameters: readonly DeviceParameter[];
  /** Corrected corners, and what turns their gradient into those of the parameters. */
  forward(
    x: DeviceArray,
    model: DeviceArray,
    m: number,
    scope: Scope,
  ): { corners: DeviceArray; backward(slopes: DeviceArray): (DeviceArray | undefined)[] };
  /** [K, 4] and [4]. */
  read(): Promise<{ boxWeight: Float32Array; boxBias: Float32Array }>;
}

/** Puts a correction of boxes on a device. */
export function openBoxLayer(device: TrainDevice, name: string, K: number, weight: Float32Array, bias: Float32Array): BoxLayer {
  const [w, b] = [device.upload(weight), device.upload(bias)];
  const correct = linear(device, w, b, K, 4);
  return {
    parameters: [
      { name: `${name}/boxWeight`, weights: w },
      { name: `${name}/boxBias`, weights: b, decays: false },
    ],
    forward(x, model, m, scope) {
      const { logits: corners, backward } = correct(x, m, scope);
      device.add_rows({ x: corners, row: model, P: 1, C: 4 * m });
      return { corners, backward };
    },
    read: async () => ({ boxWeight: await w.read(), boxBias: await b.read() }),
  };
}
