// Random tests draw the same cases in every CI run, so that it judges the change and not the draw; elsewhere they draw new ones each time.
// LABELWEAVE_SEED=n repeats a draw (a failed test prints its seed), LABELWEAVE_SEED=random draws anew in CI too.
import fc from 'fast-check';

const asked = process.env['LABELWEAVE_SEED'] ?? (process.env['CI'] ? '8' : 'random');
if (asked !== 'random') fc.configureGlobal({ seed: Number(asked) });
