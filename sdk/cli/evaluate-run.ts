// What the protocols of `labelweave evaluate` get and give, and how they read options that several of them have.
import type { EvaluationReport } from 'labelweave/evaluate';
import { LabelweaveError } from 'labelweave';
import { numberOption, textOption, UsageError } from './exit.js';
import type { Progress } from './progress.js';

/** Options as the parser gives them. */
export type Options = Readonly<Record<string, unknown>>;

/** What every protocol of the command line gets. */
export interface Run {
  readonly gt: string;
  /** Detections; empty where only partial results are merged. */
  readonly dt: string;
  readonly iouType: 'bbox' | 'segm' | 'boundary';
  readonly options: Options;
  readonly progress: Progress;
  /** Partial results of --merge. */
  readonly parts: readonly { readonly file: string; readonly bytes: Uint8Array }[];
}

/** What a protocol gives: the report, and arrays where it has some. */
export interface Answer {
  readonly report: EvaluationReport;
  readonly arrays?: readonly { readonly name: string; readonly data: Float64Array; readonly shape: readonly number[] }[];
  /** What was matched so far, for --partial. */
  readonly partial?: Uint8Array | undefined;
}

/** iouType to iou-type. */
export const dashed = (name: string) => name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);

/** The value of an option that names a file or folder, or undefined. Throws UsageError for anything else. */
export const pathOption = (options: Options, name: string): string | undefined =>
  textOption(dashed(name), options[name], 'one file or folder');

/** Threads for matching. Throws UsageError. */
export function workersOption(options: Options): number | 'auto' {
  const given = options['workers'] ?? 1;
  if (given === 'auto') return 'auto';
  return numberOption(
    'workers',
    given,
    'a whole number from 1 to 256, or auto',
    (n) => Number.isInteger(n) && n >= 1 && n <= 256,
  );
}

/** Merges partial results one after the other; errors name the file. Throws UsageError. */
export async function mergeParts(parts: Run['parts'], merge: (bytes: Uint8Array) => void | Promise<void>): Promise<void> {
  for (const { file, bytes } of parts) {
    try {
      await merge(bytes);
    } catch (error) {
      if (error instanceof LabelweaveError) throw new UsageError(`--merge ${file}: ${error.message}`);
      throw error;
    }
  }
}

/** Partial results that are plain data, as bytes and back. Throws UsageError for bytes that are no JSON. */
export const jsonPart = {
  write: (shard: object): Uint8Array => new TextEncoder().encode(`${JSON.stringify(shard)}\n`),
  read: <Shard>(bytes: Uint8Array): Shard => {
    try {
      return JSON.parse(new TextDecoder().decode(bytes)) as Shard;
    } catch {
      throw new UsageError('found no partial result; wanted a file that --partial wrote');
    }
  },
};
