// The examples run as their first lines say, on the installed package; the page is used as a person would and leaves a picture to look at.
import { cpSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import type { Browser } from 'playwright';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { tools } from '../setup-tools.mjs';
import { openBrowser, resultOf, runOk, serve } from './run.js';

const root = fileURLToPath(new URL('../../', import.meta.url));
const consumer = inject('consumer');
const examples = join(consumer, 'examples');
const pictures = join(root, 'build/screenshots');

beforeAll(() => {
  cpSync(join(root, 'examples'), examples, { recursive: true });
  // The page names the built files by their place in the repository.
  cpSync(join(consumer, 'node_modules/labelweave/dist'), join(consumer, 'dist'), { recursive: true });
  mkdirSync(pictures, { recursive: true });
});

describe('programs', () => {
  it.each([
    ['node-detect in Node', process.execPath, ['examples/node-detect/detect.mjs']],
    ['node-detect in Bun', tools.bun, ['examples/node-detect/detect.mjs']],
    ['deno-detect', tools.deno, ['run', '--allow-read', '--allow-env', '--allow-sys', 'examples/deno-detect/detect.ts']],
  ])('%s', async (_, program, args) => {
    const stdout = await runOk(program, [...args, 'photo.jpg'], { cwd: consumer });
    expect(stdout).toMatch(/^person 0\.\d+/m);
    expect(stdout).toMatch(/on wasm/);
  });

  it('learn-taxonomy learns, is reviewed, and learns again', async () => {
    const stdout = await runOk(process.execPath, ['examples/learn-taxonomy/learn.mjs'], { cwd: consumer });
    expect(stdout).toMatch(/^6 unified labels of 8 \(street 4, home 4\), 2 merges$/m);
    expect(stdout).toMatch(/^with pins: .*person or mannequin/m);
    expect(readFileSync(join(consumer, 'review.html'), 'utf8')).toContain('<h1>things</h1>');
  });

  it('bring-your-model: a TFLite file out of an npm package, from a manifest alone', async () => {
    const folder = join(root, 'node_modules/@mediapipe/objectron');
    const args = ['examples/bring-your-model/detect.mjs', 'ssd-openimages', folder, 'photo.jpg'];
    expect(await runOk(process.execPath, args, { cwd: consumer })).toMatch(/^Person 0\.\d\d \[/m);
  });

  it('several-models: each object with what each model calls it', async () => {
    const args = [
      'examples/several-models/detect.mjs',
      'examples/taxonomies/everyday.json',
      'photo.jpg',
      join(root, 'build/models/tiny-face'),
    ];
    const stdout = await runOk(process.execPath, args, { cwd: consumer });
    expect(stdout).toMatch(/^person 0\.\d\d \(centernet-mbv3: coco person 0\.\d\d/m);
  });

  it('the demo says what each data set calls what three detectors find, and answers in labels of a user', async () => {
    // It takes photos and models from packages of this repository.
    const stdout = await runOk(process.execPath, [join(root, 'examples/demo.mjs')], { cwd: root });
    const [models, , intro, products, cafe, files] = stdout.trim().split('\n\n');
    expect(models).toMatch(/^centernet-mbv3 \+ ssd-mobilenetv2-openimages \+ tiny-face\non \w+/);
    expect(intro).toMatch(/^ {2}face +0\.\d\d +face 0\.\d\d$/m);
    expect(intro).toMatch(/^ {2}person +0\.\d\d +person 0\.\d\d +Person 0\.\d\d$/m);
    expect(products).toMatch(/^ {2}coffee cup \(cup\) +0\.\d\d +cup 0\.\d\d +Coffee cup 0\.\d\d$/m);
    expect(cafe!.match(/^ {2}drink /gm)!.length).toBeGreaterThan(5);
    const pictures = files!.replace('Pictures: ', '').split(', ');
    expect(pictures).toHaveLength(3);
    for (const file of pictures) expect(readFileSync(join(root, file)).subarray(1, 4).toString()).toBe('PNG');
  });
});

describe('pages', () => {
  let browser: Browser;
  beforeAll(async () => {
    browser = await openBrowser();
  });
  afterAll(() => browser?.close());

  it('browser-detect: choose a photo, then other labels, then groups', async () => {
    const { serve: serveExample } = (await import(pathToFileURL(join(examples, 'browser-detect/serve.mjs')).href)) as {
      serve(): Promise<{ server: { close(): void; closeAllConnections(): void }; url: string }>;
    };
    const { server, url } = await serveExample();
    const page = await browser.newPage({ viewport: { width: 1200, height: 900 } });
    const problems: string[] = [];
    page.on('pageerror', (error) => problems.push(String(error)));
    // Browsers ask for an icon by themselves.
    page.on('response', (response) => {
      if (response.status() >= 400 && !response.url().endsWith('/favicon.ico'))
        problems.push(`${response.status()} ${response.url()}`);
    });
    const labels = () => page.locator('#rows td:first-child').allTextContents();
    const status = (text: string) => page.locator('#status', { hasText: text }).waitFor();
    try {
      await page.goto(url);
      await status('Ready');
      await page.setInputFiles('#file', join(consumer, 'photo.jpg'));
      await status('labels: coco');
      expect(await labels()).toContain('person');
      await page.screenshot({ path: join(pictures, 'browser-detect.png') });

      await page.selectOption('#labels', 'voc');
      await status('labels: voc');
      expect(await labels()).toContain('person');

      await page.selectOption('#labels', 'groups');
      await status('labels: groups');
      await page.fill('#groups', '{"someone": "person"}');
      await page.locator('#groups').blur();
      await page.locator('#rows', { hasText: 'someone' }).waitFor();
      await page.screenshot({ path: join(pictures, 'browser-detect-groups.png') });

      // A picture that is none, and groups with a wrong label: the page says so and goes on.
      await page.fill('#groups', '{"animal": ["dgo"]}');
      await page.locator('#groups').blur();
      await page.locator('#status.bad', { hasText: 'dgo' }).waitFor();
      expect(problems).toEqual([]);
    } finally {
      await page.close();
      server.closeAllConnections();
      server.close();
    }
  });

  it('browser-minimal: an <img> becomes a canvas with boxes', async () => {
    const imports = {
      labelweave: '/dist/labelweave.min.js',
      'labelweave/models/centernet-mbv3': '/dist/models/centernet-mbv3/index.js',
    };
    writeFileSync(
      join(consumer, 'minimal.html'),
      `<!doctype html><link rel="icon" href="data:,"><script type="importmap">${JSON.stringify({ imports })}</script>
<img src="photo.jpg"><script type="module">
  await document.querySelector('img').decode();
  await import('./examples/browser-minimal/main.js');
  const canvas = document.querySelector('canvas');
  globalThis.result = canvas ? [canvas.width, canvas.height] : 'no canvas';
</script>`,
    );
    const site = await serve(consumer);
    try {
      const [width, height] = await resultOf<number[]>(browser, `${site.url}minimal.html`);
      expect(width! * height!).toBeGreaterThan(100_000);
    } finally {
      site.close();
    }
  });
});

it('the README quotes its samples from the examples that run here (npx vitest run --project package -u quotes anew)', async () => {
  const readme = readFileSync(join(root, 'README.md'), 'utf8');
  const quote = /(<!-- sample: (\S+) -->\s*```\w+\n)[^]*?(?=^```$)/gm;
  const quoted = readme.replace(quote, (_, start: string, file: string) => start + readFileSync(join(root, file), 'utf8'));
  expect([...readme.matchAll(quote)].map(([, , file]) => file)).not.toEqual([]);
  expect(readme.match(/^```(js|ts|html)$/gm)).toHaveLength(readme.match(quote)!.length);
  await expect(quoted).toMatchFileSnapshot(join(root, 'README.md'));
});
