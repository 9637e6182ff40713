// The page of losses-webgpu.mjs: labelweave/train and TF.js, each with a device of its own on the same adapter, taking turns on arrays that are there before.
import * as tf from '@tensorflow/tfjs-core';
import { WebGPUBackend } from '@tensorflow/tfjs-backend-webgpu';
import * as train from '../../sdk/train/index.ts';
import { planLoss } from '../../sdk/train/losses.ts';
import { headData, headPeer, headStep, lossCases, mergeData, mergePeer, mergeShape } from './loss-cases.mjs';

const random = train.seededRandom(1);
let kernels;
let cases;

/** Largest absolute difference, times a factor. */
const farthest = (a, b, factor = 1) => {
  let most = 0;
  for (let i = 0; i < a.length; i++) most = Math.max(most, Math.abs(a[i] - b[i]) * factor);
  return most;
};

async function timed(work) {
  const start = performance.now();
  const result = await work();
  return { ms: performance.now() - start, result };
}

globalThis.bench = {
  async open({ software }) {
    await tf.setBackend('webgpu');
    await tf.ready();
    if (!(tf.backend() instanceof WebGPUBackend)) throw new Error(`TF.js: found backend ${tf.getBackend()}; wanted webgpu.`);
    kernels = await train.webgpuTrainKernels({ software });
    cases = lossCases({ train, tf, random });
    return {
      description: kernels.description,
      cases: Object.entries(cases).flatMap(([name, { shapes }]) => shapes.map((shape) => ({ name, shape }))),
    };
  },

  /** One loss: times of both in turns, after a round that warms up and is compared. */
  async loss({ name, shape: [P, C], repeat }) {
    const { loss, input, peer, logits = Float32Array.from({ length: P * C }, () => 8 * random() - 4) } = cases[name].make(P, C);
    const plan = planLoss(loss, { logits, ...input }, {});
    const uploaded = Object.entries(plan.call.input).map(([key, value]) => [
      key,
      ArrayBuffer.isView(value) ? kernels.upload(value) : value,
    ]);
    const given = Object.fromEntries(uploaded);
    const [rows, gradient] = [kernels.zeros(plan.P), kernels.zeros(logits.length)];
    const x = tf.tensor2d(logits, [P, C]);
    await x.sum().data();
    await kernels.settled();
    const own = async () => {
      kernels[plan.call.kernel](given, { rows, gradient });
      const values = await rows.read();
      let sum = 0;
      for (const value of values) sum += value;
      return sum / plan.divisor;
    };
    // The value comes to the host on both sides, the gradient stays on the device, done: it was queued before the read.
    const theirs = async () => {
      const { value, grad } = tf.valueAndGrad(peer)(x);
      const [number] = await value.data();
      value.dispose();
      return { number, grad };
    };
    const times = { ours: [], tfjs: [] };
    let off;
    for (let i = 0; i < repeat + 1; i++) {
      const [a, b] = [await timed(own), await timed(theirs)];
      if (i === 0) {
        const [mine, other] = [await gradient.read(), await b.result.grad.data()];
        off = { value: Math.abs(a.result / b.result.number - 1), gradient: farthest(mine, other, plan.normaliser) };
      } else {
        times.ours.push(a.ms);
        times.tfjs.push(b.ms);
      }
      b.result.grad.dispose();
    }
    for (const array of [rows, gradient, ...Object.values(given)]) array?.dispose?.();
    tf.disposeVariables();
    x.dispose();
    return { times, off };
  },

  /** MERGE forward and backward. TF.js takes the classes to the host between, as its operators need lists of rows. */
  async merge({ repeat }) {
    const { M, N, C, K } = mergeShape;
    const data = mergeData(random);
    const peer = mergePeer(tf, data);
    const on = peer.tensors();
    const names = ['masks', 'classes', 'maskGradient', 'classGradient'];
    const given = Object.fromEntries(names.map((name) => [name, kernels.upload(data[name])]));
    const places = kernels.upload(Int32Array.from({ length: C }, (_, c) => data.wanted.indexOf(c)));
    const integers = (n) => kernels.upload(new Int32Array(n));
    const merged = { masks: kernels.zeros(K * N), classes: kernels.zeros(K * C), from: integers(K * N), classOf: integers(M), counts: integers(K) }; // prettier-ignore
    const back = { masks: kernels.zeros(M * N), classes: kernels.zeros(M * C) };
    await tf.add(on.masks.sum(), on.maskGradient.sum()).data();
    await kernels.settled();
    const own = async () => {
      kernels.merge_masks({ masks: given.masks, classes: given.classes, places, M, N, C, K }, merged);
      const { from, classOf, counts } = merged;
      const { maskGradient, classGradient } = given;
      kernels.merge_masks_gradient({ from, classOf, counts, maskGradient, classGradient, M, N, C, K }, back);
      return back.classes.read();
    };
    const theirs = async () => {
      const classes = await tf.tidy(() => on.classes.argMax(1)).data();
      const result = tf.tidy(() => peer.run(on, classes));
      // The device works in order: what was queued before is done.
      await result.classes.grad.data();
      return result;
    };
    const times = { ours: [], tfjs: [] };
    let off;
    for (let i = 0; i < repeat + 1; i++) {
      const [a, b] = [await timed(own), await timed(theirs)];
      const { masks, classes } = b.result;
      if (i === 0) {
        const far = async (mine, other) => farthest(await mine.read(), await other.data());
        off = {
          value: Math.max(await far(merged.masks, masks.value), await far(merged.classes, classes.value)),
          gradient: Math.max(await far(back.masks, masks.grad), await far(back.classes, classes.grad)),
        };
      } else {
        times.ours.push(a.ms);
        times.tfjs.push(b.ms);
      }
      tf.dispose([masks, classes]);
    }
    for (const array of [given, merged, back, { places }].flatMap(Object.values)) array.dispose();
    tf.dispose(on);
    return { times, off, shape: [M, N] };
  },

  /** Steps of training, queued without a wait between them. */
  async step({ C, steps, repeat }) {
    const { P, D, rate, decay, clip, betas, epsilon } = headStep;
    const data = headData(random, C);
    const peer = headPeer(tf, data, C);
    const [features, targets, weights] = [data.features, data.targets, data.weights].map((values) => kernels.upload(values));
    const loss = train.heatmapLoss({ classes: C });
    const { normaliser } = planLoss(loss, { logits: new Float32Array(P * C), targets: data.targets }, {});
    const arrays = { logits: P * C, rows: P, gradient: P * C, slope: (D + 1) * C, first: (D + 1) * C, second: (D + 1) * C, norm: 2 }; // prettier-ignore
    const on = Object.fromEntries(Object.entries(arrays).map(([name, length]) => [name, kernels.zeros(length)]));
    let taken = 0;
    // A bias of its own would be add_rows after the first product and sum_rows beside the second.
    const own = async () => {
      for (let i = 0; i < steps; i++) {
        kernels.matmul({ a: features, b: weights, out: on.logits, M: P, N: C, K: D + 1 });
        const input = { logits: on.logits, P, C, targets, alpha: loss.alpha, beta: loss.beta, scale: 1 / normaliser };
        kernels.heatmap_focal(input, { rows: on.rows, gradient: on.gradient });
        kernels.matmul({ a: features, b: on.gradient, out: on.slope, M: D + 1, N: C, K: P, transposeA: true });
        kernels.global_norm([on.slope], clip, on.norm);
        const moments = { first: on.first, second: on.second, beta1: betas[0], beta2: betas[1], epsilon };
        kernels.adamw({ weights, gradient: on.slope, ...moments, rate, decay, step: ++taken, clip: on.norm });
      }
      await kernels.settled();
    };
    const theirs = async () => {
      peer.queue(steps);
      // What the last step leaves on the device, 65 C numbers; TF.js has no other way to wait.
      await peer.weights().data();
    };
    const times = { ours: [], tfjs: [] };
    let off;
    // The first turn warms up.
    for (let i = 0; i < repeat + 1; i++) {
      const [a, b] = [await timed(own), await timed(theirs)];
      if (i === 0) off = farthest(await weights.read(), await peer.weights().data());
      else {
        times.ours.push(a.ms / steps);
        times.tfjs.push(b.ms / steps);
      }
    }
    for (const array of [features, targets, weights, ...Object.values(on)]) array.dispose();
    return { times, off };
  },
};
