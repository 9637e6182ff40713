// The frame of commands that take long: exit codes, what Ctrl-C says, and which errors are thrown behind it.
import { LoadError } from 'labelweave';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { interruptible } from '../../sdk/cli/interrupt.js';

let stderr: string;
let listeners: number;
beforeEach(() => {
  stderr = '';
  listeners = process.listenerCount('SIGINT');
  vi.spyOn(process.stderr, 'write').mockImplementation((text) => ((stderr += String(text)), true));
});
afterEach(() => {
  vi.restoreAllMocks();
  // Ctrl-C is the shell's again.
  expect(process.listenerCount('SIGINT')).toBe(listeners);
});

/** Work that ends where its signal says so, as the library does, or with an error of its own. */
const stopped =
  (error?: Error) =>
  async (signal: AbortSignal): Promise<number> => {
    process.emit('SIGINT');
    if (error) throw error;
    signal.throwIfAborted();
    return 0;
  };

test('the exit code is that of the work, 0 where it has none', async () => {
  expect(await interruptible(true, async () => {})).toBe(0);
  expect(await interruptible(true, async () => 1)).toBe(1);
  expect(stderr).toBe('');
});

test('Ctrl-C aborts the signal: code 130 and a note', async () => {
  expect(await interruptible(true, stopped())).toBe(130);
  expect(stderr).toBe('labelweave: stopped by Ctrl-C\n');
  stderr = '';
  expect(await interruptible(true, stopped(), '; go on with --resume')).toBe(130);
  expect(stderr).toBe('labelweave: stopped by Ctrl-C; go on with --resume\n');
});

test('work that comes to an end behind Ctrl-C has its own code', async () => {
  const late = async (): Promise<number> => (process.emit('SIGINT'), 1);
  expect(await interruptible(true, late)).toBe(1);
  expect(stderr).toBe('');
});

test('errors of the library are thrown, Ctrl-C or not; others only without it', async () => {
  const own = new LoadError('missing-file', { thing: 'file "a"', found: 'nothing there', wanted: 'a file' });
  const other = new Error('torn down');
  await expect(interruptible(true, stopped(own))).rejects.toBe(own);
  await expect(interruptible(true, () => Promise.reject(other))).rejects.toBe(other);
  expect(await interruptible(true, stopped(other))).toBe(130);
});
