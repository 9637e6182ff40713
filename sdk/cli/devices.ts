// `labelweave devices`: which runtimes work on this machine.
import { chooseRuntime, type AdapterFacts, type RuntimeKind } from 'labelweave';
import { exitCodes } from './exit.js';

export async function devicesCommand(options: Record<string, unknown>): Promise<number> {
  const kinds: RuntimeKind[] = ['webgpu', 'wasm', 'reference'];
  const rows: { kind: RuntimeKind; works: boolean; description: string; adapter?: AdapterFacts }[] = [];
  for (const kind of kinds) {
    try {
      const { runtime, report } = await chooseRuntime(kind);
      rows.push({ kind, works: true, description: report.description, ...(report.adapter && { adapter: report.adapter }) });
      runtime.dispose();
    } catch (error) {
      rows.push({ kind, works: false, description: error instanceof Error ? error.message : String(error) });
    }
  }
  // A GPU that computes on the CPU works, but only for those who ask for it by name.
  const automatic = rows.find((row) => row.works && row.adapter?.software !== true)?.kind;
  if (options['json']) {
    process.stdout.write(`${JSON.stringify({ auto: automatic, devices: rows }, null, 2)}\n`);
  } else {
    for (const { kind, works, description, adapter } of rows) {
      process.stdout.write(`${kind === automatic ? '*' : ' '} ${kind.padEnd(10)} ${works ? 'yes' : 'no '}  ${description}\n`);
      if (!adapter) continue;
      const { maxBufferSize = 0, maxStorageBufferBindingSize = 0, maxComputeWorkgroupStorageSize = 0 } = adapter.limits;
      const mib = (bytes: number) => `${Math.floor(bytes / 2 ** 20)} MiB`;
      process.stdout.write(`${' '.repeat(18)}features: ${adapter.features.join(', ') || 'none beyond the defaults'}\n`);
      process.stdout.write(
        `${' '.repeat(18)}limits: buffers ${mib(maxBufferSize)}, bindings ${mib(maxStorageBufferBindingSize)}, workgroup memory ${maxComputeWorkgroupStorageSize / 1024} KiB\n`,
      );
    }
    process.stdout.write('\n* is what --device auto uses.\n');
  }
  return exitCodes.ok.code;
}
