// Installs the programs that the package tests run but nobody needs for the daily work: other runtimes and other compilers, pinned.
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const folder = fileURLToPath(new URL('../node_modules/.cache/labelweave-tools/', import.meta.url));

const wanted = {
  private: true,
  dependencies: {
    bun: '1.4.5',
    deno: '2.9.6',
    typescript6: 'npm:typescript@6.0.3',
    typescript7: 'npm:typescript@7.0.2',
    webpack: '5.112.1',
  },
};

const stamp = `${folder}installed.json`;
const text = JSON.stringify(wanted);
if (!existsSync(stamp) || readFileSync(stamp, 'utf8') !== text) {
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  writeFileSync(`${folder}package.json`, text);
  // Install scripts may be switched off in npm's settings; Bun's puts its program into place, so it is run by hand.
  const flags = ['--ignore-scripts', '--prefer-offline', '--no-audit', '--no-fund', '--no-package-lock', '--loglevel=error'];
  execFileSync('npm', ['install', ...flags], {
    cwd: folder,
    stdio: ['ignore', 'inherit', 'inherit'],
    shell: process.platform === 'win32',
  });
  execFileSync(process.execPath, ['install.js'], { cwd: `${folder}node_modules/bun` });
  writeFileSync(stamp, text);
}

/** Programs by name; the compilers are scripts to be run with Node, webpack is a module. */
export const tools = {
  bun: `${folder}node_modules/.bin/bun`,
  deno: `${folder}node_modules/.bin/deno`,
  typescript6: `${folder}node_modules/typescript6/bin/tsc`,
  typescript7: `${folder}node_modules/typescript7/bin/tsc`,
  webpack: `${folder}node_modules/webpack`,
};
