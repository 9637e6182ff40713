// What differs in Deno, on the installed package, with the permissions that the README names and no others but writing the cache.
import { tools } from '../../setup-tools.mjs';
import { onServer, report } from '../outcomes.js';

report(await onServer(tools.deno, ['run', '--allow-read', '--allow-write', '--allow-env', '--allow-sys'], 'deno'));
