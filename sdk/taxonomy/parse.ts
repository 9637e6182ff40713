// Reads what a person wrote down about labels: a parsed JSON value, the text of a .json file, or plain text with one name a line.
import type { GroupingSpec } from './grouping.js';
import { invalid, type LabelSpace } from './label-space.js';
import { readLabelSpec } from './resolve.js';

/**
 * Checks a parsed JSON value: an array of names; `{ name?, labels: { vehicle: ["car", "truck"], person: "person" }, rest?, combine? }`; or
 * `{ name?, labels: ["cat", { "id": 18, "name": "dog", "synonyms": ["hound"] }] }`. `thing` names the value in messages.
 * Throws LabelSpaceError `invalid-label-space`.
 */
export function parseLabelSpec(json: unknown, thing = 'labels'): readonly string[] | LabelSpace | GroupingSpec {
  return readLabelSpec(thing, json);
}

/**
 * Reads the text of a label file. A text whose first character is `{` or `[` is JSON (see {@link parseLabelSpec}), everything else is one name
 * a line: surrounding white space and blank lines do not count. `fileName` names the file in messages; `.json` and `.txt` decide the kind.
 * Throws LabelSpaceError `invalid-label-space`.
 */
export function parseLabelFile(content: string, fileName = 'labels'): readonly string[] | LabelSpace | GroupingSpec {
  const text = content.replace(/^\uFEFF/u, '');
  const thing = `file ${JSON.stringify(fileName)}`;
  const isJson = /\.json$/iu.test(fileName) || (!/\.txt$/iu.test(fileName) && /^\s*[[{]/u.test(text));
  if (isJson) {
    let value: unknown;
    try {
      value = JSON.parse(text);
    } catch (cause) {
      throw invalid(
        thing,
        `text that is not JSON (${(cause as Error).message})`,
        'JSON',
        'A file with one name a line should be called .txt.',
      );
    }
    return readLabelSpec(thing, value);
  }
  const names = text.split(/\r\n|\r|\n/u).flatMap((line) => line.trim() || []);
  if (names.length === 0) throw invalid(thing, 'no name', 'one name a line');
  return readLabelSpec(thing, names);
}
