// top_k on int32, first step: every element as a pair (order of the value, index in its row).
// x [rows, length]; list [rows, pitch] pairs; state: word 0 of two a row is set to length.
// Overrides: none.
// Dispatch: flat, one invocation for an element. state is zeroed before (select_clear).
alias element = i32;
#import "../shared/rank_keys.wgsl"

fn key(v: i32) -> u32 {
  return bitcast<u32>(v) ^ 0x80000000u;
}
