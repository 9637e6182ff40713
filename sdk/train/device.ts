// Where training happens: arrays and kernels that are queued, the same on a GPU (webgpu.ts) and on a processor (here), so that a step is written once.
import { ArgumentError, describe, DisposedError } from '../errors.js';
import type {
  AdamWStep,
  AddRows,
  Floats,
  LossOutput,
  MaskSlopes,
  MatrixProduct,
  MergedMasks,
  MergeMasks,
  MergeMasksGradient,
  SgdStep,
  SumRows,
  TrainKernels,
  UnitRows,
  UnitRowsGradient,
} from './kernels.js';
import type { LossCall } from './losses.js';

/** Arrays that a device takes. */
export type HostArray = Float32Array | Int32Array | Uint8Array;

/** Numbers on a device. */
export interface DeviceArray<T extends HostArray = Float32Array> {
  /** How many. */
  readonly length: number;
  /** Replaces them, after all that is queued. Throws ArgumentError for another length or type. */
  write(values: T): void;
  /** A copy, when all that is queued is done. Rejects with what went wrong on the way: DeviceError or DeviceLostError. */
  read(): Promise<T>;
  /** Frees the memory, after all that is queued. */
  dispose(): void;
}

type Field<F> = F extends Floats
  ? DeviceArray
  : F extends Int32Array
    ? DeviceArray<Int32Array>
    : F extends Uint8Array
      ? DeviceArray<Uint8Array>
      : F;

/** What a kernel reads and writes, with arrays on the device. */
export type OnDevice<T> = { readonly [K in keyof T]: Field<T[K]> };

/** A step's factor of clipping: a number, or the `norm` of {@link TrainDevice.global_norm}, which the device has not told. */
type Clip = { readonly clip: number | DeviceArray };

type LossKernels = {
  [K in LossCall['kernel']]: (input: OnDevice<Extract<LossCall, { kernel: K }>['input']>, output: OnDevice<LossOutput>) => void;
};

/**
 * The kernels of {@link TrainKernels} by the same names on arrays of a device. Calls queue work and return at once; it is done in the order of the calls. A
 * training step needs no read-back: the loss's gradient goes into the next product, and clipping takes the norm where it lies.
 */
export interface TrainDevice extends LossKernels {
  /** What it computes on. */
  readonly description: string;
  /** A copy of an array on the device. Throws DeviceError `out-of-memory` where there is no room. */
  upload<T extends HostArray>(values: T): DeviceArray<T>;
  /** Zeros. Throws DeviceError as `upload` does. */
  zeros(length: number): DeviceArray;
  /** A matrix product. */
  matmul(product: OnDevice<MatrixProduct>): void;
  /** A row added to every row, in place. */
  add_rows(input: OnDevice<AddRows>): void;
  /** Sum of the rows. */
  sum_rows(input: OnDevice<SumRows>): void;
  /** Rows of length 1, and their lengths; `unit` must not be `x`. */
  unit_rows(input: OnDevice<UnitRows>): void;
  /** The way back through them, in place. */
  unit_rows_gradient(input: OnDevice<UnitRowsGradient>): void;
  /** MERGE of mask proposals by the classes that they predict, which are found on the device. */
  merge_masks(input: OnDevice<MergeMasks>, output: OnDevice<MergedMasks>): void;
  /** The way back through it. */
  merge_masks_gradient(input: OnDevice<MergeMasksGradient>, output: OnDevice<MaskSlopes>): void;
  /** Copies an array into another one, from the place `at` on. */
  copy(from: DeviceArray, to: DeviceArray, at: number): void;
  /** One step of stochastic gradient descent. */
  sgd(step: OnDevice<Omit<SgdStep, 'clip'>> & Clip): void;
  /** One step of AdamW. */
  adamw(step: OnDevice<Omit<AdamWStep, 'clip'>> & Clip): void;
  /** norm [2]: norm of all gradients together, and the factor that clips it to `most` (0: 1). A processor throws ArgumentError where it is not finite. */
  global_norm(gradients: readonly DeviceArray[], most: number, norm: DeviceArray): void;
  /** Sends off what is queued. */
  submit(): void;
  /** Frees everything; a device of the caller stays. */
  dispose(): void;
}

