// Builds dist/: per-module ESM for bundlers and one minified ESM file for a script tag; WGSL and WASM travel inside the JavaScript.
import { readFile } from 'node:fs/promises';

/**
 * Inlines `*.wasm` as `export default Uint8Array`. Shared with vitest, so that tests see what users get.
 * @returns {import('rollup').Plugin}
 */
export function inlineBinaries() {
  return {
    name: 'labelweave:inline-binaries',
    async load(id) {
      if (!id.endsWith('.wasm')) return null;
      this.addWatchFile?.(id);
      const base64 = (await readFile(id)).toString('base64');
      return {
        code: `export default Uint8Array.from(atob(${JSON.stringify(base64)}), (c) => c.charCodeAt(0));`,
        map: { mappings: '' },
      };
    },
  };
}
