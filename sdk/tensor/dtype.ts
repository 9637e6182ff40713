// Element types of tensors and the typed arrays that hold them; float16 is stored as its bits in a Uint16Array.

export type DType = 'float32' | 'float16' | 'int32' | 'uint8' | 'bool';

export const bytesPerElement: Readonly<Record<DType, number>> = { float32: 4, float16: 2, int32: 4, uint8: 1, bool: 1 };

/** Arrays that kernels compute with. `float16` is a storage type only and is expanded to Float32Array before. */
export type TensorData = Float32Array | Int32Array | Uint8Array;

/** Arrays as they are stored: Uint16Array holds float16 bits. */
export type StoredData = TensorData | Uint16Array;
