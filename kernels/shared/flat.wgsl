// The index of an invocation in a flat range of any length: workgroups stand in rows of at most 65,535. No bindings.

const flat_size = 64u;

fn flat_index(group: vec3<u32>, groups: vec3<u32>, lane: u32) -> u32 {
  return (group.y * groups.x + group.x) * flat_size + lane;
}
