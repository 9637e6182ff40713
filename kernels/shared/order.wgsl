// Numbers as unsigned integers of the same order, so that comparisons are exact on every device: -0 equals +0, subnormals count, NaN gets `nan`.
#import "math.wgsl"

fn order4(x: vec4<f32>, nan: u32) -> vec4<u32> {
  let bits = bitcast<vec4<u32>>(x);
  let zero = (bits & vec4<u32>(0x7fffffffu)) == vec4<u32>(0u);
  let key = select(bits | vec4<u32>(0x80000000u), ~bits, (bits & vec4<u32>(0x80000000u)) != vec4<u32>(0u));
  return select(select(key, vec4<u32>(0x80000000u), zero), vec4<u32>(nan), is_nan4(x));
}

fn order(x: f32, nan: u32) -> u32 {
  return order4(vec4<f32>(x), nan).x;
}
