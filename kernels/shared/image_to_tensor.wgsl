// The body of image_to_tensor: a triangle filter whose support is max(1, scale) source pixels, both axes at once, then normalisation.
// Kernels bind the image at 0 and give `fn pixel(x: u32, y: u32) -> vec4<f32>`: red, green, blue in 0..255 and alpha in 0..1.
#import "frame.wgsl"

// 1 where the result is BGR.
override swap: u32 = 0u;

struct Shape {
  height: u32,
  width: u32,
  pad_value: f32,
  background: f32,
  mean: vec4<f32>,
  deviation: vec4<f32>,
}

@group(0) @binding(1) var<uniform> frame: Frame;
@group(0) @binding(2) var<storage, read_write> y: array<scalar>;
@group(0) @binding(3) var<uniform> shape: Shape;

// Source pixels [first, last] that count, and the centre as an integer and a fraction.
struct Reach {
  first: i32,
  last: i32,
  whole: i32,
  fraction: f32,
}

fn reach_of(axis: FrameAxis, i: u32, size: u32) -> Reach {
  let high = f32(i) * axis.step_high;
  let middle = f32(i) * axis.step_middle;
  let whole_high = floor(high);
  let whole_middle = floor(middle);
  var fraction = (high - whole_high) + (middle - whole_middle) + f32(i) * axis.step_low + axis.start_fraction;
  let carry = floor(fraction);
  fraction -= carry;
  let whole = axis.start + i32(whole_high) + i32(whole_middle) + i32(carry);
  let first = max(0, whole + i32(floor(fraction - axis.support - 0.5)) + 1);
  let last = min(i32(size) - 1, whole + i32(ceil(fraction + axis.support - 0.5)) - 1);
  return Reach(first, last, whole, fraction);
}

fn weight_of(reach: Reach, axis: FrameAxis, j: i32) -> f32 {
  return max(0.0, 1.0 - abs((f32(j - reach.whole) + 0.5) - reach.fraction) / axis.support);
}

@compute @workgroup_size(8, 8)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
  if (id.x >= shape.width || id.y >= shape.height) {
    return;
  }
  let place = vec2<i32>(id.xy);
  var value = vec3<f32>(shape.pad_value);
  if (place.x >= frame.x.begin && place.x < frame.x.end && place.y >= frame.y.begin && place.y < frame.y.end) {
    let columns = reach_of(frame.x, id.x, frame.width);
    let rows = reach_of(frame.y, id.y, frame.height);
    var sum = vec3<f32>(0.0);
    var weights = 0.0;
    for (var sy = rows.first; sy <= rows.last; sy++) {
      let v = weight_of(rows, frame.y, sy);
      var row = vec3<f32>(0.0);
      var row_weights = 0.0;
      for (var sx = columns.first; sx <= columns.last; sx++) {
        let h = weight_of(columns, frame.x, sx);
        let p = pixel(u32(sx), u32(sy));
        row += h * (p.rgb * p.a + shape.background * (1.0 - p.a));
        row_weights += h;
      }
      sum += v * row;
      weights += v * row_weights;
    }
    value = sum / weights;
    if (swap == 1u) {
      value = value.bgr;
    }
  }
  value = (value - shape.mean.xyz) / shape.deviation.xyz;
  let at = (id.y * shape.width + id.x) * 3u;
  y[at] = scalar(value.x);
  y[at + 1u] = scalar(value.y);
  y[at + 2u] = scalar(value.z);
}
