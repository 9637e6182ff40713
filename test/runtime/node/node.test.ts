// What differs in Node, on the installed package.
import { onServer, report } from '../outcomes.js';

report(await onServer(process.execPath, [], 'node'));
