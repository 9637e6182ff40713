// peak_top_k and top_k on floats: one pass of radix selection. Derives from the bins of the pass before which digit the k-th best has, then counts the
// next digit of the elements that share its prefix. Nothing is done where there are no more than k elements, or the cut is already exact.
// x [rows, length]; mask [rows, length / 32] bits or any buffer; state, bins, cut_before (of the pass before) and cut (shared/select.wgsl).
// Overrides: masked (shared/select.wgsl).
// Dispatch: [groups that share a row, rows]; one dispatch a pass, and one behind the last that only derives the cut.
alias element = scalar;
#import "../shared/order.wgsl"
#import "../shared/select_histogram.wgsl"

fn key(v: scalar) -> u32 {
  return order(f32(v), 0u);
}
