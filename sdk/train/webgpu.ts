// Training on a GPU: arrays that stay there, kernels that are queued at once, results that are read when asked for. Queue and memory: webgpu-host.ts.
import { ArgumentError, describe } from '../errors.js';
import { openDevice } from '../runtime/webgpu/adapter.js';
import { Gpu, type Program } from '../runtime/webgpu/gpu.js';
import { trainKernels, type TrainKernelFile } from '../runtime/webgpu/train-kernels.js';
import type { DeviceArray, HostArray, OnDevice, TrainDevice } from './device.js';
import type {
  AddRows,
  LossOutput,
  MaskSlopes,
  MatrixProduct,
  MergedMasks,
  MergeMasks,
  MergeMasksGradient,
  SumRows,
  UnitRows,
  UnitRowsGradient,
} from './kernels.js';
import { finishLoss, planLoss, type Loss, type LossInput, type LossOptions, type LossValue } from './losses.js';
import { Buffered, Host, kindOf } from './webgpu-host.js';

/**
 * A {@link TrainDevice} on a GPU. Every pipeline is compiled when it is opened, so calls queue work and return at once; what is queued goes to the device in
 * one submission by `submit`, by any `read`, or when much has come together. Errors of the device come with the next `read` or `settled`.
 */
export interface WebgpuTrainKernels extends TrainDevice {
  /** As `computeLoss`: uploads a batch, computes, reads back. Tables and similarities of a loss stay on the device. Rejects with ArgumentError, DeviceError. */
  computeLoss(loss: Loss, input: LossInput, options?: Omit<LossOptions, 'kernels'>): Promise<LossValue>;
  /** Sends off what is queued, and resolves when the device has done it. Rejects with what went wrong: DeviceError or DeviceLostError. */
  settled(): Promise<void>;
}

/** Options of {@link webgpuTrainKernels}. */
export interface WebgpuTrainOptions {
  /** The caller's own GPUDevice, for example the one that features are computed on. Default: one is opened. */
  readonly device?: object | undefined;
  /** Whether an adapter that computes on the CPU will do. Default: false. */
  readonly software?: boolean | undefined;
  /** Which of several GPUs. Default: `high-performance`. */
  readonly powerPreference?: 'high-performance' | 'low-power' | undefined;
  /** `adapter` (default) uses all that the adapter has, `default` what every WebGPU has. */
  readonly limits?: 'adapter' | 'default' | undefined;
}

/** Opens a device and compiles the training kernels. Rejects with DeviceError `device-unavailable` that says what to do, or ArgumentError. */
export function webgpuTrainKernels(options: WebgpuTrainOptions = {}): Promise<WebgpuTrainKernels> {
  return openTrainKernels(options);
}

/** As {@link webgpuTrainKernels}. @param layout of kernels; default: as the adapter is. Tests ask for that of GPUs where there is none. */
export async function openTrainKernels(options: WebgpuTrainOptions, layout?: 'gpu' | 'processor'): Promise<WebgpuTrainKernels> {
  const { device, software = false, powerPreference, limits } = options;
  const gpu = new Gpu(await openDevice({ device, software, powerPreference, limits }), trainKernels);
  const lone = layout ? layout === 'processor' : gpu.facts.software;
  try {
    const files = Object.keys(trainKernels) as TrainKernelFile[];
    const programs = await Promise.all(
      files.map(async (kernel) => {
        const alone = lone && trainKernels[kernel].includes('override alone');
        return [kernel, await gpu.program({ kernel, scalar: 'f32', overrides: alone ? { alone: 1 } : {} })] as const;
      }),
    );
    return new Kernels(new Host(gpu, Object.fromEntries(programs) as Record<TrainKernelFile, Program>), lone);
  } catch (error) {
    gpu.release();
    throw error;
  }
}

/** Workgroups in one dimension. */
const mostGroups = 65_535;
/** Numbers that a workgroup of square_sum adds up. */
const chunk = 4096;

const bits = new DataView(new ArrayBuffer(4));
/** The word of a 32-bit float. */
const float = (value: number): number => (bits.setFloat32(0, value), bits.getUint32(0));
const flag = (value: unknown): number => Number(Boolean(value));

