// What differs between hosts, checked on the installed package: the platform (files, threads, shared memory, image decoding, byte store)
// and a detection on one and on two threads. Plain functions without a test runner, so that every host can run them.
import { loadDetector } from 'labelweave';
import centernet from 'labelweave/models/centernet-mbv3';

/** (module (func (export "add") (param i32 i32) (result i32) local.get 0 local.get 1 i32.add)) */
const addModule = Uint8Array.of(
  ...[
    0, 97, 115, 109, 1, 0, 0, 0, 1, 7, 1, 96, 2, 127, 127, 1, 127, 3, 2, 1, 0, 7, 7, 1, 3, 97, 100, 100, 0, 0, 10, 9, 1, 7, 0, 32,
    0, 32, 1,
  ],
  ...[106, 11],
);

/** 2 x 1 pixels, RGB, 8 bits: (255, 0, 0) and (0, 128, 255). */
const tinyPng = 'iVBORw0KGgoAAAANSUhEUgAAAAIAAAABCAIAAAB7QOjdAAAAD0lEQVR4nGP4z8DA0PAfAAgAAn+cRUBOAAAAAElFTkSuQmCC';

function expect(condition, wanted, found) {
  if (!condition) throw new Error(`found ${typeof found === 'string' ? found : JSON.stringify(found)}; wanted ${wanted}`);
}

async function errorOf(promise) {
  try {
    await promise;
  } catch (error) {
    return error;
  }
  return { name: 'no error', code: 'none' };
}

/** The next message of a worker, or its error; the process waits for it. */
function answer(worker) {
  worker.ref();
  return new Promise((resolve, reject) => {
    worker.onmessage = ({ data }) => resolve(data);
    worker.onerror = reject;
  }).finally(() => worker.unref());
}

const plain = (detections) => [...detections].map(({ label, score, box }) => ({ label, score, box: [...box] }));

/**
 * @param {object} setting what the host is like
 * @param {typeof import('../../sdk/platform.js')} setting.platform the module that `#platform` stands for here
 * @param {string} setting.host its name
 * @param {boolean} setting.sharedMemory whether threads may share memory
 * @param {string} setting.photo path or URL of a photo
 * @returns {Record<string, () => Promise<void>>} checks by name; a check that fails rejects
 */
