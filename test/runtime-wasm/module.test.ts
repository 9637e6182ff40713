// The modules as they are shipped: what they import and export, the unshared variant, size.
import { inflateSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import baseStored from '../../build/assembly/base.wasm.z';
import relaxedStored from '../../build/assembly/kernels.relaxed.wasm.z';
import simdStored from '../../build/assembly/kernels.simd.wasm.z';
import { compileKernels, hasRelaxedSimd, instantiate, withUnsharedMemory } from '../../sdk/runtime/wasm/module.js';
import { Space } from '../../sdk/runtime/wasm/space.js';

const [base, simd, relaxed] = [baseStored, simdStored, relaxedStored].map((bytes) => new Uint8Array(inflateSync(bytes))) as [
  Uint8Array<ArrayBuffer>,
  Uint8Array<ArrayBuffer>,
  Uint8Array<ArrayBuffer>,
];

describe('kernel modules', () => {
  it.each([false, true].filter((on) => !on || hasRelaxedSimd()))(
    'import one memory and the base, nothing else (relaxed: %s)',
    async (on) => {
      const modules = await compileKernels(on, true);
      const memory = { module: 'env', name: 'memory', kind: 'memory' };
      const exported = (module: WebAssembly.Module): string[] => WebAssembly.Module.exports(module).map(({ name }) => name).sort(); // prettier-ignore
      expect(WebAssembly.Module.imports(modules.base)).toEqual([memory]);
      expect(exported(modules.base)).toEqual(['heapBase', 'step']);
      expect(WebAssembly.Module.imports(modules.kernels)).toEqual(
        expect.arrayContaining([memory, { module: 'base', name: 'step', kind: 'function' }]),
      );
      expect(WebAssembly.Module.imports(modules.kernels)).toHaveLength(2);
      expect(exported(modules.kernels)).toEqual(['part', 'run']);
    },
  );

  it('take a shared memory as they are and an unshared one after the patch', async () => {
    const shared = new WebAssembly.Memory({ initial: 1, maximum: 65536, shared: true });
    const plain = new WebAssembly.Memory({ initial: 1, maximum: 65536 });
    expect(instantiate(await compileKernels(false, true), shared).heapBase()).toBeGreaterThan(0);
    expect(instantiate(await compileKernels(false, false), plain).heapBase()).toBeGreaterThan(0);
    const mixed = await compileKernels(false, true);
    expect(() => instantiate(mixed, plain)).toThrow(WebAssembly.LinkError);
  });

  it('differ from the unshared variant in one byte', () => {
    for (const bytes of [base, simd, relaxed]) {
      const patched = withUnsharedMemory(bytes);
      expect([...bytes.keys()].filter((i) => bytes[i] !== patched[i])).toHaveLength(1);
    }
  });

  it.each([
    ['no imports', Uint8Array.of(0, 97, 115, 109, 1, 0, 0, 0)],
    ['a table as first import', Uint8Array.of(0, 97, 115, 109, 1, 0, 0, 0, 2, 9, 1, 1, 97, 1, 98, 1, 112, 0, 1)],
    ['a function as only import', Uint8Array.of(0, 97, 115, 109, 1, 0, 0, 0, 2, 7, 1, 1, 97, 1, 98, 0, 0)],
    ['unshared memory', Uint8Array.of(0, 97, 115, 109, 1, 0, 0, 0, 2, 8, 1, 1, 97, 1, 98, 2, 1, 1, 1)],
    ['an early end', Uint8Array.of(0, 97, 115, 109, 1, 0, 0, 0, 2)],
  ])('refuse to be patched: %s', (_, bytes) => {
    expect(() => withUnsharedMemory(bytes)).toThrow(expect.objectContaining({ code: 'internal' }));
  });

  it('keep the kernels free of data, which would overwrite that of the base', () => {
    const sections = (bytes: Uint8Array): number[] => {
      const found: number[] = [];
      for (let at = 8; at < bytes.length;) {
        found.push(bytes[at++]!);
        let size = 0;
        for (let shift = 0; ; shift += 7) {
          const byte = bytes[at++]!;
          size |= (byte & 0x7f) << shift;
          if (byte < 0x80) break;
        }
        at += size;
      }
      return found;
    };
    const DATA = 11;
    expect(sections(simd)).not.toContain(DATA);
    expect(sections(relaxed)).not.toContain(DATA);
  });

  it('detect relaxed SIMD as the engine does', () => {
    expect(hasRelaxedSimd()).toBe(WebAssembly.validate(relaxed));
  });

  // The base and one of the others travel to every page that detects, which may have 60 kB in all.
  it('are small', () => {
    // Operators of ONNX graphs, boxes and their suppression on the device, and Winograd's transforms made it 2 kB larger.
    expect(baseStored.length).toBeLessThan(10_000);
    expect(simdStored.length).toBeLessThan(8_000);
    expect(relaxedStored.length).toBeLessThan(8_000);
  });
});

describe('Space', () => {
  it('takes, frees and joins regions', async () => {
    const space = new Space(await compileKernels(false, false), false, 0);
    const a = space.take(100);
    const b = space.take(1000);
    const c = space.take(100);
    for (const at of [a, b, c]) expect(at % 64).toBe(0);
    expect(b).toBeGreaterThanOrEqual(a + 100);
    expect(c).toBeGreaterThanOrEqual(b + 1000);
    space.release(a, 100);
    space.release(b, 1000);
    // Joined: a region as large as both fits where they were.
    expect(space.take(1100)).toBe(a);
    space.release(a, 1100);
    space.release(c, 100);
    expect(space.take(10)).toBe(a);
  });

  it('uses freed memory again instead of growing', async () => {
    const space = new Space(await compileKernels(false, false), false, 0);
    const sizes = [70_000, 300, 1_000_000, 64, 5000];
    for (const bytes of sizes) space.take(bytes);
    let size: number | undefined;
    for (let i = 0; i < 100; i++) {
      const regions = sizes.map((bytes) => ({ at: space.take(bytes), bytes }));
      const sorted = [...regions].sort((p, q) => p.at - q.at);
      for (let k = 1; k < sorted.length; k++)
        expect(sorted[k]!.at).toBeGreaterThanOrEqual(sorted[k - 1]!.at + sorted[k - 1]!.bytes);
      for (const { at, bytes } of i % 2 ? regions : regions.reverse()) space.release(at, bytes);
      size ??= space.memory.buffer.byteLength;
    }
    expect(space.memory.buffer.byteLength).toBe(size);
  });

  it('tells both numbers when memory ends', async () => {
    const module = await compileKernels(false, false);
    const space = new Space(module, false, 0);
    const error = await Promise.resolve()
      .then(() => space.take(2 ** 32))
      .catch((e: unknown) => e);
    expect(error).toMatchObject({ name: 'DeviceError', code: 'out-of-memory' });
    expect((error as Error).message).toMatch(/4295\d{6} bytes needed, \d+ bytes held/);
    expect(() => new Space(module, false, 2 ** 33)).toThrow(expect.objectContaining({ code: 'out-of-memory' }));
  });
});
