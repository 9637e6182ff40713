// Counts what an engine asks of WebGPU: bytes of buffers and textures alive and at most, pipelines made, submissions. Changes nothing else.

/** Begins to count in this page or process; call it before any device is made. Bytes of textures are counted at 4 a pixel. */
export function watchGpu() {
  const counts = { bytes: 0, peak: 0, buffers: 0, pipelines: 0, submits: 0 };
  const sizes = new WeakMap();
  const wrap = (prototype, method, make) => {
    const original = prototype[method];
    prototype[method] = make(original);
  };
  const hold = (resource, bytes) => {
    sizes.set(resource, bytes);
    counts.bytes += bytes;
    counts.peak = Math.max(counts.peak, counts.bytes);
    return resource;
  };
  const release = (original) =>
    function (...given) {
      counts.bytes -= sizes.get(this) ?? 0;
      sizes.delete(this);
      return original.apply(this, given);
    };
  const counted = (key) => (original) =>
    function (...given) {
      counts[key]++;
      return original.apply(this, given);
    };
  wrap(
    GPUDevice.prototype,
    'createBuffer',
    (original) =>
      function (descriptor) {
        counts.buffers++;
        return hold(original.call(this, descriptor), descriptor.size);
      },
  );
  wrap(
    GPUDevice.prototype,
    'createTexture',
    (original) =>
      function (descriptor) {
        const [width, height = 1] = Array.isArray(descriptor.size)
          ? descriptor.size
          : [descriptor.size.width, descriptor.size.height];
        return hold(original.call(this, descriptor), width * height * 4);
      },
  );
  wrap(GPUBuffer.prototype, 'destroy', release);
  wrap(GPUTexture.prototype, 'destroy', release);
  wrap(GPUDevice.prototype, 'createComputePipeline', counted('pipelines'));
  wrap(GPUDevice.prototype, 'createComputePipelineAsync', counted('pipelines'));
  wrap(GPUQueue.prototype, 'submit', counted('submits'));
  return counts;
}
