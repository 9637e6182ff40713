// `labelweave learn` and `learn solve`: what is written and printed, exit codes, and the review page used in a real browser.
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { labelSpace } from 'labelweave';
import { type AddedLabel, FiringsBuilder, type LearnReport, type Solution, solve, writeFirings } from 'labelweave/learn';
import { unifiedLabelSpace } from 'labelweave/taxonomy';
import { readTaxonomy, taxonomy, writeTaxonomy } from 'labelweave/taxonomy/file';
import { writePng } from 'labelweave/node';
import { type Browser, chromium } from 'playwright';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { UsageError } from '../../sdk/cli/exit.js';
import { learnCommand } from '../../sdk/cli/learn.js';
import { chromiumFlags, chromiumPath } from '../chromium.mjs';
import { plantedProgram, uniDetProgram } from './programs.js';
import { hasSharedData, noSharedData } from '../shared-data.js';

let folder: string;
const file = (name: string): string => join(folder, name);

/** Two data sets whose labels are the same things under other names; head a sees them a little better in a, head b in b. */
const a = labelSpace('a', ['cat', 'sofa', 'tree']);
const b = labelSpace('b', ['couch', 'kitten', 'car']);
/** Thing by label: 0 cat, 1 sofa, 2 tree, 3 car. */
const things = [0, 1, 2, 1, 0, 3];

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'labelweave-learn-'));
  const builder = new FiringsBuilder([a, b]);
  for (let n = 0; n < 60; n++) {
    const dataset = n % 2 === 0 ? 'a' : 'b';
    const label = Math.floor(n / 2) % 3;
    const thing = things[(n % 2) * 3 + label]!;
    const shift = (n * 7) % 40;
    const box = [10 + shift, 10, 60 + shift, 60];
    builder.addImage({
      dataset,
      id: n,
      name: `${n}.png`,
      width: 120,
      height: 80,
      truths: { boxes: box, labels: [label] },
      boxes: box,
      scores: things.map((own, node) => (own === thing ? 0.9 - 0.01 * ((n + node) % 5) : 0.01)),
    });
  }
  writeFileSync(file('ab.firings'), Buffer.concat([...writeFirings(builder.finish())]));
  const pixels = (n: number) => Uint8ClampedArray.from({ length: 120 * 80 * 3 }, (_, i) => (i % 3 === n % 3 ? 220 : 40));
  for (let n = 0; n < 60; n++) await writePng(file(`${n}.png`), { data: pixels(n), width: 120, height: 80, channels: 3 });
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Exit code and what was printed; `onStderr` gets each piece of stderr when it comes. */
async function learn(files: string[], options: Record<string, unknown> = {}, onStderr: (text: string) => void = () => {}) {
  let stdout = '';
  let stderr = '';
  const spies = [
    vi.spyOn(process.stdout, 'write').mockImplementation((text) => ((stdout += String(text)), true)),
    vi.spyOn(process.stderr, 'write').mockImplementation((text) => ((stderr += String(text)), onStderr(String(text)), true)),
  ];
  try {
    return { code: await learnCommand(files, options), stdout, stderr };
  } finally {
    for (const spy of spies) spy.mockRestore();
  }
}

const pairs = (path: string) =>
  readTaxonomy(readFileSync(path, 'utf8'))
    .unified.labels.filter(({ members }) => Object.keys(members).length > 1)
    .map(({ members }) => `${a.byId(members['a']!).name} + ${b.byId(members['b']!).name}`);

