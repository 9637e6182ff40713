// How threads share the work of a step, and the barrier between steps.

/** First of the items of `thread` when `count` items are dealt in runs of whole `unit`s. The end is the start of thread + 1. */
// @ts-ignore: decorator
@inline
export function share(count: i32, unit: i32, thread: i32, threads: i32): i32 {
  const units = (count + unit - 1) / unit;
  return min(<i32>((<i64>units * thread) / threads) * unit, count);
}

// Words of the control block, each in a cache line of its own.
const ARRIVED: usize = 0;
const GENERATION: usize = 64;
const STOP: usize = 128;
const ABORT: usize = 192;
const SLEEPERS: usize = 256;
const POISON: usize = 320;

/**
 * Looks at the generation before the thread goes to sleep: about a millisecond, longer than threads ever wait for each other within a frame. A
 * core that sleeps comes back late, on virtual machines most of all: with a fiftieth of this, a frame after 200 ms of rest took 69 ms instead of 44.
 */
const SPINS: i32 = 400_000;

/** Waits for all threads. True if the frame must stop: all threads get the same answer. */
export function barrier(control: usize, threads: i32): bool {
  const generation = atomic.load<i32>(control, GENERATION);
  if (atomic.add<i32>(control, 1, ARRIVED) == threads - 1) {
    atomic.store<i32>(control, 0, ARRIVED);
    atomic.store<i32>(control, atomic.load<i32>(control, ABORT), STOP);
    atomic.add<i32>(control, 1, GENERATION);
    if (atomic.load<i32>(control, SLEEPERS)) atomic.notify(control + GENERATION, -1);
  } else {
    let spins = SPINS;
    while (atomic.load<i32>(control, GENERATION) == generation && --spins) {}
    if (!spins) {
      atomic.add<i32>(control, 1, SLEEPERS);
      while (atomic.load<i32>(control, GENERATION) == generation && !atomic.load<i32>(control, POISON)) {
        atomic.wait<i32>(control + GENERATION, generation, -1);
      }
      atomic.sub<i32>(control, 1, SLEEPERS);
    }
  }
  return (atomic.load<i32>(control, STOP) | atomic.load<i32>(control, POISON)) != 0;
}
