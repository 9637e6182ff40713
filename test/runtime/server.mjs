// Runs the checks in Node, Deno or Bun, in a project that has installed the package; prints the outcomes as one line of JSON.
import { runChecks } from './checks.mjs';

const [host] = process.argv.slice(2);
const platform = await import('./node_modules/labelweave/dist/node/platform.js');
console.log(JSON.stringify(await runChecks({ platform, host, sharedMemory: true, photo: 'photo.jpg' })));
