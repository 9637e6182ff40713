// image_to_tensor from an external texture (a video frame that is not copied): as image_to_tensor.
// image: external texture; frame: size and place (shared/frame.wgsl); y [1, height, width, 3].
// Overrides: swap, 1 for BGR.
// Dispatch: one invocation for a pixel of y, 8 x 8 a workgroup.
#import "../shared/image_to_tensor.wgsl"

@group(0) @binding(0) var image: texture_external;

fn pixel(x: u32, y: u32) -> vec4<f32> {
  let p = textureLoad(image, vec2<u32>(x, y));
  return vec4<f32>(p.rgb * 255.0, p.a);
}
