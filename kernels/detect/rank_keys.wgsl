// top_k on floats, first step: every element as a pair (order of the value, index in its row); NaN is behind all numbers.
// x [rows, length]; list [rows, pitch] pairs; state: word 0 of two a row is set to length.
// Overrides: none.
// Dispatch: flat, one invocation for an element. state is zeroed before (select_clear).
alias element = scalar;
#import "../shared/order.wgsl"
#import "../shared/rank_keys.wgsl"

fn key(v: scalar) -> u32 {
  return order(f32(v), 0u);
}
