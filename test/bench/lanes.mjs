// Lanes: one engine each, in its own Node process or page, so that no engine's threads, garbage or compiled code disturb another's.
import { fork } from 'node:child_process';
import { createReadStream, statSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { extname, join, normalize } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { chromium } from 'playwright';
import { chromiumFlags, chromiumPath } from '../chromium.mjs';
import { assets, engineFile, served } from './prepare.mjs';

/** The engines in the order in which they take turns. `peer` names the npm package whose version is shown. */
export const engines = [
  { id: 'labelweave', title: 'labelweave', module: 'labelweave' },
  {
    id: 'tfjs',
    title: 'TF.js wasm, its own tail',
    module: 'tfjs',
    peer: '@tensorflow/tfjs-backend-wasm',
    options: { decode: 'graph' },
  },
  {
    id: 'tfjs-script',
    title: 'TF.js wasm, decode in JS',
    module: 'tfjs',
    peer: '@tensorflow/tfjs-backend-wasm',
    options: { decode: 'script' },
  },
  { id: 'onnxruntime', title: 'ONNX Runtime Web wasm', module: 'onnxruntime', peer: 'onnxruntime-web' },
];

/** A lane in a fresh Node process. `open` and `detect` give `{ ms, detections }`. */
export function nodeLane(engine, { threads, threshold, image }) {
  const child = fork(fileURLToPath(new URL('node-host.mjs', import.meta.url)), { serialization: 'advanced' });
  const order = (name, argument) =>
    new Promise((resolve, reject) => {
      const onExit = (code) =>
        reject(new Error(`${engine.title}: found its process ended with ${code}; wanted an answer to "${name}".`));
      child.once('exit', onExit);
      child.once('message', ({ result, error }) => {
        child.off('exit', onExit);
        if (error) reject(new Error(`${engine.title}: ${error}`));
        else resolve(result);
      });
      child.send({ order: name, argument });
    });
  const options = { ...engine.options, threads, threshold, assets: assets.node };
  return {
    open: () => order('open', { file: engineFile(engine.module), options, frame: image }),
    detect: () => order('detect'),
    raw: () => order('raw'),
    memory: () => order('memory'),
    close: async () => {
      if (child.exitCode === null && child.connected) {
        const ended = new Promise((resolve) => child.once('exit', resolve));
        child.disconnect();
        await ended;
      }
    },
  };
}

const types = {
  '.html': 'text/html',
  '.js': 'text/javascript',
  '.mjs': 'text/javascript',
  '.json': 'application/json',
  '.wasm': 'application/wasm',
};

/** Chromium and a server for its pages, which are cross-origin isolated. WebGPU computes on SwiftShader, or with `hardware` on the machine's GPU. */
export async function openChromium({ hardware = false } = {}) {
  const requested = new Set();
  const server = createServer((request, response) => {
    const path = normalize(decodeURIComponent(new URL(request.url ?? '/', 'http://localhost').pathname));
    const prefix = Object.keys(served).find((start) => path.startsWith(start)) ?? '/';
    const file = join(served[prefix], path === '/' ? 'index.html' : path.slice(prefix.length));
    const found = statSync(file, { throwIfNoEntry: false })?.isFile();
    requested.add(file);
    response.writeHead(found ? 200 : 404, {
      'content-type': types[extname(file)] ?? 'application/octet-stream',
      'cache-control': 'no-store',
      'cross-origin-opener-policy': 'same-origin',
      'cross-origin-embedder-policy': 'require-corp',
    });
    if (found) createReadStream(file).pipe(response);
    else response.end();
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${server.address().port}/`;
  const browser = await chromium.launch({
    args: hardware ? chromiumFlags.filter((flag) => !flag.includes('swiftshader')) : chromiumFlags,
    ...(chromiumPath ? { executablePath: chromiumPath } : {}),
  });

  return {
    version: browser.version(),
    /** A lane on a page of a browser context of its own. `open` also gives the code files that the page loaded. */
    lane(engine, { threads, threshold, image }) {
      let context;
      let page;
      const options = { ...engine.options, threads, threshold, assets: assets.page };
      const { width, height, file: pixels } = image;
      return {
        async open() {
          context = await browser.newContext();
          page = await context.newPage();
          const problems = [];
          page.on('pageerror', (error) => problems.push(String(error)));
          await page.goto(url);
          await page.waitForFunction('globalThis.bench !== undefined');
          requested.clear();
          try {
            const argument = { file: `/${engine.module}.js`, options, width, height, pixels };
            const result = await page.evaluate((order) => globalThis.bench.open(order), argument);
            return { ...result, code: await codeBytes([...requested]) };
          } catch (error) {
            throw new Error(`${engine.title} in Chromium: ${error.message}\n${problems.join('\n')}`, { cause: error });
          }
        },
        detect: () => page.evaluate(() => globalThis.bench.detect()),
        gpu: () => page.evaluate(() => globalThis.bench.gpu()),
        close: async () => context?.close(),
      };
    },
    async close() {
      await browser.close();
      server.closeAllConnections();
      server.close();
    },
  };
}

/** Size of scripts and binaries as loaded: plain and with gzip. */
async function codeBytes(files) {
  const contents = await Promise.all(files.filter((file) => /\.(m?js|wasm)$/.test(file)).map((file) => readFile(file)));
  return {
    bytes: contents.reduce((sum, content) => sum + content.length, 0),
    gzip: contents.reduce((sum, content) => sum + gzipSync(content, { level: 9 }).length, 0),
  };
}
