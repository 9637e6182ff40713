// Operands of the convolution kernels that read and write channels in fours, and the writing of a result. The kernel binds the uniform `shape`.
#import "epilogue.wgsl"

@group(0) @binding(0) var<storage, read> x: array<vec4<scalar>>;
@group(0) @binding(1) var<storage, read> weights: array<vec4<scalar>>;
@group(0) @binding(2) var<storage, read> bias: array<vec4<scalar>>;
@group(0) @binding(3) var<storage, read> residual: array<vec4<scalar>>;
@group(0) @binding(4) var<storage, read> gate: array<vec4<scalar>>;
@group(0) @binding(5) var<storage, read_write> y: array<vec4<scalar>>;

// Four channels of a pixel of y, `at` fours from its first one. The sum includes the bias.
fn write_result(pixel: u32, at: u32, sum: vec4<f32>) {
  var addend = vec4<f32>(0.0);
  if (residual_at != 0u) {
    addend = vec4<f32>(residual[pixel * shape.residual_pitch + at]);
  }
  let value = finished(sum, addend);
  y[pixel * shape.out_pitch + shape.out_offset + at] = vec4<scalar>(value);
}
