// Matching and suppression as functions of their own: overlaps, assignment, non-maximum suppression, box fusion. Subpath `labelweave/evaluate/match`.
export { nms, type NmsOptions } from '../../postprocess/nms.js';
export { rleFromMask, rleFromSegmentation, type CocoSegmentation, type Rle } from '../rle.js';
export { fuseBoxes, type BoxFusionOptions, type FusedBoxes, type ModelBoxes } from '../../postprocess/box-fusion.js';
export { matchGreedy, type GreedyMatches, type GreedyMatchOptions } from './greedy.js';
export { hungarian, type Assignment, type HungarianOptions } from './hungarian.js';
export { pairwiseIou, pairwiseMaskIou, type PairwiseIouOptions } from './pairwise.js';
export { matrixNms, softNms, type MatrixNmsOptions, type Rescored, type SoftNmsOptions } from './soft-nms.js';
