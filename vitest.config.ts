// Test projects: `node` (unit, kernel and agreement tests on the sources), `browser` (the same in Chromium, for what needs a page), `types`
// (compile-time tests), `package` and `runtime` (on the built package: run `npm run build` first).
import { fileURLToPath } from 'node:url';
import { playwright } from '@vitest/browser-playwright';
import { defineConfig } from 'vitest/config';
import { inlineBinaries } from './rollup.config.mjs';
import { chromiumFlags, chromiumPath, swiftShader } from './test/chromium.mjs';

const source = (path: string) => fileURLToPath(new URL(`./sdk/${path}`, import.meta.url));

/** The package by its published name, on its sources. */
const onSources = (platform: string) => ({
  alias: [
    { find: '#platform', replacement: source(platform) },
    { find: /^labelweave$/, replacement: source('index.ts') },
    {
      find: /^labelweave\/(taxonomy|taxonomy\/(?:file|formats|merge)|datasets|learn|train|convert|node)$/,
      replacement: source('$1/index.ts'),
    },
    { find: /^labelweave\/evaluate(\/match)?$/, replacement: source('evaluate$1/index.ts') },
    { find: /^labelweave\/label-spaces\/(.*)$/, replacement: source('taxonomy/catalog/$1.ts') },
    { find: /^labelweave\/models\/([^/]*)$/, replacement: source('models/$1/index.ts') },
  ],
});

const builtPackage = ['test/package/**', 'test/runtime/**'];

export default defineConfig({
  plugins: [inlineBinaries()],
  test: {
    reporters: process.env['CI'] ? ['default', 'json'] : ['default'],
    outputFile: { json: 'build/reports/vitest.json' },
    projects: [
      {
        extends: true,
        resolve: onSources('node/platform.ts'),
        test: {
          name: 'node',
          environment: 'node',
          include: ['test/**/*.test.ts'],
          exclude: ['test/**/*.browser.test.ts', ...builtPackage],
          setupFiles: ['test/random-cases.setup.ts'],
          testTimeout: 60_000,
          // Before any thread loads Vulkan: WebGPU computes on Chromium's software driver, on every machine the same.
          env: swiftShader ? { VK_ICD_FILENAMES: swiftShader } : {},
        },
      },
      {
        extends: true,
        resolve: onSources('platform.ts'),
        // Threads share memory only in a cross-origin isolated page.
        server: { headers: { 'Cross-Origin-Opener-Policy': 'same-origin', 'Cross-Origin-Embedder-Policy': 'require-corp' } },
        test: {
          name: 'browser',
          include: ['test/**/*.browser.test.ts'],
          exclude: builtPackage,
          testTimeout: 60_000,
          browser: {
            enabled: true,
            headless: true,
            screenshotFailures: false,
            provider: playwright({ launchOptions: { executablePath: chromiumPath ?? 'chromium', args: chromiumFlags } }),
            instances: [{ browser: 'chromium' }],
          },
        },
      },
      {
        extends: true,
        test: {
          name: 'types',
          include: [],
          typecheck: { enabled: true, only: true, include: ['test/**/*.test-d.ts'], tsconfig: 'test/tsconfig.types.json' },
        },
      },
      {
        extends: true,
        test: {
          name: 'package',
          environment: 'node',
          include: ['test/package/**/*.test.ts', 'test/runtime/**/*.test.ts'],
          globalSetup: 'test/package/consumer.setup.ts',
          testTimeout: 120_000,
          hookTimeout: 120_000,
        },
      },
    ],
  },
});
