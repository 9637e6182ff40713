// One tab at a time: photos, labels and the state of a training are kept once in a browser, and two tabs would write over each other's. (Web Locks API)

const [page, training] = ['labelweave-browser-train', 'labelweave-browser-train: training'];

/** Resolves when no other tab has this page open; until then `say(text)` is told what the other one does. The lock goes when the tab is closed. */
export async function waitForTurn(say) {
  // Browsers have locks on pages over https and on localhost only.
  if (!navigator.locks) return;
  let mine = false;
  const turn = new Promise((resolve) => {
    const begin = () => ((mine = true), resolve());
    // A lock is held until the promise of its callback settles: this one never does. Where locks are refused there is nobody to wait for.
    navigator.locks.request(page, () => (begin(), new Promise(() => undefined))).catch(begin);
  });
  const pause = (ms) => Promise.race([turn, new Promise((resolve) => setTimeout(resolve, ms))]);
  // The same tab before it was reloaded is gone in a moment.
  await pause(300);
  while (!mine) {
    const { held } = await navigator.locks.query();
    const trains = held.some(({ name }) => name === training);
    if (!mine) say(`${trains ? 'A training goes on in another tab' : 'This page is open in another tab'}: go on there. When that tab is closed, this one takes over.`); // prettier-ignore
    await pause(1000);
  }
}

/** Tells other tabs that a training goes on; call what it gives when it has ended. */
export function holdTraining() {
  let end;
  const ended = new Promise((resolve) => (end = resolve));
  navigator.locks?.request(training, () => ended).catch(() => undefined);
  return end;
}