/** Enough workgroups, in rows of what a dimension may have. */
const grid = (groups: number): [number, number] => [Math.min(groups, mostGroups), Math.ceil(groups / mostGroups)];
const flat = (items: number): [number, number] => grid(Math.ceil(items / 64));
const byRows = (P: number, lanes: number): [number, number] => grid(Math.ceil((P * lanes) / 256));

type AnyArray = DeviceArray<Float32Array> | DeviceArray<Int32Array> | DeviceArray<Uint8Array>;

/** The buffer of an array, whose length is judged. */
function bufferOf(thing: string, array: AnyArray | undefined, kind: string, ...lengths: number[]): GPUBuffer {
  const wanted = `a ${kind} of ${lengths.join(' or ')} on the device`;
  if (!(array instanceof Buffered) || array.kind !== kind) throw new ArgumentError({ thing, found: describe(array), wanted });
  if (!lengths.includes(array.length)) throw new ArgumentError({ thing, found: `${array.length} numbers`, wanted });
  return array.buffer;
}
const integers = (thing: string, array: AnyArray | undefined, length: number) => bufferOf(thing, array, 'Int32Array', length);
const floats = (thing: string, array: AnyArray | undefined, ...lengths: number[]) =>
  bufferOf(thing, array, 'Float32Array', ...lengths);

function checkSizes(sizes: Readonly<Record<string, number>>): void {
  for (const [thing, size] of Object.entries(sizes))
    if (!Number.isInteger(size) || size < 0 || size >= 2 ** 32)
      throw new ArgumentError({ thing, found: describe(size), wanted: 'a whole number from 0' });
}

class Kernels implements WebgpuTrainKernels {
  readonly #host: Host;
  /** Tables of losses by the array that they were made from. */
  readonly #constants = new WeakMap<HostArray | Float64Array, Buffered<HostArray>>();
  /** Intermediate values: the largest so far. */
  readonly #scratch = new Map<string, { buffer: GPUBuffer; bytes: number }>();

  /** On a processor: a row has one invocation and products no barriers, which cost it more than all arithmetic. */
  readonly #lone: boolean;

  constructor(host: Host, lone: boolean) {
    this.#host = host;
    this.#lone = lone;
  }

  get description(): string {
    return this.#host.description;
  }

  upload<T extends HostArray>(values: T): DeviceArray<T> {
    const array = this.#host.array<T>(values.length, kindOf(values));
    array.write(values);
    return array;
  }

  zeros(length: number): DeviceArray {
    checkSizes({ length });
    return this.#host.array<Float32Array>(length, 'Float32Array');
  }

