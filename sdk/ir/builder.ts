// Builds a graph node by node with result shapes inferred; used by heads, by unify and by tests.
