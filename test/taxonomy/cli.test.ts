// `labelweave taxonomy show | validate | diff`: what is printed, exit codes, and the page in a real browser.
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { type Browser, chromium, type Page } from 'playwright';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { UsageError } from '../../sdk/cli/exit.js';
import { taxonomyCommand } from '../../sdk/cli/taxonomy.js';
import { LoadError } from '../../sdk/errors.js';
import { writeTaxonomy } from '../../sdk/taxonomy/file/write.js';
import { labelSpace } from '../../sdk/taxonomy/label-space.js';
import { TaxonomyError } from '../../sdk/taxonomy/problems.js';
import { taxonomy } from '../../sdk/taxonomy/taxonomy.js';
import { unifiedLabelSpace } from '../../sdk/taxonomy/unified.js';
import { chromiumFlags, chromiumPath } from '../chromium.mjs';

const pets = labelSpace('pets', [{ id: 1, name: 'cat' }, { id: 2, name: 'dog', synonyms: ['hound'] }]); // prettier-ignore
const farm = labelSpace('farm', [{ id: 'd', name: 'Dog' }, { id: 'x', name: 'كلب </script><img src=x onerror=alert(1)>\nnew line' }]); // prettier-ignore
const joined = taxonomy(
  unifiedLabelSpace('animals <1>', [pets, farm], [{ name: 'dog', members: { pets: 2, farm: 'd' }, cost: 0.0125, margin: 0.2 }], { rest: 'single' }),
  {
    description: 'Pets & cattle',
    relations: [{ a: { dataset: 'pets', id: 1 }, kind: 'subset', b: { dataset: 'farm', id: 'x' }, score: 0.75, evidence: [{ source: 'cross AP', forward: 0.5 }] }],
    pins: { cannotMerge: [[{ dataset: 'pets', id: 1 }, { dataset: 'farm', id: 'd' }]] },
    origin: { method: 'learned', parameters: { lambda: 0.5 } },
  },
); // prettier-ignore
const apart = taxonomy(unifiedLabelSpace('animals <1>', [pets, farm], [], { rest: 'single' }));

let folder: string;
const file = (name: string): string => join(folder, name);
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'labelweave-taxonomy-'));
  writeFileSync(file('joined.json'), writeTaxonomy(joined));
  writeFileSync(file('apart.json'), writeTaxonomy(apart));
  writeFileSync(
    file('bad.json'),
    writeTaxonomy(joined).replace('"pets": 2', '"pets": 7').replace('"kind": "subset"', '"kind": "like"'),
  );
  writeFileSync(file('short.json'), writeTaxonomy(joined).slice(0, 200));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Exit code and what was printed. */
async function labelweave(action: string, files: string[], options: Record<string, unknown> = {}) {
  let stdout = '';
  const spies = [
    vi.spyOn(process.stdout, 'write').mockImplementation((text) => ((stdout += String(text)), true)),
    vi.spyOn(process.stderr, 'write').mockImplementation(() => true),
  ];
  try {
    return { code: await taxonomyCommand(action, files, options), stdout };
  } finally {
    for (const spy of spies) spy.mockRestore();
  }
}

describe('show', () => {
  it('prints a line for every unified label, whatever its name holds', async () => {
    const { code, stdout } = await labelweave('show', [file('joined.json')]);
    expect(code).toBe(0);
    const lines = stdout.trimEnd().split('\n');
    expect(lines.slice(0, 2)).toEqual([
      'animals <1>: 4 labels (pets 2, farm 2) in 3 unified labels, 1 of them merged; 1 relations',
      'Pets & cattle',
    ]);
    expect(lines[3]).toMatch(/^id {2}name +pets +farm +cost +margin$/u);
    expect(lines[4]).toMatch(/^0 {3}dog +dog \(2\) +Dog \(d\) +0\.0125 {2}0\.2000$/u);
    expect(lines.length).toBe(4 + 3);
  });

  it('--search leaves only lines with the text', async () => {
    const { stdout } = await labelweave('show', [file('joined.json')], { search: 'DOG' });
    expect(stdout.trimEnd().split('\n').length).toBe(4 + 1);
  });
});

describe('validate', () => {
  it('names every problem, and exits with 1', async () => {
    const { code, stdout } = await labelweave('validate', [file('joined.json'), file('bad.json'), file('short.json')]);
    expect(code).toBe(1);
    expect(stdout.split('\n').map((line) => line.replace(`${folder}/`, ''))).toEqual([
      'joined.json: valid, 4 labels (pets 2, farm 2) in 3 unified labels, 1 of them merged; 1 relations',
      'bad.json: wrong-value: relations[0].kind: found "like"; wanted ("identity" | "subset" | "superset" | "overlap").',
      expect.stringMatching(
        /^short\.json: not-json: the file: found text that is no JSON \(.*\); wanted JSON\. It may have been cut off\.$/u,
      ),
      '',
    ]);
  });

  it('exits with 0 where all are valid', async () => expect((await labelweave('validate', [file('apart.json')])).code).toBe(0));
});

