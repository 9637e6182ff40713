// Shape and structure of the convolutions that sum in registers: four pixels of a row times eight (or four) channels an invocation.
// A unit is what x and y are read and written in: four channels (conv2d_fours.wgsl) or one (conv2d_ones.wgsl). Weights are read in fours.
// Overrides: wide, eight channels an invocation instead of four; padded, pixels may lie outside x; gated, x is multiplied by a gate.
override wide: bool = true;
override padded: bool = false;
override gated: bool = false;

struct Shape {
  // Strips of four pixels, in a row, in all rows and images; tiles of channels * all of these.
  invocations: u32,
  all_strips: u32,
  tiles: u32,
  strips: u32,
  out_height: u32,
  out_width: u32,
  height: u32,
  width: u32,
  kernel_height: u32,
  kernel_width: u32,
  stride_y: u32,
  stride_x: u32,
  dilation_y: u32,
  dilation_x: u32,
  pad_top: u32,
  pad_left: u32,
  // Units of a pixel of x; channels of a group of x in fours, rounded up; in units.
  pitch: u32,
  fours: u32,
  group_units: u32,
  // Units of a pixel of y, where its first channel stands, units of a pixel of residual.
  out_pitch: u32,
  out_offset: u32,
  residual_pitch: u32,
  // Tiles, and channels of y in units, of a group.
  group_tiles: u32,
  out_group_units: u32,
  // Fours between two rows of the weights, between groups, between images (0: all images share the weights).
  weight_pitch: u32,
  group_weights: u32,
  image_weights: u32,
}

@group(0) @binding(6) var<uniform> shape: Shape;
