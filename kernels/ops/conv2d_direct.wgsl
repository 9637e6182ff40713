// conv2d_direct: y = activation(conv(x * gate, weight) + bias) with a residual, summed in registers; also matmul.
// x [N, H, W, C], weights [KH*KW*C/groups, O] (groups > 1: [groups, KH*KW*C/groups, O/groups]), bias [O], residual [N, OH, OW, O],
// gate [N, C], y [N, OH, OW, O] (or a part of the channels of a wider y: out_pitch, out_offset). In place of an absent residual or gate any
// buffer is bound. C/groups and O/groups are multiples of four.
// With image_weights, image n has weights of its own: a batch of products [N, M, K] x [N, K, O], where H = 1, W = M, C = K.
// Overrides: wide, padded, gated (shared/conv2d_shape.wgsl); residual_at, activation, alpha, beta (shared/epilogue.wgsl).
// Dispatch: flat, one invocation for four pixels of a row and eight (wide) or four channels.
#import "../shared/conv2d_direct.wgsl"
#import "../shared/conv2d_fours.wgsl"
