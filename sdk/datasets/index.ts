// The public surface of `labelweave/datasets`: merging annotation files of any size into the unified label space of a taxonomy, and splitting them back.

export { cocoFile } from './annotations.js';
export type { Annotations, Entry, EntryBatch, ListName, ReadAnnotationsOptions, ReopenableSource } from './annotations.js';
export type { OtherValue } from './json-batches.js';
export type { FileSource } from '../store/source.js';

export { mergeDatasets } from './merge.js';
export type {
  DatasetInput, DatasetProgress, LongDatasetOptions, MergedDataset, MergedInfo, MergedInfoDataset, MergeDatasetsOptions, MergeReport,
} from './merge.js'; // prettier-ignore
export type { Unified } from './categories.js';

export { splitDatasets } from './split.js';
export type { SplitDataset, SplitOptions } from './split.js';

export { readYoloFolder, writeYoloFolder } from './yolo.js';
export type { WriteYoloOptions, YoloOptions, YoloReport } from './yolo.js';

export type { Folder, TextSink } from '../platform-types.js';
export { DatasetError } from '../errors.js';
