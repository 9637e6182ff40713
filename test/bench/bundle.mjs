// Bundles TypeScript of the repository into build/bench, with kernels and WASM as they are built into the package, for measurements on the sources.
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { inlineBinaries } from '../../rollup.config.mjs';

const root = fileURLToPath(new URL('../../', import.meta.url));

const binaries = {
  name: 'binaries',
  setup(esbuild) {
    const { load } = inlineBinaries();
    esbuild.onLoad({ filter: /\.(wasm|z|wgsl)$/ }, async ({ path }) => ({
      contents: (await load.call({}, path)).code,
      loader: 'js',
    }));
  },
};

/**
 * Bundles `contents`, a TypeScript module that stands in a folder of the repository (default: its root), for Node or a page. Returns the file's path.
 * @param {{ name: string, contents: string, folder?: string, platform?: 'node' | 'browser' }} options
 */
export async function bundleSources({ name, contents, folder = '.', platform = 'node' }) {
  const outfile = join(root, 'build/bench', `${name}.mjs`);
  await build({
    stdin: { contents, resolveDir: join(root, folder), loader: 'ts' },
    bundle: true,
    format: 'esm',
    platform,
    target: 'es2022',
    alias: { '#platform': join(root, platform === 'node' ? 'sdk/node/platform.ts' : 'sdk/platform.ts') },
    external: platform === 'node' ? ['sharp', 'fast-png', 'jpeg-js', 'highs', 'glpk.js', 'webgpu'] : [],
    plugins: [binaries],
    outfile,
    logLevel: 'error',
  });
  return outfile;
}
