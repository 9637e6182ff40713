// What only the reference runtime promises: an error instead of a crash where memory ends, and that it lets other work run between steps.
import { describe, expect, it } from 'vitest';
import { DeviceError } from '../../sdk/errors.js';
import { GraphBuilder } from '../../sdk/ir/builder.js';
import { createReferenceRuntime } from '../../sdk/runtime/reference/index.js';

describe('the reference runtime', () => {
  it('says how much memory was wanted where there is none', async () => {
    const g = new GraphBuilder();
    const x = g.input('x', 'float32', [2 ** 29]);
    // 2 GB a value, three values.
    const [y] = g.add('activation', 'y', [x], { activation: { kind: 'relu' } });
    g.output(g.add('activation', 'z', [y], { activation: { kind: 'relu' } })[0]);
    await expect(createReferenceRuntime().compile(g.build())).rejects.toThrow(/found 6442450944 bytes.*4294967296/);
    await expect(createReferenceRuntime().compile(g.build())).rejects.toBeInstanceOf(DeviceError);
  });

  it('gives the event loop a turn between long steps', async () => {
    const g = new GraphBuilder();
    let x = g.input('x', 'float32', [1, 64, 64, 32]);
    const attributes = {
      strides: [1, 1],
      padding: [1, 1, 1, 1],
      dilations: [1, 1],
      groups: 1,
      activation: { kind: 'none' },
      residual: 'before_activation',
    } as const;
    for (let i = 0; i < 8; i++)
      [x] = g.add('conv2d', `c${i}`, [x, g.constant(`w${i}`, new Float32Array(9 * 32 * 32), [3, 3, 32, 32])], attributes);
    g.output(x);
    const executable = await createReferenceRuntime().compile(g.build());
    let turns = 0;
    const timer = setInterval(() => turns++, 1);
    await executable.run({ feeds: { x: new Float32Array(64 * 64 * 32) }, outputs: ['c7'] }, () => undefined);
    clearInterval(timer);
    expect(turns).toBeGreaterThan(0);
  });
});
