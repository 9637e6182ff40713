// Prints what is learnt, in Node, Deno and Bun.
import { learnLabels } from './learn-labels.mjs';

console.log(JSON.stringify(await learnLabels()));
