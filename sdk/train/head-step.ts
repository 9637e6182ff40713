// One step of training: a batch of rows through every head, losses, gradients, the optimiser; written once for every device, without a read-back.
import { ArgumentError } from '../errors.js';
import type { DeviceArray, HostArray, TrainDevice } from './device.js';
import { type BoxLayer, type Classifier, type Layer, type LayerWeights, openBoxLayer, openLayer, Scope } from './head-layer.js';
import { denseTargets, type HeadRows, type ImageRows, type Kernel, labelTargets, scaledRows } from './head-rows.js';
import type { HardSoftLoss, HeatmapLoss, SigmoidLoss } from './losses.js';
import {
  type DeviceOptimizer,
  deviceOptimizer,
  type DeviceOptimizerOptions,
  type DeviceParameter,
  type OptimizerState,
} from './optimizers.js';

/** A head as it begins; weights are on channels of length 1. */
export interface StartedHead extends LayerWeights {
  readonly name: string;
  readonly kernel: Kernel;
  readonly classes: number;
  readonly classifier: Classifier;
  readonly loss: HeatmapLoss | SigmoidLoss | HardSoftLoss;
}

interface OnDevice {
  readonly head: StartedHead;
  readonly layer: Layer;
  readonly boxes: BoxLayer | undefined;
  /** Columns and similarities of the loss. */
  readonly columns: DeviceArray<Uint8Array> | undefined;
  readonly similarity: DeviceArray | undefined;
}

/** Cells up to which the loss of a corner is a square. */
const boxBeta = 1;

/** Steps whose losses are kept on a GPU before they are read. */
const mostUnread = 16;

/** Heads on a device while they are trained. */
export class HeadSteps {
  readonly #device: TrainDevice;
  readonly #heads: readonly OnDevice[];
  readonly #optimizer: DeviceOptimizer;
  readonly #parameters: readonly DeviceParameter[];
  readonly #toUnit: Float32Array;
  /** Rows of images that stay on the device, while there is room. */
  readonly #kept = new Map<ImageRows, Map<Kernel, DeviceArray>>();
  #room: number;
  /** Sums of the losses of steps that were not read yet, and what each is divided by: [steps, heads 2]. */
  readonly #sums: DeviceArray;
  #unread: number[][] = [];

