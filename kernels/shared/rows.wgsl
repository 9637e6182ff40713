// Rows of a table, each shared by `lanes` invocations (a power of two) of a workgroup of 256, which takes 256 / lanes neighbouring rows. No bindings.

// One invocation has a row to itself: nothing to combine, so no barriers, for which an adapter that computes on the CPU pays dearly.
override alone: bool = false;

struct Share {
  row: u32,
  lane: u32,
  // The first slot of the row in workgroup memory, and this invocation's.
  first: u32,
  slot: u32,
}

var<workgroup> parts: array<f32, 256>;

fn share_of(group: vec3<u32>, groups: vec3<u32>, index: u32, lanes: u32) -> Share {
  var share: Share;
  share.lane = index % lanes;
  share.row = (group.y * groups.x + group.x) * (256u / lanes) + index / lanes;
  share.first = index - share.lane;
  share.slot = index;
  return share;
}

// Up to 16 invocations combine the parts of a row, then all of them what these have. All invocations of the workgroup must call it.
fn sum_of_row(share: Share, lanes: u32, value: f32) -> f32 {
  if (alone) {
    return value;
  }
  var sum = value;
  parts[share.slot] = sum;
  workgroupBarrier();
  if (share.lane < 16u) {
    for (var k = share.lane + 16u; k < lanes; k += 16u) {
      sum += parts[share.first + k];
    }
    parts[share.slot] = sum;
  }
  workgroupBarrier();
  sum = 0.0;
  for (var k = 0u; k < min(lanes, 16u); k++) {
    sum += parts[share.first + k];
  }
  workgroupBarrier();
  return sum;
}

fn most_of_row(share: Share, lanes: u32, value: f32) -> f32 {
  if (alone) {
    return value;
  }
  var most = value;
  parts[share.slot] = most;
  workgroupBarrier();
  if (share.lane < 16u) {
    for (var k = share.lane + 16u; k < lanes; k += 16u) {
      most = max(most, parts[share.first + k]);
    }
    parts[share.slot] = most;
  }
  workgroupBarrier();
  for (var k = 0u; k < min(lanes, 16u); k++) {
    most = max(most, parts[share.first + k]);
  }
  workgroupBarrier();
  return most;
}
