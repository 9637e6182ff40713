// Every kernel test on the other WebGPU engines: Chromium (Tint on SwiftShader) and Deno (naga on llvmpipe, in f32 and in f16). Nothing is skipped.
import { existsSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { llvmpipe } from '../chromium.mjs';
import { openBrowser, resultOf, runOk, serve } from '../package/run.js';
import { tools } from '../setup-tools.mjs';
import { bundleKernelTests } from './engines/bundle.mjs';
import type { Outcome } from './engines/vitest.js';

interface Report {
  adapter: string;
  outcomes: Outcome[];
}

/** Fewer mean that tests got lost: there are more than 20 operators with 10 cases each. */
const LEAST_TESTS = 200;

/** A whole run takes about 20 s on two cores. */
const TIMEOUT_MS = 300_000;

const { folder, file, name } = await bundleKernelTests();

async function onDeno(precision: 'f32' | 'f16'): Promise<Report> {
  if (!llvmpipe)
    throw new Error('llvmpipe: found no Vulkan driver; wanted Mesa (Debian: apt-get install mesa-vulkan-drivers libvulkan1).');
  if (!existsSync(tools.deno)) throw new Error('Deno: not installed; run node test/setup-tools.mjs.');
  const runner = fileURLToPath(new URL('engines/deno.mjs', import.meta.url));
  const stdout = await runOk(tools.deno, ['run', '--allow-read', '--allow-env', runner, file, precision], {
    env: { VK_ICD_FILENAMES: llvmpipe, VK_DRIVER_FILES: llvmpipe },
  });
  return JSON.parse(stdout.split('\n').find((line) => line.startsWith('{'))!) as Report;
}

async function onChromium(): Promise<Report> {
  writeFileSync(
    `${folder}index.html`,
    `<!doctype html><link rel="icon" href="data:,"><script type="module">
      globalThis.engine = { precision: 'f32' };
      import(${JSON.stringify(`./${name}`)}).then(async ({ runTests }) => {
        const outcomes = await runTests();
        const { vendor, architecture } = (await navigator.gpu.requestAdapter()).info;
        return { adapter: vendor + ' ' + architecture, outcomes };
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
  ['Chromium', /swiftshader/i, onChromium],
  ['Deno, f32', /llvmpipe/i, () => onDeno('f32')],
  ['Deno, f16', /llvmpipe/i, () => onDeno('f16')],
] as const)('every kernel test in %s', (_, wanted, run) => {
  it(
    'agrees',
    async () => {
      const { adapter, outcomes } = await run();
      expect(adapter).toMatch(wanted);
      expect(outcomes.filter(({ error }) => error !== null)).toEqual([]);
      expect(outcomes.length).toBeGreaterThan(LEAST_TESTS);
    },
    TIMEOUT_MS,
  );
});
