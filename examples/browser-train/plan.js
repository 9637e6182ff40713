// What a training is given: the photos that have boxes, the labels that have one, and which photos are kept back to measure AP on.
import { writeCoco } from './coco.js';

const has = (photos, label) => photos.some(({ boxes }) => boxes.some((box) => box.label === label));

/**
 * Every `every`-th photo with boxes is kept back (0: none), but for one that has the only boxes of a label; and of the bare ones, on which the user says that
 * nothing is, every `every`-th, too. Other photos without boxes are left out: that nothing is drawn on one does not say that nothing is on it.
 */
export function makePlan(photos, labels, every) {
  const boxed = photos.filter(({ boxes }) => boxes.length > 0);
  const bare = photos.filter((photo) => photo.bare);
  let training = boxed;
  const kept = [];
  for (let i = every - 1; every > 0 && i < boxed.length; i += every) {
    const rest = training.filter((photo) => photo !== boxed[i]);
    if (!boxed[i].boxes.every(({ label }) => has(rest, label))) continue;
    training = rest;
    kept.push(boxed[i]);
  }
  // AP needs boxes: without any that are kept back all bare photos are for training.
  const keptBare = kept.length > 0 ? bare.filter((_, i) => i % every === every - 1) : [];
  training = [...training, ...bare.filter((photo) => !keptBare.includes(photo))];
  return { boxed, bare, training, kept: [...kept, ...keptBare], used: labels.filter(({ id }) => has(boxed, id)) };
}

/** What the worker is told; plain data, so that a training that was stopped can be compared with what is there now. */
export function requestOf({ training, kept, used }, { name, epochs, only }) {
  return {
    name,
    labels: used.map((label) => label.name),
    training: writeCoco(training, used),
    // Without photos that were kept back AP is measured on those of the training.
    evaluation: kept.length > 0 ? writeCoco(kept, used) : undefined,
    epochs,
    only,
  };
}

const count = (n, one, many = `${one}s`) => `${n} ${n === 1 ? one : many}`;

/** The plan in words. */
export function describePlan({ boxed, bare, training, kept, used }, photos, labels) {
  if (boxed.length === 0) return photos.length === 0 ? '' : 'Draw a box on a photo first.';
  const empty = training.filter((photo) => photo.bare).length;
  const said = [`${count(training.length, 'photo')} to train${empty > 0 ? `, ${empty} of them with nothing on ${empty === 1 ? 'it' : 'them'}` : ''}`]; // prettier-ignore
  said.push(kept.length > 0 ? `${count(kept.length, 'photo')} kept back` : 'none kept back: AP is measured on the same photos, and says little of others'); // prettier-ignore
  const left = photos.length - boxed.length - bare.length;
  if (left > 0) said.push(`${count(left, 'photo')} without boxes left out`);
  const unused = labels.filter((label) => !used.includes(label)).map(({ name }) => name);
  if (unused.length > 0) said.push(`no box of ${unused.join(', ')}`);
  return `${said.join('; ')}.`;
}
