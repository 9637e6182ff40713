// Which parts of which images show a label in the review. It only chooses; whoever can open images cuts them out.
import type { Firings } from '../firings/firings.js';
import type { LearnReport } from './report.js';

/** A part of an image that shows a label. */
export interface CropRequest {
  /** Node. */
  readonly label: number;
  /** File of the image, as the firings name it. */
  readonly image: string;
  /** Name of the data set of the image. */
  readonly dataset: string;
  /** xyxy in source pixels, with some surroundings, not yet cut to the image. */
  readonly box: readonly [number, number, number, number];
}

/**
 * Up to `most` ground truths of each label that the report shows in a merge, alone beside another, or as a near miss: large ones from different images, in a
 * fixed order. Images without a name are left out. `most` defaults to 3, `labels` to the 600 labels that come first in the report.
 */
export function chooseCrops(
  firings: Firings,
  report: LearnReport,
  { most = 3, labels = 600 }: { readonly most?: number; readonly labels?: number } = {},
): CropRequest[] {
  const wanted = new Set<number>();
  for (const { members } of report.merges) for (const { node } of members) wanted.add(node);
  for (const { label, with: others = [] } of report.alone)
    if (others.length) for (const { node } of [label, ...others]) wanted.add(node);
  for (const { members } of report.nearMisses) for (const { node } of members) wanted.add(node);
  const kept = new Set([...wanted].slice(0, labels));
  const { imageNames, truthStarts, truthBoxes, truthLabels, truthFlags, imageDatasets, spaces } = firings;
  if (!imageNames) return [];
  const byLabel = new Map<number, { image: number; truth: number; size: number }[]>();
  for (let image = 0; image < imageNames.length; image++) {
    if (!imageNames[image]) continue;
    for (let truth = truthStarts[image]!; truth < truthStarts[image + 1]!; truth++) {
      const label = truthLabels[truth]!;
      if (!kept.has(label) || truthFlags[truth]) continue;
      const [x1, y1, x2, y2] = truthBoxes.subarray(4 * truth, 4 * truth + 4) as unknown as [number, number, number, number];
      const size = (x2 - x1) * (y2 - y1);
      const list = byLabel.get(label) ?? [];
      const same = list.find((one) => one.image === image);
      if (same && same.size >= size) continue;
      if (same) list.splice(list.indexOf(same), 1);
      list.push({ image, truth, size });
      list.sort((a, b) => b.size - a.size || a.image - b.image);
      byLabel.set(label, list.slice(0, most));
    }
  }
  return [...kept].flatMap((label) =>
    (byLabel.get(label) ?? []).map(({ image, truth }): CropRequest => {
      const [x1, y1, x2, y2] = truthBoxes.subarray(4 * truth, 4 * truth + 4) as unknown as [number, number, number, number];
      // A square around the object, a tenth larger, so that pictures of all shapes stand beside each other.
      const half = 0.55 * Math.max(x2 - x1, y2 - y1);
      const [cx, cy] = [(x1 + x2) / 2, (y1 + y2) / 2];
      return {
        label,
        image: imageNames[image]!,
        dataset: spaces[imageDatasets[image]!]!.name,
        box: [cx - half, cy - half, cx + half, cy + half],
      };
    }),
  );
}
