// concat, slice, transpose on floats: a strided copy, one number at a time.
// x, y: any shapes of up to 16 axes that cannot be joined, negative strides of x allowed.
// Overrides: none.
// Dispatch: flat, one invocation for one number.
alias element = scalar;
#import "../shared/copy.wgsl"
