// Test projects: `node` (unit, kernel and agreement tests on the sources).
import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';
import { inlineBinaries } from './rollup.config.mjs';

const nodePlatform = fileURLToPath(new URL('./sdk/node/platform.ts', import.meta.url));

export default defineConfig({
  plugins: [inlineBinaries()],
  test: {
    projects: [
      {
        extends: true,
        resolve: { alias: { '#platform': nodePlatform } },
        test: { name: 'node', environment: 'node', include: ['test/**/*.test.ts'], exclude: ['test/package/**', 'test/runtime/**', 'test/bench/**'] },
      },
    ],
  },
});
