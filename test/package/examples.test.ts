// The examples run as their first lines say, on the installed package; the page is used as a person would and leaves a picture to look at.
import { cpSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { extname, join } from 'node:path';
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

  /** The server that the examples come with. */
  async function serveExample(example: string) {
    const { serve: start } = (await import(pathToFileURL(join(examples, 'serve.mjs')).href)) as {
      serve(port: number, options: { example: string }): Promise<{ server: Server; url: string }>;
    };
    return start(0, { example });
  }

  it('browser-detect: choose a photo, then other labels, then groups', async () => {
    const { server, url } = await serveExample('browser-detect');
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

  describe('browser-offline', () => {
    /** Answers for the weights; everything else of the model comes as it is, unless the network to it is gone. */
    type Answer = (request: IncomingMessage, response: ServerResponse, bytes: Buffer, from: number) => void;
    const whole: Answer = (_, response, bytes, from) => void response.end(bytes.subarray(from));
    /** Leaves the rest of an answer for later, or for never. */
    const half =
      (then?: (response: ServerResponse) => void): Answer =>
      (request, response, bytes, from) =>
        void response.write(bytes.subarray(from, from === 0 ? bytes.length >> 1 : undefined), () => {
          if (from > 0) response.end();
          else setTimeout(() => then?.(response), 300);
        });
    const modelFolder = join(consumer, 'node_modules/labelweave/dist/models/centernet-mbv3');
    const weights = readFileSync(join(modelFolder, 'weights.safetensors'));
    const state = { answer: whole, gone: false, asked: [] as string[] };
    /** Serves the page and, under /model/, the model, so that only the network to the model goes. */
    const server = createServer((request, response) => {
      const path = new URL(request.url!, 'http://localhost').pathname;
      if (!path.startsWith('/model/')) {
        const types: Record<string, string> = { '.html': 'text/html', '.js': 'text/javascript', '.css': 'text/css' };
        const type = types[extname(path)];
        response.writeHead(type ? 200 : 404, { 'content-type': type ?? 'text/plain' });
        return void response.end(type && readFileSync(join(consumer, path)));
      }
      if (state.gone) return void request.socket.destroy();
      const name = path.slice('/model/'.length);
      const bytes = readFileSync(join(modelFolder, name));
      const { range } = request.headers;
      state.asked.push([request.method, name, range].filter(Boolean).join(' '));
      const from = Number(/^bytes=(\d+)-$/.exec(range ?? '')?.[1] ?? 0);
      response.writeHead(from > 0 ? 206 : 200, {
        'content-length': bytes.length - from,
        etag: `"${name}"`,
        ...(from > 0 ? { 'content-range': `bytes ${from}-${bytes.length - 1}/${bytes.length}` } : {}),
        // The model may come from elsewhere.
        'access-control-allow-origin': '*',
        'access-control-expose-headers': 'etag, content-range',
      });
      if (request.method === 'HEAD') response.end();
      else (name === 'weights.safetensors' ? state.answer : whole)(request, response, bytes, from);
    });
    const url = (host: string) => `http://${host}:${(server.address() as AddressInfo).port}/`;
    const here = '127.0.0.1';
    const elsewhere = 'localhost';
    beforeAll(() => new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve)));
    afterAll(() => (server.closeAllConnections(), void server.close()));

    /** A page of a browser that has kept nothing, and what its visitor does and reads. */
    async function visit(answer: Answer, modelHost = here) {
      Object.assign(state, { answer, gone: false, asked: [] });
      const context = await browser.newContext({ viewport: { width: 1200, height: 900 } });
      const page = await context.newPage();
      await page.goto(`${url(here)}examples/browser-offline/index.html?model=${url(modelHost)}model/`);
      const status = (text: string) => page.locator('#status', { hasText: text }).waitFor({ timeout: 30_000 });
      const detect = async () => {
        await page.setInputFiles('#file', join(consumer, 'photo.jpg'));
        await status('objects in');
        expect(await page.locator('#rows td:first-child').allTextContents()).toContain('person');
      };
      return { context, page, status, detect, log: () => page.locator('#log').innerText() };
    }
    const asksForWeights = () => state.asked.filter((line) => line.startsWith('GET weights'));

    it('a download that was stopped goes on where it stopped, after a reload too, and the model stays when the network is gone', async () => {
      const { context, page, status, detect, log } = await visit(half());
      try {
        // Half of the weights is here and nothing more comes.
        const all = await page.waitForFunction((least) => {
          const [loaded, total] = document.getElementById('bytes')!.textContent!.split(' of ').map(Number.parseFloat);
          const { value } = document.getElementById('progress') as HTMLProgressElement;
          return loaded! >= least && Math.abs(value - loaded! / total!) < 0.01 && total;
        }, weights.length / 2e6);
        expect(await all.jsonValue()).toBeGreaterThan(weights.length / 1e6);
        await page.click('#stop');
        await status('Stopped');
        await page.screenshot({ path: join(pictures, 'browser-offline-stopped.png') });
        await page.reload();
        await status('Ready');
        expect(await log()).toContain(`weights.safetensors begins at ${(weights.length / 2e6).toFixed(2)} MB`);
        expect(asksForWeights()).toEqual(['GET weights.safetensors', `GET weights.safetensors bytes=${weights.length >> 1}-`]);
        await detect();
        await page.screenshot({ path: join(pictures, 'browser-offline.png') });

        state.gone = true;
        await page.reload();
        await status('Ready');
        await detect();
        expect(await log()).toContain(`weights.safetensors begins at ${(weights.length / 1e6).toFixed(2)} MB`);
        expect(asksForWeights()).toHaveLength(2);

        // Forgotten, it cannot come back.
        await page.click('#forget');
        await page.locator('#log', { hasText: 'Forgotten' }).waitFor();
        await page.reload();
        await page.locator('#status.bad', { hasText: 'no answer' }).waitFor();
        expect(await log()).toContain('LoadError fetch-failed');
      } finally {
        await context.close();
      }
    });

    it('a connection that ends on the way is taken up again by itself, also from another origin', async () => {
      const { context, status, detect } = await visit(
        half((response) => response.destroy()),
        elsewhere,
      );
      try {
        await status('Ready');
        expect(asksForWeights()).toEqual(['GET weights.safetensors', `GET weights.safetensors bytes=${weights.length >> 1}-`]);
        await detect();
      } finally {
        await context.close();
      }
    });

    it('a wrong byte is refused by its SHA-256, and nothing of it is kept', async () => {
      const wrong = Buffer.from(weights);
      wrong[wrong.length >> 1]! ^= 1;
      const { context, page, status, log } = await visit((_, response, bytes, from) => void response.end((bytes.length === wrong.length ? wrong : bytes).subarray(from))); // prettier-ignore
      try {
        await page.locator('#status.bad', { hasText: 'SHA-256' }).waitFor({ timeout: 30_000 });
        expect(await log()).toContain('LoadError fetch-failed');
        await page.screenshot({ path: join(pictures, 'browser-offline-wrong.png') });
        state.answer = whole;
        await page.click('#stop');
        await status('Ready');
        expect(asksForWeights()).toEqual(['GET weights.safetensors', 'GET weights.safetensors']);
      } finally {
        await context.close();
      }
    });
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
