// Packs the built package and installs it into an empty project, as a user would. The package and runtime tests work on that copy.
import { execFileSync } from 'node:child_process';
import { cpSync, existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { TestProject } from 'vitest/node';

const root = fileURLToPath(new URL('../../', import.meta.url));

/** What `npm pack --json` says of the tarball. */
export interface Packed {
  /** Bytes of the tarball. */
  size: number;
  /** Bytes when unpacked. */
  unpackedSize: number;
  /** Files by path inside the package, with their bytes. */
  files: { path: string; size: number }[];
  filename: string;
}

declare module 'vitest' {
  export interface ProvidedContext {
    /** Folder of a project that has installed the package. */
    consumer: string;
    packed: Packed;
  }
}

export default function setup({ provide }: TestProject): () => void {
  if (!existsSync(`${root}dist/index.d.ts`))
    throw new Error('dist/: found no built package; wanted the output of `npm run build`.');
  const consumer = mkdtempSync(join(tmpdir(), 'labelweave-consumer-'));
  const npm = (cwd: string, ...args: string[]) =>
    execFileSync('npm', args, {
      cwd,
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'inherit'],
      shell: process.platform === 'win32',
    });
  const quiet = ['--loglevel=error', '--ignore-scripts'];
  const packed = (JSON.parse(npm(root, 'pack', '--json', ...quiet, '--pack-destination', consumer)) as Packed[])[0]!;
  writeFileSync(join(consumer, 'package.json'), JSON.stringify({ private: true, type: 'module' }));
  npm(consumer, 'install', ...quiet, '--prefer-offline', '--no-audit', '--no-fund', `./${packed.filename}`);
  cpSync(`${root}test/package/consumers`, consumer, { recursive: true });
  for (const file of ['checks.mjs', 'server.mjs']) cpSync(`${root}test/runtime/${file}`, join(consumer, file));
  // A picture with several people, from a development dependency.
  cpSync(`${root}node_modules/@vladmandic/human/assets/screenshot-facedetect.jpg`, join(consumer, 'photo.jpg'));
  provide('consumer', consumer);
  provide('packed', packed);
  return () => rmSync(consumer, { recursive: true, force: true });
}
