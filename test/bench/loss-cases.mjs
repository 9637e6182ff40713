// The losses that losses.mjs and losses-webgpu.mjs measure: each as labelweave/train has it and composed of TF.js operators; the MERGE of masks, forward and
// backward; and a step of training.

/** softplus(x) = max(x, 0) + ln(1 + e^-|x|), as every stable implementation has it. */
const softplus = (x) => x.relu().add(x.abs().neg().exp().add(1).log());

/** Sides of a mask of N pixels. */
const sides = { 100: [10, 10], 2249: [13, 173] };

/**
 * By name: shapes of the logits, and what makes a loss, its input and its peer for a shape. Targets that TF.js needs spelt out (one-hot, rows of a table) are
 * made before any time is taken.
 * @param {{ train: typeof import('../../sdk/train/index.js'), tf: import('@tensorflow/tfjs-core'), random: () => number }} tools
 */
export function lossCases({ train, tf, random }) {
  const floats = (n, low = -4, high = 4) => Float32Array.from({ length: n }, () => low + (high - low) * random());
  const whole = (n, below) => Int32Array.from({ length: n }, () => Math.floor(random() * below));
  const oneHot = (labels, C) => tf.tidy(() => tf.oneHot(tf.tensor1d(labels, 'int32'), C).toFloat());
  const tables = [[100_000, 100], [512, 2249]]; // prettier-ignore
  const entropy = (x, t) => softplus(x).sub(x.mul(t));
  const masks = (P, C) => floats(P * C, -1, 1).map((t) => Number(t > 0));
  const dice = (p, t, axis) => {
    const over = (x) => x.sum(axis);
    return over(p.mul(t))
      .mul(2)
      .add(1)
      .div(over(p).add(over(t)).add(1))
      .neg()
      .add(1);
  };
  const boxes = (n) => {
    const out = new Float32Array(4 * n);
    for (let i = 0; i < n; i++) {
      const [x, y] = [8 * random(), 8 * random()];
      out.set([x, y, x + 0.5 + 6 * random(), y + 0.5 + 6 * random()], 4 * i);
    }
    return out;
  };
  return {
    'softmax cross-entropy': {
      shapes: tables,
      make(P, C) {
        const labels = whole(P, C);
        const hot = oneHot(labels, C);
        // TF.js's own, which has its gradient by hand.
        return { loss: train.softmaxLoss({ classes: C }), input: { labels }, peer: (x) => tf.losses.softmaxCrossEntropy(hot, x) };
      },
    },
    'sigmoid cross-entropy': {
      shapes: tables,
      make(P, C) {
        const labels = whole(P, C + 1);
        const hot = oneHot(labels, C);
        return { loss: train.sigmoidLoss({ classes: C }), input: { labels }, peer: (x) => entropy(x, hot).sum().div(P) };
      },
    },
    'Null BCE': {
      shapes: tables,
      make(P, C) {
        const columns = Array.from({ length: Math.ceil(C / 3) }, (_, i) => 3 * i);
        const labels = whole(P, columns.length);
        const hot = oneHot(labels.map((label) => columns[label]), C); // prettier-ignore
        const part = tf.tensor1d(Float32Array.from({ length: C }, (_, c) => Number(c % 3 === 0)));
        const peer = (x) => entropy(x, hot).mul(part).sum().div(P);
        return { loss: train.nullLoss({ classes: C, columns }), input: { labels }, peer };
      },
    },
    'focal (2, 0.25)': {
      shapes: tables,
      make(P, C) {
        const labels = whole(P, C + 1);
        const hot = oneHot(labels, C);
        const positives = labels.filter((label) => label < C).length;
        const peer = (x) => {
          const p = x.sigmoid();
          const miss = p.add(hot).sub(p.mul(hot).mul(2));
          const share = hot.mul(-0.5).add(0.75);
          return entropy(x, hot).mul(miss.square()).mul(share).sum().div(positives);
        };
        return { loss: train.focalLoss({ classes: C }), input: { labels }, peer };
      },
    },
    'hard and soft labels': {
      shapes: tables,
      make(P, C) {
        const labels = whole(P, C);
        const similarity = floats(C * C, 0, 1);
        const rows = new Float32Array(P * C);
        labels.forEach((label, p) => rows.set(similarity.subarray(label * C, (label + 1) * C), p * C));
        const [hot, soft] = [oneHot(labels, C), tf.tensor2d(rows, [P, C])];
        const loss = train.hardSoftLoss({ similarity, temperature: 0.07 });
        const peer = (x) =>
          entropy(x.div(loss.temperature), hot).add(x.sub(soft).square().mul(loss.softWeight)).sum().div(P); // prettier-ignore
        return { loss, input: { labels }, peer, logits: floats(P * C, -1, 1) };
      },
    },
    'heat map focal': {
      shapes: tables,
      make(P, C) {
        const targets = floats(P * C, 0, 1.02).map((t) => Math.min(1, t));
        return { loss: train.heatmapLoss({ classes: C }), input: { targets }, peer: heatmapPeer(tf, targets, P, C) };
      },
    },
    'smooth L1': {
      shapes: tables,
      make(P, C) {
        const targets = floats(P * C);
        const t = tf.tensor2d(targets, [P, C]);
        const peer = (x) => {
          const size = x.sub(t).abs();
          const near = size.minimum(1);
          return near.square().mul(0.5).add(size.sub(near)).sum().div(P);
        };
        return { loss: train.smoothL1Loss({ numbers: C }), input: { targets }, peer };
      },
    },
    dice: {
      shapes: tables,
      make(P, C) {
        const targets = masks(P, C);
        const t = tf.tensor2d(targets, [P, C]);
        return { loss: train.diceLoss(), input: { targets, masks: P }, peer: (x) => dice(x.sigmoid(), t, 1).mean() };
      },
    },
    projection: {
      shapes: tables,
      make(P, C) {
        const [H, W] = sides[C];
        const [x, y] = [masks(P, W), masks(P, H)];
        const [tx, ty] = [tf.tensor2d(x, [P, W]), tf.tensor2d(y, [P, H])];
        const peer = (logits) => {
          const mask = logits.reshape([P, H, W]);
          const part = (axis, t) => dice(mask.max(axis).sigmoid(), t, 1);
          return part(1, tx).add(part(2, ty)).mean();
        };
        return { loss: train.projectionLoss({ smooth: 1, squared: false }), input: { masks: P, projections: { x, y } }, peer };
      },
    },
    'GIoU of boxes': {
      shapes: [[100_000, 4], [512, 4]], // prettier-ignore
      make(P) {
        const targets = boxes(P);
        const t = tf.tensor2d(targets, [P, 4]).split(4, 1);
        const peer = (x) => {
          const b = x.split(4, 1);
          const span = (low, high) => high.sub(low);
          const inner = span(b[0].maximum(t[0]), b[2].minimum(t[2])).relu().mul(span(b[1].maximum(t[1]), b[3].minimum(t[3])).relu()); // prettier-ignore
          const area = (one) => span(one[0], one[2]).mul(span(one[1], one[3]));
          const joined = area(b).add(area(t)).sub(inner);
          const outer = span(b[0].minimum(t[0]), b[2].maximum(t[2])).mul(span(b[1].minimum(t[1]), b[3].maximum(t[3])));
          const apart = inner.div(joined.add(1e-7)).neg().add(1);
          return apart.add(outer.sub(joined).div(outer.add(1e-7))).mean();
        };
        return { loss: train.boxLoss('giou'), input: { targets }, peer, logits: boxes(P) };
      },
    },
    orthogonality: {
      // Unified labels and their features.
      shapes: [[670, 256]],
      make(U, D) {
        const peer = (x) => {
          const q = x.matMul(x, false, true).mul(1 / 0.07).logSoftmax(); // prettier-ignore
          return q.exp().mul(q).sum().neg().div(U);
        };
        // Unit rows, nearly: their products are cosines.
        const logits = floats(U * D, -1, 1).map((value) => value / Math.sqrt(D / 3));
        return { loss: train.orthogonalityLoss({ features: D, temperature: 0.07, wholeRows: true }), input: {}, peer, logits };
      },
    },
  };
}

