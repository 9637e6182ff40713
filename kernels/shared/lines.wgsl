// Lines of a tensor seen as [outer, length, inner]: line k = o * inner + j has `length` elements, `inner` apart. A workgroup of 256 takes
// 256 / lanes neighbouring lines; `lanes` invocations share a line and combine what they found in workgroup memory.
// Declares the uniform struct Shape of the kernels that import it; they bind it as `shape`.

// A power of two from 1 to 256.
override lanes: u32 = 1u;
// 1 where inner is 1: then neighbouring invocations take neighbours of one line, else neighbouring lines.
override contiguous: u32 = 0u;

struct Shape {
  lines: u32,
  length: u32,
  inner: u32,
}

struct Share {
  // The line, and this invocation's place among those that share it.
  line: u32,
  lane: u32,
  // First element of the line.
  base: u32,
  // Where this invocation keeps its part in workgroup memory; the parts of a line are `step` apart.
  slot: u32,
  step: u32,
}

fn share_of(group: vec3<u32>, groups: vec3<u32>, index: u32) -> Share {
  let columns = 256u / lanes;
  var share: Share;
  if (contiguous == 1u) {
    share.lane = index % lanes;
    share.line = index / lanes;
    share.step = 1u;
  } else {
    share.lane = index / columns;
    share.line = index % columns;
    share.step = columns;
  }
  share.slot = index;
  share.line += (group.y * groups.x + group.x) * columns;
  share.base = (share.line / shape.inner) * shape.length * shape.inner + share.line % shape.inner;
  return share;
}
