// `labelweave devices`: which runtimes work on this machine.
import { chooseRuntime, type RuntimeKind } from 'labelweave';
import { exitCodes } from './exit.js';

export async function devicesCommand(options: Record<string, unknown>): Promise<number> {
  const kinds: RuntimeKind[] = ['webgpu', 'wasm', 'reference'];
  const rows: { kind: RuntimeKind; works: boolean; description: string }[] = [];
  for (const kind of kinds) {
    try {
      const { runtime, report } = await chooseRuntime(kind);
      rows.push({ kind, works: true, description: report.description });
      runtime.dispose();
    } catch (error) {
      rows.push({ kind, works: false, description: error instanceof Error ? error.message : String(error) });
    }
  }
  const automatic = rows.find((row) => row.works)?.kind;
  if (options['json']) {
    process.stdout.write(`${JSON.stringify({ auto: automatic, devices: rows }, null, 2)}\n`);
  } else {
    for (const { kind, works, description } of rows) {
      process.stdout.write(`${kind === automatic ? '*' : ' '} ${kind.padEnd(10)} ${works ? 'yes' : 'no '}  ${description}\n`);
    }
    process.stdout.write('\n* is what --device auto uses.\n');
  }
  return exitCodes.ok.code;
}
