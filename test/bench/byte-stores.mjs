// Where large values are kept in a browser: the store in the origin private file system beside the one in the Cache API, in a page and in a worker of Chromium,
// with a profile on disk (private windows keep both in memory).
//
// npm run build:wasm && node test/bench/byte-stores.mjs [--values 200] [--bytes 1000000] [--repeat 5]
//
// Each turn puts all values one after the other, gets them, and puts them again over the old ones. Turns of the two stores alternate.
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { chromium } from 'playwright';
import { chromiumFlags, chromiumPath } from '../chromium.mjs';
import { bundleSources } from './bundle.mjs';
import { formatTable, median } from './table.mjs';

const { values } = parseArgs({
  options: {
    values: { type: 'string', default: '200' },
    bytes: { type: 'string', default: '1000000' },
    repeat: { type: 'string', default: '5' },
  },
});
const [count, size, repeat] = [Number(values.values), Number(values.bytes), Number(values.repeat)];

const file = await bundleSources({
  name: 'byte-stores',
  contents: `
    import { openByteStore } from './sdk/platform.ts';
    import { openOpfsStore } from './sdk/store/opfs.ts';
    const open = { cache: () => openByteStore('bench'), opfs: () => openOpfsStore('bench') };
    /** Milliseconds of a value: { put, get, over }. */
    globalThis.measure = async ({ kind, count, size }) => {
      const store = await open[kind]();
      for (let i = 0; i < count; i++) await store.delete(String(i));
      const value = new Uint8Array(size);
      for (let i = 0; i < size; i += 65536) crypto.getRandomValues(value.subarray(i, Math.min(size, i + 65536)));
      const times = {};
      for (const [part, work] of Object.entries({
        put: (i) => store.put(String(i), value),
        get: async (i) => {
          const found = await store.get(String(i));
          if (found?.length !== size || found[size - 1] !== value[size - 1]) throw new Error(kind + ': found other bytes; wanted what was put.');
        },
        over: (i) => store.put(String(i), value),
      })) {
        const start = performance.now();
        for (let i = 0; i < count; i++) await work(i);
        times[part] = (performance.now() - start) / count;
      }
      return times;
    };
    if (typeof document === 'undefined') onmessage = async ({ data }) => postMessage(await globalThis.measure(data));`,
  platform: 'browser',
});
const profile = await mkdtemp(join(tmpdir(), 'labelweave-bench-'));
const context = await chromium.launchPersistentContext(profile, {
  args: chromiumFlags,
  ...(chromiumPath ? { executablePath: chromiumPath } : {}),
});
try {
  const page = await context.newPage();
  const script = await readFile(file, 'utf8');
  await page.route('https://bench.test/**', (route) => route.fulfill({ contentType: 'text/html', body: '<!doctype html>' }));
  await page.goto('https://bench.test/');
  await page.addScriptTag({ type: 'module', content: script });
  await page.waitForFunction('globalThis.measure !== undefined');
  const measure = (where, kind) =>
    page.evaluate(
      async ({ where, script, order }) => {
        if (where === 'page') return globalThis.measure(order);
        const worker = new Worker(URL.createObjectURL(new Blob([script], { type: 'text/javascript' })), { type: 'module' });
        return new Promise((resolve, reject) => {
          worker.onmessage = ({ data }) => (worker.terminate(), resolve(data));
          worker.onerror = ({ message }) => reject(new Error(message));
          worker.postMessage(order);
        });
      },
      { where, script, order: { kind, count, size } },
    );
  const rows = [];
  for (const where of ['page', 'worker']) {
    const times = { cache: [], opfs: [] };
    for (let i = -1; i < repeat; i++) {
      for (const kind of ['cache', 'opfs']) {
        const time = await measure(where, kind);
        // The first turn makes the files of the browser itself.
        if (i >= 0) times[kind].push(time);
      }
    }
    for (const [part, words] of Object.entries({ put: 'put', get: 'get', over: 'put over an old one' })) {
      const [cache, opfs] = [times.cache, times.opfs].map((list) => list.map((time) => time[part]));
      const ratio = median(cache.map((time, i) => time / opfs[i]));
      rows.push([`${where}: ${words}`, median(opfs).toFixed(2), median(cache).toFixed(2), `${ratio.toFixed(2)} x`]);
    }
  }
  console.log(
    `Chromium ${context.browser()?.version() ?? ''}, ${count} values of ${size} bytes, ms of a value, medians of ${repeat}.\n`,
  );
  console.log(formatTable(['store', 'OPFS', 'Cache API', 'Cache API / OPFS'], rows));
} finally {
  await context.close();
  await rm(profile, { recursive: true, force: true });
}
