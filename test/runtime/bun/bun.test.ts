// What differs in Bun, on the installed package.
import { tools } from '../../setup-tools.mjs';
import { onServer, report } from '../outcomes.js';

report(await onServer(tools.bun, [], 'bun'));
