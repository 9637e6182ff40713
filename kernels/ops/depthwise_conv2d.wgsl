// depthwise_conv2d: one filter a channel; y = activation(gate * conv(x, weight) + bias), four channels at a time.
// x [N, H, W, C], weights [KH*KW, C], bias [C], gate [N, C] or one dummy, y [N, OH, OW, C] (or a part of the channels of a wider y:
// out_pitch, out_offset). C is a multiple of four.
// Overrides: slide, taps (shared/depthwise.wgsl); gated, there is a gate; activation, alpha, beta (shared/activation.wgsl).
// Dispatch: flat, one invocation for eight pixels of a row and four channels.
#import "../shared/activation.wgsl"
#import "../shared/depthwise.wgsl"

override gated: bool = false;

@group(0) @binding(0) var<storage, read> x: array<vec4<scalar>>;
@group(0) @binding(1) var<storage, read> weights: array<vec4<scalar>>;
@group(0) @binding(2) var<storage, read> bias: array<vec4<scalar>>;
@group(0) @binding(3) var<storage, read> gate: array<vec4<scalar>>;
@group(0) @binding(4) var<storage, read_write> y: array<vec4<scalar>>;
@group(0) @binding(5) var<uniform> shape: Shape;

fn load_x(pixel: u32, c: u32) -> vec4<f32> {
  return vec4<f32>(x[pixel * shape.fours + c]);
}

fn load_weight(tap: u32, c: u32) -> vec4<f32> {
  return vec4<f32>(weights[tap * shape.fours + c]);
}

fn finish(pixel: u32, n: u32, c: u32, sum: vec4<f32>) {
  var value = sum;
  // The gate is the same for the whole window, so it may be applied to the sum.
  if (gated) {
    value *= vec4<f32>(gate[n * shape.fours + c]);
  }
  y[pixel * shape.out_pitch + shape.out_offset + c] = vec4<scalar>(activate4(value + vec4<f32>(bias[c])));
}
