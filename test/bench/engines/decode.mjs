// CenterNet's decode for engines that return the network's logits and sizes: peaks of 3 x 3, the best ones, boxes. The same code for every such engine.

const WINDOW = 1;
const STRIDE = 4;

/**
 * Detections with a score above `threshold`, best first.
 * @param logits [H, W, K] or, with `channelsFirst`, [K, H, W]
 * @param sizes distances to the sides: [H, W, 4] or [4, H, W]
 * @returns {{ label: number, score: number, box: number[] }[]} boxes xyxy in input pixels
 */
export function decodeCenternet(logits, sizes, { height, width, labels, channelsFirst, threshold, max }) {
  const cells = height * width;
  const [cellStep, labelStep, sizeStep, sideStep] = channelsFirst ? [1, cells, 1, cells] : [labels, 1, 4, 1];
  const least = Math.log(threshold / (1 - threshold));
  const found = [];
  for (let i = 0; i < logits.length; i++) {
    const value = logits[i];
    if (value <= least) continue;
    const cell = Math.floor(channelsFirst ? i % cells : i / labels);
    const x = cell % width;
    const y = (cell - x) / width;
    if (isPeak(logits, value, i, x, y, width, height, cellStep))
      found.push({ value, cell, label: Math.floor((i - cell * cellStep) / labelStep) });
  }
  found.sort((a, b) => b.value - a.value);
  return found.slice(0, max).map(({ value, cell, label }) => {
    const x = (cell % width) * STRIDE;
    const y = Math.floor(cell / width) * STRIDE;
    const side = (n) => sizes[cell * sizeStep + n * sideStep];
    return { label, score: 1 / (1 + Math.exp(-value)), box: [x - side(0), y - side(1), x + side(2), y + side(3)] };
  });
}

function isPeak(logits, value, at, x, y, width, height, cellStep) {
  for (let dy = -WINDOW; dy <= WINDOW; dy++) {
    for (let dx = -WINDOW; dx <= WINDOW; dx++) {
      if (x + dx < 0 || x + dx >= width || y + dy < 0 || y + dy >= height) continue;
      if (logits[at + (dy * width + dx) * cellStep] > value) return false;
    }
  }
  return true;
}
