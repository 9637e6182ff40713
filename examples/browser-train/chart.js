// Draws the curves of a training as SVG by hand: loss above, AP50 below, one point an epoch; epoch 0 is where the head starts.

const ns = 'http://www.w3.org/2000/svg';
const [width, height] = [320, 132];
const [left, right, top, bottom] = [38, 12, 22, 30];

function add(parent, tag, attributes, text) {
  const element = document.createElementNS(ns, tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  if (text !== undefined) element.textContent = text;
  parent.append(element);
  return element;
}

/** 1, 2 or 5 times a power of ten, the least one that is not below `value`. */
function roundUp(value) {
  const power = 10 ** Math.floor(Math.log10(value));
  return [1, 2, 5, 10].map((one) => one * power).find((one) => one >= value * (1 - 1e-9));
}

/** `points`: [epoch, value]; those that are no number (nothing measured) are left out. */
function curve(name, points, { epochs, most, best, className }) {
  const known = points.filter(([, value]) => Number.isFinite(value));
  const last = known.at(-1);
  const svg = document.createElementNS(ns, 'svg');
  svg.setAttribute('viewBox', `0 0 ${width} ${height}`);
  svg.setAttribute('role', 'img');
  svg.setAttribute('class', className);
  const written = (value) => value.toFixed(value < 10 ? 2 : 1);
  svg.setAttribute('aria-label', last ? `${name}: ${written(last[1])} after epoch ${last[0]}` : `${name}: nothing yet`);
  const x = (epoch) => left + (epoch / epochs) * (width - left - right);
  const y = (value) => height - bottom - (value / most) * (height - top - bottom);

  add(svg, 'text', { x: 0, y: 12, class: 'name' }, name);
  if (last) add(svg, 'text', { x: width - right, y: 12, class: 'value', 'text-anchor': 'end' }, written(last[1]));
  for (const value of [0, most / 2, most]) {
    add(svg, 'line', { x1: left, x2: width - right, y1: y(value), y2: y(value), class: 'grid' });
    add(svg, 'text', { x: left - 6, y: y(value) + 4, 'text-anchor': 'end' }, String(Number(value.toPrecision(3))));
  }
  const step = Math.max(1, Math.ceil(epochs / 5 / 5) * (epochs > 10 ? 5 : 1));
  for (let epoch = 0; epoch <= epochs; epoch += step)
    add(svg, 'text', { x: x(epoch), y: height - bottom + 14, 'text-anchor': 'middle' }, epoch);
  add(svg, 'text', { x: width - right, y: height - 3, 'text-anchor': 'end' }, 'epoch');
  if (best !== undefined) add(svg, 'line', { x1: x(best), x2: x(best), y1: top, y2: height - bottom, class: 'best' });
  if (best !== undefined)
    add(svg, 'text', { x: left, y: height - 3 }, `┊ best: ${best === 0 ? 'the start' : `epoch ${best}`}, in the package`);
  add(svg, 'polyline', { points: known.map(([epoch, value]) => `${x(epoch)},${y(value)}`).join(' ') });
  const radius = epochs > 60 ? 1.5 : 2.5;
  for (const [epoch, value] of known) {
    const dot = add(svg, 'circle', { cx: x(epoch), cy: y(value), r: radius });
    add(dot, 'title', {}, `epoch ${epoch}: ${value.toFixed(3)}`);
  }
  return svg;
}

/** Replaces what `element` shows. `history`: { epoch, loss, ap50 } of each epoch so far, of `epochs`; `best`: the epoch whose weights are kept. */
export function drawCurves(element, history, { epochs, best }) {
  const loss = history.map((one) => [one.epoch, one.loss]);
  const most = roundUp(Math.max(...history.map((one) => one.loss || 0), 1e-6));
  const ap50 = history.map((one) => [one.epoch, one.ap50]);
  element.replaceChildren(
    curve('Loss', loss, { epochs, most, className: 'loss' }),
    curve('AP50', ap50, { epochs, most: 1, best, className: 'ap50' }),
  );
}
