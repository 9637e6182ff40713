// What can be wrong with a taxonomy, as data: a code of a closed list, the path, what was found and what was wanted. Text is made from it.
import { LabelSpaceError } from '../errors.js';
import type { LabelId } from './label-space.js';

/** The closed list of what can be wrong. A code never changes its meaning. */
export type ProblemCode =
  /** The file is no text in UTF-8, no JSON, or ends early. */
  | 'not-json'
  /** The file is larger than the reader was told to take. */
  | 'too-large'
  /** Written by another version, to which no migration leads. */
  | 'unknown-version'
  | 'unknown-key'
  | 'missing-key'
  /** A key stands twice in one JSON object. */
  | 'duplicate-key'
  /** A value of the wrong type or outside its range. */
  | 'wrong-value'
  | 'duplicate-dataset'
  /** Two labels of one list have the same id. 1 and "1" count as the same. */
  | 'duplicate-id'
  /** Two labels of one list have the same name: a warning, they can only be named by id. */
  | 'duplicate-name'
  | 'unknown-parent'
  | 'parent-cycle'
  | 'unknown-dataset'
  /** A label of a data set that is not there: a dangling member, relation or pin. */
  | 'unknown-label'
  | 'unknown-unified'
  /** A label of a data set stands in two unified labels. */
  | 'label-in-two'
  /** A label of a data set stands in no unified label. */
  | 'label-in-none'
  /** A unified label stands for two labels of one data set. */
  | 'two-of-one-dataset'
  /** A unified label stands for nothing. */
  | 'no-member'
  | 'self-relation'
  | 'duplicate-relation'
  /** Proper subsets lead in a circle. */
  | 'relation-cycle'
  /** Pins that cannot all hold. */
  | 'pin-conflict'
  /** A pin that the unified labels do not follow: a warning, the pins may be newer. */
  | 'pin-broken'
  /** There are more problems than are listed. */
  | 'more';

/** Where a problem is: keys and positions from the root of the file. */
export type ProblemPath = readonly (string | number)[];

/** One thing that is wrong. */
export interface Problem {
  /** What is wrong, for programs. */
  readonly code: ProblemCode;
  /** A warning leaves the taxonomy usable. */
  readonly severity: 'error' | 'warning';
  /** Where it is. */
  readonly path: ProblemPath;
  /** What was found there. */
  readonly found: string;
  /** What was wanted instead. */
  readonly wanted: string;
  /** What to do next, if it does not follow from `wanted`. */
  readonly next?: string;
}

/** A label of a data set. */
export interface LabelKey {
  /** Name of the data set. */
  readonly dataset: string;
  /** Id of the label there. */
  readonly id: LabelId;
}

/** Makes a problem that is an error. */
export function problem(code: ProblemCode, path: ProblemPath, found: string, wanted: string, next?: string): Problem {
  return { code, severity: 'error', path, found, wanted, ...(next !== undefined && { next }) };
}

/** Makes a problem that leaves the taxonomy usable. */
export function warning(code: ProblemCode, path: ProblemPath, found: string, wanted: string, next?: string): Problem {
  return { ...problem(code, path, found, wanted, next), severity: 'warning' };
}

/** `unified[3].members["coco"]`. */
export function formatPath(path: ProblemPath): string {
  const parts = path.map((key) =>
    typeof key === 'number' ? `[${key}]` : /^[a-z_$][\w$]*$/iu.test(key) ? `.${key}` : `[${JSON.stringify(key.slice(0, 60))}]`,
  );
  return parts.join('').replace(/^\./u, '') || 'the file';
}

/** One line: `unified[3].members.coco: found 91; wanted the id of a label of "coco".` */
export function formatProblem({ path, found, wanted, next }: Problem): string {
  return `${formatPath(path)}: found ${found}; wanted ${wanted}.${next ? ` ${next}` : ''}`;
}

/** A taxonomy breaks its laws or its file is wrong; `problems` lists everything that was found. Code: `invalid-taxonomy`. */
export class TaxonomyError extends LabelSpaceError {
  /** Errors first, warnings behind them; one or more. */
  readonly problems: readonly Problem[];
  constructor(thing: string, problems: readonly Problem[]) {
    const sorted = [...problems.filter(isError), ...problems.filter((p) => !isError(p))];
    const { path, found, wanted, next } = sorted[0]!;
    const more =
      sorted.length > 1 ? `There ${sorted.length > 2 ? `are ${sorted.length - 1} more problems` : 'is one more problem'}.` : '';
    super('invalid-taxonomy', {
      thing: path.length ? `${thing}, ${formatPath(path)}` : thing,
      found,
      wanted,
      ...((next || more) && { next: [next, more].filter(Boolean).join(' ') }),
    });
    this.name = 'TaxonomyError';
    this.problems = Object.freeze(sorted);
  }
}

export function isError(problem: Problem): boolean {
  return problem.severity === 'error';
}