  constructor(
    device: TrainDevice,
    heads: readonly StartedHead[],
    {
      toUnit,
      optimizer,
      memory,
    }: { readonly toUnit: Float32Array; readonly optimizer: DeviceOptimizerOptions; readonly memory: number },
  ) {
    this.#device = device;
    this.#toUnit = toUnit;
    this.#room = memory;
    this.#heads = heads.map((head) => {
      const { name, classifier, kernel, classes, loss, boxWeight, boxBias } = head;
      const K = kernel * kernel * toUnit.length;
      const columns = loss.kernel === 'sigmoid_cross_entropy' ? loss.columns : undefined;
      return {
        head,
        layer: openLayer(device, name, classifier, { kernel, K, C: classes }, head, loss.kernel === 'hard_soft_labels'),
        boxes: boxWeight && boxBias && openBoxLayer(device, name, K, boxWeight, boxBias),
        columns: columns && device.upload(columns),
        similarity: loss.kernel === 'hard_soft_labels' ? device.upload(Float32Array.from(loss.similarity)) : undefined,
      };
    });
    this.#parameters = this.#heads.flatMap(({ layer, boxes }) => [...layer.parameters, ...(boxes?.parameters ?? [])]);
    this.#optimizer = deviceOptimizer(this.#parameters, optimizer, device);
    this.#sums = device.zeros(mostUnread * heads.length * 2);
  }

  /** Whether losses have to be read before another step. */
  get full(): boolean {
    return this.#unread.length === mostUnread;
  }

  /** Queues a step on some images. Throws ArgumentError where a processor meets a number that is not finite; nothing is changed then. */
  step(images: readonly ImageRows[], rate: number): void {
    const scope = new Scope(this.#device);
    try {
      const divisors: number[] = [];
      const gradients = this.#heads.flatMap((own, h) => {
        const taught = images.flatMap((rows) => (rows.heads[h] ? [{ rows, own: rows.heads[h] }] : []));
        const count = own.layer.parameters.length + (own.boxes?.parameters.length ?? 0);
        const nothing = Array.from({ length: count }, () => undefined);
        // 0: there is no such loss.
        divisors.push(0, 0);
        if (taught.length === 0) return nothing;
        return this.#headGradients(own, taught, scope, this.#unread.length * this.#heads.length * 2 + h * 2, divisors);
      });
      this.#optimizer.step(gradients, rate);
      this.#unread.push(divisors);
      this.#device.submit();
    } finally {
      scope.dispose();
    }
  }

  #headGradients(
    { head, layer, boxes, columns, similarity }: OnDevice,
    taught: readonly { readonly rows: ImageRows; readonly own: HeadRows }[],
    scope: Scope,
    place: number,
    divisors: number[],
  ): (DeviceArray | undefined)[] {
    const device = this.#device;
    const { kernel, classes: C, loss } = head;
    const P = taught.reduce((sum, { rows }) => sum + rows.count, 0);
    const x = this.#joined(taught.map(({ rows }) => rows), kernel, P, scope); // prettier-ignore
    const { logits, backward } = layer.forward(x, P, scope);
    const upload = <T extends HostArray>(values: T): DeviceArray<T> => scope.keep(device.upload(values));
    const output = { rows: scope.zeros(P), gradient: scope.zeros(P * C) };
    let normaliser: number;
    if (loss.kernel === 'hard_soft_labels') {
      const { labels, weights } = labelTargets(taught, C);
      normaliser = Math.max(1, labels.reduce((count, label) => count + Number(label >= 0 && label < C), 0)); // prettier-ignore
      const { temperature, softWeight } = loss;
      const given = { labels: upload(labels), weights: upload(weights), similarity: similarity!, temperature, softWeight };
      device.hard_soft_labels({ logits, P, C, ...given, scale: 1 / normaliser }, output);
    } else {
      const dense = denseTargets(taught, C);
      normaliser = Math.max(1, taught.reduce((sum, { own }) => sum + own.positives, 0)); // prettier-ignore
      const shared = { logits, P, C, targets: upload(dense.targets), weights: upload(dense.weights), scale: 1 / normaliser };
      if (loss.kernel === 'heatmap_focal') device.heatmap_focal({ ...shared, alpha: loss.alpha, beta: loss.beta }, output);
      else device.sigmoid_cross_entropy({ ...shared, columns, gamma: loss.gamma, alpha: loss.alpha }, output);
    }
    divisors[divisors.length - 2] = normaliser;
    device.sum_rows({ x: output.rows, out: this.#sums, P, C: 1, first: place });
    const gradients: (DeviceArray | undefined)[] = backward(output.gradient);
    return boxes ? [...gradients, ...this.#boxGradients(boxes, x, taught, scope, place + 1, divisors, kernel)] : gradients;
  }

  /** Smooth L1 of corners at the centres of a batch, in sides of the box: convex, so that no step can turn a box inside out for good. */
  #boxGradients(
    boxes: BoxLayer,
    x: DeviceArray,
    taught: readonly { readonly rows: ImageRows; readonly own: HeadRows }[],
    scope: Scope,
    place: number,
    divisors: number[],
    kernel: Kernel,
  ): (DeviceArray | undefined)[] {
    const device = this.#device;
    const m = taught.reduce((sum, { own }) => sum + own.centres.length, 0);
    if (m === 0) return boxes.parameters.map(() => undefined);
    const K = kernel * kernel * this.#toUnit.length;
    const [chosen, model, wanted] = [new Float32Array(m * K), new Float32Array(4 * m), new Float32Array(4 * m)];
    let at = 0;
    for (const { rows, own } of taught) {
      model.set(own.modelBoxes, 4 * at);
      wanted.set(own.boxes, 4 * at);
      chosen.set(scaledRows(rows, kernel, this.#toUnit, own.centres), at * K);
      at += own.centres.length;
    }
    const upload = (values: Float32Array): DeviceArray => scope.keep(device.upload(values));
    const { corners, backward } = boxes.forward(upload(chosen), upload(model), m, scope);
    const output = { rows: scope.zeros(m), gradient: scope.zeros(4 * m) };
    const weights = wanted.map((_, i) => 1 / (wanted[(i & ~3) + (i & 1) + 2]! - wanted[(i & ~3) + (i & 1)]!));
    const given = { targets: upload(wanted), weights: upload(weights), beta: boxBeta, scale: 1 / m };
    device.smooth_l1({ logits: corners, P: m, C: 4, ...given }, output);
    divisors[divisors.length - 1] = m;
    device.sum_rows({ x: output.rows, out: this.#sums, P: m, C: 1, first: place });
    return backward(output.gradient);
  }

  /** Rows of several images, one below the other. */
  #joined(images: readonly ImageRows[], kernel: Kernel, P: number, scope: Scope): DeviceArray {
    const K = kernel * kernel * this.#toUnit.length;
    const x = scope.zeros(P * K);
    let at = 0;
    for (const rows of images) {
      let own = this.#kept.get(rows)?.get(kernel);
      if (!own) {
        own = this.#device.upload(scaledRows(rows, kernel, this.#toUnit));
        if (4 * own.length <= this.#room) {
          this.#room -= 4 * own.length;
          this.#kept.set(rows, (this.#kept.get(rows) ?? new Map<Kernel, DeviceArray>()).set(kernel, own));
        } else scope.keep(own);
      }
      this.#device.copy(own, x, at);
      at += own.length;
    }
    return x;
  }

  /** Losses of the steps since the last call: sums over heads of their means. Rejects with ArgumentError where one is not finite. */
  async losses(): Promise<number[]> {
    const unread = this.#unread;
    if (unread.length === 0) return [];
    const sums = await this.#sums.read();
    this.#unread = [];
    const width = this.#heads.length * 2;
    // What a step did not touch is of an older one.
    const losses = unread.map((divisors, step) =>
      divisors.reduce((total, divisor, i) => total + (divisor === 0 ? 0 : sums[step * width + i]! / divisor), 0),
    );
    const bad = losses.find((loss) => !Number.isFinite(loss));
    if (bad === undefined) return losses;
    throw new ArgumentError({ thing: 'loss', found: String(bad), wanted: 'a finite number', next: 'The rate may be too high.' });
  }

  /** Numbers of every head, on channels of length 1. */
  read(): Promise<LayerWeights[]> {
    return Promise.all(
      this.#heads.map(async ({ layer, boxes }) => ({ ...(await layer.read()), ...(boxes && (await boxes.read())) })),
    );
  }

  /** Everything that a checkpoint needs of parameters and optimiser. */
  async state(): Promise<{ weights: Record<string, Float32Array>; optimizer: OptimizerState }> {
    const weights = await Promise.all(this.#parameters.map(async ({ name, weights: own }) => [name, await own.read()] as const));
    return { weights: Object.fromEntries(weights), optimizer: await this.#optimizer.state() };
  }

  /** Goes on from a state of the optimiser; the weights are those that the heads were opened with. Throws ArgumentError. */
  restore(optimizer: OptimizerState): void {
    this.#optimizer.restore(optimizer);
  }

  dispose(): void {
    for (const kept of this.#kept.values()) for (const array of kept.values()) array.dispose();
    for (const { weights } of this.#parameters) weights.dispose();
    for (const { layer, columns, similarity } of this.#heads)
      for (const array of [...layer.constants, columns, similarity]) array?.dispose();
    this.#optimizer.dispose();
    this.#sums.dispose();
  }
}
