// Plain text: one name a line.
import { invalid, type LabelSpace, labelSpace } from '../label-space.js';
import { type ReadOptions, textInput, thingOf } from './common.js';

/** Reads one name a line; white space around names and blank lines do not count. Ids are positions. Throws LabelSpaceError `invalid-label-space`. */
export function readText(input: string, options: ReadOptions = {}): LabelSpace {
  const thing = thingOf('text', options);
  const names = textInput(thing, input)
    .split(/\r\n|\r|\n/u)
    .flatMap((line) => line.trim() || []);
  if (names.length === 0) throw invalid(thing, 'no name', 'one name a line');
  return labelSpace(options.name ?? 'custom', names);
}

/** Writes one name a line. Throws LabelSpaceError `invalid-label-space` for a name with a line break or white space at its ends, which would not come back. */
export function writeText(space: LabelSpace): string {
  for (const { name, index } of space.labels) {
    if (name !== name.trim() || /[\r\n\uFEFF]/u.test(name))
      throw invalid(`plain text, label ${index}`, JSON.stringify(name.slice(0, 60)), 'a name without line breaks and without white space at its ends', 'Use a format with quotes: yolo, csv, coco.'); // prettier-ignore
  }
  return space.names.map((name) => `${name}\n`).join('');
}
