// Every error class of the package, each with a `code`; messages name the thing, what was found, what was wanted and the next step.

/** The closed set of error codes. A code never changes its meaning; programs branch on it, people read the message. */
export type ErrorCode =
  | 'invalid-argument'
  | 'invalid-image'
  | 'unsupported-image'
  | 'image-too-large'
  | 'fetch-failed'
  | 'missing-file'
  | 'invalid-model'
  | 'unsupported-operator'
  | 'invalid-weights'
  | 'invalid-label-space'
  | 'invalid-taxonomy'
  | 'ambiguous-label'
  | 'unknown-label'
  | 'invalid-ground-truth'
  | 'invalid-predictions'
  | 'invalid-dataset'
  | 'invalid-firings'
  | 'invalid-columns'
  | 'pin-conflict'
  | 'solver-unavailable'
  | 'solver-failed'
  | 'device-unavailable'
  | 'device-failed'
  | 'device-lost'
  | 'out-of-memory'
  | 'disposed'
  | 'internal';

/** What every message is made from. */
export interface ErrorParts {
  /** The thing that is wrong, with its name: `scoreThreshold`, `file "weights.bin"`, `node "conv1" (Conv2D)`. */
  thing: string;
  /** What was found. */
  found: string;
  /** What was wanted instead. */
  wanted: string;
  /** What to do next, if it does not follow from `wanted`. */
  next?: string;
  cause?: unknown;
}

/** Base class. `code`, `thing`, `found`, `wanted` and `next` are data; the message is made from them. */
export class LabelweaveError extends Error {
  /** What kind of problem; programs branch on it. */
  readonly code: ErrorCode;
  /** The thing that is wrong, with its name. */
  readonly thing: string;
  /** What was found. */
  readonly found: string;
  /** What was wanted instead. */
  readonly wanted: string;
  /** What to do next, where it does not follow from `wanted`. */
  readonly next: string | undefined;
  constructor(code: ErrorCode, parts: ErrorParts) {
    super(
      `${parts.thing}: found ${parts.found}; wanted ${parts.wanted}.${parts.next ? ` ${parts.next}` : ''}`,
      parts.cause === undefined ? undefined : { cause: parts.cause },
    );
    // Written out in every class: minifiers change the names of classes.
    this.name = 'LabelweaveError';
    this.code = code;
    this.thing = parts.thing;
    this.found = parts.found;
    this.wanted = parts.wanted;
    this.next = parts.next;
  }
}

/** An option or argument is outside what the function accepts. Codes: `invalid-argument`. */
export class ArgumentError extends LabelweaveError {
  constructor(parts: ErrorParts) {
    super('invalid-argument', parts);
    this.name = 'ArgumentError';
  }
}

/** Something given as an image is none, is broken, too large, or of a kind that is refused. */
export class ImageError extends LabelweaveError {
  constructor(code: 'invalid-image' | 'unsupported-image' | 'image-too-large', parts: ErrorParts) {
    super(code, parts);
    this.name = 'ImageError';
  }
}

/** A file or URL could not be read. Codes: `fetch-failed`, `missing-file`. */
export class LoadError extends LabelweaveError {
  constructor(code: 'fetch-failed' | 'missing-file', parts: ErrorParts) {
    super(code, parts);
    this.name = 'LoadError';
  }
}

/** A model package, graph or weight file is not what it should be. */
export class ModelError extends LabelweaveError {
  constructor(code: 'invalid-model' | 'invalid-weights' | 'unsupported-operator', parts: ErrorParts) {
    super(code, parts);
    this.name = 'ModelError';
  }
}

/** A label space, grouping or taxonomy breaks a law, or a label is not in it. For taxonomies see also TaxonomyError, which lists every problem. */
export class LabelSpaceError extends LabelweaveError {
  constructor(code: 'invalid-label-space' | 'invalid-taxonomy' | 'ambiguous-label' | 'unknown-label', parts: ErrorParts) {
    super(code, parts);
    this.name = 'LabelSpaceError';
  }
}

/** What an evaluation is given is broken: a row, a mask, an image or a class. The message names the row. */
export class EvaluationError extends LabelweaveError {
  /** What is wrong, finer than `code`: one of the diagnostic codes of sdk/evaluate/types.ts; undefined where there is no finer word. */
  readonly reason: string | undefined;
  /** Row of the file or batch (0 is the first), where the problem stands in one. */
  readonly row: number | undefined;
  constructor(
    code: 'invalid-ground-truth' | 'invalid-predictions',
    parts: ErrorParts & { reason?: string | undefined; row?: number | undefined },
  ) {
    super(code, parts);
    this.name = 'EvaluationError';
    this.reason = parts.reason;
    this.row = parts.row;
  }
}

/** Annotations that are to be merged, split or converted are broken, or do not fit the taxonomy. The message names the file and the row. */
export class DatasetError extends LabelweaveError {
  /** Row of its list in the file (0 is the first), where the problem stands in one. */
  readonly row: number | undefined;
  constructor(parts: ErrorParts & { row?: number | undefined }) {
    super('invalid-dataset', parts);
    this.name = 'DatasetError';
    this.row = parts.row;
  }
}

/** What a label space is to be learnt from is broken (firings, columns), pins contradict each other, or a solver is missing or failed. */
export class LearnError extends LabelweaveError {
  constructor(
    code: 'invalid-firings' | 'invalid-columns' | 'pin-conflict' | 'solver-unavailable' | 'solver-failed',
    parts: ErrorParts,
  ) {
    super(code, parts);
    this.name = 'LearnError';
  }
}

/** No device of the wanted kind, or the device failed while working. */
export class DeviceError extends LabelweaveError {
  constructor(code: 'device-unavailable' | 'device-failed' | 'device-lost' | 'out-of-memory', parts: ErrorParts) {
    super(code, parts);
    this.name = 'DeviceError';
  }
}

/** The GPU went away while working: unplugged, its driver restarted, the page suspended, or the device destroyed by its owner. Codes: `device-lost`. */
export class DeviceLostError extends DeviceError {
  constructor(parts: ErrorParts) {
    super('device-lost', parts);
    this.name = 'DeviceLostError';
  }
}

/** A detector, runtime or executable was used after `dispose()`. */
export class DisposedError extends LabelweaveError {
  constructor(thing: string) {
    super('disposed', { thing, found: 'a call after dispose()', wanted: 'a live object', next: 'Load it again.' });
    this.name = 'DisposedError';
  }
}

/** A broken promise inside the package itself: please report it. */
export class InternalError extends LabelweaveError {
  constructor(thing: string, found: string, wanted: string) {
    super('internal', { thing, found, wanted, next: 'This is a bug in labelweave: please report it with the input.' });
    this.name = 'InternalError';
  }
}

/** A short, safe picture of any value for `found`. Never throws, never longer than about 80 characters. */
export function describe(value: unknown): string {
  if (value === null) return 'null';
  if (typeof value === 'string') return JSON.stringify(value.length > 60 ? `${value.slice(0, 57)}...` : value);
  if (typeof value === 'number' || typeof value === 'boolean' || typeof value === 'undefined') return String(value);
  if (typeof value === 'bigint') return `${value}n`;
  if (typeof value === 'function') return `function ${value.name || '(anonymous)'}`;
  if (typeof value === 'symbol') return 'a symbol';
  if (Array.isArray(value)) return `an array of ${value.length}`;
  if (ArrayBuffer.isView(value)) return `${value.constructor.name} of ${value.byteLength} bytes`;
  const name = (value as object).constructor?.name;
  return name && name !== 'Object' ? `an object of class ${name}` : 'an object';
}
