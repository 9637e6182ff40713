// Builds what rollup does not: the declarations, the command line, and the default model (a recipe that is run, not published).
import { pathToFileURL } from 'node:url';
import { defineConfig, type Options } from 'tsup';
import { entries } from './rollup.config.mjs';

const declarations: Options = {
  name: 'declarations',
  entry: entries(),
  format: 'esm',
  dts: { only: true, compilerOptions: { stripInternal: true } },
};

// `tsup --no-dts` leaves out the declarations, which take most of the time: enough to run programs.
export default defineConfig(({ dts }): Options[] => [
  ...(dts === false ? [] : [declarations]),
  {
    // Uses the package by its name, as any program does; only `cac` is bundled.
    name: 'cli',
    entry: { 'cli/main': 'sdk/cli/main.ts' },
    format: 'esm',
    platform: 'node',
    target: 'node20',
    external: [/^labelweave($|\/)/],
    banner: { js: '#!/usr/bin/env node' },
    splitting: false,
  },
  {
    name: 'models',
    entry: {
      'centernet-recipe': 'sdk/models/centernet-mbv3/recipe.ts',
      'tiny-face-recipe': 'sdk/models/tiny-face/recipe.ts',
    },
    outDir: 'build',
    format: 'esm',
    platform: 'node',
    target: 'node20',
    splitting: false,
    onSuccess: async () => {
      const { buildCenternet } = await import(pathToFileURL('build/centernet-recipe.js').href);
      await buildCenternet('dist/models/centernet-mbv3');
      // For the demo; it is not published.
      const { buildTinyFace } = await import(pathToFileURL('build/tiny-face-recipe.js').href);
      await buildTinyFace('build/models/tiny-face');
    },
  },
]);
