// Runs one engine in a Deno process of its own, on orders of webgpu.mjs: a line of JSON each way; times itself.
import { watchGpu } from './gpu-watch.mjs';

// TF.js takes Deno for Node, whose modules it then misses; where it sees a page it uses what the web has.
globalThis.window = globalThis;
globalThis.document = {};

let engine;
let image;
let watched;

const orders = {
  /** Loads the engine's code and model and detects once. `ms` runs from before the code is imported to the first detections. */
  async open({ file, options, frame }) {
    watched = watchGpu();
    image = { ...frame, data: Deno.readFileSync(frame.file) };
    const begin = performance.now();
    const loaded = await import(`file://${file}`);
    engine = await loaded.open({ ...options, read: (path) => Deno.readFile(path) });
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

const answer = (message) => Deno.stdout.writeSync(new TextEncoder().encode(`${JSON.stringify(message)}\n`));
// Engines may print; only lines of this program may reach standard output.
console.log = console.info = console.warn = console.error;

let rest = '';
for await (const piece of Deno.stdin.readable.pipeThrough(new TextDecoderStream())) {
  const lines = (rest + piece).split('\n');
  rest = lines.pop();
  for (const line of lines) {
    const { order, argument } = JSON.parse(line);
    try {
      answer({ result: await orders[order](argument) });
    } catch (error) {
      answer({ error: String(error?.stack ?? error) });
    }
  }
}
