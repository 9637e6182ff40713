// non_max_suppression, last step: goes through the sorted boxes, 32 at a time, keeps those that no kept one drops, and writes them best first.
// mask [k, words]; best: sorted pairs (order, index); state: word 1 counts them; index int32 [k], zeros behind those kept; kept int32 [1].
// Overrides: none.
// Dispatch: one workgroup.

struct Shape {
  words: u32,
  k: u32,
}

@group(0) @binding(0) var<storage, read> mask: array<u32>;
@group(0) @binding(1) var<storage, read> best: array<vec2<u32>>;
@group(0) @binding(2) var<storage, read> state: array<u32>;
@group(0) @binding(3) var<storage, read_write> index: array<i32>;
@group(0) @binding(4) var<storage, read_write> kept: array<i32>;
@group(0) @binding(5) var<uniform> shape: Shape;

// Bits of the boxes that have fallen; of 32 boxes those that fall with each other; and those kept of them.
var<workgroup> fallen: array<u32, 1024>;
var<workgroup> within: array<u32, 32>;
var<workgroup> standing: u32;

@compute @workgroup_size(256)
fn main(@builtin(local_invocation_index) lane: u32) {
  let held = min(state[1], shape.k);
  var total = 0u;
  for (var word = 0u; word < shape.words; word++) {
    if (lane < 32u) {
      let row = word * 32u + lane;
      var bits = 0u;
      if (row < held) {
        bits = mask[row * shape.words + word];
      }
      within[lane] = bits;
    }
    workgroupBarrier();
    if (lane == 0u) {
      var down = fallen[word];
      var up = 0u;
      for (var j = 0u; j < min(32u, held - min(held, word * 32u)); j++) {
        if (((down >> j) & 1u) == 0u) {
          up |= 1u << j;
          down |= within[j];
        }
      }
      standing = up;
    }
    let keep = workgroupUniformLoad(&standing);
    if (lane < 32u && ((keep >> lane) & 1u) == 1u) {
      index[total + countOneBits(keep & ((1u << lane) - 1u))] = i32(best[word * 32u + lane].y);
    }
    for (var later = word + 1u + lane; later < shape.words; later += 256u) {
      var down = fallen[later];
      for (var rest = keep; rest != 0u; rest &= rest - 1u) {
        down |= mask[(word * 32u + firstTrailingBit(rest)) * shape.words + later];
      }
      fallen[later] = down;
    }
    total += countOneBits(keep);
    workgroupBarrier();
  }
  for (var i = total + lane; i < shape.k; i += 256u) {
    index[i] = 0;
  }
  if (lane == 0u) {
    kept[0] = i32(total);
  }
}
