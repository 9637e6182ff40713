// Where the elements of a broadcast operand lie: operands are read in fours, for four consecutive elements of the result.
// Declares the uniform struct Shape of the kernels that import it; they bind it as `shape`.
// How an operand is read is fixed when the pipeline is made: 0 as the result, 1 its only element, 2 repeated (vectors modulo `period`),
// 3 contiguous fours of strided rows, 4 one element for four of the result, 5 each of the four on its own.
#import "flat.wgsl"

struct Shape {
  // Elements of the result in fours, rounded up.
  vectors: u32,
  rank: u32,
  // Length of a repeated operand in fours.
  period_a: u32,
  period_b: u32,
  period_c: u32,
  unused_0: u32,
  unused_1: u32,
  unused_2: u32,
  // Sizes of the merged axes of the result, outermost first, and for each of three operands its strides in elements.
  dims: array<vec4<u32>, 4>,
  strides: array<vec4<u32>, 12>,
}

const read_same = 0u;
const read_one = 1u;
const read_repeated = 2u;
const read_rows = 3u;
const read_splat = 4u;

// Offset in an operand of element i of the result.
fn operand_offset(operand: u32, i: u32) -> u32 {
  var rest = i;
  var at = 0u;
  for (var axis = shape.rank; axis > 0u; axis--) {
    let a = axis - 1u;
    let size = shape.dims[a >> 2u][a & 3u];
    let whole = rest / size;
    at += (rest - whole * size) * shape.strides[operand * 4u + (a >> 2u)][a & 3u];
    rest = whole;
  }
  return at;
}
