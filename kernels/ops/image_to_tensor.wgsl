// image_to_tensor from bytes: resampled into the target rectangle, composited over a background, normalised, around it the pad value.
// image: 8-bit pixels with 1, 3 or 4 channels; frame: size and place (shared/frame.wgsl); y [1, height, width, 3].
// Overrides: swap, 1 for BGR.
// Dispatch: one invocation for a pixel of y, 8 x 8 a workgroup.
#import "../shared/image_to_tensor.wgsl"

@group(0) @binding(0) var<storage, read> image: array<u32>;

fn byte_at(i: u32) -> f32 {
  return f32((image[i >> 2u] >> ((i & 3u) * 8u)) & 255u);
}

fn pixel(x: u32, y: u32) -> vec4<f32> {
  let at = y * frame.row_bytes + x * frame.channels;
  if (frame.channels == 1u) {
    return vec4<f32>(vec3<f32>(byte_at(at)), 1.0);
  }
  let rgb = vec3<f32>(byte_at(at), byte_at(at + 1u), byte_at(at + 2u));
  if (frame.channels == 3u) {
    return vec4<f32>(rgb, 1.0);
  }
  return vec4<f32>(rgb, byte_at(at + 3u) / 255.0);
}