  softmax_cross_entropy(...[input, output]: Parameters<TrainDevice['softmax_cross_entropy']>): void {
    const { logits, P, C, labels, columns, weights, scale } = input;
    const { rows, gradient } = this.#ends(logits, output, P, C);
    const buffers = [floats('logits', logits, P * C), bufferOf('labels', labels, 'Int32Array', P), this.#bytes('columns', columns, C), this.#weights(weights, P), rows, gradient]; // prettier-ignore
    const lanes = this.#lanes(C);
    const shape = [P, C, lanes, flag(columns), flag(weights), float(scale)];
    if (P * C > 0) this.#host.run('softmax_cross_entropy', buffers, shape, byRows(P, lanes));
  }

  sigmoid_cross_entropy(...[input, output]: Parameters<TrainDevice['sigmoid_cross_entropy']>): void {
    const { logits, P, C, labels, table, targets, columns, weights, gamma, alpha, scale } = input;
    const { rows, gradient } = this.#ends(logits, output, P, C);
    const labelled = labels ? bufferOf('labels', labels, 'Int32Array', P) : this.#host.absent;
    const states = this.#bytes('table', table, Math.max(C, Math.ceil((table?.length ?? 0) / C) * C));
    const dense = targets ? floats('targets', targets, P * C) : this.#host.absent;
    const buffers = [floats('logits', logits, P * C), labelled, states, dense, this.#bytes('columns', columns, C), this.#weights(weights, P, P * C), rows, gradient]; // prettier-ignore
    const lanes = this.#lanes(C);
    const flags = [flag(labels), flag(table), flag(targets), flag(columns), weighting(weights, P, C)];
    const shape = [P, C, lanes, ...flags, float(gamma), float(alpha), float(scale)];
    if (P * C > 0) this.#host.run('sigmoid_cross_entropy', buffers, shape, byRows(P, lanes));
  }

  hard_soft_labels(...[input, output]: Parameters<TrainDevice['hard_soft_labels']>): void {
    const { logits, P, C, labels, similarity, temperature, softWeight, weights, scale } = input;
    const { rows, gradient } = this.#ends(logits, output, P, C);
    const buffers = [floats('logits', logits, P * C), bufferOf('labels', labels, 'Int32Array', P), floats('similarity', similarity, C * C), this.#weights(weights, P), rows, gradient]; // prettier-ignore
    const lanes = this.#lanes(C);
    const shape = [P, C, lanes, flag(weights), float(temperature), float(softWeight), float(scale)];
    if (P * C > 0) this.#host.run('hard_soft_labels', buffers, shape, byRows(P, lanes));
  }

  heatmap_focal(...[input, output]: Parameters<TrainDevice['heatmap_focal']>): void {
    const { logits, P, C, targets, weights, alpha, beta, scale } = input;
    this.#elements('heatmap_focal', { logits, P, C, targets, weights }, output, [float(alpha), float(beta), float(scale)]);
  }

  smooth_l1(...[input, output]: Parameters<TrainDevice['smooth_l1']>): void {
    const { logits, P, C, targets, weights, beta, scale } = input;
    this.#elements('smooth_l1', { logits, P, C, targets, weights }, output, [float(beta), float(scale)]);
  }

  dice(...[input, output]: Parameters<TrainDevice['dice']>): void {
    const { logits, M, N, targets, weights, smooth, squared, scale } = input;
    const { rows, gradient } = this.#ends(logits, output, M, N);
    const buffers = [
      floats('logits', logits, M * N),
      floats('targets', targets, M * N),
      this.#weights(weights, M),
      rows,
      gradient,
    ];
    const lanes = this.#lanes(N);
    const shape = [M, N, lanes, flag(weights), float(smooth), flag(squared), float(scale)];
    if (M * N > 0) this.#host.run('dice', buffers, shape, byRows(M, lanes));
  }

  projection(...[input, output]: Parameters<TrainDevice['projection']>): void {
    const { logits, M, H, W, targetsX, targetsY, weights, smooth, squared, scale } = input;
    checkSizes({ H, W });
    const { rows, gradient } = this.#ends(logits, output, M, H * W);
    const buffers = [floats('logits', logits, M * H * W), floats('targetsX', targetsX, M * W), floats('targetsY', targetsY, M * H), this.#weights(weights, M), this.#space('best', 4 * M * (W + H)), rows, gradient]; // prettier-ignore
    const lanes = this.#lanes(H * W);
    const shape = [M, H, W, lanes, flag(weights), float(smooth), flag(squared), float(scale)];
    if (M * H * W > 0) this.#host.run('projection', buffers, shape, byRows(M, lanes));
  }

  box_iou_loss(...[input, output]: Parameters<TrainDevice['box_iou_loss']>): void {
    const { logits, P, targets, weights, kind, scale } = input;
    const { rows, gradient } = this.#ends(logits, output, P, 4);
    const buffers = [
      floats('logits', logits, 4 * P),
      floats('targets', targets, 4 * P),
      this.#weights(weights, P),
      rows,
      gradient,
    ];
    if (P > 0) this.#host.run('box_iou_loss', buffers, [P, flag(weights), flag(kind === 'ciou'), float(scale)], flat(P));
  }

  orthogonality(...[input, output]: Parameters<TrainDevice['orthogonality']>): void {
    const { logits, U, D, temperature, wholeRows, scale } = input;
    const { rows, gradient } = this.#ends(logits, output, U, D);
    const x = floats('logits', logits, U * D);
    if (U * D === 0) return;
    const slopes = this.#space('slopes', 4 * U * U);
    this.#multiply(x, x, slopes, [U, U, D], [D, 1, 1, D], 1 / temperature, 0);
    this.#host.run('orthogonality', [slopes, rows], [U, flag(wholeRows)], byRows(U, this.#whole));
    // The gradient is scale / T (G + G^T) X.
    this.#multiply(slopes, x, gradient, [U, D, U], [U, 1, D, 1], scale / temperature, 0);
    this.#multiply(slopes, x, gradient, [U, D, U], [1, U, D, 1], scale / temperature, 1);
  }

  matmul({ a, b, out, M, N, K, transposeA = false, transposeB = false }: OnDevice<MatrixProduct>): void {
    checkSizes({ M, N, K });
    const strides = [...(transposeA ? [1, M] : [K, 1]), ...(transposeB ? [1, K] : [N, 1])];
    this.#multiply(floats('a', a, M * K), floats('b', b, K * N), floats('out', out, M * N), [M, N, K], strides, 1, 0);
  }

  add_rows({ x, row, P, C }: OnDevice<AddRows>): void {
    checkSizes({ P, C });
    const buffers = [floats('row', row, C), floats('x', x, P * C)];
    if (P * C > 0) this.#host.run('add_rows', buffers, [P * C, C], flat(P * C));
  }

  sum_rows({ x, out, P, C, first = 0 }: OnDevice<SumRows>): void {
    checkSizes({ P, C, first });
    if (first + C > out.length)
      throw new ArgumentError({ thing: 'first', found: `${first}`, wanted: `at most ${out.length - C}` });
    const buffers = [floats('x', x, P * C), floats('out', out, out.length)];
    if (C > 0) this.#host.run('sum_rows', buffers, [P, C, first], grid(Math.ceil(C / 16)));
  }

  unit_rows({ x, unit, lengths, P, D }: OnDevice<UnitRows>): void {
    checkSizes({ P, D });
    const buffers = [floats('x', x, P * D), floats('unit', unit, P * D), floats('lengths', lengths, P)];
    const lanes = this.#lanes(D);
    if (P * D > 0) this.#host.run('unit_rows', buffers, [P, D, lanes], byRows(P, lanes));
  }

  unit_rows_gradient({ gradient, unit, lengths, P, D }: OnDevice<UnitRowsGradient>): void {
    checkSizes({ P, D });
    const buffers = [floats('unit', unit, P * D), floats('lengths', lengths, P), floats('gradient', gradient, P * D)];
    const lanes = this.#lanes(D);
    if (P * D > 0) this.#host.run('unit_rows_gradient', buffers, [P, D, lanes], byRows(P, lanes));
  }

  merge_masks({ masks, M, N, classes, C, places, K }: OnDevice<MergeMasks>, merged: OnDevice<MergedMasks>): void {
    checkSizes({ M, N, C, K, masks: M * N, classes: M * C, merged: K * N, means: K * C });
    const given = { masks: floats('masks', masks, M * N), classes: floats('classes', classes, M * C) };
    const out = {
      masks: floats('merged masks', merged.masks, K * N),
      classes: floats('merged classes', merged.classes, K * C),
      from: integers('from', merged.from, K * N),
      classOf: integers('classOf', merged.classOf, M),
      counts: integers('counts', merged.counts, K),
    };
    const table = integers('places', places, C);
    const members = this.#space('members', 4 * K * M);
    const lanes = this.#lanes(C);
    if (M * C > 0) this.#host.run('merge_classes', [given.classes, table, out.classOf], [M, C, lanes], byRows(M, lanes));
    // With no proposal too: counts and means are 0, masks absent.
    const means = [given.classes, out.classOf, out.classes, out.counts, members];
    if (K > 0) this.#host.run('merge_means', means, [K, M, C, lanes], byRows(K, lanes));
    const largest = [given.masks, out.counts, members, out.masks, out.from];
    if (K * N > 0) this.#host.run('merge_masks', largest, [K * N, N, M], flat(K * N));
  }

  merge_masks_gradient(input: OnDevice<MergeMasksGradient>, { masks, classes }: OnDevice<MaskSlopes>): void {
    const { M, N, C, K, from, classOf, counts, maskGradient, classGradient } = input;
    checkSizes({ M, N, C, K, slopes: M * (N + C) });
    const buffers = [integers('from', from, K * N), integers('classOf', classOf, M), integers('counts', counts, K), floats('maskGradient', maskGradient, K * N), floats('classGradient', classGradient, K * C), floats('masks', masks, M * N), floats('classes', classes, M * C)]; // prettier-ignore
    const n = M * (N + C);
    if (n > 0) this.#host.run('merge_masks_gradient', buffers, [n, N, C], flat(n));
  }

  copy(from: DeviceArray, to: DeviceArray, at: number): void {
    checkSizes({ at });
    const [source, target] = [floats('from', from, from.length), floats('to', to, to.length)];
    if (at + from.length > to.length)
      throw new ArgumentError({ thing: 'copy', found: `${from.length} numbers at ${at}`, wanted: `room in ${to.length}` });
    if (from.length > 0) this.#host.copy(source, target, 4 * at, 4 * from.length);
  }

  sgd({ weights, gradient, velocity, rate, momentum, decay, nesterov, clip }: Parameters<TrainDevice['sgd']>[0]): void {
    const n = weights.length;
    const buffers = [
      floats('gradient', gradient, n),
      this.#norm(clip),
      floats('weights', weights, n),
      floats('velocity', velocity, n),
    ];
    const shape = [n, flag(nesterov), float(rate), float(momentum), float(decay), float(typeof clip === 'number' ? clip : 1)];
    if (n > 0) this.#host.run('sgd', buffers, shape, flat(n));
  }

  adamw(given: Parameters<TrainDevice['adamw']>[0]): void {
    const { weights, gradient, first, second, rate, beta1, beta2, epsilon, decay, step, clip } = given;
    const n = weights.length;
    const buffers = [floats('gradient', gradient, n), this.#norm(clip), floats('weights', weights, n), floats('first', first, n), floats('second', second, n)]; // prettier-ignore
    const numbers = [rate / (1 - beta1 ** step), beta1, 1 - beta1, beta2, 1 - beta2, epsilon, 1 - rate * decay];
    const shape = [...numbers, 1 / Math.sqrt(1 - beta2 ** step), typeof clip === 'number' ? clip : 1].map(float);
    if (n > 0) this.#host.run('adamw', buffers, [n, ...shape], flat(n));
  }

  global_norm(gradients: readonly DeviceArray[], most: number, norm: DeviceArray): void {
    if (!(most >= 0)) throw new ArgumentError({ thing: 'most', found: describe(most), wanted: 'a number from 0' });
    const out = floats('norm', norm, 2);
    const counts = gradients.map(({ length }) => Math.ceil(length / chunk));
    const count = counts.reduce((sum, one) => sum + one, 0);
    const sums = this.#space('sums', 4 * count);
    let first = 0;
    gradients.forEach((gradient, i) => {
      const values = floats(`gradients[${i}]`, gradient, gradient.length);
      if (gradient.length > 0)
        this.#host.run('square_sum', [values, sums], [gradient.length, first], byRows(counts[i]!, this.#whole));
      first += counts[i]!;
    });
    this.#host.run('global_norm', [sums, out], [count, float(most)], [1, 1]);
  }

  async computeLoss(loss: Loss, input: LossInput, options: Omit<LossOptions, 'kernels'> = {}): Promise<LossValue> {
    const plan = planLoss(loss, input, options);
    const { kernel, input: given } = plan.call;
    const own: { dispose(): void }[] = [];
    const keep = <T extends { dispose(): void }>(array: T): T => (own.push(array), array);
    try {
      const entries = Object.entries(given).map(([name, value]: [string, unknown]) => {
        if (!ArrayBuffer.isView(value)) return [name, value];
        const values = value as HostArray | Float64Array;
        if (values instanceof Float64Array)
          throw new ArgumentError({ thing: name, found: 'a Float64Array', wanted: 'a Float32Array' });
        return [name, name === 'table' || name === 'similarity' ? this.#constant(values) : keep(this.upload(values))];
      });
      const rows = keep(this.zeros(plan.P));
      const gradient = keep(this.zeros(input.logits.length));
      (this[kernel] as (input: unknown, output: OnDevice<LossOutput>) => void)(Object.fromEntries(entries), { rows, gradient });
      const [values, slopes] = await Promise.all([rows.read(), gradient.read()]);
      return finishLoss(plan, input.logits, { rows: values, gradient: slopes });
    } finally {
      for (const array of own) array.dispose();
    }
  }

  submit(): void {
    this.#host.submit();
  }

  settled(): Promise<void> {
    return this.#host.settled();
  }

  dispose(): void {
    this.#host.dispose();
  }

  #elements(
    kernel: 'heatmap_focal' | 'smooth_l1',
    input: { logits: DeviceArray; P: number; C: number; targets: DeviceArray; weights?: DeviceArray | undefined },
    output: OnDevice<LossOutput>,
    numbers: readonly number[],
  ): void {
    const { logits, P, C, targets, weights } = input;
    const { rows, gradient } = this.#ends(logits, output, P, C);
    const buffers = [floats('logits', logits, P * C), floats('targets', targets, P * C), this.#weights(weights, P, P * C), rows, gradient]; // prettier-ignore
    const lanes = this.#lanes(C);
    if (P * C > 0) this.#host.run(kernel, buffers, [P, C, lanes, weighting(weights, P, C), ...numbers], byRows(P, lanes));
  }

  #ends(
    logits: AnyArray,
    { rows, gradient }: OnDevice<LossOutput>,
    P: number,
    C: number,
  ): Record<'rows' | 'gradient', GPUBuffer> {
    checkSizes({ rows: P, columns: C, elements: P * C });
    if (logits === gradient) throw new ArgumentError({ thing: 'gradient', found: 'the logits', wanted: 'an array of its own' });
    return { rows: floats('rows', rows, P), gradient: floats('gradient', gradient, P * C) };
  }

  #weights(weights: DeviceArray | undefined, ...lengths: number[]): GPUBuffer {
    return weights ? floats('weights', weights, ...lengths) : this.#host.absent;
  }

  #bytes(thing: string, values: DeviceArray<Uint8Array> | undefined, length: number): GPUBuffer {
    return values ? bufferOf(thing, values, 'Uint8Array', length) : this.#host.absent;
  }

  #norm(clip: number | DeviceArray): GPUBuffer {
    return typeof clip === 'number' ? this.#host.unclipped : floats('clip', clip, 2);
  }

  #constant(values: HostArray): DeviceArray<HostArray> {
    let array = this.#constants.get(values);
    if (!array) {
      array = this.upload(values) as Buffered<HostArray>;
      this.#constants.set(values, array);
    }
    return array;
  }

  /** How many invocations share a row of C numbers: about eight numbers each, a power of two. */
  #lanes(C: number): number {
    return this.#lone ? 1 : Math.min(256, 2 ** Math.ceil(Math.log2(Math.max(1, C / 8))));
  }

