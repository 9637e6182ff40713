// Turns the outcomes of the checks in checks.mjs, which ran in another program, into tests.
import { join } from 'node:path';
import { expect, inject, it } from 'vitest';
import { runOk } from '../package/run.js';

export interface CheckOutcome {
  name: string;
  error: string | null;
  /** Milliseconds it took. */
  ms: number;
}

/** Fewer outcomes mean that checks got lost. */
const CHECKS = 8;

/** One test for every check. */
export function report(outcomes: readonly CheckOutcome[]): void {
  it(`runs ${CHECKS} checks`, () => expect(outcomes).toHaveLength(CHECKS));
  it.each(outcomes)('$name ($ms ms)', ({ error }) => expect(error).toBeNull());
}

/** Runs the checks on a server host in the project that has installed the package. The byte store is kept inside that project. */
export async function onServer(program: string, args: readonly string[], host: string): Promise<CheckOutcome[]> {
  const cwd = inject('consumer');
  const stdout = await runOk(program, [...args, 'server.mjs', host], {
    cwd,
    env: { XDG_CACHE_HOME: join(cwd, `cache-${host}`) },
  });
  return JSON.parse(stdout) as CheckOutcome[];
}
