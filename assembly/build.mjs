// Compiles every target of asconfig.json side by side: `build/assembly/<entry>[.<target>].wasm` from `assembly/<entry>.ts`, and beside it the
// same bytes as a zlib stream, `<name>.wasm.z`. What is newer than all its sources is left alone.
import { spawn } from 'node:child_process';
import { readFileSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { basename } from 'node:path';
import { fileURLToPath } from 'node:url';
import { deflateSync } from 'node:zlib';

process.chdir(fileURLToPath(new URL('..', import.meta.url)));

const changed = (file) => statSync(file, { throwIfNoEntry: false })?.mtimeMs ?? 0;
const sources = readdirSync('assembly', { recursive: true, encoding: 'utf8' }).map((file) => `assembly/${file}`);
const newest = Math.max(...[...sources, 'asconfig.json', 'node_modules/assemblyscript/package.json'].map(changed));

const { targets } = JSON.parse(readFileSync('asconfig.json', 'utf8'));
const stale = Object.entries(targets).filter(([, { outFile }]) => changed(outFile) < newest);
const compiled = stale.map(([target, { outFile }]) => {
  const entry = `assembly/${basename(outFile).split('.')[0]}.ts`;
  const args = ['node_modules/assemblyscript/bin/asc.js', entry, '--config', 'asconfig.json', '--target', target];
  const start = performance.now();
  return new Promise((resolve) => {
    spawn(process.execPath, args, { stdio: 'inherit' }).on('close', (code) => {
      if (code !== 0) process.exitCode = 1;
      console.log(`${outFile}: ${code === 0 ? `${((performance.now() - start) / 1000).toFixed(1)} s` : 'FAILED'}`);
      resolve();
    });
  });
});
await Promise.all(compiled);
if (!process.exitCode) {
  for (const { outFile } of Object.values(targets)) {
    if (changed(`${outFile}.z`) < changed(outFile))
      writeFileSync(`${outFile}.z`, deflateSync(readFileSync(outFile), { level: 9 }));
  }
}
