// Installs the engines that labelweave is compared with, pinned in package.json here; the package itself and its tests do without them.
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const here = fileURLToPath(new URL('.', import.meta.url));
const json = (path) => JSON.parse(readFileSync(path, 'utf8'));
const wanted = json(`${here}package.json`).dependencies;

const installedVersion = (name) => {
  const path = `${here}node_modules/${name}/package.json`;
  return existsSync(path) ? json(path).version : undefined;
};

/** Installs what is missing or of another version. Returns the versions by package name. */
export function installPeers() {
  if (Object.entries(wanted).some(([name, version]) => installedVersion(name) !== version)) {
    console.error(`Installing ${Object.keys(wanted).join(', ')} in test/bench ...`);
    execFileSync('npm', ['ci', '--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error'], {
      cwd: here,
      stdio: ['ignore', 'inherit', 'inherit'],
      shell: process.platform === 'win32',
    });
  }
  return { ...wanted };
}
