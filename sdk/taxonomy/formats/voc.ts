// Pascal VOC: the names that stand in annotation files (XML), and label maps in protobuf's text format (`pascal_label_map.pbtxt`).
import { describe } from '../../errors.js';
import { invalid, type LabelInput, type LabelSpace, labelSpace } from '../label-space.js';
import { integerIds, type ReadOptions, textInput, thingOf } from './common.js';

/**
 * Reads the names of all objects in VOC annotation files (their texts). VOC has no list of classes: ids are numbers from 1 in alphabetical order,
 * as VOC's own are. Parts of an object (head, hand) are no objects. Throws LabelSpaceError `invalid-label-space`.
 */
export function readVoc(inputs: string | readonly string[], options: ReadOptions = {}): LabelSpace {
  const thing = thingOf('VOC', options);
  const files = typeof inputs === 'string' ? [inputs] : inputs;
  if (!Array.isArray(files)) throw invalid(thing, describe(inputs), 'the text of an annotation file, or several');
  const names = new Set(
    files.flatMap((file, i) => objectNames(files.length > 1 ? `${thing}, file ${i}` : thing, textInput(thing, file))),
  );
  if (names.size === 0) throw invalid(thing, 'no object', 'annotations with <object><name>');
  const sorted = [...names].sort((a, b) => (a < b ? -1 : a > b ? 1 : 0));
  return labelSpace(options.name ?? 'voc', sorted.map((name, i): LabelInput => ({ id: i + 1, name }))); // prettier-ignore
}

/** Deepest tags that are read; VOC has four levels. */
const maxDepth = 100;
/** Longest label map that is read, in characters. */
const maxMap = 1 << 24;

const entities: Readonly<Record<string, string>> = { lt: '<', gt: '>', amp: '&', quot: '"', apos: "'" };

/** Walks the tags of a file and keeps the texts of annotation > object > name. */
function objectNames(thing: string, text: string): string[] {
  const names: string[] = [];
  const open: string[] = [];
  const tags = /<!--[^]*?-->|<\?[^]*?\?>|<![^>]*>|<(\/?)([^\s<>/]+)[^<>]*?(\/?)>/gu;
  let from = 0;
  for (const { 0: tag, 1: closing, 2: name, 3: empty, index } of text.matchAll(tags)) {
    if (open.join('>') === 'annotation>object>name' && name !== undefined) names.push(decode(thing, text.slice(from, index)));
    from = index + tag.length;
    if (name === undefined || empty) continue;
    if (!closing) {
      if (open.push(name) > maxDepth) throw invalid(thing, `more than ${maxDepth} levels of tags`, 'an annotation file');
    } else if (open.pop() !== name)
      throw invalid(thing, `</${name.slice(0, 40)}> without its opening tag`, 'XML whose tags fit together');
  }
  if (open.length) throw invalid(thing, `<${open.at(-1)!.slice(0, 40)}> that is not closed`, 'a whole XML file');
  if (from === 0) throw invalid(thing, 'no tag', 'an XML file <annotation>');
  return names;
}

function decode(thing: string, text: string): string {
  return text
    .replace(/&(?:#(\d{1,7})|#x([0-9a-f]{1,6})|([a-z]+));/giu, (whole, decimal?: string, hex?: string, name?: string) => {
      const code = decimal ? Number(decimal) : hex ? Number.parseInt(hex, 16) : -1;
      if (code >= 0 && code <= 0x10ffff) return String.fromCodePoint(code);
      if (name !== undefined && Object.hasOwn(entities, name)) return entities[name]!;
      throw invalid(thing, `the entity ${whole}`, 'characters or the five entities of XML');
    })
    .trim();
}

/** Reads a label map: `item { id: 1 name: 'aeroplane' display_name: 'Plane' }`. A display name becomes a synonym. Throws LabelSpaceError `invalid-label-space`. */
export function readLabelMap(input: string, options: ReadOptions = {}): LabelSpace {
  const thing = thingOf('label map', options);
  const given = textInput(thing, input);
  if (given.length > maxMap) throw invalid(thing, `${given.length} characters`, `a label map of at most ${maxMap}`);
  // Comments go, but not those inside of quotes.
  const text = given.replace(/#[^\n]*|("(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*')/gu, (_, quoted?: string) => quoted ?? '').trim();
  const item = /item\s*:?\s*\{((?:[^{}"']|"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*')*)\}\s*,?\s*/uy;
  const labels: LabelInput[] = [];
  while (item.lastIndex < text.length) {
    const at = item.lastIndex;
    const found = item.exec(text);
    if (!found) throw invalid(`${thing}, item ${labels.length}`, describe(text.slice(at, at + 60)), "item { id: 1 name: 'cat' }");
    labels.push(readItem(`${thing}, item ${labels.length}`, found[1]!.trim()));
  }
  return labelSpace(options.name ?? 'label-map', labels);
}

function readItem(thing: string, body: string): LabelInput {
  const fields = new Map<string, string>();
  const field = /([a-z_]\w*)\s*:\s*(-?\d+|"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*'|\w+)\s*[,;]?\s*/iuy;
  while (field.lastIndex < body.length) {
    const start = field.lastIndex;
    const found = field.exec(body);
    if (!found) throw invalid(thing, describe(body.slice(start, start + 40).trim()), 'fields as name: value');
    fields.set(found[1]!, found[2]!);
  }
  const id = fields.get('id');
  if (id === undefined || !/^-?\d{1,15}$/u.test(id)) throw invalid(`${thing}.id`, describe(id), 'an integer');
  const name = unquote(`${thing}.name`, fields.get('name'));
  const display = fields.has('display_name') ? unquote(`${thing}.display_name`, fields.get('display_name')) : undefined;
  return { id: Number(id), name, ...(display !== undefined && display.trim() && display !== name && { synonyms: [display] }) };
}

function unquote(thing: string, text: string | undefined): string {
  if (text === undefined || !/^["']/u.test(text)) throw invalid(thing, describe(text), 'a text in quotes');
  const bytes: number[] = [];
  const encoder = new TextEncoder();
  // Escapes of protobuf's text format: octal and hexadecimal ones are bytes of UTF-8.
  for (const [part, octal, hex, other] of text.slice(1, -1).matchAll(/\\([0-7]{1,3})|\\x([0-9a-f]{1,2})|\\(.)|[^\\]+/giu)) {
    if (octal !== undefined) bytes.push(Number.parseInt(octal, 8) & 0xff);
    else if (hex !== undefined) bytes.push(Number.parseInt(hex, 16));
    else if (other !== undefined) bytes.push(...encoder.encode({ n: '\n', r: '\r', t: '\t' }[other] ?? other));
    else bytes.push(...encoder.encode(part));
  }
  return new TextDecoder().decode(Uint8Array.from(bytes));
}

/** Writes a label map. Ids are integers as in writeCoco, from 1; the first synonym is written as display name. */
export function writeLabelMap(space: LabelSpace): string {
  const idOf = integerIds(space, 1);
  const quote = (text: string): string =>
    `"${text.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n').replaceAll('\r', '\\r')}"`;
  const items = space.labels.map((label) => {
    const display = label.synonyms[0] === undefined ? '' : `  display_name: ${quote(label.synonyms[0])}\n`;
    return `item {\n  id: ${idOf(label)}\n  name: ${quote(label.name)}\n${display}}\n`;
  });
  return items.join('');
}
