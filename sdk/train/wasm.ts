// The training kernels in WASM SIMD, 32-bit floats. Rows are handed over in blocks, so that memory stays small however large a batch is.
import bytes from '../../build/assembly/train.wasm';
import { ArgumentError, describe, DeviceError } from '../errors.js';
import type { Floats, LossOutput, MergedMasks, TrainKernels } from './kernels.js';
import { referenceKernels } from './reference/index.js';
import { absentMaskLogit } from './reference/merge_masks.js';
import { entropySlopes } from './reference/orthogonality.js';

type Exports = Record<
  | 'softmax_cross_entropy'
  | 'sigmoid_cross_entropy'
  | 'hard_soft_labels'
  | 'heatmap_focal'
  | 'dice'
  | 'projection'
  | 'merge_classes'
  | 'merge_largest'
  | 'merge_slopes'
  | 'smooth_l1'
  | 'box_iou_loss'
  | 'matmul'
  | 'transpose'
  | 'sgd'
  | 'adamw'
  | 'square_sum',
  (...values: number[]) => number
>;

/** Numbers of one block of logits: 4 MB, and as much for its gradient. */
const blockNumbers = 1 << 20;
/** Numbers of one block of masks that are merged: 1 MB. */
const mergeNumbers = 1 << 18;
const pageBytes = 1 << 16;
/** No pointer is 0; vector loads may read a little behind an array. */
const firstByte = 64;
const spare = 64;

type Taken = Float32Array | Int32Array | Uint8Array;

/** Memory of the module, given out from the start for each call; constants keep their place as long as they are the same. */
class Space {
  readonly memory = new WebAssembly.Memory({ initial: 1, maximum: 65536 });
  readonly run: Exports;
  #constant: Taken | undefined;
  #base = firstByte;
  #top = firstByte;

  constructor(module: WebAssembly.Module) {
    const { exports } = new WebAssembly.Instance(module, { env: { memory: this.memory } });
    this.run = exports as unknown as Exports;
  }

  /** Starts a call; a constant that was there before is not copied again. Returns its place, 0 for none. */
  begin(constant?: Taken): number {
    if (!constant) {
      this.#top = this.#base;
      return 0;
    }
    if (this.#constant !== constant) {
      this.#top = firstByte;
      this.#constant = undefined;
      this.put(constant);
      this.#constant = constant;
      this.#base = this.#top;
    }
    this.#top = this.#base;
    return firstByte;
  }

  take(size: number): number {
    const at = this.#top;
    this.#top = at + Math.ceil(size / 16) * 16 + 16;
    const missing = this.#top + spare - this.memory.buffer.byteLength;
    if (missing > 0) {
      try {
        this.memory.grow(Math.ceil(missing / pageBytes));
      } catch (cause) {
        const found = `no room for ${Math.ceil(this.#top / 2 ** 20)} MB`;
        throw new DeviceError('out-of-memory', {
          thing: 'WASM memory',
          found,
          wanted: 'memory for one block',
          next: 'Use a smaller batch.',
          cause,
        });
      }
    }
    return at;
  }

  /** Copies an array in. */
  put(values: Taken): number {
    const at = this.take(values.byteLength);
    new Uint8Array(this.memory.buffer, at, values.byteLength).set(
      new Uint8Array(values.buffer, values.byteOffset, values.byteLength),
    );
    return at;
  }

  floats(at: number, n: number): Float32Array {
    return new Float32Array(this.memory.buffer, at, n);
  }

  integers(at: number, n: number): Int32Array {
    return new Int32Array(this.memory.buffer, at, n);
  }

  /** Where a call stands, to take the same room for the next block. */
  mark(): number {
    return this.#top;
  }

  release(mark: number): void {
    this.#top = mark;
  }
}

let space: Space | undefined;
let starting: Promise<Space> | undefined;