describe('diff', () => {
  it('prints a line for every change and a verdict', async () => {
    const { code, stdout } = await labelweave('diff', [file('joined.json'), file('apart.json')]);
    expect(code).toBe(0);
    expect(stdout.split('\n')).toEqual([
      'split   "dog" (id 0) -> "dog" (id 1), "Dog" (id 2)',
      'remove  "pets" 1 subset "farm" "x"',
      'remove  pin cannot-merge: "farm" "d", "pets" 1',
      '',
      '1 split, 2 remove',
      '2 of 3 unified labels stand for the same labels in both (66.7%); pairs: precision 0.000, recall 1.000, F1 0.000',
      '',
    ]);
    expect((await labelweave('diff', [file('joined.json'), file('apart.json')], { exitCode: true })).code).toBe(1);
    const same = await labelweave('diff', [file('joined.json'), file('joined.json')], { exitCode: true });
    expect([same.code, same.stdout.split('\n')[0]]).toEqual([0, 'no change']);
    const json = JSON.parse((await labelweave('diff', [file('joined.json'), file('apart.json')], { json: true })).stdout) as { kind: string }[]; // prettier-ignore
    expect(json.map(({ kind }) => kind)).toEqual(['split', 'remove', 'remove']);
  });
});

// Each row: the action, its files, its options, the error.
it.each<[string, string[], Record<string, unknown>, new (...args: never[]) => Error]>([
  ['look', ['joined.json'], {}, UsageError],
  ['constructor', ['joined.json'], {}, UsageError],
  ['show', [], {}, UsageError],
  ['show', ['joined.json', 'apart.json'], {}, UsageError],
  ['show', ['joined.json'], { html: true }, UsageError],
  ['diff', ['joined.json'], {}, UsageError],
  ['validate', [], {}, UsageError],
  ['validate', ['nothing.json'], {}, LoadError],
  ['show', ['bad.json'], {}, TaxonomyError],
  ['diff', ['joined.json', 'short.json'], {}, TaxonomyError],
  ['show', ['joined.json'], { html: 'no-such-folder/page.html' }, LoadError],
])('%s %s %s is refused', async (action, files, options, type) => {
  const paths = files.map(file);
  const placed = typeof options['html'] === 'string' ? { html: file(options['html']) } : options;
  await expect(labelweave(action, paths, placed)).rejects.toBeInstanceOf(type);
});

describe('the page', () => {
  let browser: Browser;
  let page: Page;
  const errors: string[] = [];
  const requests: string[] = [];
  beforeAll(async () => {
    await labelweave('show', [file('joined.json')], { html: file('page.html') });
    browser = await chromium.launch({ executablePath: chromiumPath, args: chromiumFlags });
    page = await browser.newPage({ colorScheme: 'light' });
    page.on('pageerror', (error) => errors.push(String(error)));
    page.on('console', (message) => errors.push(message.text()));
    page.on('request', (request) => requests.push(request.url()));
    await page.goto(pathToFileURL(file('page.html')).href);
  }, 60_000);
  afterAll(() => browser?.close());

  const names = () => page.locator('#rows .name').allTextContents();

  it('shows every label; names are text, never HTML', async () => {
    expect(await page.title()).toBe('animals <1>');
    expect(await names()).toEqual(['dog', 'cat', farm.labels[1]!.name]);
    expect(await page.locator('img').count()).toBe(0);
    expect(await page.locator('.stats').innerText()).toContain('unified labels');
    expect(await page.locator('.origin').innerText()).toContain('lambda 0.5');
  });

  it('search finds synonyms and marks what was found; filters leave labels of a data set', async () => {
    await page.fill('#search', 'HOUND');
    expect(await names()).toEqual(['dog']);
    await page.fill('#search', 'cat');
    expect(await page.locator('#rows mark').first().textContent()).toBe('cat');
    await page.fill('#search', 'zzz');
    expect(await page.locator('#empty').isVisible()).toBe(true);
    await page.fill('#search', '');
    await page.click('.filter >> text=pets');
    expect(await names()).toEqual(['dog', 'cat']);
    await page.click('.filter >> text=merged');
    expect(await names()).toEqual(['dog']);
    await page.click('.filter >> text=merged');
    await page.click('.filter >> text=pets');
    expect(await page.locator('#count').textContent()).toBe('3 labels');
  });

  it('opens members, relations with their evidence, pins and costs; a relation leads to the other label', async () => {
    await page.click('#rows .name >> text=cat');
    const details = await page.locator('.details').innerText();
    expect(details).toContain('cross AP, forward 0.5');
    expect(details).toContain('cannot merge: farm: Dog, pets: cat');
    await page.click('.details a.chip');
    await page.locator('#row2 .name[aria-expanded=true]').waitFor();
    expect(await page.locator('#row0').innerText()).toContain('0.0125');
  });

  it('is light or dark as the system is, or as the reader chooses', async () => {
    const background = () => page.evaluate(() => getComputedStyle(document.body).backgroundColor);
    const light = await background();
    await page.emulateMedia({ colorScheme: 'dark' });
    const dark = await background();
    expect(dark).not.toBe(light);
    await page.click('#theme');
    expect(await background()).toBe(light);
  });

  it('loads nothing else and reports no error', () => {
    expect(requests.length).toBe(1);
    expect(errors).toEqual([]);
    expect(existsSync(file('page.html'))).toBe(true);
    expect(readFileSync(file('page.html'), 'utf8')).not.toMatch(/(?:src|href)="?https?:/u);
  });
});
