// Runs one engine in a Node process of its own, on orders of speed.mjs; times itself, so that messages between processes are not counted.
import { readFile } from 'node:fs/promises';
import { pathToFileURL } from 'node:url';

let engine;
let image;

const orders = {
  /** Loads the engine's code and model and detects once. `ms` runs from before the code is imported to the first detections. */
  async open({ file, options, frame }) {
    image = frame;
    const begin = performance.now();
    const loaded = await import(pathToFileURL(file).href);
    engine = await loaded.open({ ...options, read: (path) => readFile(path), start: await starter(options) });
    const detections = await engine.detect(image);
    return { ms: performance.now() - begin, detections, description: engine.description };
  },
  async detect() {
    const begin = performance.now();
    const detections = await engine.detect(image);
    return { ms: performance.now() - begin, detections };
  },
  raw: () => engine.raw(image),
  memory: () => process.memoryUsage(),
};

/** Only TF.js needs help, and only for threads. */
async function starter({ threads, decode }) {
  if (decode === undefined || threads === 1) return undefined;
  const { startThreads } = await import('./engines/tfjs-node-threads.mjs');
  return (start) => startThreads(start, threads);
}

process.on('message', async ({ order, argument }) => {
  try {
    process.send({ result: await orders[order](argument) });
  } catch (error) {
    process.send({ error: String(error?.stack ?? error?.message ?? error) });
  }
});
process.on('disconnect', () => process.exit(0));
