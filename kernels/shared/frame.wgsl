// Size and place of the frame of an image input: a uniform written every frame by frameWords in sdk/runtime/webgpu/lower/image.ts.

// One axis: output pixels [begin, end) have their centre inside the target rectangle. Output pixel i is centred at
// start + start_fraction + i * (step_high + step_middle + step_low) source pixels; the first two steps have 11 bits, so that
// their products with i are exact and a large photo loses no digits. A source pixel counts while it is nearer than `support`.
struct FrameAxis {
  begin: i32,
  end: i32,
  start: i32,
  start_fraction: f32,
  step_high: f32,
  step_middle: f32,
  step_low: f32,
  support: f32,
}

struct Frame {
  width: u32,
  height: u32,
  // 1, 3 or 4 bytes a pixel, `row_bytes` a row.
  channels: u32,
  row_bytes: u32,
  x: FrameAxis,
  y: FrameAxis,
}
