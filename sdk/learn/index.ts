// The public surface of `labelweave/learn`: a unified label space learnt from what detectors see. Offline work; nothing of it is in a bundle that only
// detects. Reading and writing taxonomies stands in `labelweave/taxonomy/file`.

export type { Candidates, Column, CrossScores, LabelRef, LearnProgress, MemberEvidence, MissReason, NearMiss } from './types.js';

export { LearnError } from '../errors.js';
export { solve, solverNames } from './solve/solve.js';
export type { Solution, SolveOptions, SolverName } from './solve/solve.js';
export type { NodePins } from './solve/prepare.js';
