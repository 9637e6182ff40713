// The 0-1 program is solved to the proven optimum: against trying everything, by three solvers, on UniDet's own columns, with pins, limits and bad input.
import fc from 'fast-check';
import { type Column, type LabelRef, LearnError, solve, type SolveOptions, type SolverName } from 'labelweave/learn';
import { describe, expect, it } from 'vitest';
import { hasSharedData, noSharedData } from '../shared-data.js';
import { bruteForce, labelsOf, plantedProgram, uniDetProgram, wildProgram } from './programs.js';

/** Sums of a few hundred doubles in another order. */
const rounding = 1e-9;

/** The sum that UniDet's notebook printed comes out of CLP's simplex method with its tolerance; its printed costs add up to -20.86466324964. */
const printedSum = 1e-8;

const solvers: SolverName[] = ['own', 'highs', 'glpk'];

/** That a solution is lawful, and adds up. */
function check(
  { labels, columns }: { labels: LabelRef[]; columns: Column[] },
  solution: Awaited<ReturnType<typeof solve>>,
  lambda: number,
): void {
  const { merges, size, cost, objective } = solution;
  const members = merges.flat();
  expect(new Set(members).size).toBe(members.length);
  for (const merge of merges) expect(new Set(merge.map((node) => labels[node]!.dataset)).size).toBe(merge.length);
  expect(size).toBe(labels.length - merges.reduce((sum, merge) => sum + merge.length - 1, 0));
  expect(Math.abs(objective - cost - lambda * size)).toBeLessThan(rounding);
  solution.columns.forEach((column, i) => {
    if (column >= 0) expect([...columns[column]!.members].sort((a, b) => a - b)).toEqual(merges[i]);
  });
}

describe('small programs', () => {
  const labels = labelsOf([2, 2, 2]);
  // Each row: columns, lambda, merges, objective, why.
  it.each<[string, Column[], number, number[][], number]>([
    ['no column', [], 0.5, [], 3],
    ['one that pays', [{ members: [0, 2], cost: 0.1 }], 0.5, [[0, 2]], 2.6],
    ['one that does not', [{ members: [0, 2], cost: 0.6 }], 0.5, [], 3],
    ['one that breaks even is left alone', [{ members: [0, 2], cost: 0.5 }], 0.5, [], 3],
    ['lambda 0 leaves what gains by itself', [{ members: [0, 2], cost: -0.1 }, { members: [1, 3], cost: 0.1 }], 0, [[0, 2]], -0.1],
    ['two pairs beat the best pair', [{ members: [0, 2], cost: 0 }, { members: [0, 3], cost: 0.1 }, { members: [1, 2], cost: 0.1 }], 0.5, [[0, 3], [1, 2]], 2.2],
    ['a triple beats a pair', [{ members: [0, 2], cost: 0 }, { members: [0, 2, 4], cost: 0.3 }], 0.5, [[0, 2, 4]], 2.3],
    ['the cheaper of two equal columns', [{ members: [0, 2], cost: 0.2 }, { members: [2, 0], cost: 0.1 }], 0.5, [[0, 2]], 2.6],
    ['a label that gains by standing alone', [{ members: [0], cost: -0.6 }, { members: [0, 2], cost: 0 }], 0.5, [], 2.4],
  ])('%s', async (_, columns, lambda, merges, objective) => {
    for (const solver of solvers) {
      const solution = await solve(columns, { labels, lambda, solver });
      expect(solution.merges).toEqual(merges);
      expect(solution.objective).toBeCloseTo(objective, 12);
      expect(solution).toMatchObject({ optimal: true, gap: 0, solver });
      check({ labels, columns }, solution, lambda);
    }
  }); // prettier-ignore

  it('a fractional relaxation is not taken for an answer', async () => {
    // Three pairs on three labels: the relaxation takes half of each.
    const columns = [[0, 2], [2, 4], [0, 4]].map((members) => ({ members, cost: 0 })); // prettier-ignore
    for (const solver of solvers) expect((await solve(columns, { labels, solver })).objective).toBe(2.5);
  });

  it('agrees with trying everything', async () => {
    for (let seed = 0; seed < 400; seed++) {
      const program = wildProgram(seed);
      const solution = await solve(program.columns, { labels: program.labels, lambda: 0.25 });
      expect(Math.abs(solution.objective - bruteForce(program, 0.25)), `seed ${seed}`).toBeLessThan(rounding);
      expect(solution.optimal).toBe(true);
      check(program, solution, 0.25);
    }
  });
});

