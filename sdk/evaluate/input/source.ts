// Opens the files of an evaluation as chunks of bytes (see store/source.ts), with the errors of an evaluation.
import { EvaluationError } from '../../errors.js';
import { openSource as open, type OpenSource, type SourceOptions } from '../../store/source.js';
import type { FileSource } from '../types.js';

/**
 * Opens a source. Throws LoadError where it cannot be read, ArgumentError where it is none, EvaluationError for broken gzip data (while
 * reading), or `signal.reason`.
 */
export function openSource(source: FileSource, thing: string, options: Omit<SourceOptions, 'broken'> = {}): Promise<OpenSource> {
  const code = thing === 'ground truth' ? 'invalid-ground-truth' : 'invalid-predictions';
  return open(source, thing, {
    ...options,
    broken: (parts) => new EvaluationError(code, { ...parts, reason: 'invalid-json' }),
  });
}
