// Boxes xyxy as four float32 in memory: their overlap, in double precision.

/** Intersection over union of the boxes at `a` and `b`; 0 where they do not overlap, negative extents count as 0. */
export function iou(a: usize, b: usize): f64 {
  const width = max<f64>(0, min<f64>(load<f32>(a, 8), load<f32>(b, 8)) - max<f64>(load<f32>(a), load<f32>(b)));
  const height = max<f64>(0, min<f64>(load<f32>(a, 12), load<f32>(b, 12)) - max<f64>(load<f32>(a, 4), load<f32>(b, 4)));
  const intersection = width * height;
  return intersection > 0 ? intersection / (area(a) + area(b) - intersection) : 0;
}

function area(box: usize): f64 {
  return max<f64>(0, <f64>load<f32>(box, 8) - load<f32>(box)) * max<f64>(0, <f64>load<f32>(box, 12) - load<f32>(box, 4));
}