describe('the three solvers agree', () => {
  it('on programs with anything in them', async () => {
    for (let seed = 0; seed < 25; seed++) {
      const program = wildProgram(1000 + seed, 4, 6, 60);
      const [own, ...others] = await Promise.all(
        solvers.map((solver) => solve(program.columns, { labels: program.labels, solver })),
      );
      for (const other of others) expect(Math.abs(other.objective - own!.objective), `seed ${seed}`).toBeLessThan(rounding);
    }
  }, 60_000);

  it.each([
    [3, 60, 1, 1.2],
    [4, 40, 2, 2.5],
    [5, 40, 3, 2],
    [6, 30, 4, 3],
  ])(
    'on %i planted sets of %i labels',
    async (sets, size, seed, near) => {
      const program = plantedProgram({ sets, size, seed, near });
      const objectives = [];
      for (const solver of solvers) {
        const solution = await solve(program.columns, { labels: program.labels, solver });
        expect(solution.optimal).toBe(true);
        check(program, solution, 0.5);
        objectives.push(solution.objective);
      }
      for (const objective of objectives) expect(Math.abs(objective - objectives[0]!)).toBeLessThan(1e-6);
    },
    60_000,
  );
});

describe.skipIf(!hasSharedData)(`UniDet’s own program${hasSharedData ? '' : `: ${noSharedData}`}`, () => {
  it.each(solvers)('%s: its 189 merges, 701 unified labels', async (solver) => {
    const { labels, columns, chosen } = uniDetProgram();
    expect(columns).toHaveLength(444);
    const solution = await solve(columns, { labels, lambda: 0.5, solver });
    expect(solution.size).toBe(701);
    expect(solution.merges).toHaveLength(189);
    expect(solution.merges.map((merge) => merge.join()).sort()).toEqual(chosen);
    expect(Math.abs(solution.cost - -20.8646632466)).toBeLessThan(printedSum);
    expect(solution.optimal).toBe(true);
  });
});

