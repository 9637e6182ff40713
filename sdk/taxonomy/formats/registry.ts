// The list of label formats by name, and how the format of a file is told from its name and content.
import { describe } from '../../errors.js';
import { invalid, type LabelSpace } from '../label-space.js';
import type { UnifiedLabelSpace } from '../unified.js';
import { readCoco, readCocoPanoptic, readLvis, readObjects365, writeCoco } from './coco.js';
import { isRecord, withoutMark } from './common.js';
import { readConfig, writeConfig } from './config.js';
import { readHuggingFace, writeHuggingFace } from './huggingface.js';
import { readMappingCsv, writeMappingCsv } from './mapping-csv.js';
import { readOpenImages, writeOpenImages, writeOpenImagesHierarchy } from './openimages.js';
import { readText, writeText } from './text.js';
import { readUniDet, writeUniDet } from './unidet.js';
import { readLabelMap, readVoc, writeLabelMap } from './voc.js';
import { readYolo, writeYolo } from './yolo.js';

/** Formats of one label space. */
export type LabelFormat =
  | 'coco'
  | 'coco-panoptic'
  | 'lvis'
  | 'objects365'
  | 'openimages'
  | 'openimages-hierarchy'
  | 'voc'
  | 'label-map'
  | 'config'
  | 'yolo'
  | 'huggingface'
  | 'text';

/** Formats of a unified label space. */
export type UnifiedFormat = 'unidet' | 'mapping-csv';

/** Options that every reader of the list takes; readers with more options are called by their own names. */
export interface FormatOptions {
  /** Name of the data set, or of the unified label space. */
  name?: string;
  /** How messages name the file. */
  file?: string;
}

/** A format by name. */
export interface Format<T> {
  /** In a few words. */
  readonly title: string;
  /** Absent where a file of this format alone is no label space. Throws, or rejects with, LabelSpaceError only. */
  readonly read?: (text: string, options?: FormatOptions) => T | Promise<T>;
  /** Absent where the format is no list of labels. Throws LabelSpaceError for what the format cannot hold. */
  readonly write?: (value: T) => string;
}

/** Formats of one label space. What a format has no place for is left out when it is written. */
export const labelFormats: Readonly<Record<LabelFormat, Format<LabelSpace>>> = {
  coco: { title: 'COCO categories (JSON)', read: readCoco, write: writeCoco },
  'coco-panoptic': { title: 'COCO panoptic categories (JSON)', read: readCocoPanoptic, write: writeCoco },
  lvis: { title: 'LVIS v1 categories (JSON)', read: readLvis, write: writeCoco },
  objects365: {
    title: 'Objects365 categories (JSON), or id, name, corrected name (CSV)',
    read: readObjects365,
    write: writeCoco,
  },
  openimages: { title: 'Open Images classes (CSV)', read: readOpenImages, write: writeOpenImages },
  'openimages-hierarchy': { title: 'Open Images hierarchy (JSON)', write: writeOpenImagesHierarchy },
  voc: { title: 'Pascal VOC annotation (XML)', read: readVoc },
  'label-map': { title: 'label map (pbtxt)', read: readLabelMap, write: writeLabelMap },
  config: { title: 'Mapillary config.json, or Cityscapes’ label table as JSON', read: readConfig, write: writeConfig },
  yolo: { title: 'YOLO data.yaml', read: readYolo, write: writeYolo },
  huggingface: { title: 'Hugging Face config.json', read: readHuggingFace, write: writeHuggingFace },
  text: { title: 'one name a line', read: readText, write: writeText },
};

/** Formats of a unified label space. */
export const unifiedFormats: Readonly<Record<UnifiedFormat, Format<UnifiedLabelSpace>>> = {
  unidet: { title: 'UniDet label space (JSON)', read: readUniDet, write: writeUniDet },
  'mapping-csv': {
    title: 'mapping of the Robust Vision Challenge or UniDet (CSV)',
    read: readMappingCsv,
    write: writeMappingCsv,
  },
};

/**
 * The format of a file by its name and content: one of the lists, `mseg`, or `labelweave` for a taxonomy file or label list of our own.
 * Throws LabelSpaceError `invalid-label-space` where it cannot be told.
 */
export function detectFormat(input: string, file = ''): LabelFormat | UnifiedFormat | 'mseg' | 'labelweave' {
  const text = withoutMark(input);
  const ending = /\.([a-z]+)$/iu.exec(file)?.[1]?.toLowerCase() ?? '';
  if (ending === 'yaml' || ending === 'yml') return 'yolo';
  if (ending === 'pbtxt' || /^\s*item\s*:?\s*\{/u.test(text)) return 'label-map';
  if (ending === 'xml' || /^\s*<(?:\?xml|annotation)\b/u.test(text)) return 'voc';
  if (ending === 'tsv') return 'mseg';
  if (ending === 'txt' || ending === 'names') return 'text';
  if (ending === 'json' || /^\s*[[{]/u.test(text)) return detectJson(text, file);
  if (ending === 'csv' || /^[^\n]*,/u.test(text)) {
    if (/^"?key"?,/iu.test(text)) return 'mapping-csv';
    if (/^"?(?:\/[a-z]\/|(?:labelname|id|mid)"?,)/iu.test(text)) return 'openimages';
    if (/^"?\d+"?,/u.test(text)) return 'objects365';
  } else if (/^[^\t\n]*\t/u.test(text)) return 'mseg';
  throw invalid(
    file ? `file ${JSON.stringify(file)}` : 'label file',
    `text that begins with ${describe(text.slice(0, 40))}`,
    'a format that is known by its content',
    'Name the format.',
  );
}

function detectJson(text: string, file: string): ReturnType<typeof detectFormat> {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (cause) {
    throw invalid(
      file ? `file ${JSON.stringify(file)}` : 'label file',
      `text that is not JSON (${(cause as Error).message.slice(0, 100)})`,
      'JSON',
      'Is the file whole?',
    );
  }
  if (Array.isArray(json)) return json.some(isRecord) ? detectList(json) : 'labelweave';
  if (!isRecord(json)) return 'labelweave';
  if (Object.hasOwn(json, 'raw_data')) return 'unidet';
  if (Object.hasOwn(json, 'id2label')) return 'huggingface';
  if (Array.isArray(json['categories'])) return detectCategories(json['categories']);
  if (Object.hasOwn(json, 'labelweave') || !Array.isArray(json['labels'])) return 'labelweave';
  return detectList(json['labels'], 'labelweave');
}

function detectList(list: readonly unknown[], otherwise: 'coco' | 'labelweave' = 'coco'): ReturnType<typeof detectFormat> {
  const has = (key: string): boolean => list.some((item) => isRecord(item) && Object.hasOwn(item, key));
  if (['readable', 'trainId', 'instances', 'hasInstances'].some(has)) return 'config';
  return otherwise === 'labelweave' ? otherwise : detectCategories(list);
}

function detectCategories(list: readonly unknown[]): LabelFormat {
  const all = (key: string): boolean => list.length > 0 && list.every((item) => isRecord(item) && Object.hasOwn(item, key));
  if (all('isthing')) return 'coco-panoptic';
  if (all('synset') && all('frequency')) return 'lvis';
  return list.length === 365 ? 'objects365' : 'coco';
}