/** CenterNet's loss of TF.js operators. */
function heatmapPeer(tf, targets, P, C) {
  const t = tf.tensor2d(targets, [P, C]);
  const centre = t.equal(1).toFloat();
  const count = centre.sum();
  return (x) => {
    const p = x.sigmoid();
    const near = p.neg().add(1).square().mul(softplus(x.neg())).mul(centre);
    const far = t.neg().add(1).pow(4).mul(p.square()).mul(softplus(x)).mul(centre.neg().add(1));
    return near.add(far).sum().div(count);
  };
}

/** Proposals of an image: masks of a quarter of 640 x 640, the classes of COCO's panoptic segmentation, of which some are merged. */
export const mergeShape = { M: 100, N: 160 * 160, C: 134, K: 60 };

/** Masks and class logits, of which 30 classes are the largest of some proposal, and slopes of what they are merged into. */
export function mergeData(random) {
  const { M, N, C, K } = mergeShape;
  const floats = (n) => Float32Array.from({ length: n }, () => 8 * random() - 4);
  const wanted = Array.from({ length: K }, (_, k) => 2 * k);
  const present = Array.from({ length: 30 }, () => Math.floor(C * random()));
  const classes = floats(M * C);
  for (let m = 0; m < M; m++) classes[m * C + present[Math.floor(30 * random())]] = 5;
  return { masks: floats(M * N), classes, wanted, maskGradient: floats(K * N), classGradient: floats(K * C) };
}

