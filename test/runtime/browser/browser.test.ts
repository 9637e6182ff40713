// What differs in a page, on the installed package: once cross-origin isolated (threads share memory), once not (one thread).
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, inject } from 'vitest';
import { openBrowser, resultOf, serve } from '../../package/run.js';
import { report, type CheckOutcome } from '../outcomes.js';

const consumer = inject('consumer');

const imports = {
  labelweave: '/node_modules/labelweave/dist/labelweave.min.js',
  'labelweave/models/centernet-mbv3': '/node_modules/labelweave/dist/models/centernet-mbv3/index.js',
};
writeFileSync(
  join(consumer, 'checks.html'),
  `<!doctype html><link rel="icon" href="data:,"><script type="importmap">${JSON.stringify({ imports })}</script>
<script type="module">
  import { runChecks } from './checks.mjs';
  import * as platform from './node_modules/labelweave/dist/platform.js';
  globalThis.result = runChecks({ platform, host: 'browser', sharedMemory: crossOriginIsolated, photo: 'photo.jpg' });
</script>`,
);

async function onPage(isolated: boolean): Promise<CheckOutcome[]> {
  const site = await serve(consumer, isolated);
  const browser = await openBrowser();
  try {
    return await resultOf<CheckOutcome[]>(browser, `${site.url}checks.html`);
  } finally {
    await browser.close();
    site.close();
  }
}

const isolated = await onPage(true);
const plain = await onPage(false);

describe('an isolated page', () => report(isolated));
describe('a plain page', () => report(plain));
