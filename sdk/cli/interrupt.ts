// The frame around a command that takes long: progress on stderr, and Ctrl-C that stops it in good order.
import { LabelweaveError } from 'labelweave';
import { exitCodes } from './exit.js';
import { createProgress, type Progress } from './progress.js';

/**
 * Runs `work`, whose signal Ctrl-C aborts; a second Ctrl-C ends the process. Gives the exit code of `work` (none: everything worked), or that of an
 * interruption with a note, to which `next` is added. An error of the library is thrown behind Ctrl-C, too: it says more.
 */
export async function interruptible(
  quiet: boolean,
  work: (signal: AbortSignal, progress: Progress) => Promise<number | void>,
  next = '',
): Promise<number> {
  const progress = createProgress(quiet);
  const interrupt = new AbortController();
  const onInterrupt = (): void => interrupt.abort(new DOMException('stopped by Ctrl-C', 'AbortError'));
  process.once('SIGINT', onInterrupt);
  try {
    return (await work(interrupt.signal, progress)) ?? exitCodes.ok.code;
  } catch (error) {
    if (!interrupt.signal.aborted || error instanceof LabelweaveError) throw error;
    progress.note(`labelweave: stopped by Ctrl-C${next}`);
    return exitCodes.interrupted.code;
  } finally {
    progress.done();
    process.removeListener('SIGINT', onInterrupt);
  }
}