describe('learn', () => {
  it('firings in; taxonomy, report and page out', async () => {
    const output = file('out.json');
    const { code, stdout, stderr } = await learn([file('ab.firings')], { output, report: file('report.json'), html: file('page.html'), images: folder }); // prettier-ignore
    expect(code).toBe(0);
    expect(stdout).toBe('');
    expect(stderr).toContain('4 unified labels of 6 (a 3, b 3), 2 merges');
    expect(pairs(output)).toEqual(['cat + kitten', 'sofa + couch']);
    const report = JSON.parse(readFileSync(file('report.json'), 'utf8')) as LearnReport;
    expect(report.summary).toMatchObject({ unified: 4, merges: 2, optimal: true });
    expect(report.alone.map(({ label }) => label.name).sort()).toEqual(['car', 'tree']);
    expect(readFileSync(file('page.html'), 'utf8').match(/"data:image\/jpeg;base64,/g)!.length).toBeGreaterThan(5);
    expect(readdirSync(folder).filter((name) => /\.(tmp|part)/.test(name))).toEqual([]);
  });

  it('without -o the taxonomy goes to stdout; every loss and form works', async () => {
    // In the paper's form labels that never see each other's things cost nothing to merge (tree + car): the code's pair filter is for that.
    for (const [options, size] of [
      [{ loss: 'distortion', lambda: 0.01 }, 4],
      // Means over all boxes: costs are so small that this lambda pays for tree + car, too.
      [{ loss: 'distortion', form: 'paper', lambda: 0.5 }, 3],
      [{ form: 'paper', tau: 0.25 }, 3],
      [{ loss: 'stand-in', names: 'exact' }, 4],
    ] as const) {
      const { stdout } = await learn([file('ab.firings')], options);
      expect(readTaxonomy(stdout).unified.size, JSON.stringify(options)).toBe(size);
    }
  });

  it('pins are kept to, with the cost that the firings say', async () => {
    writeFileSync(
      file('pins.json'),
      JSON.stringify({ mustMerge: [[{ dataset: 'a', id: 2 }, { dataset: 'b', id: 2 }]], cannotMerge: [[{ dataset: 'a', id: 0 }, { dataset: 'b', id: 1 }]] }), // prettier-ignore
    );
    await learn([file('ab.firings')], { output: file('pinned.json'), pins: file('pins.json') });
    expect(pairs(file('pinned.json'))).toEqual(['sofa + couch', 'tree + car']);
    // The answer holds the pins, and is a file of pins itself.
    await learn([file('ab.firings')], { output: file('again.json'), pins: file('pinned.json') });
    expect(readFileSync(file('again.json'), 'utf8')).toBe(readFileSync(file('pinned.json'), 'utf8'));
  });

  it.each<[string, string[], Record<string, unknown>, RegExp]>([
    ['no file', [], {}, /found no firings/],
    ['a loss that is none', ['x'], { loss: 'hinge' }, /--loss/],
    ['a negative lambda', ['x'], { lambda: -1 }, /--lambda/],
    ['images without a page', ['x'], { images: 'y' }, /--images/],
    ['a threshold for nothing', ['x'], { threshold: 0.1 }, /--threshold/],
    ['a page of added data sets', ['x'], { addTo: 't', html: 'y' }, /--html/],
    ['a minimum for added data sets', ['x'], { addTo: 't', minimumInstances: 3 }, /--minimum-instances/],
    ['a form of what has one', ['x'], { loss: 'stand-in', form: 'paper' }, /--form/],
    ['solve without a file', ['solve'], {}, /--columns/],
    ['solve with two', ['solve', 'x'], { columns: 'y' }, /also x/],
  ])('%s', async (_, files, options, message) => {
    await expect(learn(files, options)).rejects.toThrow(message);
    await expect(learn(files, options)).rejects.toBeInstanceOf(UsageError);
  });

  it('adds a data set to a taxonomy of another: its heads stand for its unified labels', async () => {
    writeFileSync(file('only-a.json'), writeTaxonomy(taxonomy(unifiedLabelSpace('only a', [a], [], { rest: 'single' }))));
    const options = { addTo: file('only-a.json'), output: file('grown.json'), report: file('added.json') };
    const { stderr } = await learn([file('ab.firings')], options);
    expect(stderr).toContain('3 labels added: 2 joined, 1 appended; 4 unified labels');
    expect(pairs(file('grown.json'))).toEqual(['cat + kitten', 'sofa + couch']);
    const { added } = JSON.parse(readFileSync(file('added.json'), 'utf8')) as { added: AddedLabel[] };
    expect(added.map(({ name, unified, joined }) => [name, unified, joined])).toEqual([
      ['couch', 'sofa', true],
      ['kitten', 'cat', true],
      ['car', 'car', false],
    ]);
    // Nothing is left to add to that.
    await expect(learn([file('ab.firings')], { ...options, addTo: file('grown.json') })).rejects.toThrow(/only a, b/);
  });

  it('bad input leaves no file behind', async () => {
    writeFileSync(file('broken.firings'), readFileSync(file('ab.firings')).subarray(0, 500));
    await expect(learn([file('broken.firings')], { output: file('never.json') })).rejects.toMatchObject({
      code: 'invalid-firings',
    });
    await expect(learn([file('ab.firings'), file('ab.firings')], { output: file('never.json') })).rejects.toThrow(
      /a second time/,
    );
    writeFileSync(file('clash.json'), JSON.stringify({ mustMerge: [[{ dataset: 'a', id: 0 }, { dataset: 'b', id: 1 }]], cannotMerge: [[{ dataset: 'a', id: 0 }, { dataset: 'b', id: 1 }]] })); // prettier-ignore
    await expect(learn([file('ab.firings')], { output: file('never.json'), pins: file('clash.json') })).rejects.toMatchObject({ code: 'pin-conflict' }); // prettier-ignore
    expect(existsSync(file('never.json'))).toBe(false);
  });
});

describe('the page', () => {
  let browser: Browser;
  beforeAll(async () => {
    browser = await chromium.launch({ executablePath: chromiumPath ?? 'chromium', args: chromiumFlags });
  });
  afterAll(() => browser?.close());

  it('sorts, searches, and saves the pins that a person presses', async () => {
    await learn([file('ab.firings')], { output: file('o.json'), html: file('p.html'), images: folder });
    const page = await browser.newPage();
    const problems: string[] = [];
    page.on('pageerror', (error) => problems.push(String(error)));
    page.on('console', (message) => problems.push(message.text()));
    await page.goto(pathToFileURL(file('p.html')).href);
    const rows = page.locator('#merges tbody tr');
    expect(await rows.count()).toBe(2);
    const picture = rows.first().locator('img').first();
    await picture.scrollIntoViewIfNeeded();
    await expect.poll(() => picture.evaluate((image) => (image as HTMLImageElement).naturalWidth)).toBeGreaterThan(0);
    await page.fill('input[data-for=merges]', 'kitten');
    expect(await rows.filter({ visible: true }).count()).toBe(1);
    await page.locator('#merges tbody tr:visible').getByText('apart').click();
    await page.fill('input[data-for=merges]', '');
    await page.locator('#merges th button').first().click();
    expect(await page.textContent('#count')).toBe('1 pin');
    const [download] = await Promise.all([page.waitForEvent('download'), page.click('#save')]);
    await download.saveAs(file('saved.json'));
    expect(problems).toEqual([]);
    await learn([file('ab.firings')], { output: file('o2.json'), pins: file('saved.json') });
    expect(pairs(file('o2.json'))).toEqual(['sofa + couch']);
  });
});

describe('learn solve', () => {
  const columns = {
    labels: [{ dataset: 'x', id: 1, name: 'p' }, { dataset: 'y', id: 1, name: 'q' }, { dataset: 'x', id: 2, name: 'r' }],
    columns: [{ members: [0, 1], cost: 0.1 }, { members: [1, 2], cost: 0.05 }],
  }; // prettier-ignore

  it('writes and prints the solution', async () => {
    writeFileSync(file('columns.json'), JSON.stringify(columns));
    for (const solver of ['own', 'highs', 'glpk']) {
      const { code, stdout } = await learn(['solve'], { columns: file('columns.json'), json: file('solution.json'), solver });
      expect(code).toBe(0);
      expect(stdout).toContain('2 unified labels, 1 merges; objective 1.05');
      const solution = JSON.parse(readFileSync(file('solution.json'), 'utf8')) as Record<string, unknown>;
      expect(Object.keys(solution)).toEqual(['size', 'objective', 'cost', 'optimal', 'gap', 'merges']);
      expect(solution).toMatchObject({ size: 2, objective: 1.05, cost: 0.05, optimal: true, gap: 0, merges: [[1, 2]] });
    }
  });

  it('lambda decides', async () => {
    writeFileSync(file('columns.json'), JSON.stringify(columns));
    await learn(['solve', file('columns.json')], { json: file('solution.json'), lambda: 0.01 });
    expect(JSON.parse(readFileSync(file('solution.json'), 'utf8'))).toMatchObject({ size: 3, merges: [] });
  });

  it.skipIf(!hasSharedData)(`UniDet’s columns${hasSharedData ? '' : `: ${noSharedData}`}`, async () => {
    const { labels, columns: own } = uniDetProgram();
    writeFileSync(file('unidet.json'), JSON.stringify({ labels, columns: own }));
    await learn(['solve'], { columns: file('unidet.json'), json: file('unidet-solution.json') });
    const solution = JSON.parse(readFileSync(file('unidet-solution.json'), 'utf8')) as { merges: unknown[] };
    expect(solution).toMatchObject({ size: 701, optimal: true });
    expect(solution.merges).toHaveLength(189);
  });

  it('Ctrl-C gives the best answer so far, with its gap', async () => {
    const large = plantedProgram({ sets: 6, size: 120, seed: 7, near: 2 });
    // A part of its own comes first: when it is done, the large one is under way.
    const program = {
      labels: [...large.labels, ...['p', 'q'].map((dataset) => ({ dataset, id: 0, name: dataset }))],
      columns: [{ members: [large.labels.length, large.labels.length + 1], cost: 0 }, ...large.columns],
    };
    writeFileSync(file('large.json'), JSON.stringify(program));
    const best = await solve(program.columns, { labels: program.labels });
    const { isTTY } = process.stderr;
    process.stderr.isTTY = true;
    try {
      const options = { columns: file('large.json'), json: file('stopped.json') };
      const { code, stdout, stderr } = await learn(['solve'], options, (text) => {
        if (text.startsWith('solving: 1 of')) process.emit('SIGINT');
      });
      expect(code).toBe(130);
      expect(stderr).toContain('labelweave: stopped by Ctrl-C; this is the best answer so far');
      expect(stdout).toMatch(/; at most [\d.]+ % from the best \(solver own\)\n$/);
    } finally {
      process.stderr.isTTY = isTTY;
    }
    const stopped = JSON.parse(readFileSync(file('stopped.json'), 'utf8')) as Solution;
    expect(stopped.optimal).toBe(false);
    expect(stopped.objective).toBeGreaterThanOrEqual(best.objective - 1e-9);
    expect(stopped.objective * (1 - stopped.gap)).toBeLessThanOrEqual(best.objective + 1e-9);
    expect(stopped.merges.length).toBeGreaterThan(0);
  });

  it('bad columns are refused with their place, and nothing is written', async () => {
    writeFileSync(file('bad.json'), JSON.stringify({ ...columns, columns: [{ members: [0, 2], cost: 0 }] }));
    await expect(learn(['solve'], { columns: file('bad.json'), json: file('none.json') })).rejects.toThrow(
      /two labels of data set "x"/,
    );
    expect(existsSync(file('none.json'))).toBe(false);
  });
});