export function checks({ platform, host, sharedMemory, photo }) {
  const server = host !== 'browser';
  const photoBytes = async () => (server ? platform.readFile(photo) : new Uint8Array(await (await fetch(photo)).arrayBuffer()));
  return {
    'knows its host': async () => {
      expect(platform.host === host, host, platform.host);
      const cores = platform.hardwareConcurrency();
      expect(Number.isInteger(cores) && cores >= 1, 'a whole number of cores', cores);
    },

    'reads files, or says why not': async () => {
      const missing = await errorOf(platform.readFile('no-such-file.bin'));
      expect(
        missing.name === 'LoadError' && missing.code === 'missing-file',
        'LoadError missing-file',
        `${missing.name} ${missing.code}`,
      );
      if (!server) return;
      const steps = [];
      const bytes = await platform.readFile(photo, { onProgress: (loaded, total) => steps.push([loaded, total]) });
      expect(bytes[0] === 0xff && bytes[1] === 0xd8, 'a JPEG', bytes.slice(0, 2));
      const last = steps.at(-1);
      expect(last?.[0] === bytes.length && last[1] === bytes.length, 'a last step with all bytes', last);
      const signal = AbortSignal.abort(new Error('stop'));
      expect(
        (await errorOf(platform.readFile(photo, { signal }))).message === 'stop',
        'the reason of the signal',
        'another error',
      );
    },

    'decodes a PNG exactly': async () => {
      const bytes = Uint8Array.from(atob(tinyPng), (c) => c.charCodeAt(0));
      const { data, width, height, channels } = await platform.decodeImage(bytes);
      expect(width === 2 && height === 1, '2 x 1', `${width} x ${height}`);
      const pixels = [0, 1].flatMap((i) => [...data.slice(i * channels, i * channels + 3)]);
      expect(String(pixels) === '255,0,0,0,128,255', 'red and blue', pixels);
    },

    'decodes a JPEG, refuses a truncated one and text': async () => {
      const bytes = await photoBytes();
      const { data, width, height, channels } = await platform.decodeImage(bytes);
      expect(width > 100 && height > 100 && data.length === width * height * channels, 'as many values as pixels', data.length);
      const mean = data.reduce((sum, value) => sum + value, 0) / data.length;
      expect(mean > 10 && mean < 250, 'a picture', mean);
      const text = await errorOf(
        platform.decodeImage(new TextEncoder().encode('not an image, only words that go on for a while')),
      );
      expect(text.name === 'ImageError', 'ImageError', text.name);
      const large = await errorOf(platform.decodeImage(bytes, { maxPixels: 99 }));
      expect(large.code === 'image-too-large', 'image-too-large', large.code);
    },

    'runs a thread, and hears of its errors': async () => {
      const worker = platform.startWorker('onmessage = ({ data }) => postMessage(data * 2);');
      worker.postMessage(21);
      const result = await answer(worker);
      worker.terminate();
      expect(result === 42, 42, result);
      const broken = platform.startWorker('throw new Error("on purpose");');
      const error = await errorOf(answer(broken));
      broken.terminate();
      expect(error.code === 'device-failed', 'device-failed', error.code);
    },

    'shares a compiled WASM module and memory with a thread': async () => {
      if (!sharedMemory) {
        expect(typeof SharedArrayBuffer === 'undefined', 'no shared memory in a page that is not isolated', 'SharedArrayBuffer');
        return;
      }
      const memory = new WebAssembly.Memory({ initial: 1, maximum: 1, shared: true });
      const module = await WebAssembly.compile(addModule);
      const worker = platform.startWorker(`onmessage = async ({ data: { memory, module } }) => {
        const { add } = (await WebAssembly.instantiate(module)).exports;
        const view = new Int32Array(memory.buffer);
        postMessage('waiting');
        Atomics.wait(view, 0, 0, 5000);
        Atomics.store(view, 1, add(Atomics.load(view, 0), 35));
        postMessage('done');
      };`);
      const view = new Int32Array(memory.buffer);
      worker.postMessage({ memory, module });
      expect((await answer(worker)) === 'waiting', 'waiting', 'another message');
      Atomics.store(view, 0, 7);
      Atomics.notify(view, 0);
      expect((await answer(worker)) === 'done', 'done', 'another message');
      worker.terminate();
      expect(view[1] === 42, 42, view[1]);
    },

    'keeps bytes between runs': async () => {
      const store = await platform.openByteStore('checks');
      // Hosts without a store say so; every host that these checks run on has one.
      expect(store !== undefined, 'a byte store', 'none');
      await store.put('a key/with: signs', Uint8Array.of(1, 2, 3));
      const read = await (await platform.openByteStore('checks')).get('a key/with: signs');
      expect(String(read) === '1,2,3', '1,2,3', String(read));
      await store.delete('a key/with: signs');
      expect((await store.get('a key/with: signs')) === undefined, 'nothing', 'an entry');
      await store.delete('a key/with: signs');
    },

    'detects the same on one thread and on two': async () => {
      const bytes = await photoBytes();
      const results = {};
      for (const threads of [1, 2]) {
        const detector = await loadDetector(centernet, { device: 'wasm', threads });
        const wanted = sharedMemory && threads === 2 ? '2 threads' : '1 thread';
        expect(detector.device.description.includes(wanted), wanted, detector.device.description);
        results[threads] = plain(await detector.detect(bytes));
        detector.dispose();
      }
      expect(results[1].length > 0, 'detections', results[1]);
      expect(JSON.stringify(results[1]) === JSON.stringify(results[2]), 'the same on two threads', results);
    },
  };
}

/** Runs every check; never rejects. */
export async function runChecks(setting) {
  const outcomes = [];
  for (const [name, check] of Object.entries(checks(setting))) {
    const start = performance.now();
    let error = null;
    try {
      await check();
    } catch (cause) {
      error = cause?.stack ?? String(cause);
    }
    outcomes.push({ name, error, ms: Math.round(performance.now() - start) });
  }
  return outcomes;
}
