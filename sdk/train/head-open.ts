// A head that was asked for, checked against the model and the data: its columns in every data set, its classifier, its loss.
import { ArgumentError, describe } from '../errors.js';
import { isLabelSpace, type LabelSpace } from '../taxonomy/label-space.js';
import { headTargets, type ReadDataset } from './head-data.js';
import type { Classifier } from './head-layer.js';
import type { HeadSpec, TrainHeadsOptions } from './head-options.js';
import type { Kernel } from './head-rows.js';
import { focalLoss, type HardSoftLoss, type HeatmapLoss, heatmapLoss, type SigmoidLoss, sigmoidLoss } from './losses.js';

/** A head before it has weights. */
export interface OpenHead {
  readonly spec: HeadSpec;
  readonly labels: LabelSpace;
  readonly kernel: Kernel;
  readonly classifier: Classifier;
  readonly loss: HeatmapLoss | SigmoidLoss | HardSoftLoss;
  /** By name of the data set. */
  readonly targets: ReadonlyMap<string, ReturnType<typeof headTargets>>;
  readonly evaluated: ReadonlyMap<ReadDataset, ReturnType<typeof headTargets>>;
}

const wrong = (thing: string, found: string, wanted: string) => new ArgumentError({ thing, found, wanted });

/** Throws ArgumentError where head, model, loss and data do not fit. */
export function openHead(
  spec: HeadSpec,
  { loss = 'heatmap', unknownLabels = 'error' }: TrainHeadsOptions,
  datasets: readonly ReadDataset[],
  evaluation: readonly ReadDataset[],
): OpenHead {
  const { labels: given, kernel = 1 } = spec;
  const labels = isLabelSpace(given) ? given : given.space;
  const C = labels.size;
  const classifier = classifierOf(spec);
  const taught = spec.datasets;
  const lost = taught?.find((name) => !datasets.some(({ dataset }) => dataset.name === name));
  if (lost !== undefined)
    throw wrong(`data set of "${labels.name}"`, describe(lost), datasets.map(({ dataset }) => dataset.name).join(', '));
  const of = (read: ReadDataset) => headTargets(given, read, unknownLabels, spec.targets?.[read.dataset.name]);
  const uses = ({ dataset }: ReadDataset) => !taught || taught.includes(dataset.name);
  const targets = new Map(datasets.filter(uses).map((read) => [read.dataset.name, of(read)]));
  // Data sets for evaluation may have names of their own: those that no training set has go to every head.
  const evaluated = new Map(
    evaluation.filter((read) => uses(read) || !datasets.some(({ dataset }) => dataset.name === read.dataset.name)).map((read) => [read, of(read)]), // prettier-ignore
  );
  const made = loss === 'heatmap' ? heatmapLoss({ classes: C }) : loss === 'focal' ? focalLoss({ classes: C }) : loss === 'sigmoid' ? sigmoidLoss({ classes: C }) : loss(C, labels); // prettier-ignore
  if (!['heatmap_focal', 'sigmoid_cross_entropy', 'hard_soft_labels'].includes(made.kernel) || made.classes !== C || ('table' in made && made.table))
    throw wrong('loss', `${made.kernel}, ${made.classes} classes${'table' in made && made.table ? ' and a table' : ''}`, `a heat map, sigmoid, focal, or hard and soft label loss of ${C} classes, on dense targets`); // prettier-ignore
  if (made.kernel === 'hard_soft_labels' && classifier.kind !== 'text')
    throw wrong('loss', `hard_soft_labels for the head "${labels.name}"`, 'a text classifier');
  return { spec, labels, kernel, classifier, loss: made, targets, evaluated };
}

function classifierOf({ classifier = 'linear' }: HeadSpec): Classifier {
  if (classifier === 'linear') return { kind: 'linear' };
  if (classifier === 'cosine') return { kind: 'cosine', scale: 20 };
  if (classifier.kind === 'cosine') return { kind: 'cosine', scale: classifier.scale };
  return { kind: 'text', vectors: classifier.vectors, temperature: classifier.temperature };
}
