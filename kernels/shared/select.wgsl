// Selection of the k best of a list of pairs (order, index) by radix: eight bits a pass, first of the order, then of the index turned round, so that
// of equal orders the lower index is better. All pairs differ, so that exactly k stay. No bindings.
// State of a row: word 0 counts the pairs, word 1 those taken; from word 4 on four words a pass (settled, prefix of order, prefix of index, still to
// take), behind them 256 bins a pass.

const state_head = 4u;
const most_passes = 8u;
const state_bins = 36u;

struct Selection {
  // 1 where every pair at or above the prefix is taken.
  settled: u32,
  order: u32,
  inverse: u32,
  remaining: u32,
}
