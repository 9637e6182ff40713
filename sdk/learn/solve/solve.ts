// `solve`: the 0-1 program of label-space learning (UniDet, Eq. 8), by our own exact solver or one that is installed beside this package.
import { ArgumentError, describe } from '../../errors.js';
import type { Column, LabelRef, LearnProgress } from '../types.js';
import type { Answer } from './branch.js';
import type { Clock } from './multipliers.js';
import { solvePacking } from './own.js';
import { gainOf, type Packing } from './packing.js';
import { type NodePins, prepare, type Program } from './prepare.js';

/** `own` needs nothing; `highs` (MIT) and `glpk` (glpk.js, GPL-3.0) are packages that a program installs itself. */
export type SolverName = 'own' | 'highs' | 'glpk';

/** Every solver. */
export const solverNames: readonly SolverName[] = ['own', 'highs', 'glpk'];

/** Options of {@link solve}. */
export interface SolveOptions {
  /** The labels; columns name them by their positions. */
  readonly labels: readonly LabelRef[];
  /** What every unified label costs (UniDet's lambda). Default: 0.5. */
  readonly lambda?: number;
  /** Default: `own`. */
  readonly solver?: SolverName;
  /** What a person decided. Default: nothing. */
  readonly pins?: NodePins;
  /** Seconds after which the best solution so far is given, with its gap. Default: none. */
  readonly timeLimit?: number;
  /** Ends the work; the best solution so far is given, with its gap (the own solver looks every few milliseconds, the others before they start). Where it is aborted before the call, the promise rejects with `signal.reason`. */
  readonly signal?: AbortSignal;
  /** Gets `{ phase: 'solve' }` with the connected parts that are done. */
  readonly onProgress?: (progress: LearnProgress) => void;
  /** For pages and bundlers: the module of the solver, `() => import('highs')`. Default: it is imported by its name where it is installed. */
  readonly load?: () => Promise<unknown>;
  /** For `highs` in pages: where its WASM file is, as its `locateFile` option takes it. */
  readonly locateFile?: (file: string) => string;
}

/** A solution of the program, with what is proven of it. */
export interface Solution {
  /** Number of unified labels. */
  readonly size: number;
  /** cost + lambda size: what is minimised. */
  readonly objective: number;
  /** Sum of the costs of the merges. */
  readonly cost: number;
  /** No solution has a smaller objective than this. */
  readonly bound: number;
  /** (objective - bound) / |objective|; 0 where the solution is optimal. */
  readonly gap: number;
  /** Whether the solution is proven to be the best (up to rounding, 1e-9 of the objective). */
  readonly optimal: boolean;
  /** The merges: positions of labels, ascending; in the order of their first labels. */
  readonly merges: readonly (readonly number[])[];
  /** Of each merge: its column, -1 for pinned labels for which no column says the cost (they count as 0). */
  readonly columns: readonly number[];
  /** Which solver found it. */
  readonly solver: SolverName;
}

/**
 * Chooses columns so that every label is covered once, labels in no chosen column standing alone at cost 0, and the sum of (cost + lambda) over all
 * unified labels is least. Deterministic; with several best solutions solvers may give different ones.
 *
 * Throws LearnError `invalid-columns`, `pin-conflict`, `solver-unavailable`, `solver-failed`; ArgumentError.
 */
export async function solve(columns: readonly Column[], options: SolveOptions): Promise<Solution> {
  const { labels, solver = 'own', pins, timeLimit, signal, onProgress } = options;
  const lambda = checkLambda(options.lambda);
  if (!solverNames.includes(solver))
    throw new ArgumentError({ thing: 'option solver', found: describe(solver), wanted: solverNames.join(', ') });
  if (timeLimit !== undefined && !(timeLimit >= 0))
    throw new ArgumentError({ thing: 'option timeLimit', found: describe(timeLimit), wanted: 'seconds, from 0' });
  signal?.throwIfAborted();
  const program = prepare(columns, labels, lambda, pins);
  const until = timeLimit === undefined ? Number.POSITIVE_INFINITY : performance.now() + timeLimit * 1000;
  const clockTo = (end: number): Clock => ({
    get stopped() {
      return signal?.aborted === true || performance.now() >= end;
    },
  });
  const clock = clockTo(until);
  const own = (): Promise<Answer> =>
    unhurried(solvePacking(program.packing, clock, (done, total) => onProgress?.({ phase: 'solve', done, total })));
  let answer: Answer;
  if (solver === 'own' || program.packing.size === 0) answer = await own();
  else {
    const { solveWith } = await (solver === 'highs' ? import('./highs.js') : import('./glpk.js'));
    const { load, locateFile } = options;
    const { chosen, optimal } = await solveWith(program.packing, { timeLimit, load, locateFile });
    const value = gainOf(program.packing, chosen);
    if (optimal) answer = { columns: chosen, value, bound: value };
    else {
      // It ran out of time and does not say what it proved: what our own solver proves in a fifth of the time, and the better solution of both.
      const proven = await unhurried(solvePacking(program.packing, clockTo(performance.now() + (timeLimit ?? 0) * 200)));
      answer = proven.value > value ? proven : { columns: chosen, value, bound: Math.max(value, proven.bound) };
    }
  }
  return solutionOf(program, answer, columns, lambda, solver);
}

