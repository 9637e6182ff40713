// How sure each merge of a solution is: its connected part is solved again without it. The difference is its margin, the new merges are the runner-up.
import { describe, LearnError } from '../../errors.js';
import type { Column, LabelRef, LearnProgress } from '../types.js';
import { type Answer, solveExactly } from './branch.js';
import type { Clock } from './multipliers.js';
import { type PartAnswer, solvePacking } from './own.js';
import { connected, gainOf, type Packing, partOf } from './packing.js';
import { type NodePins, prepare } from './prepare.js';
import { checkLambda, type Solution, solutionOf, unhurried } from './solve.js';

/** How sure a merge is. */
export interface Margin {
  /** How much larger the objective of the best solution without this merge is; 0 where there is one as good. Undefined for pinned merges. */
  readonly margin: number | undefined;
  /** Whether the margin is proven; if not it is at most this. */
  readonly exact: boolean;
  /** The merges of the best solution without this one that the solution has not: positions of labels. Empty: its labels stand alone. */
  readonly runnerUp: readonly (readonly number[])[];
}

/** Options of {@link solveWithMargins}. */
export interface MarginOptions {
  /** The labels, as `solve` takes them. */
  readonly labels: readonly LabelRef[];
  /** What every unified label costs. Default: 0.5. */
  readonly lambda?: number;
  /** What a person decided. Default: nothing. */
  readonly pins?: NodePins;
  /** A solution that another solver found: the margins are those of its merges. Default: that of our own solver. */
  readonly solution?: Solution;
  /** Seconds for the solution, and as many again for the margins. Default: none. */
  readonly timeLimit?: number;
  /** Ends the work; what is there by then is given. Where it is aborted before the call, the promise rejects with `signal.reason`. */
  readonly signal?: AbortSignal;
  /** Gets `solve` and `margins`. */
  readonly onProgress?: (progress: LearnProgress) => void;
}

/** Parts of at most this many columns are solved again as a whole. */
const small = 400;
/** Around a merge in a larger part, at most this many columns are looked at. */
const mostColumns = 1500;

/**
 * Solves the program as `solve` does with its own solver, and says of each merge how sure it is. In large connected parts only columns near the top are
 * looked at, as far as the bound proves that no other can matter.
 * Throws as `solve` does; LearnError `invalid-columns` where the given solution is none of these columns.
 */
export async function solveWithMargins(
  columns: readonly Column[],
  options: MarginOptions,
): Promise<{ solution: Solution; margins: readonly Margin[] }> {
  const { labels, pins, signal, onProgress, timeLimit } = options;
  const lambda = checkLambda(options.lambda);
  signal?.throwIfAborted();
  const program = prepare(columns, labels, lambda, pins, true);
  const clockFor = (seconds = Number.POSITIVE_INFINITY): Clock => {
    const until = performance.now() + seconds * 1000;
    return {
      get stopped() {
        return signal?.aborted === true || performance.now() >= until;
      },
    };
  };
  const { packing, source } = program;
  const answer = await unhurried(
    solvePacking(packing, clockFor(timeLimit), (done, total) => onProgress?.({ phase: 'solve', done, total })),
  );
  const own = solutionOf(program, answer, columns, lambda, 'own');
  const solution = options.solution ?? own;
  // Of each column of the packing: its merge.
  const mergeOf = new Map(solution.columns.map((column, i) => [column, i]));
  const chosen = new Set<number>();
  source.forEach((column, j) => {
    if (mergeOf.has(column)) chosen.add(j);
  });
  const margins: Margin[] = solution.merges.map(() => ({ margin: undefined, exact: true, runnerUp: [] }));
  const clock = clockFor(timeLimit);
  const membersOf = (j: number): number[] => [...columns[source[j]!]!.members].sort((a, b) => a - b);
  let done = 0;
  for (const part of answer.parts) {
    const kept = part.columns.filter((j) => chosen.has(j));
    for (const j of kept) {
      if (clock.stopped) {
        margins[mergeOf.get(source[j]!)!] = { margin: packing.gain[j]!, exact: false, runnerUp: [] };
        continue;
      }
      const { loss, exact, others } = await unhurried(without(packing, part, kept, j, clock));
      margins[mergeOf.get(source[j]!)!] = {
        margin: loss,
        exact,
        runnerUp: others.filter((k) => !chosen.has(k)).map(membersOf),
      };
      if (++done % 16 === 0) onProgress?.({ phase: 'margins', done, total: chosen.size });
    }
  }
  if (options.solution && chosen.size < solution.merges.length - program.groups.filter((group) => group.length > 1).length)
    throw new LearnError('invalid-columns', {
      thing: 'option solution',
      found: describe(options.solution),
      wanted: 'a solution of these columns and pins',
    });
  onProgress?.({ phase: 'margins', done: chosen.size, total: chosen.size });
  return { solution, margins };
}

/** The best solution of a part without one of its chosen columns. `kept`: the chosen columns of the part. */
function* without(
  packing: Packing,
  { columns, dual }: PartAnswer,
  kept: readonly number[],
  j: number,
  clock: Clock,
): Generator<undefined, { loss: number; exact: boolean; others: readonly number[] }> {
  if (columns.length <= small || !dual) {
    const { answer, list } = yield* again(packing, columns, kept, j, clock);
    return {
      loss: Math.max(0, gainOf(packing, kept) - answer.value),
      exact: answer.bound <= answer.value + 1e-9,
      others: list,
    };
  }
  const value = gainOf(packing, kept);
  const slack = Math.max(0, dual.bound - value);
  const isKept = new Set(kept);
  let last = { loss: packing.gain[j]!, exact: false, others: [] as readonly number[] };
  for (let width = slack + 0.02; ; width = slack + (width - slack) * 3) {
    // A solution with a column further down loses more than width - slack.
    const near = columns.filter((k, at) => dual.reduced[at]! >= -width || isKept.has(k));
    const around = connected(packing, near).find((list) => list.includes(j))!;
    if (around.length > mostColumns || clock.stopped) return last;
    const { answer, list } = yield* again(packing, around, kept, j, clock);
    const before = gainOf(packing, around.filter((k) => isKept.has(k))); // prettier-ignore
    const loss = Math.max(0, before - answer.value);
    last = { loss: Math.min(last.loss, loss), exact: false, others: list };
    const whole = near.length === columns.length;
    if ((loss <= width - slack || whole) && answer.bound <= answer.value + 1e-9) return { ...last, exact: true };
    if (whole) return last;
  }
}

function* again(
  packing: Packing,
  columns: readonly number[],
  kept: readonly number[],
  j: number,
  clock: Clock,
): Generator<undefined, { answer: Answer; list: number[] }> {
  const part = partOf(packing, columns.filter((k) => k !== j)); // prettier-ignore
  const isKept = new Set(kept);
  const known = Array.from(part.columns.keys()).filter((c) => isKept.has(part.columns[c]!));
  const answer = yield* solveExactly(part.packing, clock, Number.NEGATIVE_INFINITY, known);
  return { answer, list: Array.from(answer.columns, (c) => part.columns[c]!) };
}
