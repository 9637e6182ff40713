// One trial of UniSeg's conflict on generated scenes: two data sets that name some things differently, an unseen third, and the losses side by side on the
// same scenes, from the same weights, for the same steps. Shared by a test and a measurement.
import { mergeByName } from '../../sdk/taxonomy/merge/index.js';
import type { Relation } from '../../sdk/taxonomy/relations.js';
import type { UnifiedLabelSpace } from '../../sdk/taxonomy/unified.js';
import * as train from '../../sdk/train/index.js';
import {
  columnsOf,
  crossEntropy,
  type Labelled,
  type Losses,
  meanIoU,
  type Network,
  nullBce,
  type Recipe,
  relationalBce,
  similaritiesOf,
  trainNetwork,
} from './dense-network.js';
import { type Conflict, conflictingLabels, conflicts, labelling, plantedRelations, type Scene, world } from './scenes.js';

/** What a trial depends on. */
export interface Setting extends Omit<Recipe, 'kernels' | 'seed'> {
  /** How far domains are apart, in lengths of a thing's look. */
  readonly shift: number;
  /** Standard deviation of a pixel's noise. */
  readonly noise: number;
  /** Groups that the data sets name differently. */
  readonly differing: readonly Conflict[];
  /** Training scenes of each data set; a third one is another domain with the labels of the first. */
  readonly scenes: readonly number[];
}

/** The setting that all others are compared with. */
export const usual: Setting = {
  shift: 0.6,
  noise: 0.2,
  differing: conflicts,
  scenes: [40, 40],
  labelNoise: 0,
  steps: 400,
  rate: 0.1,
  // Summed BCE starts with gradients three times those of cross-entropy; weights would grow in the first steps, and as only their directions count, all later
  // steps would be small.
  clip: 1,
  hidden: 48,
  features: 24,
};

/** Scenes and labels of a trial. */
export interface Trial {
  readonly unified: UnifiedLabelSpace;
  /** What is trained on. */
  readonly datasets: readonly Labelled[];
  /** Other scenes of the same. */
  readonly held: readonly Labelled[];
  /** Scenes of a domain of their own. */
  readonly unseen: readonly Scene[];
}

/** Makes a trial: a world of its own for each seed. */
export function makeTrial(seed: number, { shift, noise, differing, scenes }: Setting): Trial {
  const { scene, domain } = world(seed);
  const labels = conflictingLabels(differing).slice(0, scenes.length);
  const unseen = domain({ shift, noise });
  const domains = labels.map(() => domain({ shift, noise }));
  const of = (count: number, from: typeof unseen) => Array.from({ length: count }, () => scene(from));
  return {
    unified: mergeByName(labels.map(({ space }) => space)).taxonomy.unified,
    datasets: labels.map((one, d) => ({ labels: one, scenes: of(scenes[d]!, domains[d]!) })),
    held: labels.map((one, d) => ({ labels: one, scenes: of(20, domains[d]!) })),
    unseen: of(30, unseen),
  };
}

/** mIoU of a network. */
export interface Scores {
  /** Other scenes of each data set, in its own labels. */
  readonly seen: readonly number[];
  /** The unseen set in the labels of the first data set, of the second, and in the finest there are. */
  readonly unseen: readonly [number, number, number];
  /** IoU of labels in conflict on the unseen set: of the first data set, then of the second. */
  readonly labels: Readonly<Record<string, number>>;
}

/** Trains with one loss. */
export function run(
  { datasets, unified }: Trial,
  losses: Losses,
  setting: Setting,
  seed: number,
  kernels: train.TrainKernels,
): Network {
  return trainNetwork(datasets, unified.size, losses, { ...setting, seed, kernels });
}

/** Judges a network. */
export function judge(network: Network, { unified, datasets, held, unseen }: Trial): Scores {
  const [first, second] = datasets.slice(0, 2).map(({ labels }) => meanIoU(network, { labels, scenes: unseen }, unified));
  const ofLabels = [first!, second!].flatMap(({ perClass }) => perClass.filter(({ name }) => inConflict.includes(name!)));
  return {
    seen: held.map((labelled) => meanIoU(network, labelled, unified).mIoU),
    unseen: [first!.mIoU, second!.mIoU, meanIoU(network, { labels: labelling('finest', []), scenes: unseen }, unified).mIoU],
    labels: Object.fromEntries(ofLabels.map(({ name, iou }) => [name, iou])),
  };
}
const inConflict = ['rider', 'truck', 'bus', 'motorcyclist', 'bicyclist', 'large vehicle'];

