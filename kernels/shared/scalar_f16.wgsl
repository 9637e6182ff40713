// Storage precision of float tensors: float16 (needs the feature shader-f16). Kernels widen what they load and sum in f32.
enable f16;
alias scalar = f16;
