// The plain twin of the table of APs: image by image, box by box, nothing shared and nothing skipped. Slow, and written to be read.
import type { Firings } from '../../sdk/learn/firings/firings.js';

interface Detection {
  readonly box: readonly number[];
  readonly score: number;
  readonly order: number;
}

export interface TwinOptions {
  readonly iou: number;
  readonly images: 'all' | 'with-label';
  readonly epsilon: number;
  readonly minScore: number;
  readonly misses?: 'all' | 'background';
}

const area = (box: readonly number[], plus: number): number => (box[2]! - box[0]! + plus) * (box[3]! - box[1]! + plus);

export function intersection(a: readonly number[], b: readonly number[], plus = 0): number {
  const w = Math.min(a[2]!, b[2]!) - Math.max(a[0]!, b[0]!) + plus;
  const h = Math.min(a[3]!, b[3]!) - Math.max(a[1]!, b[1]!) + plus;
  return w > 0 && h > 0 ? w * h : 0;
}

export function iou(a: readonly number[], b: readonly number[], plus = 0): number {
  const shared = intersection(a, b, plus);
  return shared === 0 ? 0 : shared / (area(a, plus) + area(b, plus) - shared);
}

/** Detections of node m in an image, in their order. */
export function detectionsOf(firings: Firings, image: number, m: number, minScore: number): Detection[] {
  const found: Detection[] = [];
  for (let p = firings.boxStarts[image]!; p < firings.boxStarts[image + 1]!; p++) {
    for (let e = firings.scoreStarts[p]!; e < firings.scoreStarts[p + 1]!; e++) {
      if (firings.scoreLabels[e] !== m || firings.scores[e]! < minScore) continue;
      found.push({ box: [...firings.boxes.subarray(4 * p, 4 * p + 4)], score: firings.scores[e]!, order: p });
    }
  }
  return found;
}

/** Suppression: the best first, and what overlaps a kept one by more is dropped. */
export function suppress<T extends Detection>(list: readonly T[], threshold: number, plus: number): T[] {
  const kept: T[] = [];
  for (const one of [...list].sort((x, y) => y.score - x.score || x.order - y.order)) {
    if (!kept.some((other) => iou(other.box, one.box, plus) > threshold)) kept.push(one);
  }
  return kept;
}

/** Whether a box overlaps any ground truth of the image, whatever its label. */
function onObject(firings: Firings, image: number, box: readonly number[], least: number): boolean {
  for (let g = firings.truthStarts[image]!; g < firings.truthStarts[image + 1]!; g++) {
    const truth = [...firings.truthBoxes.subarray(4 * g, 4 * g + 4)];
    const crowd = firings.truthFlags[g] === 1;
    if ((crowd ? intersection(box, truth) / area(box, 0) : iou(box, truth)) >= least) return true;
  }
  return false;
}

/** AP of what `detect` finds on the ground truth of label c, as pycocotools has it. */
export function twinAp(firings: Firings, c: number, options: TwinOptions, detect: (image: number) => Detection[]): number {
  const d = firings.datasetOf[c]!;
  const all: { score: number; hit: boolean }[] = [];
  let positives = 0;
  firings.imageDatasets.forEach((dataset, image) => {
    if (dataset !== d) return;
    const truths: { box: number[]; crowd: boolean; taken: boolean }[] = [];
    for (let g = firings.truthStarts[image]!; g < firings.truthStarts[image + 1]!; g++) {
      if (firings.truthLabels[g] !== c) continue;
      truths.push({
        box: [...firings.truthBoxes.subarray(4 * g, 4 * g + 4)],
        crowd: firings.truthFlags[g] === 1,
        taken: false,
      });
    }
    if (truths.length === 0 && options.images === 'with-label') return;
    positives += truths.filter((one) => !one.crowd).length;
    for (const { box, score } of detect(image).sort((x, y) => y.score - x.score || x.order - y.order)) {
      let best: (typeof truths)[number] | undefined;
      let bestIou = options.iou;
      for (const truth of truths) {
        if (truth.crowd || truth.taken || iou(box, truth.box) < bestIou) continue;
        best = truth;
        bestIou = iou(box, truth.box);
      }
      if (best) best.taken = true;
      else if (truths.some((one) => one.crowd && intersection(box, one.box) / area(box, 0) >= options.iou)) continue;
      else if (options.misses === 'background' && onObject(firings, image, box, options.iou)) continue;
      all.push({ score, hit: best !== undefined });
    }
  });
  if (positives === 0) return Number.NaN;
  all.sort((x, y) => y.score - x.score);
  const precisions: number[] = [];
  const recalls: number[] = [];
  let hits = 0;
  all.forEach(({ hit }, k) => {
    if (hit) hits++;
    precisions.push(hits / (k + 1 + options.epsilon));
    recalls.push(hits / positives);
  });
  let sum = 0;
  for (let point = 0; point <= 100; point++) {
    const better = precisions.filter((_, k) => recalls[k]! >= point * 0.01);
    sum += Math.max(0, ...better);
  }
  return sum / 101;
}

/** Merged detections of `members` in an image. */
export function twinMerge(
  firings: Firings,
  members: readonly number[],
  image: number,
  minScore: number,
  rule: { combine: 'average' | 'union'; nms: number; plus: number; match: number },
): Detection[] {
  const lists = members.map((m) => detectionsOf(firings, image, m, minScore));
  if (rule.combine === 'union') return suppress(lists.flat(), rule.nms, rule.plus);
  const rows = lists
    .flatMap((list, member) => list.map((one) => ({ ...one, member, used: false })))
    .sort((x, y) => y.score - x.score || x.order - y.order || x.member - y.member);
  const merged: Detection[] = [];
  for (const row of rows) {
    if (row.used) continue;
    row.used = true;
    let sum = row.score;
    for (let member = 0; member < members.length; member++) {
      if (member === row.member) continue;
      const others = rows.filter((one) => !one.used && one.member === member && iou(row.box, one.box) >= rule.match);
      const best = others.reduce<(typeof rows)[number] | undefined>(
        (x, y) => (x && iou(row.box, x.box) >= iou(row.box, y.box) ? x : y),
        undefined,
      );
      if (!best) continue;
      best.used = true;
      sum += best.score;
    }
    // Float32, as scores of firings are.
    merged.push({ box: row.box, score: Math.fround(sum / members.length), order: row.order });
  }
  return suppress(merged, rule.nms, rule.plus);
}
