// peak_top_k and top_k on int32: one pass of radix selection. Derives from the bins of the pass before which digit the k-th best has, then counts the
// next digit of the elements that share its prefix. Nothing is done where there are no more than k elements, or the cut is already exact.
// x [rows, length]; mask [rows, length / 32] bits or any buffer; state, bins, cut_before (of the pass before) and cut (shared/select.wgsl).
// Overrides: masked (shared/select.wgsl).
// Dispatch: [groups that share a row, rows]; one dispatch a pass, and one behind the last that only derives the cut.
alias element = i32;
#import "../shared/select_histogram.wgsl"

fn key(v: i32) -> u32 {
  return bitcast<u32>(v) ^ 0x80000000u;
}
