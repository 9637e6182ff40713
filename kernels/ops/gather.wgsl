// gather on floats: slices of one axis picked by index, one number at a time.
// x [outer, length, inner], index int32 [count], y [outer, count, inner].
// Overrides: none.
// Dispatch: flat, one invocation for one number.
alias element = scalar;
#import "../shared/gather.wgsl"
