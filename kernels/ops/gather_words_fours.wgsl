// gather on int32, bool and uint8: slices of one axis picked by index, four neighbours at a time.
// x [outer, length, inner], index int32 [count], y [outer, count, inner].
// Overrides: none.
// Dispatch: flat, one invocation for four neighbours.
alias element = vec4<u32>;
#import "../shared/gather.wgsl"
