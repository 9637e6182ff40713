// Threads at the level of messages and barriers: a trap in one of them ends the frame of all, and nothing hangs.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Fill, Op, Step as Layout } from '../../assembly/records.js';
import { compileKernels, type Modules } from '../../sdk/runtime/wasm/module.js';
import { Space } from '../../sdk/runtime/wasm/space.js';
import { Step } from '../../sdk/runtime/wasm/step.js';
import { Team } from '../../sdk/runtime/wasm/team.js';

/** A program that fills `count` words from an address on, `times` times. */
function fillProgram(space: Space, at: number, count: number, times: number): { program: number; steps: number } {
  const program = space.take(times * Layout.bytes);
  for (let i = 0; i < times; i++) {
    const step = new Step(Op.fill).set({ [Fill.y]: at, [Fill.count]: count, [Fill.element]: 4, [Fill.value]: i });
    new Int32Array(space.memory.buffer, program + i * Layout.bytes, Layout.words).set(step.words);
  }
  return { program, steps: times };
}

describe('Team', () => {
  let modules: Modules;
  let team: Team;
  beforeAll(async () => {
    modules = await compileKernels(false, true);
  });
  afterAll(() => team.end());

  it('runs programs of several memories in the order of the calls', async () => {
    team = await Team.start(modules, 2);
    const spaces = [1, 2, 3].map(() => new Space(modules, true, 65536));
    const ids = spaces.map((space) => team.open(space));
    const at = spaces.map((space) => space.take(4096));
    const parts = spaces.map((space, i) => [fillProgram(space, at[i]!, 1024, 200)]);
    const order: number[] = [];
    await Promise.all(spaces.map((space, i) => team.run(ids[i]!, space, parts[i]!, false).then(() => order.push(i))));
    expect(order).toEqual([0, 1, 2]);
    for (const [i, space] of spaces.entries())
      expect(new Set(new Int32Array(space.memory.buffer, at[i]!, 1024))).toEqual(new Set([199]));
    const { times } = await team.run(ids[0]!, spaces[0]!, parts[0]!, true);
    expect(times).toHaveLength(200);
  });

  it('stops at a barrier when asked', async () => {
    const space = new Space(modules, true, 65536);
    const id = team.open(space);
    const parts = [fillProgram(space, space.take(40_000), 10_000, 20_000)];
    const running = team.run(id, space, parts, false);
    setTimeout(() => team.stop(space), 2);
    expect((await running).stopped).toBe(true);
  });

  it('rejects when one thread traps while the other waits, and afterwards', async () => {
    const space = new Space(modules, true, 65536);
    const id = team.open(space);
    // The first half of the words lies in memory, the second behind its end.
    const parts = [fillProgram(space, space.memory.buffer.byteLength - 512, 256, 2)];
    for (let i = 0; i < 2; i++) {
      await expect(team.run(id, space, parts, false)).rejects.toMatchObject({
        name: 'DeviceError',
        code: 'device-failed',
        found: expect.stringMatching(/out of bounds/),
      });
    }
  });

  it('rejects frames in flight at its end', async () => {
    const own = await Team.start(modules, 2);
    const space = new Space(modules, true, 65536);
    const id = own.open(space);
    const running = own.run(id, space, [fillProgram(space, space.take(40_000), 10_000, 20_000)], false);
    own.end();
    await expect(running).rejects.toMatchObject({ code: 'device-failed' });
    await expect(own.run(id, space, [], false)).rejects.toMatchObject({ code: 'device-failed' });
  });
});
