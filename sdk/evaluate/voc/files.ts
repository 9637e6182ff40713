// The files of Pascal VOC: annotation XML and detection lists. A small reader of that XML, not of XML at large.
import { EvaluationError } from '../../errors.js';
import type { VocDetection, VocObject } from './voc.js';

/** What a VOC annotation file says. */
export interface VocAnnotation {
  /** Name of the image file, without the ending: what detection lists call the image. */
  image: string;
  /** Name of the image file as written, or empty. */
  fileName: string;
  /** Pixels, where the file tells. */
  width: number | undefined;
  /** Pixels, where the file tells. */
  height: number | undefined;
  /** Objects in the order of the file, with the flags that no metric uses. */
  objects: (VocObject & { truncated: boolean; pose: string | undefined })[];
}

interface Element {
  name: string;
  text: string;
  children: Element[];
}

/**
 * Reads one annotation file. Boxes stay as they are written (pixels counted from 1, both corners inside); parts of objects are left out.
 * @param image name of the image where the file's own `filename` is not to be used
 * @throws EvaluationError `invalid-ground-truth` for broken XML, an object without name or box, or a number that is none.
 */
export function readVocAnnotation(xml: string, image?: string): VocAnnotation {
  const root = parse(xml);
  if (root.name !== 'annotation') throw broken(`a root element <${root.name}>`, '<annotation>');
  const fileName = child(root, 'filename')?.text ?? '';
  const name = image ?? fileName.replace(/\.[^.]*$/, '');
  if (name === '') throw broken('no <filename>', 'the name of the image', 'Or give it as the second argument.');
  const size = child(root, 'size');
  const objects = root.children
    .filter((element) => element.name === 'object')
    .map((element, i) => {
      const where = `image ${name}, object ${i}`;
      const label = child(element, 'name')?.text;
      const corners = child(element, 'bndbox');
      if (!label || !corners) throw broken(`<object> without ${label ? '<bndbox>' : '<name>'}`, 'both', undefined, where);
      const corner = (tag: string) => number(corners, tag, where);
      return {
        image: name,
        label,
        box: [corner('xmin'), corner('ymin'), corner('xmax'), corner('ymax')] as const,
        difficult: flag(element, 'difficult', where),
        truncated: flag(element, 'truncated', where),
        pose: child(element, 'pose')?.text,
      };
    });
  return {
    image: name,
    fileName,
    width: size && child(size, 'width') && number(size, 'width', `image ${name}`),
    height: size && child(size, 'height') && number(size, 'height', `image ${name}`),
    objects,
  };
}

/**
 * Reads a detection list of one class as VOC's kit and detectron2 write it: `image score x1 y1 x2 y2`, one a line.
 * @throws EvaluationError `invalid-predictions` for a line with other fields.
 */
export function readVocDetections(text: string, label: string): VocDetection[] {
  const detections: VocDetection[] = [];
  text.split(/\r?\n/).forEach((line, i) => {
    if (line.trim() === '') return;
    const [image, ...numbers] = line.trim().split(/\s+/);
    const values = numbers.map(Number);
    if (values.length !== 5 || !values.every(Number.isFinite)) {
      throw new EvaluationError('invalid-predictions', {
        thing: `detections of "${label}", line ${i + 1}`,
        found: JSON.stringify(line.slice(0, 80)),
        wanted: 'image score x1 y1 x2 y2',
      });
    }
    const [score, x1, y1, x2, y2] = values as [number, number, number, number, number];
    detections.push({ image: image!, label, score, box: [x1, y1, x2, y2] });
  });
  return detections;
}

function child(element: Element, name: string): Element | undefined {
  return element.children.find((entry) => entry.name === name);
}

function number(parent: Element, tag: string, where: string): number {
  const text = child(parent, tag)?.text;
  const value = text === undefined || text === '' ? Number.NaN : Number(text);
  if (!Number.isFinite(value)) {
    throw broken(`<${tag}> ${text === undefined ? 'missing' : JSON.stringify(text)}`, 'a number', undefined, where);
  }
  return value;
}

function flag(parent: Element, tag: string, where: string): boolean {
  return child(parent, tag) !== undefined && number(parent, tag, where) !== 0;
}

function broken(found: string, wanted: string, next?: string, where = 'VOC annotation'): EvaluationError {
  return new EvaluationError('invalid-ground-truth', { thing: where, found, wanted, next });
}

const entities: Record<string, string> = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'" };

function decode(text: string): string {
  return text
    .replace(/&(?:#x([0-9a-f]{1,6})|#(\d{1,7})|(\w+));/gi, (whole, hex?: string, digits?: string, name?: string) => {
      if (name !== undefined) return entities[name] ?? whole;
      const code = Number.parseInt(hex ?? digits!, hex ? 16 : 10);
      return code <= 0x10ffff ? String.fromCodePoint(code) : whole;
    })
    .trim();
}

/** Elements and their text; attributes, comments, declarations and processing instructions are passed over. */
function parse(xml: string): Element {
  const top: Element = { name: '', text: '', children: [] };
  const open = [top];
  const token = /<!--[^]*?-->|<!\[CDATA\[([^]*?)\]\]>|<[?!][^>]*>|<(\/?)([^\s/>]+)[^>]*?(\/?)>|([^<]+)/gy;
  while (token.lastIndex < xml.length) {
    const at = token.lastIndex;
    const match = token.exec(xml);
    if (!match) throw broken(`${JSON.stringify(xml.slice(at, at + 30))} at character ${at}`, 'XML');
    const [, cdata, closing, name, alone, text] = match;
    const current = open.at(-1)!;
    if (cdata !== undefined) current.text += cdata;
    else if (text !== undefined) current.text += decode(text);
    else if (closing) {
      if (open.length === 1 || current.name !== name) {
        throw broken(`</${name}> at character ${at}`, open.length === 1 ? 'an opening tag first' : `</${current.name}>`);
      }
      open.pop();
    } else if (name !== undefined) {
      const element: Element = { name, text: '', children: [] };
      current.children.push(element);
      if (!alone) open.push(element);
    }
  }
  if (open.length > 1) throw broken('the end of the file', `</${open.at(-1)!.name}>`, 'The file may be cut.');
  if (top.children.length !== 1) throw broken(`${top.children.length} root elements`, 'one');
  return top.children[0]!;
}
