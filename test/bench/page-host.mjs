// Runs one engine on a page of its own, on orders of speed.mjs; times itself, so that messages between processes are not counted.
import { watchGpu } from './gpu-watch.mjs';

let engine;
let image;
let watched;

const read = async (path) => {
  const response = await fetch(path);
  if (!response.ok) throw new Error(`${path}: found status ${response.status}; wanted 200.`);
  return new Uint8Array(await response.arrayBuffer());
};

/** TF.js takes at most one thread for every two cores it sees, so it is shown two for every thread while it starts. The others do not use this. */
async function startThreads(run, threads) {
  Object.defineProperty(navigator, 'hardwareConcurrency', { value: 2 * threads, configurable: true });
  try {
    await run();
  } finally {
    delete navigator.hardwareConcurrency;
  }
}

globalThis.bench = {
  /** Loads the engine's code and model and detects once. `ms` runs from before the code is asked for to the first detections. */
  async open({ file, options, width, height, pixels = '/image.rgb' }) {
    if (options.threads > 1 && !globalThis.crossOriginIsolated)
      throw new Error('page: found no cross-origin isolation; wanted it for threads.');
    if (options.device === 'webgpu') watched = watchGpu();
    image = { data: await read(pixels), width, height, channels: 3 };
    const begin = performance.now();
    const loaded = await import(file);
    engine = await loaded.open({ ...options, read, start: (run) => startThreads(run, options.threads) });
    const detections = await engine.detect(image);
    return { ms: performance.now() - begin, detections, description: engine.description };
  },
  async detect() {
    const begin = performance.now();
    const detections = await engine.detect(image);
    return { ms: performance.now() - begin, detections };
  },
  gpu: () => ({ ...watched }),
};
