// Element-wise activations, the twin of activationFunction in sdk/runtime/reference/ops/activation.ts. The kind is fixed when the pipeline is made.
// Overrides: activation, a number of lower/activation.ts; alpha and beta, as stored by the model. NaN stays NaN.
#import "math.wgsl"

override activation: u32 = 0u;
override alpha: f32 = 0.0;
override beta: f32 = 0.0;

fn softplus4(x: vec4<f32>) -> vec4<f32> {
  return max(x, vec4<f32>(0.0)) + log(1.0 + exp(-abs(x)));
}

fn activate_numbers4(x: vec4<f32>) -> vec4<f32> {
  let zero = vec4<f32>(0.0);
  switch activation {
    case 1u: { return max(x, zero); }
    case 2u: { return min(max(x, zero), vec4<f32>(6.0)); }
    case 3u: { return select(x, alpha * x, x < zero); }
    case 4u: { return select(x, alpha * expm1_4(x), x < zero); }
    case 5u: { return sigmoid4(x); }
    case 6u: { return tanh4(x); }
    case 7u: { return x * sigmoid4(x); }
    case 8u: { return x * tanh4(softplus4(x)); }
    case 9u: { return 0.5 * x * (1.0 + erf4(x * 0.70710678)); }
    case 10u: { return softplus4(x); }
    case 11u: { return min(max(x, vec4<f32>(alpha)), vec4<f32>(beta)); }
    case 12u: { return alpha * min(max(x + 3.0, zero), vec4<f32>(6.0)); }
    case 13u: { return (alpha * x) * min(max(x + 3.0, zero), vec4<f32>(6.0)); }
    // clip without an upper or a lower end.
    case 14u: { return max(x, vec4<f32>(alpha)); }
    case 15u: { return min(x, vec4<f32>(beta)); }
    default: { return x; }
  }
}

fn activate4(x: vec4<f32>) -> vec4<f32> {
  if (activation == 0u) {
    return x;
  }
  return select(activate_numbers4(x), x, is_nan4(x));
}

fn activate(x: f32) -> f32 {
  return activate4(vec4<f32>(x)).x;
}
