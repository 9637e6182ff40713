// The 0-1 program of label-space learning at size, on planted programs from a seed: time and proof, beside HiGHS and GLPK where they are asked for.
//
// npm run build && node test/bench/learn-solve.mjs [--cases '6x670,10x1000'] [--solvers own,highs,glpk] [--limit 120] [--seed 1]
import { build } from 'esbuild';
import { solve } from '../../dist/learn/index.js';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

const { values } = parseArgs({
  options: {
    cases: { type: 'string', default: '3x365,6x200,6x670,10x1000' },
    solvers: { type: 'string', default: 'own' },
    limit: { type: 'string', default: '120' },
    seed: { type: 'string', default: '1' },
  },
});
const file = (path) => fileURLToPath(new URL(path, import.meta.url));
const outfile = file('../../build/programs.mjs');
await build({
  entryPoints: [file('../learn/programs.ts')],
  outfile,
  bundle: true,
  platform: 'node',
  format: 'esm',
  logLevel: 'error',
});
const { plantedProgram } = await import(outfile);

/** How many labels a label is mistaken for, so that 6 x 670 gives 72 thousand columns, 10 x 1000 about 580 thousand. */
const near = { '6x670': 7, '10x1000': 4.1 };

for (const name of values.cases.split(',')) {
  const [sets, size] = name.split('x').map(Number);
  const { labels, columns } = plantedProgram({ sets, size, seed: Number(values.seed), near: near[name] ?? 2 });
  for (const solver of values.solvers.split(',')) {
    const start = performance.now();
    const { objective, gap, optimal, merges } = await solve(columns, { labels, solver, timeLimit: Number(values.limit) });
    const seconds = ((performance.now() - start) / 1000).toFixed(2);
    const proof = optimal ? 'optimal' : `gap ${(gap * 100).toPrecision(2)} %`;
    console.log(
      `${name.padEnd(8)} ${String(columns.length).padStart(7)} columns  ${solver.padEnd(5)} ${seconds.padStart(7)} s  ${proof}  objective ${objective.toFixed(4)}  ${merges.length} merges  ${(process.memoryUsage().rss / 1e6).toFixed(0)} MB`,
    );
  }
}