describe('larger programs', () => {
  it('one giant component, proven, twice the same', async () => {
    const { labels, columns } = plantedProgram({ sets: 6, size: 120, seed: 7, near: 2 });
    const [one, two] = [await solve(columns, { labels }), await solve(columns, { labels })];
    expect(one.optimal).toBe(true);
    expect(two).toEqual(one);
  });

  it('the time limit gives a solution with a gap that is true', async () => {
    const program = plantedProgram({ sets: 6, size: 120, seed: 7, near: 2 });
    const best = await solve(program.columns, { labels: program.labels });
    const quick = await solve(program.columns, { labels: program.labels, timeLimit: 0 });
    check(program, quick, 0.5);
    expect(quick.bound).toBeLessThanOrEqual(best.objective + rounding);
    expect(quick.objective).toBeGreaterThanOrEqual(best.objective - rounding);
    expect(quick.gap).toBeGreaterThan(0);
    expect(quick.gap).toBeCloseTo((quick.objective - quick.bound) / Math.abs(quick.objective), 12);
    expect(quick.optimal).toBe(false);
  });

  it('a signal ends it on the way; one that is aborted before rejects', async () => {
    const program = plantedProgram({ sets: 7, size: 200, seed: 8, near: 3 });
    const quick = await solve(program.columns, { labels: program.labels, signal: AbortSignal.timeout(60) });
    check(program, quick, 0.5);
    expect(quick.bound).toBeLessThanOrEqual(quick.objective);
    const reason = new Error('no longer wanted');
    await expect(solve(program.columns, { labels: program.labels, signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
  });
});

describe('pins', () => {
  const labels = labelsOf([2, 2, 2]);
  const columns: Column[] = [
    { members: [0, 2], cost: 0.1 },
    { members: [0, 3], cost: 0.2 },
    { members: [1, 3], cost: 0.1 },
    { members: [0, 2, 4], cost: 0.3 },
    { members: [1, 3, 5], cost: 0.7 },
  ];
  const merges = async (pins: SolveOptions['pins'], given = columns) => (await solve(given, { labels, pins: pins! })).merges;

  it.each<[string, SolveOptions['pins'], number[][]]>([
    ['nothing', {}, [[0, 2, 4], [1, 3]]],
    ['must merge, although it costs', { mustMerge: [[1, 3], [3, 5]] }, [[0, 2, 4], [1, 3, 5]]],
    ['must merge without a column', { mustMerge: [[0, 5]] }, [[0, 5], [1, 3]]],
    ['must merge as part of more', { mustMerge: [[0, 4]] }, [[0, 2, 4], [1, 3]]],
    ['cannot merge', { cannotMerge: [[0, 4]] }, [[0, 2], [1, 3]]],
    ['cannot merge, any two of three', { cannotMerge: [[0, 2, 3]] }, [[1, 3]]],
    ['locked: no label joins', { locked: [[0, 2]] }, [[0, 2], [1, 3]]],
    ['locked alone', { locked: [[0], [3]] }, []],
  ])('%s', async (_, pins, wanted) => expect(await merges(pins)).toEqual(wanted)); // prettier-ignore

  it('every solver keeps to them', async () => {
    const pins = { mustMerge: [[0, 3]], cannotMerge: [[2, 4]] };
    for (const solver of solvers) expect((await solve(columns, { labels, pins, solver })).merges).toEqual([[0, 3]]);
  });

  it.each<[string, NonNullable<SolveOptions['pins']>, RegExp]>([
    ['must and cannot', { mustMerge: [[0, 2]], cannotMerge: [[2, 0]] }, /set1 0 "label 1.0".*set0 0 "label 0.0".*must merge and cannot merge|set0 0 "label 0.0" and set1 0 "label 1.0", which must merge and cannot merge/],
    ['through another pin', { mustMerge: [[0, 2], [2, 4]], cannotMerge: [[0, 4]] }, /"label 0.0" and set2 0 "label 2.0", which must merge and cannot/],
    ['two labels of one data set', { mustMerge: [[0, 2], [2, 1]] }, /set0 0 "label 0.0" and set0 1 "label 0.1" of one data set/],
    ['locked and joined', { locked: [[0, 2]], mustMerge: [[2, 4]] }, /locked as they are, and a pin that joins set2 0 "label 2.0"/],
  ])('contradiction: %s', async (_, pins, message) => {
    await expect(merges(pins)).rejects.toThrow(message);
    await expect(merges(pins)).rejects.toMatchObject({ code: 'pin-conflict' });
  }); // prettier-ignore
});

describe('bad input', () => {
  const labels = labelsOf([2, 2]);
  it.each<[string, unknown, unknown, RegExp]>([
    ['NaN', [{ members: [0, 2], cost: Number.NaN }], labels, /columns\[0\]\.cost: found NaN/],
    ['infinite', [{ members: [0, 2], cost: Infinity }], labels, /columns\[0\]\.cost: found Infinity/],
    ['no cost', [{ members: [0, 2] }], labels, /columns\[0\]\.cost: found undefined/],
    ['a data set twice', [{ members: [0, 2], cost: 0 }, { members: [0, 1], cost: 0 }], labels, /columns\[1\]\.members: found two labels of data set "set0": set0 0 "label 0.0" and set0 1 "label 0.1"/],
    ['a label twice', [{ members: [0, 0], cost: 0 }], labels, /"label 0.0" twice/],
    ['an unknown label', [{ members: [0, 4], cost: 0 }], labels, /members\[1\]: found 4; wanted an integer from 0 to 3/],
    ['half a label', [{ members: [0, 2.5], cost: 0 }], labels, /found 2.5/],
    ['no member', [{ members: [], cost: 0 }], labels, /found an array of 0/],
    ['no label', [], [], /labels: found an array of 0/],
    ['a label listed twice', [], [...labels, labels[0]], /labels\[4\]: found set0 0 "label 0.0", which is labels\[0\] too/],
  ])('%s', async (_, columns, given, message) => {
    const promise = solve(columns as Column[], { labels: given as LabelRef[] });
    await expect(promise).rejects.toThrow(message);
    await expect(promise).rejects.toBeInstanceOf(LearnError);
  }); // prettier-ignore

  it.each([[{ lambda: -1 }], [{ lambda: Number.NaN }], [{ solver: 'cplex' }], [{ timeLimit: -1 }]])(
    'option %o',
    async (option) => {
      await expect(solve([], { labels, ...(option as object) })).rejects.toMatchObject({ code: 'invalid-argument' });
    },
  );

  it('a solver that is not there', async () => {
    const load = () => Promise.reject(new Error('not installed'));
    for (const solver of ['highs', 'glpk'] as const)
      await expect(solve([{ members: [0, 2], cost: 0 }], { labels, solver, load })).rejects.toMatchObject({
        code: 'solver-unavailable',
      });
  });

  it('anything at all gives an error with a code or a solution', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(
          fc.record({ members: fc.oneof(fc.array(fc.nat(5)), fc.anything()), cost: fc.oneof(fc.double(), fc.anything()) }),
        ),
        async (columns) => {
          const outcome = await solve(columns as Column[], { labels }).catch((error: unknown) => error);
          if (outcome instanceof Error) expect(outcome).toMatchObject({ code: 'invalid-columns' });
          else expect(outcome).toMatchObject({ optimal: true });
        },
      ),
      { numRuns: 200 },
    );
  });
});
