// Margins are what solving again without the merge says, runners-up what that solution joins instead; UniDet's real mistakes have the smallest.
import { type Column, type LabelRef, solve, solveWithMargins } from 'labelweave/learn';
import { describe, expect, it } from 'vitest';
import { hasSharedData, noSharedData } from '../shared-data.js';
import { labelsOf, plantedProgram, uniDetProgram, wildProgram } from './programs.js';

/** Sums of a few hundred doubles in another order. */
const rounding = 1e-9;

/** The best objective without a merge, by leaving its columns out. */
async function objectiveWithout(columns: readonly Column[], labels: LabelRef[], merge: readonly number[]): Promise<number> {
  const left = columns.filter(({ members }) => [...members].sort((a, b) => a - b).join() !== merge.join());
  return (await solve(left, { labels })).objective;
}

describe('margins', () => {
  it('small programs: each is the difference to the best solution without the merge', async () => {
    let seen = 0;
    for (let seed = 0; seed < 150; seed++) {
      const { labels, columns } = wildProgram(seed, 3, 4, 16);
      const { solution, margins } = await solveWithMargins(columns, { labels });
      for (const [i, merge] of solution.merges.entries()) {
        const { margin, exact, runnerUp } = margins[i]!;
        expect(exact).toBe(true);
        const without = await objectiveWithout(columns, labels, merge);
        // Of two equal columns, only the cheaper one counts: the margin leaves out that one alone.
        expect(Math.abs(margin! - (without - solution.objective)), `seed ${seed}, merge ${merge}`).toBeLessThan(rounding);
        for (const rival of runnerUp) expect(solution.merges.map(String)).not.toContain(String(rival));
        seen++;
      }
    }
    expect(seen).toBeGreaterThan(150);
  });

  it('a large component: every margin is an upper bound, the exact ones are right', async () => {
    const { labels, columns } = plantedProgram({ sets: 6, size: 40, seed: 5, near: 2 });
    const { solution, margins } = await solveWithMargins(columns, { labels });
    expect(solution.optimal).toBe(true);
    let exact = 0;
    for (let i = 0; i < solution.merges.length; i += 5) {
      const difference = (await objectiveWithout(columns, labels, solution.merges[i]!)) - solution.objective;
      const { margin, exact: proven } = margins[i]!;
      expect(margin!).toBeGreaterThan(difference - rounding);
      if (proven) expect(Math.abs(margin! - difference)).toBeLessThan(rounding);
      if (proven) exact++;
    }
    expect(exact).toBeGreaterThan(0);
  });

  it('the margins of another solver’s solution are those of its merges', async () => {
    const { labels, columns } = wildProgram(12, 4, 5, 40);
    const solution = await solve(columns, { labels, solver: 'highs' });
    const answer = await solveWithMargins(columns, { labels, solution });
    expect(answer.solution).toBe(solution);
    expect(answer.margins).toHaveLength(solution.merges.length);
    for (const { margin } of answer.margins) expect(margin).toBeGreaterThanOrEqual(0);
  });

  it('pinned merges have none', async () => {
    const labels = labelsOf([1, 1, 1]);
    const columns = [{ members: [0, 1], cost: 0.9 }, { members: [0, 2], cost: 0 }]; // prettier-ignore
    const { solution, margins } = await solveWithMargins(columns, { labels, pins: { mustMerge: [[0, 1]] } });
    expect(solution.merges).toEqual([[0, 1]]);
    expect(margins[0]!.margin).toBeUndefined();
  });
});

describe.skipIf(!hasSharedData)(`UniDet’s solution${hasSharedData ? '' : `: ${noSharedData}`}`, () => {
  it('189 margins, all proven; the smallest are the ones to look at', async () => {
    const { labels, columns } = uniDetProgram();
    const { solution, margins } = await solveWithMargins(columns, { labels });
    expect(margins.every(({ exact, margin }) => exact && margin! >= 0)).toBe(true);
    const named = solution.merges
      .map((merge, i) => ({ name: merge.map((node) => labels[node]!.name).join(' + '), margin: margins[i]!.margin! }))
      .sort((a, b) => a.margin - b.margin);
    const first = named.slice(0, 12).map(({ name }) => name);
    expect(first).toEqual(
      expect.arrayContaining(['hair drier + Shower', 'goose + Duck', 'tea pot + Kettle', 'pumpkin + Squash']),
    );
    expect(named.find(({ name }) => name === 'hair drier + Shower')!.margin.toFixed(3)).toBe('0.003');
  });
});
