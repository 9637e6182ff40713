// Infinity, which a shader must not contain as a constant: made at run time.

fn infinity() -> f32 {
  var bits = 0x7f800000u;
  return bitcast<f32>(bits);
}
