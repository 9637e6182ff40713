// Entry of the matching module: what sdk/evaluate/match runs in WASM. Callers lay out memory; nothing is allocated here.
export { assign } from './match/assign';
export { pairwiseIou } from './match/pairwise-iou';