  /** Lanes of kernels that give a row a workgroup. */
  get #whole(): number {
    return this.#lone ? 1 : 256;
  }

  /** Memory that lives for one kernel. */
  #space(name: string, bytes: number): GPUBuffer {
    const found = this.#scratch.get(name);
    if (found && found.bytes >= bytes) return found.buffer;
    const buffer = this.#host.buffer(bytes);
    if (found) this.#host.free(found.buffer);
    this.#scratch.set(name, { buffer, bytes });
    return buffer;
  }

  #multiply(
    a: GPUBuffer,
    b: GPUBuffer,
    out: GPUBuffer,
    [M, N, K]: [number, number, number],
    strides: number[],
    scale: number,
    keep: number,
  ): void {
    const shape = [M, N, K, ...strides, float(scale), float(keep)];
    if (this.#lone) {
      const tiles = Math.ceil(M / 8) * Math.ceil(N / 4);
      if (tiles > 0) this.#host.run('matmul_direct', [a, b, out], shape, grid(Math.ceil(tiles / 16)));
      return;
    }
    const groups = [Math.ceil(N / 64), Math.ceil(M / 64)] as const;
    if (Math.max(...groups) > mostGroups)
      throw new ArgumentError({
        thing: 'matrix product',
        found: `[${M}, ${N}]`,
        wanted: `at most ${64 * mostGroups} rows and columns`,
      });
    if (M * N > 0) this.#host.run('matmul', [a, b, out], shape, groups);
  }
}

/** 0: no weights, 1: one a row, 2: one an element. */
function weighting(weights: DeviceArray | undefined, P: number, C: number): number {
  return weights ? (weights.length === P * C && C !== 1 ? 2 : 1) : 0;
}
