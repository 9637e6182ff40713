// HiGHS (package `highs`, MIT) as a solver of the 0-1 program: an optional peer that a program installs itself; nothing of it is in this package.
import { columnsByRow, type Packing } from './packing.js';
import { failed, unavailable } from './peer.js';
import type { AdapterAnswer, AdapterOptions } from './solve.js';

interface Highs {
  solve(
    problem: string,
    options: Record<string, unknown>,
  ): { Status: string; Columns: Record<string, { Primal?: number } | undefined> };
}

/** Not written into the import itself, so that bundlers leave the package alone. */
const name = 'highs';

/** Solves a packing of one column or more. Throws LearnError `solver-unavailable`, `solver-failed`. */
export async function solveWith(packing: Packing, { timeLimit, load, locateFile }: AdapterOptions): Promise<AdapterAnswer> {
  let highs: Highs;
  try {
    const module = (await (load?.() ?? import(/* @vite-ignore */ /* webpackIgnore: true */ name))) as { default?: unknown };
    const open = (typeof module === 'function' ? module : module.default) as (options?: object) => Promise<Highs>;
    highs = await open(locateFile ? { locateFile } : {});
  } catch (cause) {
    throw unavailable('highs', 'the package highs', 'Install it (npm i highs)', cause);
  }
  const options = {
    output_flag: false,
    mip_rel_gap: 0,
    mip_abs_gap: 0,
    ...(timeLimit !== undefined && { time_limit: Math.max(0.01, timeLimit) }),
  };
  try {
    const { Status, Columns } = highs.solve(programText(packing), options);
    const chosen: number[] = [];
    for (let j = 0; j < packing.size; j++) if ((Columns[`x${j}`]?.Primal ?? 0) > 0.5) chosen.push(j);
    if (Status === 'Optimal') return { chosen, optimal: true };
    if (/limit/iu.test(Status)) return { chosen: isFeasible(packing, chosen) ? chosen : [], optimal: false };
    throw new Error(`status ${Status}`);
  } catch (cause) {
    throw failed('highs', cause);
  }
}

/** The program in CPLEX LP format. */
function programText(packing: Packing): string {
  const { rows, size, gain } = packing;
  const byRow = columnsByRow(packing);
  const lines = ['Maximize', ' obj:'];
  for (let j = 0; j < size; j++) lines.push(` + ${gain[j]} x${j}`);
  lines.push('Subject To');
  for (let row = 0; row < rows; row++) {
    const own = byRow.columns.subarray(byRow.start[row]!, byRow.start[row + 1]!);
    if (own.length < 2) continue;
    lines.push(` r${row}:`);
    for (const j of own) lines.push(` + x${j}`);
    lines.push(' <= 1');
  }
  lines.push('Binary');
  for (let j = 0; j < size; j++) lines.push(` x${j}`);
  lines.push('End');
  return lines.join('\n');
}

/** Whether the columns share no row. */
function isFeasible({ start, items }: Packing, columns: readonly number[]): boolean {
  const seen = new Set<number>();
  return columns.every((j) => {
    for (let at = start[j]!; at < start[j + 1]!; at++) {
      if (seen.has(items[at]!)) return false;
      seen.add(items[at]!);
    }
    return true;
  });
}
