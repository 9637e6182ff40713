// What the protocols of `labelweave evaluate` get and give, and how it reads options that name files.
import type { EvaluationReport } from 'labelweave/evaluate';
import { UsageError } from './exit.js';
import type { Progress } from './progress.js';

/** Options as the parser gives them. */
export type Options = Readonly<Record<string, unknown>>;

/** What every protocol of the command line gets. */
export interface Run {
  readonly gt: string;
  readonly dt: string;
  readonly iouType: 'bbox' | 'segm' | 'boundary';
  readonly options: Options;
  readonly progress: Progress;
}

/** What a protocol gives: the report, and arrays where it has some. */
export interface Answer {
  readonly report: EvaluationReport;
  readonly arrays?: readonly { readonly name: string; readonly data: Float64Array; readonly shape: readonly number[] }[];
}

/** iouType to iou-type. */
export const dashed = (name: string) => name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);

/** The value of an option that names a file or folder, or undefined. Throws UsageError for anything else. */
export function pathOption(options: Options, name: string): string | undefined {
  const value = options[name];
  if (value === undefined) return undefined;
  // The parser makes numbers of names such as 2007.
  if ((typeof value === 'string' && value !== '') || typeof value === 'number') return String(value);
  throw new UsageError(`--${dashed(name)}: found ${JSON.stringify(value)}; wanted one file or folder`);
}
