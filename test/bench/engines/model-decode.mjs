// Detections from raw outputs of YOLO, FastestDet and SSD networks in plain loops, for engines that stop there. The same code for every such engine.

const sigmoid = (x) => 1 / (1 + Math.exp(-x));
const logit = (p) => Math.log(p / (1 - p));

/** Best first; a box goes where one of its label overlaps it by more than `iouThreshold`. */
function suppress(candidates, iouThreshold) {
  candidates.sort((a, b) => b.score - a.score);
  const kept = [];
  for (const candidate of candidates) {
    if (kept.every((other) => other.label !== candidate.label || iou(other.box, candidate.box) <= iouThreshold))
      kept.push(candidate);
    if (kept.length === 100) break;
  }
  return kept;
}

function iou(a, b) {
  const width = Math.min(a[2], b[2]) - Math.max(a[0], b[0]);
  const height = Math.min(a[3], b[3]) - Math.max(a[1], b[1]);
  if (width <= 0 || height <= 0) return 0;
  const area = ([x0, y0, x1, y1]) => (x1 - x0) * (y1 - y0);
  return (width * height) / (area(a) + area(b) - width * height);
}

/** A box of the network, cut at the edges of its input. */
function boxOf(cx, cy, w, h, { width, height }) {
  const x = (v) => Math.min(Math.max(v, 0), width);
  const y = (v) => Math.min(Math.max(v, 0), height);
  return [x(cx - w / 2), y(cy - h / 2), x(cx + w / 2), y(cy + h / 2)];
}

const decoders = {
  /** Outputs [1, A * (5 + K), H, W]: tx, ty, tw, th, objectness, classes. */
  yolo(outputs, { decoder, labels, input, threshold }) {
    const found = [];
    const least = logit(threshold);
    decoder.outputs.forEach((name, level) => {
      const { data, dims } = outputs[name];
      const [, , H, W] = dims;
      const cells = H * W;
      const stride = decoder.strides[level];
      const s = decoder.scaleXY?.[level] ?? 1;
      decoder.anchors[level].forEach(([aw, ah], a) => {
        const first = a * (5 + labels) * cells;
        for (let cell = 0; cell < cells; cell++) {
          const at = (column) => data[first + column * cells + cell];
          if (at(4) <= least) continue;
          const objectness = sigmoid(at(4));
          let box;
          for (let label = 0; label < labels; label++) {
            const score = objectness * sigmoid(at(5 + label));
            if (score <= threshold) continue;
            box ??= boxOf(
              (sigmoid(at(0)) * s - (s - 1) / 2 + (cell % W)) * stride,
              (sigmoid(at(1)) * s - (s - 1) / 2 + Math.floor(cell / W)) * stride,
              aw * Math.exp(at(2)),
              ah * Math.exp(at(3)),
              input,
            );
            found.push({ label, score, box });
          }
        }
      });
    });
    return found;
  },
  /** One output [1, 5 + K, H, W]: objectness, dx, dy, w, h, class probabilities. */
  fastestdet(outputs, { decoder, labels, input, threshold }) {
    const { data, dims } = outputs[decoder.outputs];
    const [, , H, W] = dims;
    const cells = H * W;
    const found = [];
    for (let cell = 0; cell < cells; cell++) {
      const at = (column) => data[column * cells + cell];
      let label = 0;
      for (let k = 1; k < labels; k++) if (at(5 + k) > at(5 + label)) label = k;
      const score = at(0) ** 0.6 * at(5 + label) ** 0.4;
      if (score <= threshold) continue;
      const cx = (((cell % W) + Math.tanh(at(1))) / W) * input.width;
      const cy = ((Math.floor(cell / W) + Math.tanh(at(2))) / H) * input.height;
      found.push({ label, score, box: boxOf(cx, cy, sigmoid(at(3)) * input.width, sigmoid(at(4)) * input.height, input) });
    }
    return found;
  },
  /** Outputs [1, P, 4] (ty, tx, th, tw) and [1, P, 1 + K] with the background first; anchors of TensorFlow's multi-scale generator. */
  ssd(outputs, { decoder, labels, input, threshold }) {
    const boxes = outputs[decoder.boxes].data;
    const scores = outputs[decoder.scores].data;
    const anchors = multiScale(decoder.anchors, input);
    if (anchors.length * 4 !== boxes.length) throw new Error(`anchors: found ${anchors.length}; wanted ${boxes.length / 4}.`);
    const least = logit(threshold);
    const found = [];
    for (let row = 0; row < anchors.length; row++) {
      for (let label = 0; label < labels; label++) {
        const value = scores[row * (labels + 1) + label + 1];
        if (value <= least) continue;
        const [ax, ay, aw, ah] = anchors[row];
        const [ty, tx, th, tw] = boxes.subarray(row * 4, row * 4 + 4);
        const box = boxOf(ax + 0.1 * tx * aw, ay + 0.1 * ty * ah, aw * Math.exp(0.2 * tw), ah * Math.exp(0.2 * th), input);
        found.push({ label, score: sigmoid(value), box });
      }
    }
    return found;
  },
};

let made;
/** [x, y, w, h] in pixels of the input, made once. */
function multiScale({ strides, minScale, maxScale, aspectRatios }, { width, height }) {
  if (made) return made;
  const scale = (l) => (l < strides.length ? minScale + ((maxScale - minScale) * l) / (strides.length - 1) : 1);
  made = strides.flatMap((stride, l) => {
    const pairs =
      l === 0
        ? [[0.1, 1], [scale(0), 2], [scale(0), 0.5]] // prettier-ignore
        : [...aspectRatios.map((ratio) => [scale(l), ratio]), [Math.sqrt(scale(l) * scale(l + 1)), 1]];
    const [W, H] = [Math.ceil(width / stride), Math.ceil(height / stride)];
    return Array.from({ length: H * W }, (_, cell) =>
      pairs.map(([s, ratio]) => [
        (((cell % W) + 0.5) / W) * width,
        ((Math.floor(cell / W) + 0.5) / H) * height,
        s * Math.sqrt(ratio) * width,
        (s / Math.sqrt(ratio)) * height,
      ]),
    ).flat();
  });
  return made;
}

/**
 * Detections above `threshold` after suppression by label, at most 100, best first; boxes xyxy in pixels of the network's input.
 * @param {Record<string, { data: Float32Array, dims: readonly number[] }>} outputs raw outputs by name
 * @param {object} manifest of the model, as labelweave takes it
 */
export function detectionsOf(outputs, manifest, threshold) {
  const { input, heads, nms } = manifest;
  const [{ decoder, labels }] = heads;
  return suppress(decoders[decoder.type](outputs, { decoder, labels: labels.length, input, threshold }), nms.iouThreshold);
}
