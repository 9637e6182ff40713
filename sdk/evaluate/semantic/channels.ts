// Evaluation of a model on a data set with other classes: the channels that both have, and the best of them for every pixel.
import { ArgumentError } from '../../errors.js';
import type { LabelSpace } from '../../taxonomy/label-space.js';

/** Classes that a model and a data set share. C of them, in the order of the data set. */
export interface SharedChannels {
  /** [C] channel of the model's output. */
  model: Int32Array;
  /** [C] class of the data set. */
  dataset: Int32Array;
  /** Classes of the data set that the model does not have: no pixel is ever predicted as one of them. */
  missing: readonly string[];
}

/**
 * Channel selection of UniSeg (Kim et al. 2022, section 4: "we evaluate on the classes that exist both on the label set where the model is trained
 * from and the label set defined in the test dataset"). Labels are matched by exact name, or by the function given.
 * @param match index of the model's label for a label of the data set, or -1
 * @throws ArgumentError where nothing is shared, or a match is no channel of the model.
 */
export function sharedChannels(
  model: LabelSpace,
  dataset: LabelSpace,
  match: (name: string, index: number) => number = (name) => model.names.indexOf(name),
): SharedChannels {
  const channels: number[] = [];
  const classes: number[] = [];
  const missing: string[] = [];
  dataset.names.forEach((name, index) => {
    const channel = match(name, index);
    if (!Number.isInteger(channel) || channel >= model.size) {
      throw new ArgumentError({
        thing: `match of "${name}"`,
        found: String(channel),
        wanted: `-1 or a channel from 0 to ${model.size - 1}`,
      });
    }
    if (channel < 0) missing.push(name);
    else {
      channels.push(channel);
      classes.push(index);
    }
  });
  if (channels.length === 0) {
    throw new ArgumentError({
      thing: `label spaces "${model.name}" and "${dataset.name}"`,
      found: 'no class that both have',
      wanted: 'one at least',
      next: 'Give a function that matches labels by another rule.',
    });
  }
  return { model: Int32Array.from(channels), dataset: Int32Array.from(classes), missing };
}

/**
 * Class of the data set with the best score for every pixel, among the shared channels; of equal scores the first. NaN is never the best.
 * @param scores [P, U], P pixels of U channels (channels last), logits or probabilities
 * @param channels U, the number of channels
 * @returns [P] class indices of the data set, for {@link SemanticEvaluator.add}
 * @throws ArgumentError where the length is no multiple of U or a channel lies outside.
 */
export function classOfPixels(scores: ArrayLike<number>, channels: number, shared: SharedChannels): Int32Array {
  const pixels = scores.length / channels;
  const outside = shared.model.find((channel) => channel >= channels);
  if (!Number.isInteger(pixels) || outside !== undefined) {
    throw new ArgumentError({
      thing: 'scores',
      found: outside === undefined ? `${scores.length} numbers` : `${channels} channels, but channel ${outside} is wanted`,
      wanted: `[pixels, ${channels}] with every shared channel in it`,
    });
  }
  const classes = new Int32Array(pixels);
  for (let p = 0; p < pixels; p++) {
    let best = -Infinity;
    let at = 0;
    for (let c = 0; c < shared.model.length; c++) {
      const score = scores[p * channels + shared.model[c]!]!;
      if (score > best) {
        best = score;
        at = c;
      }
    }
    classes[p] = shared.dataset[at]!;
  }
  return classes;
}
