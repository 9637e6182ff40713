// What the solvers have in common that a program installs beside this package: the errors of one that is missing, and of one that failed.
import { describe, LearnError } from '../../errors.js';

const messageOf = (cause: unknown): string => describe(cause instanceof Error ? cause.message : cause);

/** LearnError `solver-unavailable`. `next` names what to install. */
export function unavailable(solver: string, wanted: string, next: string, cause: unknown): LearnError {
  return new LearnError('solver-unavailable', {
    thing: `solver "${solver}"`,
    found: messageOf(cause),
    wanted,
    next: `${next}, or use the solver "own".`,
    cause,
  });
}

/** LearnError `solver-failed`. */
export function failed(solver: string, cause: unknown): LearnError {
  return new LearnError('solver-failed', {
    thing: `solver "${solver}"`,
    found: messageOf(cause),
    wanted: 'an optimal solution',
    next: 'Use the solver "own".',
    cause,
  });
}
