// What heads hand to postprocess: boxes with a score and a label index, before threshold, suppression and clipping.

/** n candidates as parallel arrays, in no promised order. */
export interface Candidates {
  /** Float32 [n, 4]: x1, y1, x2, y2 in pixels of whatever image the caller says. */
  boxes: Float32Array;
  /** Float32 [n]: probabilities. */
  scores: Float32Array;
  /** Int32 [n]: index of the label in the label space of the scores. */
  labelIndices: Int32Array;
}
