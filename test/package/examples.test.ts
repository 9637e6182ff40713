// The examples run as their first lines say, on the installed package; the page is used as a person would and leaves a picture to look at.
import { cpSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { extname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { encode } from 'fast-png';
import type { Browser } from 'playwright';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { seededRandom } from '../../sdk/train/random.js';
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

  it('browser-detect: the camera starts and stops; without one the page says so', async () => {
    const { server, url } = await serveExample('browser-detect');
    // A green picture with a clock, and yes to every question.
    const filming = await openBrowser('--use-fake-device-for-media-stream', '--use-fake-ui-for-media-stream');
    try {
      for (const camera of [true, false]) {
        const page = await (camera ? filming : browser).newPage();
        await page.goto(url);
        await page.locator('#status', { hasText: 'Ready' }).waitFor();
        await page.click('#camera');
        const button = (text: string) => page.locator('#camera:enabled', { hasText: text }).waitFor();
        if (camera) {
          await button('Stop the camera');
          await page.locator('#status', { hasText: 'objects in' }).waitFor();
          // Picture after picture.
          const pixels = () => page.evaluate(() => (document.getElementById('picture') as HTMLCanvasElement).toDataURL());
          const first = await pixels();
          await expect.poll(pixels).not.toBe(first);
          await page.click('#camera');
        } else await page.locator('#status.bad', { hasText: 'The camera cannot be used' }).waitFor();
        await button('Start the camera');
        await page.close();
      }
    } finally {
      await filming.close();
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

  describe('browser-train', () => {
    /** Red discs (balls) and blue squares (bricks) in a grid, as PNG, with their boxes: many of them, so that few steps teach them. */
    function shapes(seed: number) {
      const [width, height, cell] = [480, 360, 120];
      const random = seededRandom(seed);
      const data = new Uint8Array(width * height * 3);
      for (let y = 0; y < height; y++)
        for (let x = 0; x < width; x++) data.set([150 + x / 8, 170 + y / 8, 160 - x / 10], (y * width + x) * 3);
      const boxes: { label: 'ball' | 'brick'; box: [number, number, number, number] }[] = [];
      for (let top = 0; top < height; top += cell) {
        for (let left = 0; left < width; left += cell) {
          const label = (left + top) / cell % 2 === 0 ? 'ball' : 'brick'; // prettier-ignore
          const r = Math.round(28 + random() * 22);
          const [cx, cy] = [left, top].map((from) => Math.round(from + r + random() * (cell - 2 * r))) as [number, number];
          for (let y = cy - r; y < cy + r; y++)
            for (let x = cx - r; x < cx + r; x++)
              if (label === 'brick' || (x - cx) ** 2 + (y - cy) ** 2 < r * r) data.set(label === 'ball' ? [220, 60, 40] : [40, 70, 200], (y * width + x) * 3); // prettier-ignore
          boxes.push({ label, box: [cx - r, cy - r, 2 * r, 2 * r] });
        }
      }
      const buffer = Buffer.from(encode({ width, height, channels: 3, depth: 8, data }));
      return { name: `shapes-${seed}.png`, mimeType: 'image/png', buffer, width, height, boxes };
    }
    const json = (name: string, value: unknown) => ({ name, mimeType: 'application/json', buffer: Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)) }); // prettier-ignore

    interface Annotations {
      images: { id: number; file_name: string }[];
      annotations: { image_id: number; category_id: number; bbox: number[] }[];
      categories: { id: number; name: string }[];
    }

    /** A browser that has kept nothing, on the page, and what its visitor does. */
    async function visit() {
      const { server, url } = await serveExample('browser-train');
      const context = await browser.newContext({ viewport: { width: 1200, height: 900 } });
      const page = await context.newPage();
      const problems: string[] = [];
      page.on('pageerror', (error) => problems.push(String(error)));
      page.on('dialog', (dialog) => void dialog.accept());
      page.setDefaultTimeout(60_000);
      await page.goto(url);
      const another = async () => {
        const tab = await context.newPage();
        tab.on('pageerror', (error) => problems.push(String(error)));
        tab.setDefaultTimeout(60_000);
        await tab.goto(url);
        return tab;
      };
      const status = (text: string, bad = false) => page.locator(bad ? '#status.bad' : '#status', { hasText: text }).waitFor();
      await status('Ready');
      /** From one corner to the other, in shares of the photo. */
      const drag = async (x1: number, y1: number, x2: number, y2: number) => {
        const { x, y, width, height } = (await page.locator('#editor').boundingBox())!;
        await page.mouse.move(x + x1 * width, y + y1 * height);
        await page.mouse.down();
        await page.mouse.move(x + ((x1 + x2) / 2) * width, y + ((y1 + y2) / 2) * height);
        await page.mouse.move(x + x2 * width, y + y2 * height);
        await page.mouse.up();
      };
      const click = async (x: number, y: number) => drag(x, y, x, y);
      const download = async (button: string) => {
        const [download] = await Promise.all([page.waitForEvent('download'), page.click(button)]);
        const path = join(consumer, download.suggestedFilename());
        await download.saveAs(path);
        return path;
      };
      const saved = async () => JSON.parse(readFileSync(await download('#save'), 'utf8')) as Annotations;
      const picture = (name: string) => page.screenshot({ path: join(pictures, `browser-train-${name}.png`), fullPage: true });
      const end = async () => {
        await context.close();
        server.closeAllConnections();
        server.close();
        expect(problems).toEqual([]);
      };
      return { page, another, status, drag, click, download, saved, picture, end };
    }

    it('draws, trains, is closed in the middle and goes on, finds the new labels, and gives a package that the command line runs', async () => {
      const { page, status, drag, download, saved, picture, end } = await visit();
      try {
        await picture('empty');
        const photos = [1, 2, 3, 4, 5].map(shapes);
        await page.setInputFiles('#files', [...photos, { name: 'notes.txt', mimeType: 'text/plain', buffer: Buffer.from('no picture') }]); // prettier-ignore
        await status('5 photos added. notes.txt is not a picture', true);

        // The first photo by hand: the first box asks for a name, keys choose labels.
        const [first, ...others] = photos as [ReturnType<typeof shapes>, ...ReturnType<typeof shapes>[]];
        for (const [i, { label, box: [x, y, w, h] }] of first.boxes.entries()) {
          if (i > 0) await page.keyboard.press(label === 'ball' ? '1' : '2');
          await drag(x / first.width, y / first.height, (x + w) / first.width, (y + h) / first.height);
          if (i > 0) continue;
          await expect.poll(() => page.evaluate(() => (document.activeElement as HTMLInputElement).value)).toBe('object');
          await page.keyboard.type('ball');
          await page.keyboard.press('Enter');
          await page.fill('#new-label', 'brick');
          await page.keyboard.press('Enter');
          await page.locator('#editor').focus();
        } // prettier-ignore
        await picture('boxes');
        expect(await page.textContent('#plan')).toMatch(
          /^1 photo to train; none kept back: .*; 4 photos without boxes left out\.$/,
        );

        // The others from a file; files that do not fit are refused.
        for (const [value, words] of [['{', 'no JSON'], [{}, 'no COCO'], [{ images: [{ id: 1, file_name: 'elsewhere.png' }], annotations: [], categories: [] }, 'None of the images']] as const) {
          await page.setInputFiles('#annotations', json('wrong.json', value));
          await status(words, true);
        } // prettier-ignore
        const boxes = others.flatMap((photo, i) => photo.boxes.map(({ label, box: bbox }) => ({ image_id: i, category_id: label, bbox }))); // prettier-ignore
        await page.setInputFiles('#annotations', json('others.json', {
          images: others.map(({ name, width, height }, id) => ({ id, file_name: `photos/${name}`, width, height })),
          annotations: boxes,
          categories: ['ball', 'brick'].map((name) => ({ id: name, name })),
        })); // prettier-ignore
        await status('48 boxes on 4 photos.');
        const { images, annotations, categories } = await saved();
        expect(images.map(({ file_name: name }) => name)).toEqual(photos.map(({ name }) => name));
        expect(categories.map(({ name }) => name)).toEqual(['ball', 'brick']);
        const mine = annotations.filter(({ image_id: image }) => image === images[0]!.id);
        expect(mine.map(({ category_id: id }) => categories[id - 1]!.name)).toEqual(first.boxes.map(({ label }) => label));
        // A pixel of the screen is 0.61 pixels of the photo.
        for (const [i, { bbox }] of mine.entries()) bbox.forEach((x, at) => expect(Math.abs(x - first.boxes[i]!.box[at]!)).toBeLessThan(2)); // prettier-ignore

        // Trained for some epochs; the page is closed, and goes on where it was.
        // So many that it cannot end before the page is closed.
        await page.fill('#epochs', '60');
        await page.selectOption('#device', 'wasm');
        expect(await page.textContent('#plan')).toBe('4 photos to train; 1 photo kept back.');
        const points = page.locator('#curves .loss circle');
        await page.click('#train');
        await points.nth(1).waitFor();
        expect(await page.textContent('#report')).toMatch(/^features: wasm.*steps: wasm$/);
        await page.reload();
        await status('it can go on');
        const done = await points.count();
        expect(done).toBeGreaterThanOrEqual(2);
        expect(await page.textContent('#go-on')).toBe(`Go on (${done} of 60)`);
        const fewest = page.evaluate(async () => {
          const curves = document.getElementById('curves')!;
          const status = document.getElementById('status')!;
          let least = Infinity;
          const seen = new MutationObserver(() => (least = Math.min(least, curves.querySelectorAll('.loss circle').length)));
          seen.observe(curves, { childList: true });
          while (!/Trained|failed/.test(status.textContent!)) await new Promise((resolve) => setTimeout(resolve, 50));
          return least;
        });
        await page.click('#go-on');
        await picture('training');
        await status('Trained: AP50');
        // What had been done was not done again.
        expect(await fewest).toBeGreaterThanOrEqual(done);
        expect(await points.count()).toBe(60);
        // The start, too.
        expect(await page.locator('#curves .ap50 circle').count()).toBe(61);
        const [, ap50] = /^AP50 (\d\.\d\d) on 1 photo kept back\.$/.exec((await page.textContent('#outcome'))!)!;
        expect(Number(ap50)).toBeGreaterThan(0.5);

        // A photo that it has not seen.
        const unseen = shapes(6);
        await page.click('#view-try');
        await page.setInputFiles('#file', unseen);
        // At the threshold that the page begins with.
        for (const label of ['ball', 'brick']) await page.locator('#rows td', { hasText: label }).first().waitFor();
        await picture('try');

        const archive = await download('#download');
        expect(await runOk('python3', ['-m', 'zipfile', '-t', archive])).toContain('Done testing');
        await runOk('python3', ['-m', 'zipfile', '-e', archive, consumer]);
        writeFileSync(join(consumer, unseen.name), unseen.buffer);
        const args = ['detect', unseen.name, '--model', 'my-labels', '--json', 'found.json'];
        await runOk(process.execPath, ['node_modules/labelweave/dist/cli/main.js', ...args], { cwd: consumer });
        const { images: found } = JSON.parse(readFileSync(join(consumer, 'found.json'), 'utf8')) as { images: { detections: { label: string; box: number[] }[] }[] }; // prettier-ignore
        const balls = found[0]!.detections.filter(({ label }) => label === 'ball');
        // Half of the six stand in a ball each, by their centres.
        const hit = unseen.boxes.filter(({ label, box: [x, y, w, h] }) => label === 'ball' && balls.some(({ box: [x1, y1, x2, y2] }) => Math.hypot((x1! + x2!) / 2 - x - w / 2, (y1! + y2!) / 2 - y - h / 2) < w / 2)); // prettier-ignore
        expect(hit.length).toBeGreaterThanOrEqual(3);

        // What was trained stays, too, until everything is forgotten.
        await page.reload();
        await status('5 photos kept');
        await page.click('#view-try');
        await status('objects in');
        await page.click('#forget');
        await status('Ready');
        expect(await page.locator('#strip li').count()).toBe(0);
        expect(await page.locator('#view-try').isDisabled()).toBe(true);
      } finally {
        await end();
      }
    });

    it('a photo with nothing on it is learnt from; a second tab says that a training goes on, waits, and goes on with it', async () => {
      const { page, another, status, drag, saved, picture, end } = await visit();
      try {
        const photos = [1, 2, 3].map(shapes);
        const data = new Uint8Array(480 * 360 * 3).fill(160);
        const plain = { name: 'plain.png', mimeType: 'image/png', buffer: Buffer.from(encode({ width: 480, height: 360, channels: 3, depth: 8, data })) }; // prettier-ignore
        await page.setInputFiles('#files', [plain, ...photos]);
        await status('4 photos added');
        const annotations = {
          images: photos.map(({ name }, id) => ({ id, file_name: name })),
          annotations: photos.flatMap(({ boxes }, id) => boxes.map(({ label, box }) => ({ image_id: id, category_id: label, bbox: box }))), // prettier-ignore
          categories: ['ball', 'brick'].map((name) => ({ id: name, name })),
        };
        await page.setInputFiles('#annotations', json('shapes.json', annotations));
        await status('36 boxes on 3 photos.');
        const plan = (text: string) => expect.poll(() => page.textContent('#plan')).toBe(text);
        const left = '2 photos to train; 1 photo kept back; 1 photo without boxes left out.';
        const marked = '3 photos to train, 1 of them with nothing on it; 1 photo kept back.';
        await page.selectOption('#every', '3');
        await plan(left);

        // The plain photo is shown. It is marked, not while a box is on it, and the mark goes with a box.
        const isMarked = () => page.getAttribute('#bare', 'aria-pressed');
        await page.click('#bare');
        await status('plain.png teaches what your labels are not.');
        await plan(marked);
        expect(await isMarked()).toBe('true');
        expect(await page.locator('#strip .badge').allTextContents()).toContain('nothing');
        await picture('nothing');
        await drag(0.2, 0.2, 0.5, 0.5);
        await plan('3 photos to train; 1 photo kept back.');
        expect([await isMarked(), await page.locator('#bare').isDisabled()]).toEqual(['false', true]);
        await page.click('#undo');
        await plan(left);
        // It is kept, and written and read as COCO has it: an image without annotations.
        await page.click('#bare');
        await page.reload();
        await status('4 photos kept');
        await plan(marked);
        const file = await saved();
        expect(file.images.map(({ file_name: name }) => name)).toEqual(['plain.png', ...photos.map(({ name }) => name)]);
        expect(file.annotations.filter(({ image_id: id }) => id === file.images[0]!.id)).toEqual([]);
        await page.click('#bare');
        await plan(left);
        expect((await saved()).images).toHaveLength(3);
        await page.setInputFiles('#annotations', json('saved.json', file));
        await status('36 boxes on 4 photos.');
        await plan(marked);

        // So many epochs that the training cannot end before its tab is closed.
        await page.fill('#epochs', '200');
        await page.selectOption('#device', 'wasm');
        await page.click('#train');
        await page.locator('#curves .loss circle').nth(1).waitFor();
        const tab = await another();
        const says = (text: string) => tab.locator('#status', { hasText: text }).waitFor();
        await says('A training goes on in another tab');
        expect(await tab.locator('#strip li').count()).toBe(0);
        await expect(tab.click('#add', { timeout: 1000 })).rejects.toThrow(/Timeout/);
        await tab.screenshot({ path: join(pictures, 'browser-train-second-tab.png') });
        // Nothing of the training is touched by it.
        const before = await page.locator('#curves .loss circle').count();
        await page.locator('#curves .loss circle').nth(before).waitFor();
        await page.click('#train');
        await status('it can be taken up again');
        await says('This page is open in another tab');
        const done = await page.locator('#curves .loss circle').count();
        await page.close();
        await says(`A training stopped after ${done} epochs of 200: it can go on.`);
        const run = await tab.evaluate(
          () =>
            new Promise<{ request: { training: Annotations } }>((resolve, reject) => {
              const opened = indexedDB.open('labelweave-browser-train');
              opened.onerror = () => reject(opened.error);
              opened.onsuccess = () => {
                const asked = opened.result.transaction('things').objectStore('things').get('run');
                asked.onsuccess = () => resolve(asked.result as never);
              };
            }),
        );
        expect(run.request.training.images.map(({ file_name: name }) => name).sort()).toEqual(['plain.png', 'shapes-1.png', 'shapes-2.png']); // prettier-ignore
        await tab.click('#go-on');
        await tab.locator('#curves .loss circle').nth(done).waitFor();
        await tab.click('#train');
        await says('it can be taken up again');
      } finally {
        await end();
      }
    });

    it('boxes are suggested, moved, given other sizes and labels, removed and brought back', async () => {
      const { page, status, drag, click, saved, picture, end } = await visit();
      try {
        await page.setInputFiles('#files', join(consumer, 'photo.jpg'));
        await status('1 photo added');
        for (const name of ['guest', 'host']) {
          await page.fill('#new-label', name);
          await page.click('#add-label');
        }
        await page.click('#suggest');
        await status('suggested: tap one to take it as host');
        await picture('suggested');
        const offered = Number(/\d+/.exec((await page.textContent('#accept'))!)![0]);
        expect(offered).toBeGreaterThan(3);
        await page.click('#accept');
        expect((await saved()).annotations).toHaveLength(offered);
        expect(await page.locator('#accept').isHidden()).toBe(true);
        await page.click('#undo');
        expect(await page.locator('#save').isDisabled()).toBe(true);

        const only = async () => {
          const { images, annotations, categories } = await saved();
          const { width, height } = images[0] as unknown as { width: number; height: number };
          expect(annotations).toHaveLength(1);
          const [x, y, w, h] = annotations[0]!.bbox as [number, number, number, number];
          const shares = [x / width, y / height, w / width, h / height].map((share) => Math.round(share * 20) / 20);
          return [categories[annotations[0]!.category_id - 1]!.name, ...shares];
        };
        await page.keyboard.press('1');
        await drag(0.2, 0.2, 0.5, 0.6);
        expect(await only()).toEqual(['guest', 0.2, 0.2, 0.3, 0.4]);
        await click(0.35, 0.4);
        await drag(0.35, 0.4, 0.55, 0.5);
        expect(await only()).toEqual(['guest', 0.4, 0.3, 0.3, 0.4]);
        await drag(0.7, 0.7, 0.8, 0.9);
        expect(await only()).toEqual(['guest', 0.4, 0.3, 0.4, 0.6]);
        await page.locator('#editor').focus();
        await page.keyboard.press('2');
        expect(await only()).toEqual(['host', 0.4, 0.3, 0.4, 0.6]);
        await page.locator('#editor').focus();
        await page.keyboard.press('Delete');
        expect(await page.locator('#save').isDisabled()).toBe(true);
        await page.keyboard.press('Control+z');
        expect(await only()).toEqual(['host', 0.4, 0.3, 0.4, 0.6]);
        // With its label go its boxes.
        await page.click('[title="Remove host"]');
        expect(await page.locator('#save').isDisabled()).toBe(true);
        expect(await page.locator('#train').isDisabled()).toBe(true);
      } finally {
        await end();
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
