// What follows the sum of a convolution or product: bias, activation, and a residual added before or after it.
// Overrides: residual_at, 0 none, 1 added before the activation, 2 after it; activation, alpha, beta (activation.wgsl).
#import "activation.wgsl"

override residual_at: u32 = 0u;

// `addend` is what load_residual gave; it is not looked at without a residual.
fn finished(sum: vec4<f32>, addend: vec4<f32>) -> vec4<f32> {
  if (residual_at == 1u) {
    return activate4(sum + addend);
  }
  let value = activate4(sum);
  if (residual_at == 2u) {
    return value + addend;
  }
  return value;
}
