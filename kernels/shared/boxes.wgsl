// Boxes xyxy: intersection and union of two. Negative extents count as 0. No bindings.

fn area(box: vec4<f32>) -> f32 {
  return max(0.0, box.z - box.x) * max(0.0, box.w - box.y);
}

// (intersection, union)
fn overlap(p: vec4<f32>, q: vec4<f32>) -> vec2<f32> {
  let extent = max(vec2<f32>(0.0), min(p.zw, q.zw) - max(p.xy, q.xy));
  let inner = extent.x * extent.y;
  return vec2<f32>(inner, area(p) + area(q) - inner);
}
