// Selection of the k best elements of a row by radix: eight bits a pass, first of the order of the value, then of the index turned round, so that
// of equal values the lower index is better. All pairs (order, index) differ, so that exactly k stay. No bindings.
// state holds two words a row: the number of marked elements, and of those taken. bins holds 256 words a pass and row. A cut holds four words a row.

const state_words = 2u;

// 1 where only the elements marked in mask take part, else all.
override masked: u32 = 0u;

// What the digits that are known make of the cut.
struct Selection {
  // 1 where every element at or above the prefix is taken.
  settled: u32,
  order: u32,
  inverse: u32,
  // Still to take among the elements that share the prefix.
  remaining: u32,
}
