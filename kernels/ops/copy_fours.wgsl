// concat, slice, transpose on floats: a strided copy, four neighbours at a time.
// x, y: any shapes of up to 16 axes that cannot be joined, negative strides of x allowed.
// Overrides: none.
// Dispatch: flat, one invocation for four neighbours.
alias element = vec4<scalar>;
#import "../shared/copy.wgsl"
