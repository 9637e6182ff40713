// Entry of the evaluation module: reading COCO files into columns, matching detections, and precision-recall curves, for sdk/evaluate.
export { allocate, mark, release } from './evaluate/memory';
export { powersOfFive, readNumber } from './evaluate/number';
export {
  batchAt,
  batchRows,
  blobsAt,
  blobsEnd,
  errorField,
  listAt,
  listsSeen,
  openReader,
  parse,
  stoppedAt,
  takeRows,
  widenWindow,
  windowAt,
} from './evaluate/json';
export { maskArea, maskIntervals, match } from './evaluate/match';
export { accumulate, equalScores } from './evaluate/accumulate';