/** The losses of a trial, without those that need relations. */
export const plainLosses = ({ unified, datasets }: Trial) => {
  const spaces = datasets.map(({ labels }) => labels.space);
  return { crossEntropy: crossEntropy(unified, spaces), nullBce: nullBce(unified, spaces) };
};

/** Similarities of a trained network on the training scenes. */
export const measure = (network: Network, { datasets, unified }: Trial, of: 'cosine' | 'sigmoid' = 'cosine') =>
  similaritiesOf(network, datasets, unified, of);

/** Similarities that are nothing but the planted relations, as if a person had written them down; `own`: also those to labels of the same data set. */
export function plantedSimilarities(
  { unified, datasets }: Trial,
  { differing }: Setting,
  own: boolean,
): train.LabelSimilarities[] {
  const names = unified.space.names;
  return datasets.map(({ labels: { space } }) => {
    const columns = columnsOf(unified, space);
    const similarity = new Float64Array(columns.length * unified.size);
    columns.forEach((column, row) => (similarity[row * unified.size + column] = 0.5));
    for (const { part, whole } of plantedRelations(differing)) {
      const [row, column] = [space.names.indexOf(part), names.indexOf(whole)];
      if (row >= 0 && (own || !columns.includes(column))) similarity[row * unified.size + column] = 1;
    }
    return { columns, classes: unified.size, similarity, counts: new Float64Array(columns.length).fill(1) };
  });
}

/** Class-relational BCE of similarities. @param others `negative`: beyond the paper, see relationalTargets */
export const relational = (
  { unified }: Trial,
  similarities: readonly train.LabelSimilarities[],
  threshold: number,
  others?: 'none' | 'negative',
) => relationalBce(unified, similarities, threshold, others);

/** What was found of the relations. */
export interface Found {
  /** tau; undefined where no label is in conflict. */
  readonly threshold: number | undefined;
  /** Planted relations to labels of the other data set, how many of them were found, and how many the wrong way round. */
  readonly planted: number;
  readonly right: number;
  readonly reversed: number;
  /** Found, but not planted (identities too). */
  readonly other: number;
  /** Positives of Eq. 6 among the labels of a data set itself: planted ones that were found, and others. */
  readonly own: readonly [number, number];
}

/** Compares the relations that similarities give with the planted ones. @param threshold default: the automatic one */
export function relationsFound(
  { unified }: Trial,
  { differing }: Setting,
  similarities: readonly train.LabelSimilarities[],
  threshold: number | undefined = train.relationThreshold(similarities),
): Found {
  const planted = plantedRelations(differing);
  const nameOf = (end: Relation['a']) => unified.labels.find(({ id }) => 'unified' in end && id === end.unified)!.name;
  const isPlanted = (part: string, whole: string) => planted.some((one) => one.part === part && one.whole === whole);
  const foreign = planted.filter(({ part, whole }) => {
    const home = similarities.find(({ columns }) => columns.includes(unified.space.names.indexOf(part)));
    return !home!.columns.includes(unified.space.names.indexOf(whole));
  });
  const result = { threshold, planted: foreign.length, right: 0, reversed: 0, other: 0 };
  for (const { a, b, kind } of train.similarityRelations(unified, similarities, threshold)) {
    const [part, whole] = [nameOf(a), nameOf(b)];
    if (kind === 'subset' && isPlanted(part, whole)) result.right++;
    else if (kind === 'subset' && isPlanted(whole, part)) result.reversed++;
    else result.other++;
  }
  const own: [number, number] = [0, 0];
  for (const { columns, similarity, classes } of threshold === undefined ? [] : similarities) {
    const { states } = train.relationalTargets(classes, columns, similarity, threshold!);
    columns.forEach((column, row) => {
      for (const other of columns)
        if (other !== column && states[row * classes + other] === 1)
          own[isPlanted(unified.space.names[column]!, unified.space.names[other]!) ? 0 : 1]++;
    });
  }
  return { ...result, own };
}
