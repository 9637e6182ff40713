// What is published is whole and clean: linters of packages agree, every export is a file and is documented, importing prints nothing.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';
import { describe, expect, inject, it } from 'vitest';
import { run, runOk } from './run.js';

const root = fileURLToPath(new URL('../../', import.meta.url));
const consumer = inject('consumer');
const packed = inject('packed');
const installed = join(consumer, 'node_modules/labelweave');
const bin = (name: string) => join(root, 'node_modules/.bin', name);

interface Manifest {
  exports: Record<string, string | { types: string; default: string }>;
  imports: Record<string, Record<string, string>>;
  dependencies: Record<string, string>;
  bin: Record<string, string>;
  unpkg: string;
}
const manifest = JSON.parse(readFileSync(join(installed, 'package.json'), 'utf8')) as Manifest;
const files = new Set(packed.files.map(({ path }) => `./${path}`));

/** Files that a target of the exports map names; `*` stands for any name. */
function filesOf(target: string): string[] {
  if (!target.includes('*')) return files.has(target) ? [target] : [];
  const [start = '', end = ''] = target.split('*');
  return [...files].filter((file) => file.startsWith(start) && file.endsWith(end));
}

/** Every JavaScript entry as a user writes it, patterns spelled out: `labelweave/label-spaces/coco`. */
const specifiers = Object.entries(manifest.exports).flatMap(([key, target]) => {
  if (typeof target === 'string') return [];
  const [start = '', end = ''] = target.default.split('*');
  const names = filesOf(target.default).map((file) => key.replace('*', file.slice(start.length, file.length - end.length)));
  return names.map((name) => name.replace('.', 'labelweave'));
});

describe('linters', () => {
  it('publint finds nothing', async () => {
    const { code, stdout, stderr } = await run(bin('publint'), ['--strict', '--pack', 'false', installed]);
    expect(stdout + stderr).toContain('All good!');
    expect(code).toBe(0);
  });

  it('attw finds every entry typed (ESM only)', async () => {
    await runOk(bin('attw'), [join(consumer, packed.filename), '--profile', 'esm-only', '--no-emoji', '--no-color']);
  });
});

describe('exports map', () => {
  const targets = Object.entries(manifest.exports).flatMap(([key, target]) =>
    typeof target === 'string' ? [[key, target] as const] : [[key, target.types] as const, [key, target.default] as const],
  );

  it.each([
    ...targets,
    ...Object.entries(manifest.imports['#platform'] ?? {}).map(
      ([condition, target]) => [`#platform ${condition}`, target] as const,
    ),
    ...Object.entries(manifest.bin),
    ['unpkg', manifest.unpkg] as const,
  ])('%s: %s is in the package', (_, target) => {
    expect(filesOf(target)).not.toEqual([]);
  });

  it('names `types` first', () => {
    for (const target of Object.values(manifest.exports)) {
      if (typeof target !== 'string') expect(Object.keys(target)).toEqual(['types', 'default']);
    }
  });

  it('every data module has both code and types', () => {
    const { types, default: code } = manifest.exports['./label-spaces/*'] as { types: string; default: string };
    expect(filesOf(code)).toEqual(filesOf(types).map((file) => file.replace(/\.d\.ts$/, '.js')));
  });

  it.each(Object.keys(manifest.exports).filter((key) => key !== './package.json' && !key.endsWith('mbv3/*')))(
    'the README names %s',
    (key) => {
      const readme = readFileSync(join(installed, 'README.md'), 'utf8');
      expect(readme).toContain(`labelweave${key.slice(1)}`.replace('*', ''));
    },
  );

  it('the README names no subpath that does not exist', () => {
    const readme = readFileSync(join(installed, 'README.md'), 'utf8');
    for (const [, specifier = ''] of readme.matchAll(/from '(labelweave[^']*)'/g)) expect(specifiers).toContain(specifier);
  });
});

describe('contents', () => {
  it('carries licence, notice, words and nothing but them and dist/', () => {
    const others = [...files].filter((file) => !file.startsWith('./dist/')).sort();
    expect(others).toEqual(['./CHANGELOG.md', './LICENSE', './NOTICE', './README.md', './package.json']);
  });

  it('carries no source, map, test or chunk of the declarations that nothing uses', () => {
    expect([...files].filter((file) => /\.(map|wasm|wgsl|tsbuildinfo)$|(?<!\.d)\.ts$|test/.test(file))).toEqual([]);
  });

  it('depends on few packages', () => {
    expect(Object.keys(manifest.dependencies).sort()).toEqual(['fast-png', 'flatbuffers', 'jpeg-js', 'valibot', 'yaml']);
  });

  it('names no machine path', () => {
    for (const file of files) {
      if (/\.(js|ts|json|md)$/.test(file))
        expect(readFileSync(join(installed, file), 'utf8'), file).not.toMatch(/\/(home|root|Users|work)\//);
    }
  });
});

describe('importing', () => {
  it.each(specifiers)('%s prints nothing, exports something, and lets the process end', async (specifier) => {
    const script = `const m = await import('${specifier}'); if (Object.keys(m).length === 0) throw new Error('no exports')`;
    expect(await run(process.execPath, ['--input-type=module', '-e', script], { cwd: consumer })).toEqual({
      code: 0,
      stdout: '',
      stderr: '',
    });
  });

  it('the file for a script tag needs nothing but its own folder', () => {
    const folder = join(installed, 'dist/labelweave.min');
    for (const file of ['dist/labelweave.min.js', ...readdirSync(folder).map((name) => `dist/labelweave.min/${name}`)]) {
      const { importedFiles } = ts.preProcessFile(readFileSync(join(installed, file), 'utf8'));
      for (const { fileName } of importedFiles) {
        expect(fileName, file).toMatch(/^\.{1,2}\//);
        expect(existsSync(join(installed, file, '..', fileName)), `${fileName} of ${file}`).toBe(true);
      }
    }
  });
});
