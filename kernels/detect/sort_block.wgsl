// peak_top_k and top_k: bitonic sort of blocks of up to 1024 pairs in workgroup memory, best first: larger order, then lower index.
// best [rows, pitch] pairs, pitch a power of two; state: word 1 of two a row counts its pairs.
// Overrides: none.
// Dispatch: [blocks of a row, rows in y and z].

struct Shape {
  pitch: u32,
  // Pairs of a row that hold at most; behind them and behind the count is room that sorts last.
  limit: u32,
  // Pairs of a block, a power of two.
  block: u32,
  // 0 sorts the blocks; else merges runs of this length, whose far steps sort_merge has done.
  run: u32,
  rows: u32,
}

@group(0) @binding(0) var<storage, read_write> best: array<vec2<u32>>;
@group(0) @binding(1) var<storage, read> state: array<u32>;
@group(0) @binding(2) var<uniform> shape: Shape;

var<workgroup> pairs: array<vec2<u32>, 1024>;

fn better(p: vec2<u32>, q: vec2<u32>) -> bool {
  return p.x > q.x || (p.x == q.x && p.y < q.y);
}

@compute @workgroup_size(256)
fn main(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) lane: u32,
) {
  let row = group.z * groups.y + group.y;
  if (row >= shape.rows) {
    return;
  }
  let first = row * shape.pitch + group.x * shape.block;
  let held = min(state[row * 2u + 1u], shape.limit);
  for (var i = lane; i < shape.block; i += 256u) {
    let place = group.x * shape.block + i;
    if (shape.run == 0u && place >= held) {
      pairs[i] = vec2<u32>(0u, 0xffffffffu);
    } else {
      pairs[i] = best[first + i];
    }
  }
  var run = select(shape.run, 2u, shape.run == 0u);
  let last_run = select(shape.run, shape.block, shape.run == 0u);
  for (; run <= last_run; run *= 2u) {
    for (var reach = min(run, shape.block) / 2u; reach > 0u; reach /= 2u) {
      workgroupBarrier();
      for (var pair = lane; pair < shape.block / 2u; pair += 256u) {
        let i = (pair / reach) * reach * 2u + pair % reach;
        let p = pairs[i];
        let q = pairs[i + reach];
        let falling = ((group.x * shape.block + i) & run) == 0u;
        if (better(q, p) == falling) {
          pairs[i] = q;
          pairs[i + reach] = p;
        }
      }
    }
  }
  workgroupBarrier();
  for (var i = lane; i < shape.block; i += 256u) {
    best[first + i] = pairs[i];
  }
}
