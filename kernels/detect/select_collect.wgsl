// peak_top_k and top_k on floats: gathers the k best elements, whose cut the passes of selection have found, as pairs (order, index), in any order.
// x [rows, length]; mask [rows, length / 32] bits or any buffer; cut, state (shared/select.wgsl); best [rows, best_pitch] pairs.
// Overrides: masked (shared/select.wgsl).
// Dispatch: [groups that share a row, rows in y and z].
alias element = scalar;
#import "../shared/order.wgsl"
#import "../shared/select_collect.wgsl"

fn key(v: scalar) -> u32 {
  return order(f32(v), 0u);
}
