// peak_top_k and top_k on floats, last step: the first k of the sorted pairs of each row as values and indices, zeros from the count on.
// x [rows, length]; best [rows, pitch] pairs; state: word 1 of two a row counts its pairs; value, index [rows, k]; count [rows].
// Overrides: none.
// Dispatch: flat, one invocation for a result.
alias element = scalar;
#import "../shared/select_write.wgsl"
