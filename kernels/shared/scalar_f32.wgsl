// Storage precision of float tensors: float32. The runtime puts this file or scalar_f16.wgsl in front of every kernel.
alias scalar = f32;
