// Reading JSON from files that may be wrong in any way: every problem becomes one ModelError that names file, path, found and wanted.
import * as v from 'valibot';
import { ModelError, describe } from '../errors.js';

/** Parses UTF-8 JSON. Throws {@link ModelError} `invalid-model`. */
export function parseJson(bytes: Uint8Array, file: string): unknown {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch (cause) {
    throw new ModelError('invalid-model', {
      thing: `file "${file}"`,
      found:
        bytes.length === 0
          ? 'an empty file'
          : `bytes that are no JSON (${cause instanceof Error ? cause.message.slice(0, 100) : 'unreadable'})`,
      wanted: 'JSON in UTF-8',
      cause,
    });
  }
}

/** Checks a value against a schema. Throws {@link ModelError} `invalid-model` for the first issue, with its path in the file. */
export function parseWith<S extends v.GenericSchema>(schema: S, value: unknown, file: string): v.InferOutput<S> {
  const result = v.safeParse(schema, value);
  if (result.success) return result.output;
  const [issue] = result.issues;
  const path =
    issue.path?.map((item) => (typeof item.key === 'number' ? `[${item.key}]` : `.${String(item.key)}`)).join('') ?? '';
  throw new ModelError('invalid-model', {
    thing: `file "${file}"${path ? `, ${path.replace(/^\./, '')}` : ''}`,
    found: 'input' in issue ? describe(issue.input) : 'nothing',
    // What checks of our own expect stands in their message.
    wanted: (issue.type !== 'custom' && issue.expected) || issue.message,
  });
}
