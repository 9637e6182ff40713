// gather on floats: slices of one axis picked by index, four neighbours at a time.
// x [outer, length, inner], index int32 [count], y [outer, count, inner].
// Overrides: none.
// Dispatch: flat, one invocation for four neighbours.
alias element = vec4<scalar>;
#import "../shared/gather.wgsl"