class Held<T extends HostArray> implements DeviceArray<T> {
  #values: T | undefined;

  constructor(values: T) {
    this.#values = values;
  }

  get values(): T {
    if (!this.#values) throw new DisposedError('array on the device');
    return this.#values;
  }

  get length(): number {
    return this.values.length;
  }

  write(values: T): void {
    if (values.length !== this.length || values.constructor !== this.values.constructor)
      throw new ArgumentError({
        thing: 'values',
        found: describe(values),
        wanted: `a ${this.values.constructor.name} of ${this.length}`,
      });
    this.values.set(values);
  }

  read(): Promise<T> {
    return Promise.resolve(this.values.slice() as T);
  }

  dispose(): void {
    this.#values = undefined;
  }
}

const valuesOf = (array: DeviceArray): Float32Array => (array as Held<Float32Array>).values;

/** The arguments of a kernel with the arrays themselves. */
const unwrapped = (given: object): object =>
  Object.fromEntries(
    Object.entries(given).map(([name, value]: [string, unknown]) => [name, value instanceof Held ? value.values : value]),
  );

/** The same steps on a processor: kernels run when they are called. @param description what `description` says */
export function hostTrainDevice(kernels: TrainKernels, description = 'wasm'): TrainDevice {
  const run =
    <K extends Exclude<keyof TrainKernels, 'square_sum'>>(name: K) =>
    (...given: object[]): void =>
      (kernels[name] as (...given: object[]) => void)(...given.map(unwrapped));
  /** A step of an optimiser, whose clipping may be a norm. */
  const step =
    (name: 'sgd' | 'adamw') =>
    (given: { readonly clip: number | DeviceArray }): void =>
      run(name)({ ...given, clip: typeof given.clip === 'number' ? given.clip : valuesOf(given.clip)[1]! });
  const losses = {
    softmax_cross_entropy: run('softmax_cross_entropy'),
    sigmoid_cross_entropy: run('sigmoid_cross_entropy'),
    hard_soft_labels: run('hard_soft_labels'),
    heatmap_focal: run('heatmap_focal'),
    dice: run('dice'),
    projection: run('projection'),
    smooth_l1: run('smooth_l1'),
    box_iou_loss: run('box_iou_loss'),
    orthogonality: run('orthogonality'),
  } satisfies Record<LossCall['kernel'], (...given: object[]) => void>;
  return {
    ...losses,
    description,
    upload: <T extends HostArray>(values: T) => new Held<T>(values.slice() as T),
    zeros: (length) => new Held(new Float32Array(length)),
    matmul: run('matmul'),
    add_rows: run('add_rows'),
    sum_rows: run('sum_rows'),
    unit_rows: run('unit_rows'),
    unit_rows_gradient: run('unit_rows_gradient'),
    merge_masks: run('merge_masks'),
    merge_masks_gradient: run('merge_masks_gradient'),
    copy: (from, to, at) => valuesOf(to).set(valuesOf(from), at),
    sgd: step('sgd'),
    adamw: step('adamw'),
    global_norm(gradients, most, norm) {
      const sum = gradients.reduce((total, gradient) => total + kernels.square_sum(valuesOf(gradient)), 0);
      // Before anything is changed.
      if (!Number.isFinite(sum)) {
        const at = gradients.findIndex((gradient) => valuesOf(gradient).some((value) => !Number.isFinite(value)));
        throw new ArgumentError({
          thing: `gradient ${Math.max(0, at)}`,
          found: 'a number that is not finite',
          wanted: 'finite numbers',
        });
      }
      valuesOf(norm).set(clipping(Math.sqrt(sum), most));
    },
    submit: () => {},
    dispose: () => {},
  };
}

/** Norm of a gradient and the factor that clips it to `most` (0: no clipping), as PyTorch's clip_grad_norm_, which guards the division. */
export function clipping(norm: number, most: number): [norm: number, factor: number] {
  return [norm, most > 0 ? Math.min(1, most / (norm + 1e-6)) : 1];
}
