// The public surface of `labelweave/taxonomy/formats`: readers and writers of the label files that exist in the world. Text in, text out; no I/O.

export { cocoCategories, readCoco, readCocoPanoptic, readLvis, readObjects365, writeCoco } from './coco.js';
export type { CategoryOptions } from './coco.js';
export { readOpenImages, writeOpenImages, writeOpenImagesHierarchy } from './openimages.js';
export type { OpenImagesOptions } from './openimages.js';
export { readLabelMap, readVoc, writeLabelMap } from './voc.js';
export { readConfig, writeConfig } from './config.js';
export type { ConfigOptions } from './config.js';
export { readYolo, writeYolo } from './yolo.js';
export { readHuggingFace, writeHuggingFace } from './huggingface.js';
export { readText, writeText } from './text.js';

export { readMappingCsv, writeMappingCsv } from './mapping-csv.js';
export type { MappingColumn, MappingOptions, WriteMappingOptions } from './mapping-csv.js';
export { readUniDet, unidetColumns, writeUniDet } from './unidet.js';
export type { WriteUniDetOptions } from './unidet.js';
export { readMSeg, writeMSeg } from './mseg.js';
export type { MSegTable } from './mseg.js';

export { detectFormat, labelFormats, unifiedFormats } from './registry.js';
export type { Format, FormatOptions, LabelFormat, UnifiedFormat } from './registry.js';
export type { JsonInput, ReadOptions } from './common.js';
