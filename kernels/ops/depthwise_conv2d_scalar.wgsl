// depthwise_conv2d_scalar: the depthwise convolution for any number of channels.
// x [N, H, W, C], weights [KH*KW, C], bias [C], gate [N, C] or one dummy, y [N, OH, OW, C] (or a part of the channels of a wider y).
// Overrides: slide, taps (shared/depthwise.wgsl); gated, there is a gate; activation, alpha, beta (shared/activation.wgsl).
// Dispatch: flat, one invocation for eight pixels of a row and four channels, the last of which may not exist.
#import "../shared/activation.wgsl"
#import "../shared/depthwise.wgsl"

override gated: bool = false;

@group(0) @binding(0) var<storage, read> x: array<scalar>;
@group(0) @binding(1) var<storage, read> weights: array<scalar>;
@group(0) @binding(2) var<storage, read> bias: array<scalar>;
@group(0) @binding(3) var<storage, read> gate: array<scalar>;
@group(0) @binding(4) var<storage, read_write> y: array<scalar>;
@group(0) @binding(5) var<uniform> shape: Shape;

// The four channels from c * 4; where there are fewer, the last one again.
fn channels_of(c: u32) -> vec4<u32> {
  return min(vec4<u32>(c * 4u) + vec4<u32>(0u, 1u, 2u, 3u), vec4<u32>(shape.channels - 1u));
}

fn load_x(pixel: u32, c: u32) -> vec4<f32> {
  let at = vec4<u32>(pixel * shape.channels) + channels_of(c);
  return vec4<f32>(f32(x[at.x]), f32(x[at.y]), f32(x[at.z]), f32(x[at.w]));
}

fn load_weight(tap: u32, c: u32) -> vec4<f32> {
  let at = vec4<u32>(tap * shape.channels) + channels_of(c);
  return vec4<f32>(f32(weights[at.x]), f32(weights[at.y]), f32(weights[at.z]), f32(weights[at.w]));
}

fn finish(pixel: u32, n: u32, c: u32, sum: vec4<f32>) {
  let channels = channels_of(c);
  var value = sum;
  if (gated) {
    let at = vec4<u32>(n * shape.channels) + channels;
    value *= vec4<f32>(f32(gate[at.x]), f32(gate[at.y]), f32(gate[at.z]), f32(gate[at.w]));
  }
  value += vec4<f32>(f32(bias[channels.x]), f32(bias[channels.y]), f32(bias[channels.z]), f32(bias[channels.w]));
  value = activate4(value);
  let to = pixel * shape.out_pitch + shape.out_offset + c * 4u;
  let count = shape.channels - c * 4u;
  y[to] = scalar(value.x);
  if (count > 1u) {
    y[to + 1u] = scalar(value.y);
  }
  if (count > 2u) {
    y[to + 2u] = scalar(value.z);
  }
  if (count > 3u) {
    y[to + 3u] = scalar(value.w);
  }
}
