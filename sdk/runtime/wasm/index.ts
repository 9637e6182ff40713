// The wasm runtime: AssemblyScript SIMD kernels on one thread or several. Picks build, tile and threads, and says what it picked.
import { hardwareConcurrency } from '#platform';
import { ArgumentError, describe, DisposedError } from '../../errors.js';
import type { Graph } from '../../ir/graph.js';
import type { CompileOptions, Executable, Runtime } from '../runtime.js';
import { WasmExecutable, type Host } from './executable.js';
import { compileKernels, hasRelaxedSimd, type Modules } from './module.js';
import { Team } from './team.js';
import { fastestTile, tileNames, type TileName } from './tile.js';

export type { TileName } from './tile.js';

export interface WasmOptions {
  /** Threads, 1 to 64. `auto` (default): one a core, 8 at most, where memory can be shared; else 1. */
  threads?: number | 'auto';
  /** Relaxed SIMD: fused multiply-add where the machine has it. `auto` (default): if the engine knows it. */
  relaxed?: 'auto' | boolean;
  /** Register tile of the matrix kernels. `auto` (default): the fastest in a trial of 2 to 15 ms, once a process. */
  tile?: TileName | 'auto';
}

/** Threads that `auto` takes at most: more gain little on networks of this size. */
const AUTO_THREADS = 8;

/**
 * Makes the runtime. Where workers or shared memory cannot be had it uses one thread and says so in `description`. Throws ArgumentError for bad options and
 * DeviceError `device-unavailable` without WebAssembly SIMD.
 */
export async function createWasmRuntime(options: WasmOptions = {}): Promise<Runtime> {
  const { threads = 'auto', relaxed = 'auto', tile = 'auto' } = options;
  if (threads !== 'auto' && !(Number.isInteger(threads) && threads >= 1 && threads <= 64)) {
    throw new ArgumentError({ thing: 'threads', found: describe(threads), wanted: '"auto" or a whole number from 1 to 64' });
  }
  if (relaxed !== 'auto' && typeof relaxed !== 'boolean') {
    throw new ArgumentError({ thing: 'relaxed', found: describe(relaxed), wanted: '"auto", true or false' });
  }
  if (tile !== 'auto' && !tileNames.includes(tile)) {
    throw new ArgumentError({ thing: 'tile', found: describe(tile), wanted: `"auto" or one of ${tileNames.join(', ')}` });
  }
  const known = hasRelaxedSimd();
  if (relaxed === true && !known) {
    throw new ArgumentError({ thing: 'relaxed', found: 'true in an engine without relaxed SIMD', wanted: '"auto" or false' });
  }
  const useRelaxed = relaxed === 'auto' ? known : relaxed;
  let wanted = threads === 'auto' ? Math.min(hardwareConcurrency(), AUTO_THREADS) : threads;
  let why = '';
  if (wanted > 1 && !canShareMemory()) {
    why = ' (no shared memory: the page is not cross-origin isolated)';
    wanted = 1;
  }
  let modules = await compileKernels(useRelaxed, wanted > 1);
  let team: Team | undefined;
  if (wanted > 1) {
    try {
      team = await Team.start(modules, wanted);
    } catch (error) {
      why = ` (no workers: ${error instanceof Error ? error.message : String(error)})`;
      modules = await compileKernels(useRelaxed, false);
    }
  }
  const chosen = tile === 'auto' ? await fastestTile(modules, useRelaxed, team !== undefined) : tile;
  const count = team ? wanted : 1;
  const description = `wasm, ${count} ${count === 1 ? 'thread' : 'threads'}${why}, ${useRelaxed ? 'relaxed' : 'plain'} SIMD, tile ${chosen}`;
  return new WasmRuntime(description, modules, team, { threads: count, tileRows: Number(chosen[0]) });
}

/** True where several threads may see one memory: servers, and pages that are cross-origin isolated. */
function canShareMemory(): boolean {
  const isolated = (globalThis as { crossOriginIsolated?: boolean }).crossOriginIsolated;
  return typeof SharedArrayBuffer !== 'undefined' && isolated !== false;
}

class WasmRuntime implements Runtime {
  readonly kind = 'wasm';
  readonly #executables = new Set<WasmExecutable>();
  readonly #host: Host;
  #disposed = false;

  constructor(
    readonly description: string,
    modules: Modules,
    team: Team | undefined,
    settings: Host['settings'],
  ) {
    this.#host = { modules, team, settings, released: (executable) => void this.#executables.delete(executable) };
  }

  async compile(graph: Graph, options: CompileOptions = {}): Promise<Executable> {
    options.signal?.throwIfAborted();
    this.#alive();
    const executable = await WasmExecutable.make(this.#host, graph, options);
    if (this.#disposed) {
      executable.dispose();
      this.#alive();
    }
    this.#executables.add(executable);
    return executable;
  }

  dispose(): void {
    if (this.#disposed) return;
    this.#disposed = true;
    for (const executable of this.#executables) executable.dispose();
    this.#host.team?.end();
  }

  #alive(): void {
    if (this.#disposed) throw new DisposedError('wasm runtime');
  }
}
