// Functions that WGSL lacks or leaves imprecise: tests for NaN on the bits, tanh and exp - 1 near zero, the logistic and the error function. No bindings.

// True where x is NaN. Compilers may take `x != x` for false, so the bits are asked.
fn is_nan4(x: vec4<f32>) -> vec4<bool> {
  return (bitcast<vec4<u32>>(x) & vec4<u32>(0x7fffffffu)) > vec4<u32>(0x7f800000u);
}

fn is_nan(x: f32) -> bool {
  return (bitcast<u32>(x) & 0x7fffffffu) > 0x7f800000u;
}

// tanh x: its series near zero, else by e^-2|x|, which never overflows.
fn tanh4(x: vec4<f32>) -> vec4<f32> {
  let squared = x * x;
  let near = x * (1.0 + squared * (-1.0 / 3.0 + squared * (2.0 / 15.0 + squared * (-17.0 / 315.0 + squared * (62.0 / 2835.0)))));
  let e = exp(-2.0 * abs(x));
  let far = sign(x) * (1.0 - e) / (1.0 + e);
  return select(far, near, abs(x) < vec4<f32>(0.3));
}

// e^x - 1 without cancellation.
fn expm1_4(x: vec4<f32>) -> vec4<f32> {
  let near = x * (1.0 + x * (0.5 + x * (1.0 / 6.0 + x * (1.0 / 24.0 + x * (1.0 / 120.0 + x * (1.0 / 720.0))))));
  return select(exp(x) - 1.0, near, abs(x) < vec4<f32>(0.3));
}

// erf x by its rational approximation (Abramowitz and Stegun, 7.1.26; error below 1.5e-7), by the series near zero.
fn erf4(x: vec4<f32>) -> vec4<f32> {
  let a = abs(x);
  let t = 1.0 / (1.0 + 0.3275911 * a);
  let sum = t * (0.254829592 + t * (-0.284496736 + t * (1.421413741 + t * (-1.453152027 + t * 1.061405429))));
  let far = sign(x) * (1.0 - sum * exp(-a * a));
  let squared = x * x;
  let near = 1.1283791671 * x * (1.0 + squared * (-1.0 / 3.0 + squared * (0.1 + squared * (-1.0 / 42.0 + squared * (1.0 / 216.0)))));
  return select(far, near, a < vec4<f32>(0.4));
}

// 1 / (1 + e^-x) by e^-|x|, which never overflows.
fn sigmoid4(x: vec4<f32>) -> vec4<f32> {
  let e = exp(-abs(x));
  return select(vec4<f32>(1.0), e, x < vec4<f32>(0.0)) / (1.0 + e);
}
