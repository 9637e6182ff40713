// Runs programs for the package and runtime tests, and opens pages in Chromium.
import { spawn } from 'node:child_process';
import { createReadStream, statSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import { extname, join, normalize } from 'node:path';
import { chromium, type Browser, type Page } from 'playwright';
import { chromiumFlags, chromiumPath } from '../chromium.mjs';

export interface Outcome {
  code: number | null;
  stdout: string;
  stderr: string;
}

/** Rows of float32 as an .npy file. */
export function npy(rows: readonly (readonly number[])[]): Uint8Array {
  const header = `{'descr': '<f4', 'fortran_order': False, 'shape': (${rows.length}, ${rows[0]!.length}), }`;
  const text = `${header.padEnd(117)}\n`;
  const start = [0x93, ...new TextEncoder().encode('NUMPY'), 1, 0, text.length, 0];
  return Uint8Array.from([...start, ...new TextEncoder().encode(text), ...new Uint8Array(Float32Array.from(rows.flat()).buffer)]);
}

/** Runs a program to its end without standard input. Never rejects for a failing program: look at `code`. */
export function run(
  program: string,
  args: readonly string[],
  options: { cwd?: string; env?: Record<string, string> } = {},
): Promise<Outcome> {
  return new Promise((resolve, reject) => {
    const env = { ...process.env, NO_COLOR: '1', ...options.env };
    const child = spawn(program, args, { cwd: options.cwd, env, stdio: ['ignore', 'pipe', 'pipe'] });
    let stdout = '';
    let stderr = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text));
    child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
    child.on('error', reject);
    child.on('close', (code) => resolve({ code, stdout, stderr }));
  });
}

/** As `run`, and a program that fails is an error that shows what it printed. Returns standard output. */
export async function runOk(program: string, args: readonly string[], options?: Parameters<typeof run>[2]): Promise<string> {
  const { code, stdout, stderr } = await run(program, args, options);
  if (code !== 0) throw new Error(`${program} ${args.join(' ')}: found exit code ${code}; wanted 0.\n${stdout}${stderr}`);
  return stdout;
}

const types: Record<string, string> = {
  '.html': 'text/html',
  '.js': 'text/javascript',
  '.mjs': 'text/javascript',
  '.json': 'application/json',
};

/** Serves a folder on this machine's loopback address; with `isolated`, pages may share memory between threads. */
export async function serve(folder: string, isolated = true): Promise<{ url: string; close: () => void }> {
  const isolation = { 'cross-origin-opener-policy': 'same-origin', 'cross-origin-embedder-policy': 'require-corp' };
  const server: Server = createServer((request, response) => {
    const file = join(folder, normalize(decodeURIComponent(new URL(request.url ?? '/', 'http://localhost').pathname)));
    const found = statSync(file, { throwIfNoEntry: false })?.isFile();
    const type = types[extname(file)] ?? 'application/octet-stream';
    response.writeHead(found ? 200 : 404, { 'content-type': type, ...(isolated ? isolation : {}) });
    if (found) createReadStream(file).pipe(response);
    else response.end();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('server: found no port; wanted one on 127.0.0.1.');
  return { url: `http://127.0.0.1:${address.port}/`, close: () => void (server.closeAllConnections(), server.close()) };
}

/** A fresh Chromium, with more flags; close it at the end. */
export function openBrowser(...flags: string[]): Promise<Browser> {
  return chromium.launch({ args: [...chromiumFlags, ...flags], ...(chromiumPath ? { executablePath: chromiumPath } : {}) });
}

/** Opens a page that leaves its result in `globalThis.result` (a promise or a value); errors of the page reject. */
export async function resultOf<T>(browser: Browser, url: string, timeout = 60_000): Promise<T> {
  const page: Page = await browser.newPage();
  const problems: string[] = [];
  page.on('pageerror', (error) => problems.push(String(error)));
  page.on('console', (message) => problems.push(`${message.type()}: ${message.text()}`));
  page.on('response', (response) => response.status() >= 400 && problems.push(`${response.status()} ${response.url()}`));
  try {
    await page.goto(url);
    await page.waitForFunction('globalThis.result !== undefined', undefined, { timeout });
    return (await page.evaluate('globalThis.result')) as T;
  } catch (error) {
    throw new Error(`${url}: ${String(error)}\n${problems.join('\n')}`, { cause: error });
  } finally {
    await page.close();
  }
}
