// Every kernel test, and the whole CenterNet, on the other WebGPU engines: Chromium (Tint on SwiftShader) and Deno (naga on llvmpipe, in f32 and in
// f16). Nothing is skipped.
import { existsSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { beforeAll, describe, expect, it } from 'vitest';
import { openModel } from '../../sdk/graph/model.js';
import { buildCenternet } from '../../sdk/models/centernet-mbv3/recipe.js';
import { createReferenceRuntime } from '../../sdk/runtime/reference/index.js';
import { calibrationFeeds } from '../../sdk/runtime/webgpu/calibrate.js';
import { llvmpipe } from '../chromium.mjs';
import { openBrowser, resultOf, runOk, serve } from '../package/run.js';
import { tools } from '../setup-tools.mjs';
import { bundleKernelTests } from './engines/bundle.mjs';
import type { Outcome } from './engines/vitest.js';
import type { WholeOutcome } from './engines/whole.js';

interface Report {
  adapter: string;
  outcomes: Outcome[];
  whole: WholeOutcome;
}

/**
 * Logits and sizes of CenterNet behind some 60 convolutions in float32, in another order of summation: measured 3e-5 of the largest value; and stored in
 * float16 after each of them, with errors of 2^-11 that add up: measured 1.3e-2.
 */
const WHOLE_TOLERANCE = { f32: 2e-4, f16: 5e-2 };

/** Bytes on the GPU that CenterNet may take; a frame adds its pixels and some hundred bytes to read back, not whole outputs as here. */
const WHOLE_BYTES = 40e6;

/** Fewer mean that tests got lost: there are more than 20 operators with 10 cases each. */
const LEAST_TESTS = 200;

/** A whole run takes about 20 s on two cores. */
const TIMEOUT_MS = 300_000;

const { folder, file, name } = await bundleKernelTests();
const modelFolder = `${folder}centernet-mbv3`;
rmSync(modelFolder, { recursive: true, force: true });
await buildCenternet(modelFolder);

/** Outputs of the reference, once. */
const truth = (async (): Promise<Record<string, Float32Array>> => {
  const { graph } = await openModel(modelFolder);
  const executable = await createReferenceRuntime().compile(graph);
  const outputs = graph.outputs.map((id) => graph.values[id]!.name);
  return executable.run({ feeds: calibrationFeeds(graph), outputs }, (results) =>
    Object.fromEntries(outputs.map((output) => [output, (results[output] as Float32Array).slice()])),
  );
})();

async function onDeno(precision: 'f32' | 'f16'): Promise<Report> {
  if (!llvmpipe)
    throw new Error('llvmpipe: found no Vulkan driver; wanted Mesa (Debian: apt-get install mesa-vulkan-drivers libvulkan1).');
  if (!existsSync(tools.deno)) throw new Error('Deno: not installed; run node test/setup-tools.mjs.');
  const runner = fileURLToPath(new URL('engines/deno.mjs', import.meta.url));
  const stdout = await runOk(tools.deno, ['run', '--allow-read', '--allow-env', runner, file, precision, modelFolder], {
    env: { VK_ICD_FILENAMES: llvmpipe, VK_DRIVER_FILES: llvmpipe },
  });
  return JSON.parse(stdout.split('\n').find((line) => line.startsWith('{'))!) as Report;
}

async function onChromium(): Promise<Report> {
  writeFileSync(
    `${folder}index.html`,
    `<!doctype html><link rel="icon" href="data:,"><script type="module">
      globalThis.engine = { precision: 'f32' };
      import(${JSON.stringify(`./${name}`)}).then(async ({ runTests, runWhole }) => {
        const outcomes = await runTests();
        const names = ${JSON.stringify(readdirSync(modelFolder))};
        const bytes = async (name) => new Uint8Array(await (await fetch('centernet-mbv3/' + name)).arrayBuffer());
        const whole = await runWhole(Object.fromEntries(await Promise.all(names.map(async (name) => [name, await bytes(name)]))));
        const { vendor, architecture } = (await navigator.gpu.requestAdapter()).info;
        return { adapter: vendor + ' ' + architecture, outcomes, whole };
      }).then((result) => { globalThis.result = result; }, (error) => { globalThis.result = { adapter: String(error), outcomes: [] }; });
    </script>`,
  );
  const site = await serve(folder);
  const browser = await openBrowser();
  try {
    return await resultOf<Report>(browser, `${site.url}index.html`, TIMEOUT_MS);
  } finally {
    await browser.close();
    site.close();
  }
}

describe.each([
  ['Chromium', /swiftshader/i, 'f32', onChromium],
  ['Deno, f32', /llvmpipe/i, 'f32', () => onDeno('f32')],
  ['Deno, f16', /llvmpipe/i, 'f16', () => onDeno('f16')],
] as const)('%s', (_, wanted, precision, run) => {
  let report: Report;
  beforeAll(async () => {
    report = await run();
  }, TIMEOUT_MS);

  it('runs every kernel test', () => {
    expect(report.adapter).toMatch(wanted);
    expect(report.outcomes.filter(({ error }) => error !== null)).toEqual([]);
    expect(report.outcomes.length).toBeGreaterThan(LEAST_TESTS);
  });

  it(
    'agrees with the reference on the whole CenterNet, in the memory that was promised',
    async () => {
      const { description, notes, memory, outputs } = report.whole;
      expect(description).toMatch(new RegExp(`${precision}$`));
      expect(notes).toEqual([]);
      expect(memory.constants + memory.arena).toBeLessThan(WHOLE_BYTES);
      for (const [output, wanted] of Object.entries(await truth)) {
        const bytes = Buffer.from(outputs[output]!, 'base64');
        const found = new Float32Array(bytes.buffer, bytes.byteOffset, bytes.length / 4);
        expect(found.length).toBe(wanted.length);
        const largest = wanted.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
        const worst = wanted.reduce((most, value, i) => Math.max(most, Math.abs(value - found[i]!)), 0);
        expect(worst / largest, output).toBeLessThan(WHOLE_TOLERANCE[precision]);
      }
    },
    TIMEOUT_MS,
  );
});
