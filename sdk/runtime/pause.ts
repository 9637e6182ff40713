// A short pause that lets the event loop serve everyone else: timers, input, other promises.

type SetImmediate = (callback: () => void) => unknown;

/** Resolves in a later turn of the event loop, without the 1 to 4 ms of a timer. */
export function pause(): Promise<void> {
  const immediate = (globalThis as { setImmediate?: SetImmediate }).setImmediate;
  if (immediate) return new Promise((resolve) => void immediate(resolve));
  return new Promise((resolve) => {
    // Closed at once, so that it keeps no process alive.
    const { port1, port2 } = new MessageChannel();
    port1.onmessage = () => {
      port1.close();
      resolve();
    };
    port2.postMessage(0);
  });
}
