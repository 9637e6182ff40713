// Loads and stores of the convolutions that sum in registers, where channels of x and y come in fours.
#import "conv2d_operands.wgsl"

fn load_x(at: u32, c: u32) -> vec4<f32> {
  return vec4<f32>(x[at + c]);
}

fn load_gate(n: u32, channel: u32, c: u32) -> vec4<f32> {
  return vec4<f32>(gate[n * shape.pitch + channel + c]);
}

fn load_bias(group: u32, o: u32) -> vec4<f32> {
  return vec4<f32>(bias[group * shape.out_group_units + o]);
}

fn finish(pixel: u32, group: u32, o: u32, sum: vec4<f32>) {
  if (o < shape.out_group_units) {
    write_result(pixel, group * shape.out_group_units + o, sum);
  }
}
