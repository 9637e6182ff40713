// conv2d_quad_scalar: conv2d_quad for channel counts that are not multiples of four, in x, in y, or in a group of either.
// x [N, H, W, C], weights [groups, KH*KW, C/groups rounded up to fours, O/groups rounded up to fours] with zeros in the gaps, bias [O],
// residual [N, OH, OW, O] or one dummy, gate [N, C] or one dummy, y [N, OH, OW, O] (or a part of the channels of a wider y).
// Needs the feature `subgroups`.
// Overrides: wide, padded, gated (shared/conv2d_shape.wgsl); residual_at, activation, alpha, beta (shared/epilogue.wgsl).
// Dispatch: flat, one invocation for four pixels of a row and eight (wide) or four channels; four invocations share their channels.
enable subgroups;
#import "../shared/conv2d_quad.wgsl"
#import "../shared/conv2d_ones.wgsl"
