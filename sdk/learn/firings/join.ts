// Firings of several files as one: the images of each data set often lie in a file of their own. Columns are laid end to end; nothing is computed.
import { LearnError } from '../../errors.js';
import type { Firings, MaskRuns } from './firings.js';

/**
 * Joins firings of the same data sets (same names, ids and order), one after the other. Throws LearnError `invalid-firings` where they differ, or where
 * an image of a data set stands in two of them.
 */
export function joinFirings(list: readonly Firings[]): Firings {
  const [first, ...rest] = list;
  if (!first) throw wrong('firings to join', 'none', 'one or more');
  if (rest.length === 0) return first;
  rest.forEach((other, i) => {
    const differs = first.spaces.find(
      (space, d) =>
        other.spaces[d]?.name !== space.name ||
        other.spaces[d].size !== space.size ||
        other.spaces[d].labels.some(({ id }, k) => id !== space.labels[k]!.id),
    );
    if (differs || other.spaces.length !== first.spaces.length)
      throw wrong(`firings[${i + 1}]`, namesOf(other), `${namesOf(first)}, the data sets of firings[0], with the same labels`);
  });
  const some = <T>(pick: (firings: Firings) => T | undefined, what: string): T[] | undefined => {
    const found = list.map(pick);
    if (found.every((one) => one === undefined)) return undefined;
    const without = found.indexOf(undefined);
    if (without >= 0) throw wrong(`firings[${without}]`, `no ${what}`, `${what}, as the others have`);
    return found as T[];
  };
  const seen = new Set<string>();
  list.forEach(({ imageDatasets, imageIds }, f) =>
    imageDatasets.forEach((d, n) => {
      const key = `${d} ${imageIds[n]}`;
      if (seen.has(key)) throw wrong(`firings[${f}]`, `image ${imageIds[n]} of ${JSON.stringify(first.spaces[d]!.name)} a second time`, 'each image once'); // prettier-ignore
      seen.add(key);
    }),
  );
  const all = <T extends Uint8Array | Uint16Array | Uint32Array | Float32Array | Float64Array>(
    pick: (firings: Firings) => T,
  ): T => {
    const parts = list.map(pick);
    const joined = new (parts[0]!.constructor as new (length: number) => T)(parts.reduce((sum, part) => sum + part.length, 0));
    let at = 0;
    for (const part of parts) {
      joined.set(part as never, at);
      at += part.length;
    }
    return joined;
  };
  const masks = some(({ masks: own }) => own, 'masks');
  const names = list.some(({ imageNames }) => imageNames)
    ? list.flatMap(({ imageNames, imageIds }) => imageNames ?? Array.from(imageIds, () => ''))
    : undefined;
  const proposals = some(({ proposals: own }) => own, 'proposals');
  return {
    spaces: first.spaces,
    count: first.count,
    starts: first.starts,
    datasetOf: first.datasetOf,
    imageDatasets: all((f) => f.imageDatasets),
    imageIds: all((f) => f.imageIds),
    imageNames: names,
    imageSizes: all((f) => f.imageSizes),
    boxStarts: startsOf(list.map((f) => f.boxStarts)),
    boxes: all((f) => f.boxes),
    proposals: proposals && all((f) => f.proposals!),
    scoreStarts: startsOf(list.map((f) => f.scoreStarts)),
    scoreLabels: all((f) => f.scoreLabels),
    scores: all((f) => f.scores),
    truthStarts: startsOf(list.map((f) => f.truthStarts)),
    truthBoxes: all((f) => f.truthBoxes),
    truthLabels: all((f) => f.truthLabels),
    truthFlags: all((f) => f.truthFlags),
    masks: masks && { boxes: runsOf(masks.map(({ boxes }) => boxes)), truths: runsOf(masks.map(({ truths }) => truths)) },
  };
}

/** Starts of rows laid end to end: the last entry of each list is where the next begins. */
function startsOf(lists: readonly Uint32Array[]): Uint32Array {
  const joined = new Uint32Array(lists.reduce((sum, list) => sum + list.length - 1, 1));
  let at = 0;
  let offset = 0;
  for (const list of lists) {
    for (let i = 0; i < list.length - 1; i++) joined[at++] = offset + list[i]!;
    offset += list[list.length - 1]!;
  }
  joined[at] = offset;
  return joined;
}

function runsOf(lists: readonly MaskRuns[]): MaskRuns {
  const counts = new Uint32Array(lists.reduce((sum, list) => sum + list.counts.length, 0));
  let at = 0;
  for (const list of lists) {
    counts.set(list.counts, at);
    at += list.counts.length;
  }
  return { starts: startsOf(lists.map(({ starts }) => starts)), counts };
}

const namesOf = ({ spaces }: Firings): string => spaces.map(({ name, size }) => `${JSON.stringify(name)} (${size})`).join(', ');

const wrong = (thing: string, found: string, wanted: string): LearnError =>
  new LearnError('invalid-firings', { thing, found, wanted });
