// The store in the origin private file system on a server, which has none; in a browser see opfs.browser.test.ts.
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, expect, test, vi } from 'vitest';
import { openLargeStore, openOpfsStore } from '../../sdk/store/opfs.js';

afterEach(() => vi.unstubAllEnvs());

test('a server has none, and says so', () =>
  expect(openOpfsStore('things')).rejects.toMatchObject({ code: 'missing-file', found: 'node without it' }));

test('large values are in the folder of a server', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'labelweave-test-'));
  try {
    vi.stubEnv('LABELWEAVE_CACHE', folder);
    const store = (await openLargeStore('large'))!;
    await store.put('a', Uint8Array.of(1, 2));
    expect([...(await store.get('a'))!]).toEqual([1, 2]);
    expect(readdirSync(join(folder, 'large'))).toHaveLength(1);
  } finally {
    rmSync(folder, { recursive: true });
  }
});