/** Compiled once for all. Throws DeviceError. */
async function start(): Promise<Space> {
  starting ??= WebAssembly.compile(bytes)
    .then((module) => (space = new Space(module)))
    .catch((cause: unknown) => {
      starting = undefined;
      throw new DeviceError('device-unavailable', {
        thing: 'WebAssembly module for training',
        found: `an error when it was started (${cause instanceof Error ? cause.message : describe(cause)})`,
        wanted: 'WebAssembly with SIMD',
        next: 'On pages with a Content Security Policy, allow `wasm-unsafe-eval`; or use the reference kernels.',
        cause,
      });
    });
  return starting;
}

function single(thing: string, values: Floats): Float32Array {
  if (values instanceof Float32Array) return values;
  throw new ArgumentError({ thing, found: 'doubles', wanted: 'a Float32Array', next: 'The reference kernels take doubles.' });
}

const enum Weighting {
  none,
  rows,
  elements,
}

interface RowLoss {
  readonly logits: Floats;
  readonly weights?: Floats | undefined;
  readonly scale: number;
}

/** Runs a kernel block by block: `call` gets the places of what stands in memory. */
function byBlocks(
  input: RowLoss & { readonly labels?: Int32Array | undefined; readonly targets?: Floats | undefined },
  P: number,
  C: number,
  output: LossOutput,
  constant: Taken | undefined,
  shared: (space: Space) => number,
  call: (at: {
    space: Space;
    logits: number;
    rows: number;
    gradient: number;
    labels: number;
    targets: number;
    weights: number;
    weighting: Weighting;
    constant: number;
    shared: number;
    from: number;
    count: number;
  }) => void,
): void {
  const memory = space!;
  const logits = single('logits', input.logits);
  const gradient = single('gradient', output.gradient);
  const targets = input.targets && single('targets', input.targets);
  const weights = input.weights && single('weights', input.weights);
  const weighting = !weights ? Weighting.none : weights.length === P * C && C !== 1 ? Weighting.elements : Weighting.rows;
  const constantAt = memory.begin(constant);
  const sharedAt = shared(memory);
  const mark = memory.mark();
  const block = Math.max(1, Math.floor(blockNumbers / Math.max(1, C)));
  for (let from = 0; from < P; from += block) {
    const to = Math.min(P, from + block);
    const count = to - from;
    memory.release(mark);
    const at = {
      space: memory,
      logits: memory.put(logits.subarray(from * C, to * C)),
      labels: input.labels ? memory.put(input.labels.subarray(from, to)) : 0,
      targets: targets ? memory.put(targets.subarray(from * C, to * C)) : 0,
      weights: weights
        ? memory.put(weighting === Weighting.elements ? weights.subarray(from * C, to * C) : weights.subarray(from, to))
        : 0,
      weighting,
      rows: memory.take(count * 4),
      gradient: memory.take(count * C * 4),
      constant: constantAt,
      shared: sharedAt,
      from,
      count,
    };
    call(at);
    output.rows.set(memory.floats(at.rows, count), from);
    gradient.set(memory.floats(at.gradient, count * C), from * C);
  }
}

const nothing = () => 0;

/** Copies arrays in, runs `call` with their places, copies those of `back` out again. */
function inPlace(
  arrays: readonly Float32Array[],
  back: readonly number[],
  call: (run: Exports, places: number[]) => number | void,
): number {
  const memory = space!;
  memory.begin();
  const mark = memory.mark();
  const n = arrays[0]!.length;
  let sum = 0;
  for (let from = 0; from < n; from += blockNumbers) {
    memory.release(mark);
    const parts = arrays.map((values) => values.subarray(from, Math.min(n, from + blockNumbers)));
    const places = parts.map((part) => memory.put(part));
    sum += call(memory.run, [...places, parts[0]!.length]) ?? 0;
    for (const i of back) parts[i]!.set(memory.floats(places[i]!, parts[i]!.length));
  }
  return sum;
}

