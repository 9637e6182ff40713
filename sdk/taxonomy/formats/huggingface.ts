// `id2label` and `label2id` of a Hugging Face config.json.
import { describe } from '../../errors.js';
import { invalid, type LabelInput, type LabelSpace, labelSpace } from '../label-space.js';
import { integerIds, type JsonInput, object, own, parseJson, type ReadOptions, thingOf } from './common.js';

/**
 * Reads `id2label`. Entries called `N/A`, with which models fill ids that no label has, are left out. Where `label2id` is there too, it must not
 * contradict. Throws LabelSpaceError `invalid-label-space`.
 */
export function readHuggingFace(input: JsonInput, options: ReadOptions = {}): LabelSpace {
  const thing = thingOf('config.json', options);
  const config = object(thing, parseJson(thing, input), 'an object with "id2label"');
  const table = object(`${thing}, id2label`, own(config, 'id2label'), 'an object of names by number');
  const labels: LabelInput[] = Object.entries(table).flatMap(([key, name]): LabelInput[] => {
    if (!/^(?:0|[1-9]\d{0,14})$/u.test(key))
      throw invalid(`${thing}, id2label`, `the key ${describe(key)}`, 'numbers of labels from 0');
    if (typeof name !== 'string') throw invalid(`${thing}, id2label["${key}"]`, describe(name), 'a text');
    return name === 'N/A' ? [] : [{ id: Number(key), name }];
  });
  labels.sort((a, b) => (a.id as number) - (b.id as number));
  const space = labelSpace(options.name ?? 'huggingface', labels);
  const back = own(config, 'label2id');
  if (back === undefined) return space;
  for (const [name, id] of Object.entries(object(`${thing}, label2id`, back))) {
    const of = space.allByName(name);
    if (of.length > 0 && !of.some((label) => label.id === Number(id)))
      throw invalid(`${thing}, label2id[${describe(name)}]`, describe(id), `${of[0]!.id}, as id2label says`);
  }
  return space;
}

/** Writes `id2label` and `label2id`. Ids are integers as in writeCoco, from 0. Of labels with one name, the first is in `label2id`. */
export function writeHuggingFace(space: LabelSpace): string {
  const idOf = integerIds(space, 0);
  // Written by hand: an object would lose the name __proto__.
  const pairs = (list: readonly (readonly [string, unknown])[]): string =>
    list.map(([key, value]) => `    ${JSON.stringify(key)}: ${JSON.stringify(value)}`).join(',\n');
  const names = space.labels.map((label) => [String(idOf(label)), label.name] as const);
  const ids = space.labels
    .filter((label) => space.allByName(label.name)[0] === label)
    .map((label) => [label.name, idOf(label)] as const);
  return `{\n  "id2label": {\n${pairs(names)}\n  },\n  "label2id": {\n${pairs(ids)}\n  }\n}\n`;
}
