// conv2d_row: a 1x1 convolution or matrix product with few pixels (squeeze-excite, a classifier): lanes share the sum over the channels.
// x [N, pixels, C], weights [C, O], bias [O], residual [N, pixels, O], gate [N, C], y [N, pixels, O] (or a part of the channels of a wider
// y: out_pitch, out_offset). In place of an absent residual or gate any buffer is bound. C and O are multiples of four.
// Overrides: gated; residual_at, activation, alpha, beta (shared/epilogue.wgsl).
// Dispatch: [O / 32 rounded up, pixels of all images]; eight lanes sum one four of channels, eight fours a workgroup.
#import "../shared/conv2d_operands.wgsl"

override gated: bool = false;

struct Shape {
  // Pixels of an image.
  pixels: u32,
  // Channels of x and y in fours; those between pixels of y and of residual, and where the first of y stands.
  fours: u32,
  out_fours: u32,
  out_pitch: u32,
  out_offset: u32,
  residual_pitch: u32,
}

@group(0) @binding(6) var<uniform> shape: Shape;

var<workgroup> parts: array<vec4<f32>, 64>;

@compute @workgroup_size(8, 8)
fn main(@builtin(workgroup_id) block: vec3<u32>, @builtin(local_invocation_id) lane: vec3<u32>) {
  let o = block.x * 8u + lane.x;
  let pixel = block.y;
  let n = pixel / shape.pixels;
  var sum = vec4<f32>(0.0);
  if (o < shape.out_fours) {
    for (var c = lane.y; c < shape.fours; c += 8u) {
      var value = vec4<f32>(x[pixel * shape.fours + c]);
      if (gated) {
        value *= vec4<f32>(gate[n * shape.fours + c]);
      }
      let k = c * 4u * shape.out_fours + o;
      sum = fma(vec4<f32>(value.x), vec4<f32>(weights[k]), sum);
      sum = fma(vec4<f32>(value.y), vec4<f32>(weights[k + shape.out_fours]), sum);
      sum = fma(vec4<f32>(value.z), vec4<f32>(weights[k + 2u * shape.out_fours]), sum);
      sum = fma(vec4<f32>(value.w), vec4<f32>(weights[k + 3u * shape.out_fours]), sum);
    }
  }
  parts[lane.y * 8u + lane.x] = sum;
  workgroupBarrier();
  if (lane.y == 0u && o < shape.out_fours) {
    for (var i = 1u; i < 8u; i++) {
      sum += parts[i * 8u + lane.x];
    }
    write_result(pixel, o, sum + vec4<f32>(bias[o]));
  }
}