/** Proposals of each merged class, in their order. */
function membersOf({ classOf, counts }: Pick<MergedMasks, 'classOf' | 'counts'>): number[][] {
  const members = Array.from(counts, (): number[] => []);
  classOf.forEach((k, m) => {
    if (k >= 0) members[k]!.push(m);
  });
  return members;
}

/** Room for a part of the masks of some proposals, pixels `start` to `start + count`: rows `stride` bytes apart, one merged row, and who gave it. */
function byPixels(
  N: number,
  members: readonly number[],
  call: (at: { masks: number; stride: number; members: number; row: number; from: number }, start: number, count: number) => void,
): void {
  const memory = space!;
  const block = Math.min(N, Math.max(64, Math.floor(mergeNumbers / (members.length + 2))));
  const stride = Math.ceil(block / 4) * 16;
  memory.begin();
  const at = {
    members: memory.put(Int32Array.from(members)),
    masks: memory.take(members.length * stride),
    stride,
    row: memory.take(stride),
    from: memory.take(stride),
  };
  for (let start = 0; start < N; start += block) call(at, start, Math.min(block, N - start));
}

const kernels: TrainKernels = {
  softmax_cross_entropy(input, output) {
    const { P, C, columns, scale } = input;
    byBlocks(
      input,
      P,
      C,
      output,
      undefined,
      (memory) => (columns ? memory.put(columns) : 0),
      (at) => {
        at.space.run.softmax_cross_entropy(at.logits, at.count, C, at.labels, at.shared, at.weights, scale, at.rows, at.gradient);
      },
    );
  },
  sigmoid_cross_entropy(input, output) {
    const { P, C, table, columns, gamma, alpha, scale } = input;
    byBlocks(
      input,
      P,
      C,
      output,
      table,
      (memory) => (columns ? memory.put(columns) : 0),
      (at) => {
        at.space.run.sigmoid_cross_entropy(
        at.logits, at.count, C, at.labels, at.constant, at.targets, at.shared, at.weights, at.weighting, gamma, alpha, scale, at.rows, at.gradient,
      ); // prettier-ignore
      },
    );
  },
  hard_soft_labels(input, output) {
    const { P, C, similarity, temperature, softWeight, scale } = input;
    byBlocks(input, P, C, output, single('similarity', similarity), nothing, (at) => {
      at.space.run.hard_soft_labels(
        at.logits, at.count, C, at.labels, at.constant, temperature, softWeight, at.weights, scale, at.rows, at.gradient,
      ); // prettier-ignore
    });
  },
  heatmap_focal(input, output) {
    const { P, C, alpha, beta, scale } = input;
    byBlocks(input, P, C, output, undefined, nothing, (at) => {
      at.space.run.heatmap_focal(
        at.logits,
        at.count,
        C,
        at.targets,
        at.weights,
        at.weighting,
        alpha,
        beta,
        scale,
        at.rows,
        at.gradient,
      );
    });
  },
  dice(input, output) {
    const { M, N, smooth, squared, scale } = input;
    byBlocks(input, M, N, output, undefined, nothing, (at) => {
      at.space.run.dice(at.logits, at.count, N, at.targets, at.weights, smooth, Number(squared), scale, at.rows, at.gradient);
    });
  },
  smooth_l1(input, output) {
    const { P, C, beta, scale } = input;
    byBlocks(input, P, C, output, undefined, nothing, (at) => {
      at.space.run.smooth_l1(at.logits, at.count, C, at.targets, at.weights, at.weighting, beta, scale, at.rows, at.gradient);
    });
  },
  projection(input, output) {
    const { logits, M, H, W, weights, smooth, squared, scale } = input;
    if (H * W === 0) {
      output.rows.fill(0);
      return;
    }
    const [targetsX, targetsY] = [single('targetsX', input.targetsX), single('targetsY', input.targetsY)];
    const room = (memory: Space) => memory.take(8 * (W + H) + 32);
    byBlocks({ logits, weights, scale }, M, H * W, output, undefined, room, ({ space: memory, from, count, ...at }) => {
      const x = memory.put(targetsX.subarray(from * W, (from + count) * W));
      const y = memory.put(targetsY.subarray(from * H, (from + count) * H));
      memory.run.projection(
        at.logits, count, H, W, x, y, at.weights, smooth, Number(squared), scale, at.shared, at.rows, at.gradient,
      ); // prettier-ignore
    });
  },
  box_iou_loss(input, output) {
    const { P, kind, scale } = input;
    byBlocks(input, P, 4, output, undefined, nothing, (at) => {
      const complete = Number(kind === 'ciou');
      at.space.run.box_iou_loss(at.logits, at.count, at.targets, at.weights, complete, scale, at.rows, at.gradient);
    });
  },
  orthogonality({ logits, U, D, temperature, wholeRows, scale }, { rows, gradient }) {
    const x = single('logits', logits);
    const slopes = new Float32Array(U * U);
    kernels.matmul({ a: x, b: x, out: slopes, M: U, N: U, K: D, transposeB: true });
    for (let i = 0; i < slopes.length; i++) slopes[i] = slopes[i]! / temperature;
    entropySlopes(slopes, rows, U, wholeRows);
    // The gradient is scale / T (G + G^T) X.
    for (let i = 0; i < U; i++) {
      for (let j = 0; j <= i; j++) {
        const both = ((slopes[i * U + j]! + slopes[j * U + i]!) * scale) / temperature;
        slopes[i * U + j] = slopes[j * U + i] = both;
      }
    }
    kernels.matmul({ a: slopes, b: x, out: single('gradient', gradient), M: U, N: D, K: U });
  },
  matmul({ a, b, out, M, N, K, transposeA = false, transposeB = false }) {
    const memory = space!;
    const [left, right, result] = [single('a', a), single('b', b), single('out', out)];
    if (M * N === 0) return;
    memory.begin();
    let bAt = memory.put(right);
    if (transposeB) {
      const turned = memory.take(K * N * 4 + 32);
      memory.run.transpose(bAt, turned, N, K);
      bAt = turned;
    }
    const panel = memory.take(K * 32);
    if (transposeA) {
      // Its rows are columns of the result: all at once.
      const stored = memory.put(left);
      const turned = memory.take(K * M * 4);
      memory.run.transpose(stored, turned, K, M);
      const outAt = memory.take(M * N * 4);
      memory.run.matmul(turned, bAt, outAt, panel, M, N, K);
      result.set(memory.floats(outAt, M * N));
      return;
    }
    const mark = memory.mark();
    const block = Math.max(4, Math.floor(blockNumbers / Math.max(1, K + N)) & ~3);
    for (let from = 0; from < M; from += block) {
      const to = Math.min(M, from + block);
      memory.release(mark);
      const aAt = memory.put(left.subarray(from * K, to * K));
      const outAt = memory.take((to - from) * N * 4);
      memory.run.matmul(aAt, bAt, outAt, panel, to - from, N, K);
      result.set(memory.floats(outAt, (to - from) * N), from * N);
    }
  },
  // A step or two a number: copies into the module would cost what the loops do.
  add_rows: (input) => referenceKernels.add_rows(input),
  sum_rows: (input) => referenceKernels.sum_rows(input),
  unit_rows: (input) => referenceKernels.unit_rows(input),
  unit_rows_gradient: (input) => referenceKernels.unit_rows_gradient(input),
  merge_masks({ masks, M, N, classes, C, places, K }, merged) {
    const memory = space!;
    const x = single('masks', masks);
    const largest = single('merged masks', merged.masks);
    merged.counts.fill(0);
    merged.classes.fill(0);
    if (M > 0) {
      memory.begin();
      const placesAt = memory.put(places);
      const given = memory.put(single('classes', classes));
      const [room, classOf, counts, means] = [memory.take(4 * M), memory.take(4 * M), memory.take(4 * K), memory.take(4 * K * C)];
      memory.run.merge_classes(given, M, C, placesAt, K, room, classOf, counts, means);
      merged.classOf.set(memory.integers(classOf, M));
      merged.counts.set(memory.integers(counts, K));
      merged.classes.set(memory.floats(means, K * C));
    }
    membersOf(merged).forEach((members, k) => {
      const [row, from] = [largest.subarray(k * N, (k + 1) * N), merged.from.subarray(k * N, (k + 1) * N)];
      if (members.length < 2) {
        // Nothing to compare.
        const [only = -1] = members;
        if (only < 0) row.fill(absentMaskLogit);
        else row.set(x.subarray(only * N, (only + 1) * N));
        from.fill(only);
        return;
      }
      byPixels(N, members, (at, start, count) => {
        members.forEach((m, i) =>
          memory.floats(at.masks + i * at.stride, count).set(x.subarray(m * N + start, m * N + start + count)),
        );
        memory.run.merge_largest(at.masks, at.stride, at.members, members.length, count, at.row, at.from);
        row.set(memory.floats(at.row, count), start);
        from.set(memory.integers(at.from, count), start);
      });
    });
  },
  merge_masks_gradient({ M, N, C, from, classOf, counts, maskGradient, classGradient }, { masks, classes }) {
    const memory = space!;
    const slopes = single('maskGradient', maskGradient);
    const out = single('masks', masks);
    for (let m = 0; m < M; m++) {
      const k = classOf[m]!;
      if (k < 0) {
        out.fill(0, m * N, (m + 1) * N);
        classes.fill(0, m * C, (m + 1) * C);
        continue;
      }
      const count = counts[k]!;
      for (let c = 0; c < C; c++) classes[m * C + c] = classGradient[k * C + c]! / count;
    }
    membersOf({ classOf, counts }).forEach((members, k) => {
      const row = slopes.subarray(k * N, (k + 1) * N);
      if (members.length === 1) out.set(row, members[0]! * N);
      if (members.length < 2) return;
      byPixels(N, members, (at, start, count) => {
        memory.floats(at.row, count).set(row.subarray(start, start + count));
        memory.integers(at.from, count).set(from.subarray(k * N + start, k * N + start + count));
        memory.run.merge_slopes(at.from, at.row, at.members, members.length, count, at.masks, at.stride);
        members.forEach((m, i) => out.set(memory.floats(at.masks + i * at.stride, count), m * N + start));
      });
    });
  },
  sgd({ weights, gradient, velocity, rate, momentum, decay, nesterov, clip }) {
    const arrays = [single('weights', weights), single('gradient', gradient), single('velocity', velocity)];
    inPlace(arrays, [0, 2], (run, [w, g, v, n]) => {
      run.sgd(w!, g!, v!, n!, rate, momentum, decay, Number(nesterov), clip);
    });
  },
  adamw({ weights, gradient, first, second, rate, beta1, beta2, epsilon, decay, step, clip }) {
    const arrays = [single('weights', weights), single('gradient', gradient), single('first', first), single('second', second)];
    const correction = rate / (1 - beta1 ** step);
    const root = 1 / Math.sqrt(1 - beta2 ** step);
    inPlace(arrays, [0, 2, 3], (run, [w, g, m, v, n]) => {
      run.adamw(w!, g!, m!, v!, n!, correction, beta1, 1 - beta1, beta2, 1 - beta2, epsilon, 1 - rate * decay, root, clip);
    });
  },
  square_sum: (values) => inPlace([single('values', values)], [], (run, [x, n]) => run.square_sum(x!, n!)),
};

/**
 * The kernels in WASM: losses over rows, boxes, masks and heat maps, merged masks, products and optimiser steps; steps around products are the reference's.
 * Arrays must be Float32Array. Throws DeviceError where WebAssembly with SIMD is missing.
 */
export async function wasmTrainKernels(): Promise<TrainKernels> {
  await start();
  return kernels;
}
