// conv2d_quad: the direct convolution where four lanes of a subgroup share their weights: each loads a quarter and broadcasts it.
// x [N, H, W, C], weights [KH*KW*C/groups, O] (groups > 1: [groups, KH*KW*C/groups, O/groups]), bias [O], residual [N, OH, OW, O],
// gate [N, C], y [N, OH, OW, O] (or a part of the channels of a wider y: out_pitch, out_offset). In place of an absent residual or gate any
// buffer is bound. C/groups and O/groups are multiples of four. Needs the feature `subgroups`.
// Overrides: wide, padded, gated (shared/conv2d_shape.wgsl); residual_at, activation, alpha, beta (shared/epilogue.wgsl).
// Dispatch: flat, one invocation for four pixels of a row and eight (wide) or four channels; four invocations share their channels.
enable subgroups;
#import "../shared/conv2d_quad.wgsl"
#import "../shared/conv2d_fours.wgsl"
