// What the taxonomy subpaths weigh, what must not be in them, and that the published schema and command line work as installed.
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { build } from 'esbuild';
import { describe, expect, inject, it } from 'vitest';
import { run } from './run.js';

const consumer = inject('consumer');
const installed = join(consumer, 'node_modules/labelweave');

/** What a page loads at once of these statements: minified ESM, what is imported on demand left out. */
async function bundle(contents: string): Promise<string> {
  const options = { bundle: true, minify: true, format: 'esm', target: 'es2022', write: false, legalComments: 'none' } as const;
  const result = await build({
    ...options,
    platform: 'browser',
    stdin: { contents, resolveDir: consumer },
    splitting: true,
    outdir: consumer,
    metafile: true,
  });
  const text = new Map(result.outputFiles.map((file) => [file.path, file.text]));
  const outputs = Object.entries(result.metafile.outputs);
  const reached = new Set<string>();
  const reach = (name: string): void => {
    if (reached.has(name)) return;
    reached.add(name);
    const own = outputs.find(([path]) => path === name)![1];
    for (const { path, kind } of own.imports) if (kind === 'import-statement') reach(path);
  };
  reach(outputs.find(([, { entryPoint }]) => entryPoint === '<stdin>')![0]);
  const textOf = (name: string) => [...text].find(([path]) => path.endsWith(name.split('/').at(-1)!))![1];
  return [...reached].map(textOf).join('\n');
}
const gzipped = (text: string) => gzipSync(text, { level: 9 }).length;
const everything = (specifier: string) => `import * as all from '${specifier}'; globalThis.result = all;`;

describe('size', () => {
  it('labelweave/taxonomy, all of it, is under 12 kB with gzip and carries no file reader', async () => {
    const code = await bundle(everything('labelweave/taxonomy'));
    expect(gzipped(code)).toBeLessThan(12_000);
    expect(code).not.toContain('strict_object');
    expect(code).not.toContain('labelweaveTaxonomy');
  });

  it('labelweave/taxonomy/file, all of it with what it needs, is under 20 kB with gzip', async () => {
    expect(gzipped(await bundle(everything('labelweave/taxonomy/file')))).toBeLessThan(20_000);
  });

  it('a page that only detects carries no taxonomy file', async () => {
    const code = await bundle(`import { loadDetector } from 'labelweave'; globalThis.result = loadDetector('/model/');`);
    for (const name of ['labelweaveTaxonomy', 'label-in-two', 'cannotMerge']) expect(code).not.toContain(name);
  });
});

it('the JSON Schema is found by its subpath', async () => {
  const script = `import schema from 'labelweave/taxonomy.schema.json' with { type: 'json' }; console.log(schema.title)`;
  const { stdout } = await run(process.execPath, ['--no-warnings', '--input-type=module', '-e', script], { cwd: consumer });
  expect(stdout).toBe('labelweave taxonomy, version 1\n');
});

describe('labelweave taxonomy', () => {
  const labelweave = (...args: string[]) => run(process.execPath, [join(installed, 'dist/cli/main.js'), 'taxonomy', ...args], { cwd: consumer }); // prettier-ignore
  const file = { labelweaveTaxonomy: 1, name: 'pets', datasets: [{ name: 'a', labels: [{ id: 1, name: 'cat' }] }], unified: [{ id: 1, name: 'cat', members: { a: 1 } }] }; // prettier-ignore

  it('validates, shows, and writes its page', async () => {
    writeFileSync(join(consumer, 'pets.json'), JSON.stringify(file));
    expect(await labelweave('validate', 'pets.json')).toMatchObject({
      code: 0,
      stderr: '',
      stdout: expect.stringContaining('valid, 1 labels'),
    });
    expect((await labelweave('show', 'pets.json', '--html', 'pets.html')).code).toBe(0);
    expect(readFileSync(join(consumer, 'pets.html'), 'utf8')).toMatch(/^<!doctype html>/u);
    expect((await labelweave('diff', 'pets.json', 'pets.json', '--exit-code')).code).toBe(0);
  });

  it('exit codes: 1 for a file that is wrong, 2 for wrong usage, 3 for a file that is not there or cannot be used', async () => {
    writeFileSync(join(consumer, 'bad.json'), '{"labelweaveTaxonomy": 1');
    expect(await labelweave('validate', 'bad.json')).toMatchObject({ code: 1, stdout: expect.stringContaining('not-json') });
    expect((await labelweave('look', 'pets.json')).code).toBe(2);
    expect((await labelweave('show', 'bad.json')).code).toBe(3);
    expect((await labelweave('show', 'none.json')).code).toBe(3);
  });
});