/** `tensors` on the device; `run` of them: class of each proposal to the host, then the rows of each class by `maximum` and by mean. */
export function mergePeer(tf, { masks, classes, wanted, maskGradient, classGradient }) {
  const { M, N, C, K } = mergeShape;
  const [absent, none] = [tf.zeros([N]).sub(100), tf.zeros([C])];
  const tensors = () => ({
    masks: tf.tensor2d(masks, [M, N]),
    classes: tf.tensor2d(classes, [M, C]),
    maskGradient: tf.tensor2d(maskGradient, [K, N]),
    classGradient: tf.tensor2d(classGradient, [K, C]),
  });
  const merged = (classOf, largest, mean) => {
    const members = wanted.map((c) => Array.from(classOf.keys()).filter((m) => classOf[m] === c));
    const by = (rest, join) => (x) => {
      const rows = tf.unstack(x);
      return tf.stack(members.map((list) => (list.length ? join(list.map((m) => rows[m])) : rest)));
    };
    const pass = (f, x, slope) => {
      const { value, grads } = tf.valueAndGrads(f)([x], slope);
      return { value, grad: grads[0] };
    };
    return {
      masks: pass(
        by(absent, (rows) => rows.reduce((a, b) => a.maximum(b))),
        largest.x,
        largest.slope,
      ),
      classes: pass(
        by(none, (rows) => rows.reduce((a, b) => a.add(b)).div(rows.length)),
        mean.x,
        mean.slope,
      ),
    };
  };
  return {
    tensors,
    run: (on, classOf) => merged(classOf, { x: on.masks, slope: on.maskGradient }, { x: on.classes, slope: on.classGradient }),
  };
}

/** A head on frozen features [P, D]: a 1x1 convolution to C labels under CenterNet's loss, AdamW, the global norm clipped. */
export const headStep = { P: 128 * 128, D: 64, rate: 0.01, decay: 0.01, clip: 1, betas: [0.9, 0.999], epsilon: 1e-8 };

/**
 * Features, targets and first weights. The last feature is 1: its row of the weights is the bias, which so takes part in both products and in the
 * decay; there is no kernel that adds a bias or sums columns on a GPU.
 */
export function headData(random, C) {
  const { P, D } = headStep;
  const features = new Float32Array(P * (D + 1));
  for (let p = 0; p < P; p++) {
    for (let d = 0; d < D; d++) features[p * (D + 1) + d] = 2 * random() - 1;
    features[p * (D + 1) + D] = 1;
  }
  // A few centres, with what is left of a bell around them; nothing elsewhere.
  const targets = Float32Array.from({ length: P * C }, () => {
    const drawn = random();
    return drawn < 0.0005 ? 1 : drawn < 0.01 ? random() : 0;
  });
  const weights = Float32Array.from({ length: (D + 1) * C }, (_, i) => (i >= D * C ? -2.19 : 0.1 * (2 * random() - 1)));
  return { features, targets, weights };
}

/** The step composed of TF.js operators, with its Adam. `queue(n)` takes n steps and reads nothing. */
export function headPeer(tf, { features, targets, weights }, C) {
  const { P, D, rate, decay, clip, betas, epsilon } = headStep;
  const x = tf.tensor2d(features, [P, D + 1]);
  const w = tf.variable(tf.tensor2d(weights, [D + 1, C]));
  const loss = heatmapPeer(tf, targets, P, C);
  const adam = tf.train.adam(rate, ...betas, epsilon);
  const step = () =>
    tf.tidy(() => {
      const { value, grads } = tf.variableGrads(() => loss(x.matMul(w)), [w]);
      const slope = grads[w.name];
      const norm = slope.square().sum().sqrt();
      const clipped = slope.mul(tf.minimum(1, tf.div(clip, norm.add(1e-6))));
      w.assign(w.mul(1 - rate * decay));
      adam.applyGradients([{ name: w.name, tensor: clipped }]);
      return value;
    });
  return {
    queue(n) {
      for (let i = 0; i < n; i++) step().dispose();
    },
    weights: () => w,
  };
}