/** The same by our own solver, at once and in one go: for programs that are known to be small, such as a component that is solved again. */
export function solveNow(columns: readonly Column[], options: Pick<SolveOptions, 'labels' | 'lambda' | 'pins'>): Solution {
  const lambda = checkLambda(options.lambda);
  const program = prepare(columns, options.labels, lambda, options.pins);
  return solutionOf(program, runThrough(solvePacking(program.packing, { stopped: false })), columns, lambda, 'own');
}

/** Throws ArgumentError. */
export function checkLambda(lambda = 0.5): number {
  if (!(lambda >= 0 && lambda < Number.POSITIVE_INFINITY))
    throw new ArgumentError({ thing: 'option lambda', found: describe(lambda), wanted: 'a number from 0' });
  return lambda;
}

/** Translates the chosen columns of a packing into merges and adds up. */
export function solutionOf(
  { source, groups, base, baseColumn }: Program,
  { columns: chosen, value, bound }: Pick<Answer, 'columns' | 'value' | 'bound'>,
  columns: readonly Column[],
  lambda: number,
  solver: SolverName,
): Solution {
  const found = chosen.map((c) => ({ column: source[c]!, members: [...columns[source[c]!]!.members].sort((a, b) => a - b) }));
  const covered = new Set(found.flatMap(({ members }) => members));
  let cost = 0;
  for (const { column } of found) cost += columns[column]!.cost;
  groups.forEach((group, row) => {
    if (covered.has(group[0]!)) return;
    cost += base[row]!;
    if (group.length > 1) found.push({ column: baseColumn[row]!, members: [...group] });
  });
  found.sort((a, b) => a.members[0]! - b.members[0]!);
  const labels = groups.reduce((sum, group) => sum + group.length, 0);
  const size = labels - found.reduce((sum, { members }) => sum + members.length - 1, 0);
  const objective = cost + lambda * size;
  const slack = Math.max(0, bound - value);
  const optimal = slack <= 1e-9 * Math.max(1, Math.abs(objective));
  return {
    size,
    objective,
    cost,
    bound: optimal ? objective : objective - slack,
    gap: optimal ? 0 : slack / Math.max(Math.abs(objective), Number.MIN_VALUE),
    optimal,
    merges: found.map(({ members }) => members),
    columns: found.map(({ column }) => column),
    solver,
  };
}

/** How long the work goes on before others on this thread have their turn, in milliseconds. */
const turn = 20;

/** Runs to the end, and lets the rest of the program live meanwhile: signals arrive. */
export async function unhurried<T>(steps: Generator<undefined, T>): Promise<T> {
  let since = performance.now();
  for (;;) {
    const step = steps.next();
    if (step.done) return step.value;
    if (performance.now() - since < turn) continue;
    await new Promise((resolve) => setTimeout(resolve, 0));
    since = performance.now();
  }
}

/** Runs to the end in one go. */
export function runThrough<T>(steps: Generator<undefined, T>): T {
  for (;;) {
    const step = steps.next();
    if (step.done) return step.value;
  }
}

/** What the adapters of other solvers are given. */
export interface AdapterOptions {
  readonly timeLimit: number | undefined;
  readonly load: (() => Promise<unknown>) | undefined;
  readonly locateFile: ((file: string) => string) | undefined;
}

/** What they give: chosen columns of the packing, and whether they are proven to be the best. */
export interface AdapterAnswer {
  readonly chosen: readonly number[];
  readonly optimal: boolean;
}

/** The one function of an adapter. */
export type SolveWith = (packing: Packing, options: AdapterOptions) => Promise<AdapterAnswer>;
