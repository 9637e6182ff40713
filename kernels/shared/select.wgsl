// Selection of the k best of a list of pairs (order, index) by radix: eight bits a pass, first of the order, then of the index turned round, so that
// of equal orders the lower index is better. All pairs differ, so that exactly k stay. No bindings.
// state holds two words a row: the number of pairs, and of those taken. bins holds 256 words a pass and row. A cut holds four words a row.

const state_words = 2u;

// What the digits that are known make of the cut.
struct Selection {
  // 1 where every pair at or above the prefix is taken.
  settled: u32,
  order: u32,
  inverse: u32,
  // Still to take among the pairs that share the prefix.
  remaining: u32,
}
