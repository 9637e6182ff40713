// GLPK (package glpk.js, GPL-3.0) as a solver of the 0-1 program: an optional peer that a program installs itself; nothing of it is in this package.
import { columnsByRow, type Packing } from './packing.js';
import { failed, unavailable } from './peer.js';
import type { AdapterAnswer, AdapterOptions } from './solve.js';

interface Variable {
  name: string;
  coef: number;
}

interface Glpk {
  solve(
    program: {
      name: string;
      objective: { direction: number; name: string; vars: Variable[] };
      subjectTo: { name: string; vars: Variable[]; bnds: { type: number; ub: number; lb: number } }[];
      binaries: string[];
    },
    options: { msglev: number; presol: boolean; tmlim?: number; mipgap?: number },
  ): Result | Promise<Result>;
  terminate?(): void;
  readonly GLP_MAX: number;
  readonly GLP_UP: number;
  readonly GLP_MSG_OFF: number;
  readonly GLP_OPT: number;
  readonly GLP_FEAS: number;
  readonly GLP_UNDEF: number;
}

interface Result {
  result: { status: number; vars: Record<string, number> };
}

/** The part of the package that works in this thread; pages give the other one, which starts a worker. Not in the import itself, so that bundlers leave it alone. */
const name = 'glpk.js/node';

/** Solves a packing of one column or more. Throws LearnError `solver-unavailable`, `solver-failed`. */
export async function solveWith(packing: Packing, { timeLimit, load }: AdapterOptions): Promise<AdapterAnswer> {
  let glpk: Glpk;
  try {
    const module = (await (load?.() ?? import(/* @vite-ignore */ /* webpackIgnore: true */ name))) as { default: () => Promise<Glpk> }; // prettier-ignore
    glpk = await module.default();
  } catch (cause) {
    throw unavailable('glpk', 'the package glpk.js, version 5', 'Install it (npm i glpk.js; its licence is GPL-3.0)', cause);
  }
  try {
    const { result } = await glpk.solve(programOf(packing, glpk), {
      msglev: glpk.GLP_MSG_OFF,
      presol: true,
      mipgap: 0,
      ...(timeLimit !== undefined && { tmlim: Math.max(1, Math.ceil(timeLimit)) }),
    });
    const chosen: number[] = [];
    for (let j = 0; j < packing.size; j++) if ((result.vars[`x${j}`] ?? 0) > 0.5) chosen.push(j);
    if (result.status === glpk.GLP_OPT) return { chosen, optimal: true };
    if (result.status === glpk.GLP_FEAS) return { chosen, optimal: false };
    if (timeLimit !== undefined && result.status === glpk.GLP_UNDEF) return { chosen: [], optimal: false };
    throw new Error(`status ${result.status}`);
  } catch (cause) {
    throw failed('glpk', cause);
  } finally {
    glpk.terminate?.();
  }
}

function programOf(packing: Packing, { GLP_MAX, GLP_UP }: Glpk): Parameters<Glpk['solve']>[0] {
  const { rows, size, gain } = packing;
  const byRow = columnsByRow(packing);
  const names = Array.from({ length: size }, (_, j) => `x${j}`);
  const subjectTo = [];
  for (let row = 0; row < rows; row++) {
    const own = byRow.columns.subarray(byRow.start[row]!, byRow.start[row + 1]!);
    if (own.length === 0) continue;
    const vars = Array.from(own, (j) => ({ name: names[j]!, coef: 1 }));
    subjectTo.push({ name: `r${row}`, vars, bnds: { type: GLP_UP, ub: 1, lb: 0 } });
  }
  const vars = names.map((name, j) => ({ name, coef: gain[j]! }));
  return { name: 'merges', objective: { direction: GLP_MAX, name: 'gain', vars }, subjectTo, binaries: names };
}
