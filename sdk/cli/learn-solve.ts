// `labelweave learn solve`: the 0-1 program over columns that someone else priced.
import { readColumns, solve, type Solution, solverNames } from 'labelweave/learn';
import { readFile, writeBytes } from 'labelweave/node';
import { type Options, pathOption } from './evaluate-run.js';
import { exitCodes, numberOption, UsageError, wordOption } from './exit.js';
import { interruptible } from './interrupt.js';
import { createProgress, type Progress } from './progress.js';

/** Solves a file of columns; what was found goes to stdout, or as JSON to a file. Throws UsageError, LoadError, LearnError. */
export async function learnSolveCommand(files: readonly string[], options: Options): Promise<number> {
  const file = pathOption(options, 'columns') ?? files[0];
  if (file === undefined || files.length > (options['columns'] === undefined ? 1 : 0))
    throw new UsageError(
      `learn solve: found ${file === undefined ? 'no file' : `also ${files.join(', ')}`}; wanted --columns FILE.json`,
    );
  const lambda = numberOption('lambda', options['lambda'] ?? 0.5, 'a number from 0', (n) => n >= 0 && n < Infinity);
  const solver = wordOption('solver', options['solver'] ?? 'own', solverNames);
  const timeLimit =
    options['timeLimit'] === undefined
      ? undefined
      : numberOption('time-limit', options['timeLimit'], 'seconds, from 0', (n) => n >= 0);
  const json = pathOption(options, 'json');
  const work = async (progress: Progress, signal?: AbortSignal): Promise<number> => {
    progress.show(`reading ${file}`);
    const { labels, columns } = readColumns(await readFile(file), { file });
    const solution = await solve(columns, {
      labels,
      lambda,
      solver,
      ...(timeLimit !== undefined && { timeLimit }),
      ...(signal && { signal }),
      onProgress: ({ done, total }) => progress.show(`solving: ${done} of ${total} parts`),
    });
    const stopped = signal?.aborted === true;
    progress.done();
    if (json !== undefined) await writeBytes(json, new TextEncoder().encode(`${JSON.stringify(solutionJson(solution))}\n`));
    process.stdout.write(`${describeSolution(solution)}\n`);
    if (!stopped) return exitCodes.ok.code;
    progress.note('labelweave: stopped by Ctrl-C; this is the best answer so far');
    return exitCodes.interrupted.code;
  };
  const quiet = Boolean(options['quiet']);
  if (solver === 'own') return interruptible(quiet, (signal, progress) => work(progress, signal));
  // The others hold this thread until they are done, and would not hear of Ctrl-C: it ends the process.
  const progress = createProgress(quiet);
  return work(progress).finally(() => progress.done());
}

/** What `--json` writes. */
function solutionJson({ size, objective, cost, optimal, gap, merges }: Solution): object {
  return { size, objective, cost, optimal, gap, merges };
}

/** One line for people. */
export function describeSolution({ size, objective, cost, optimal, gap, merges, solver }: Solution): string {
  const proof = optimal ? 'proven to be the best' : `at most ${(gap * 100).toPrecision(2)} % from the best`;
  return `${size} unified labels, ${merges.length} merges; objective ${number(objective)}, cost ${number(cost)}; ${proof} (solver ${solver})`;
}

const number = (value: number): string => String(Number(value.toPrecision(12)));
