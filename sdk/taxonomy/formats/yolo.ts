// The `names` of an Ultralytics data.yaml: a list, or names by number. The YAML library is loaded when a file is read, and only then.
import { describe } from '../../errors.js';
import { invalid, type LabelInput, type LabelSpace, labelSpace } from '../label-space.js';
import { isRecord, type ReadOptions, textInput, thingOf } from './common.js';

/**
 * Reads `names` of a data.yaml (of YOLO, by Ultralytics and others). Every scalar is taken as text, so that classes called `no`, `1.0` or `null` keep
 * their names. Ids are the numbers of classes, from 0. Throws LabelSpaceError `invalid-label-space`.
 */
export async function readYolo(input: string, options: ReadOptions = {}): Promise<LabelSpace> {
  const thing = thingOf('data.yaml', options);
  const file = await readYamlTexts(thing, textInput(thing, input));
  const names = isRecord(file) ? file['names'] : undefined;
  return labelSpace(options.name ?? 'yolo', readNames(`${thing}, names`, names));
}

/** The whole file with all scalars as texts; `undefined` where a tag of the file's own would be needed. */
export async function readYamlTexts(thing: string, text: string): Promise<unknown> {
  const { parseDocument } = await import('yaml');
  try {
    const document = parseDocument(text, { schema: 'failsafe', logLevel: 'error', prettyErrors: true });
    if (document.errors[0]) throw document.errors[0];
    return document.toJS({ maxAliasCount: 100 }) as unknown;
  } catch (cause) {
    const message = cause instanceof Error ? cause.message.split('\n', 1)[0]! : describe(cause);
    throw invalid(thing, `text that is not YAML (${message.slice(0, 120)})`, 'a data.yaml with names');
  }
}

function readNames(thing: string, names: unknown): LabelInput[] {
  const label = (id: number, name: unknown): LabelInput => {
    if (typeof name !== 'string') throw invalid(`${thing}[${id}]`, describe(name), 'a text');
    return { id, name };
  };
  if (Array.isArray(names)) return Array.from(names as unknown[], (name, i) => label(i, name));
  if (!isRecord(names)) throw invalid(thing, describe(names), 'a list of names, or names by number (0: person)');
  return Object.entries(names)
    .map(([key, name]) => {
      if (!/^(?:0|[1-9]\d{0,8})$/u.test(key)) throw invalid(thing, `the key ${describe(key)}`, 'numbers of classes from 0');
      return label(Number(key), name);
    })
    .sort((a, b) => (a.id as number) - (b.id as number));
}

/** Writes `nc` and `names` by number. Classes are numbered by position, from 0: YOLO knows no other ids. */
export function writeYolo(space: LabelSpace): string {
  // JSON texts are YAML texts.
  const lines = space.labels.map(({ index, name }) => `  ${index}: ${JSON.stringify(name)}\n`);
  return `nc: ${space.size}\nnames:\n${lines.join('')}`;
}
