// Bytes of tables and column masks, four in a word. No bindings.

fn byte_of(word: u32, i: u32) -> u32 {
  return (word >> (8u * (i & 3u))) & 255u;
}
