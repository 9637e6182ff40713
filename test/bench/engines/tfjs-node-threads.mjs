// Lets TF.js's WASM backend use the wanted threads in Node. It supports them in pages only, because it hands code to its workers as blob: URLs,
// which Node's workers refuse; here the same code goes through files in a temporary folder. Nothing else of it is changed.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os, { tmpdir } from 'node:os';
import { join } from 'node:path';

/**
 * Runs `start`, which starts TF.js and its workers, with blob: URLs replaced by files; the folder goes when the process ends. TF.js takes at most
 * one thread for every two cores it sees, so it is shown two for every thread.
 */
export async function startThreads(start, threads) {
  const folder = mkdtempSync(join(tmpdir(), 'labelweave-bench-'));
  process.on('exit', () => rmSync(folder, { recursive: true, force: true }));
  const { Blob } = globalThis;
  const { createObjectURL } = URL;
  const { cpus } = os;
  let files = 0;
  // A worker gets the file's name in place of the blob, and must take it for a URL.
  const forWorkers = 'URL.createObjectURL = ({ path }) => path; URL.revokeObjectURL = () => {};\n';
  globalThis.Blob = class {
    constructor(parts) {
      this.path = join(folder, `${files++}.cjs`);
      writeFileSync(this.path, forWorkers + parts.join(''));
    }
  };
  URL.createObjectURL = ({ path }) => path;
  os.cpus = () => Array.from({ length: 2 * threads }, (_, i) => cpus()[i % cpus().length]);
  try {
    return await start();
  } finally {
    globalThis.Blob = Blob;
    URL.createObjectURL = createObjectURL;
    os.cpus = cpus;
  }
}
