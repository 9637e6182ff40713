// image_to_tensor from a texture: as image_to_tensor, the image is a texture with straight (not premultiplied) alpha, 0..1.
// image: texture; frame: size and place (shared/frame.wgsl); y [1, height, width, 3].
// Overrides: swap, 1 for BGR.
// Dispatch: one invocation for a pixel of y, 8 x 8 a workgroup.
#import "../shared/image_to_tensor.wgsl"

@group(0) @binding(0) var image: texture_2d<f32>;

fn pixel(x: u32, y: u32) -> vec4<f32> {
  let p = textureLoad(image, vec2<u32>(x, y), 0);
  return vec4<f32>(p.rgb * 255.0, p.a);
}
