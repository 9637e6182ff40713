// conv2d_direct: y = activation(conv(x * gate, weight) + bias) with a residual, summed in registers; also matmul.
// x [N, H, W, C], weights [KH*KW*C/groups, O] (groups > 1: [groups, KH*KW*C/groups, O/groups]), bias [O], residual [N, OH, OW, O],
// gate [N, C], y [N, OH, OW, O] (or a part of the channels of a wider y: out_pitch, out_offset). In place of an absent residual or gate any
// buffer is bound. C/groups and O/groups are multiples of four.
// With image_weights, image n has weights of its own: a batch of products [N, M, K] x [N, K, O], where H = 1, W = M, C = K.
// Overrides: wide, padded, gated (shared/conv2d_direct.wgsl); residual_at, activation, alpha, beta (shared/epilogue.wgsl).
// Dispatch: flat, one invocation for four pixels of a row and eight (wide) or four channels.
#import "../shared/conv2d_operands.wgsl"
#import "../shared/conv2d_direct.wgsl"

@group(0) @binding(6) var<uniform> shape: Shape;

fn load_x(at: u32, c: u32) -> vec4<f32> {
  return vec4<f32>(x[at + c]);
}

fn load_gate(n: u32, channel: u32, c: u32) -> vec4<f32> {
  return vec4<f32>(gate[n * shape.pitch + channel + c]);
}

fn finish(pixel: u32, group: u32, o: u32, sum: vec4<f32>) {
  if (o < shape.out_group_units) {
    write_result(pixel, group * shape.out_group_units + o, sum);
  }
}
