// pad on int32, bool and uint8: a constant, the mirror image without the border, or the border repeated, four neighbours at a time.
// x, y: any shape of up to 16 axes.
// Overrides: mode, 0 constant, 1 reflect, 2 edge.
// Dispatch: flat, one invocation for four neighbours.
alias element = vec4<u32>;
#import "../shared/pad.wgsl"

fn constant_element(bits: u32) -> element {
  return element(bits);
}
