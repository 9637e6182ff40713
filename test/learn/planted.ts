// Makes firings of a planted taxonomy: several data sets whose labels stand for known concepts, and heads that fire on them with errors. Seeded.
import { labelSpace, type LabelSpace } from '../../sdk/taxonomy/label-space.js';
import type { Firings } from '../../sdk/learn/firings/firings.js';
import { numberLabels } from '../../sdk/learn/nodes.js';

/** Size and difficulty of a planted case. */
export interface PlantedOptions {
  /** Labels of each data set. */
  readonly sizes: readonly number[];
  /** Images of each data set. */
  readonly images: readonly number[];
  /** Mean number of ground truths an image. */
  readonly objects: number;
  /** Mean number of false boxes an image. */
  readonly clutter: number;
  /** Share of a data set's labels that stand for concepts of the common pool. */
  readonly shared?: number;
  readonly seed?: number;
}

/** Firings with the truth behind them. */
export interface Planted {
  readonly firings: Firings;
  /** [L] concept of each node; nodes of one concept belong together. */
  readonly concepts: Int32Array;
  /** Sets of two nodes or more with one concept. */
  readonly merges: readonly (readonly number[])[];
}

function random(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

/**
 * Concepts come in families of four that heads confuse now and then. Every object is found by each head that knows its concept with a quality of that
 * head and label; each head may say a wrong label of the same family, and clutter says anything.
 */
export function plant(options: PlantedOptions): Planted {
  const { sizes, images, objects, clutter, shared = 0.6, seed = 1 } = options;
  const draw = random(seed);
  const pick = (n: number): number => Math.floor(draw() * n);
  const spaces: LabelSpace[] = sizes.map((size, d) =>
    labelSpace(
      `set${d}`,
      Array.from({ length: size }, (_, k) => ({ id: k + 1, name: `label ${d}.${k}` })),
    ),
  );
  const nodes = numberLabels(spaces);
  // A pool of concepts as large as the largest data set; the rest of a data set's labels are its own.
  const pool = Math.max(...sizes);
  const concepts = new Int32Array(nodes.count);
  let fresh = pool;
  sizes.forEach((size, d) => {
    const order = Array.from({ length: pool }, (_, k) => k);
    for (let k = pool - 1; k > 0; k--) {
      const other = pick(k + 1);
      [order[k], order[other]] = [order[other]!, order[k]!];
    }
    const common = Math.floor(size * shared);
    for (let k = 0; k < size; k++) concepts[nodes.starts[d]! + k] = k < common ? order[k]! : fresh++;
  });
  const byConcept = new Map<number, number[]>();
  concepts.forEach((concept, node) => byConcept.set(concept, [...(byConcept.get(concept) ?? []), node]));
  const families = new Map<number, number[]>();
  for (const concept of byConcept.keys()) {
    const family = concept >> 2;
    families.set(family, [...(families.get(family) ?? []), concept]);
  }
  /** How well each head knows each of its labels: some concepts are harder than others, some heads a little better. */
  const ease = new Map([...byConcept.keys()].map((concept) => [concept, 0.5 + 0.4 * draw()]));
  const quality = Float64Array.from(concepts, (concept) => ease.get(concept)! + 0.1 * (draw() - 0.5));

  const N = images.reduce((x, y) => x + y, 0);
  const most = (mean: number): number => Math.ceil(N * mean * 1.2) + 1024;
  const boxes = new Float32Array(4 * most(objects + clutter));
  const scoreStarts = new Uint32Array(boxes.length / 4 + 1);
  const scoreLabels = new Uint32Array(most((objects + clutter) * sizes.length));
  const scores = new Float32Array(scoreLabels.length);
  const truthBoxes = new Float32Array(4 * most(objects));
  const truthLabels = new Uint32Array(truthBoxes.length / 4);
  const boxStarts = new Uint32Array(N + 1);
  const truthStarts = new Uint32Array(N + 1);
  const imageDatasets = new Uint16Array(N);
  let [P, E, G, i] = [0, 0, 0, 0];
  const addBox = (x: number, y: number, w: number, h: number): void => {
    boxes.set([x, y, x + w, y + h], 4 * P++);
  };
  const addScore = (node: number, score: number): void => {
    scoreLabels[E] = node;
    scores[E++] = score;
  };
  const count = (mean: number): number => Math.floor(mean * (0.4 + 1.2 * draw()) + draw());
  images.forEach((n, d) => {
    for (let k = 0; k < n; k++, i++) {
      imageDatasets[i] = d;
      // Some labels are far more frequent than others.
      for (let o = count(objects); o > 0; o--) {
        const node = nodes.starts[d]! + Math.floor(sizes[d]! * draw() ** 1.8);
        const [x, y, w, h] = [draw() * 500, draw() * 400, 30 + draw() * 150, 30 + draw() * 120];
        truthBoxes.set([x, y, x + w, y + h], 4 * G);
        truthLabels[G++] = node;
        const jitter = (size: number): number => (draw() - 0.5) * 0.2 * size;
        addBox(x + jitter(w), y + jitter(h), w + jitter(w), h + jitter(h));
        for (let s = 0; s < sizes.length; s++) {
          const own = byConcept.get(concepts[node]!)!.find((other) => nodes.datasetOf[other] === s);
          if (own !== undefined && draw() < quality[own]! * (s === d ? 1 : 0.95)) addScore(own, 0.3 + 0.7 * draw());
          else if (draw() < 0.25) {
            const family = families.get(concepts[node]! >> 2)!;
            const wrong = byConcept.get(family[pick(family.length)]!)!.find((other) => nodes.datasetOf[other] === s);
            if (wrong !== undefined && wrong !== own) addScore(wrong, 0.1 + 0.5 * draw());
          }
        }
        scoreStarts[P] = E;
      }
      for (let o = count(clutter); o > 0; o--) {
        addBox(draw() * 500, draw() * 400, 20 + draw() * 150, 20 + draw() * 120);
        addScore(pick(nodes.count), 0.1 + 0.35 * draw() * draw());
        scoreStarts[P] = E;
      }
      boxStarts[i + 1] = P;
      truthStarts[i + 1] = G;
    }
  });
  const firings: Firings = {
    ...nodes,
    imageDatasets,
    imageIds: Float64Array.from({ length: N }, (_, k) => k),
    imageNames: undefined,
    imageSizes: new Uint32Array(2 * N),
    boxStarts,
    boxes: boxes.subarray(0, 4 * P),
    proposals: undefined,
    scoreStarts: scoreStarts.subarray(0, P + 1),
    scoreLabels: scoreLabels.subarray(0, E),
    scores: scores.subarray(0, E),
    truthStarts,
    truthBoxes: truthBoxes.subarray(0, 4 * G),
    truthLabels: truthLabels.subarray(0, G),
    truthFlags: new Uint8Array(G),
    masks: undefined,
  };
  return { firings, concepts, merges: [...byConcept.values()].filter((list) => list.length > 1) };
}
