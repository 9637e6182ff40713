// image_to_tensor from bytes: resampled into the target rectangle, composited over a background, normalised, around it the pad value.
// image: 8-bit pixels with 1, 3 or 4 channels; frame: size and place (shared/frame.wgsl); y [1, height, width, 3].
// Overrides: swap, 1 for BGR.
// Dispatch: one invocation for a pixel of y, 8 x 8 a workgroup.
#import "../shared/image_to_tensor.wgsl"

@group(0) @binding(0) var<storage, read> image: array<u32>;

// Four bytes from any place on; those of the next word only where they are needed.
fn bytes_at(i: u32) -> vec4<f32> {
  let shift = (i & 3u) * 8u;
  var bits = image[i >> 2u] >> shift;
  if (shift > 8u) {
    bits |= image[(i >> 2u) + 1u] << (32u - shift);
  }
  return vec4<f32>((vec4<u32>(bits) >> vec4<u32>(0u, 8u, 16u, 24u)) & vec4<u32>(255u));
}

fn pixel(x: u32, y: u32) -> vec4<f32> {
  let bytes = bytes_at(y * frame.row_bytes + x * frame.channels);
  if (frame.channels == 1u) {
    return vec4<f32>(bytes.xxx, 1.0);
  }
  if (frame.channels == 3u) {
    return vec4<f32>(bytes.xyz, 1.0);
  }
  return vec4<f32>(bytes.xyz, bytes.w / 255.0);
}
