// Plots as inline SVG: lines, bars and a matrix. Colours come from the page's CSS, so that light and dark need no second drawing.

/** Text for HTML and SVG. */
export function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (letter) => `&#${letter.charCodeAt(0)};`);
}

/** A line of a plot. */
export interface PlotLine {
  readonly name: string;
  readonly x: readonly number[];
  readonly y: readonly number[];
  /** Drawn thin and broken: a line to compare with. */
  readonly isGuide?: boolean;
}

const [width, height] = [460, 300];
const margin = { left: 46, right: 14, top: 12, bottom: 42 };
const inner = { width: width - margin.left - margin.right, height: height - margin.top - margin.bottom };
const round = (value: number) => Math.round(value * 100) / 100;
const show = (value: number) => String(Math.round(value * 1000) / 1000);

/** Lines over axes that both go from 0 to 1. */
export function linePlot(
  title: string,
  axes: { readonly x: string; readonly y: string },
  lines: readonly PlotLine[],
  marks: readonly { readonly x: number; readonly y: number; readonly text: string }[] = [],
): string {
  const px = (x: number) => round(margin.left + Math.max(0, Math.min(1, x)) * inner.width);
  const py = (y: number) => round(margin.top + (1 - Math.max(0, Math.min(1, y))) * inner.height);
  const ticks = [0, 0.25, 0.5, 0.75, 1];
  const grid = ticks
    .map(
      (tick) =>
        `<line class="grid" x1="${margin.left}" x2="${width - margin.right}" y1="${py(tick)}" y2="${py(tick)}"/>` +
        `<text class="tick" x="${margin.left - 8}" y="${py(tick) + 4}" text-anchor="end">${tick}</text>` +
        `<text class="tick" x="${px(tick)}" y="${height - margin.bottom + 18}" text-anchor="middle">${tick}</text>`,
    )
    .join('');
  let colour = 0;
  const drawn = lines.map((line) => ({ line, style: line.isGuide ? 'guide' : `c${colour++ % 6}` }));
  const paths = drawn.map(({ line, style }) => {
    const points = line.x.map((x, i) => `${px(x)},${py(line.y[i]!)}`).join(' ');
    return `<polyline class="line ${style}" points="${points}"><title>${escapeHtml(line.name)}</title></polyline>`;
  });
  const dots = marks.map(({ x, y, text }) => `<circle class="mark" cx="${px(x)}" cy="${py(y)}" r="4.5"><title>${escapeHtml(text)}</title></circle>`); // prettier-ignore
  const svg = `<svg viewBox="0 0 ${width} ${height}" role="img" aria-label="${escapeHtml(title)}">${grid}${axisNames(axes)}${paths.join('')}${dots.join('')}</svg>`;
  const legend = drawn.length > 1 || marks.length ? `<p class="legend">${[...drawn.map(({ line, style }) => `<span><i class="${style}"></i>${escapeHtml(line.name)}</span>`), ...marks.map(({ text }) => `<span><b class="dot"></b>${escapeHtml(text)}</span>`)].join('')}</p>` : ''; // prettier-ignore
  return figure(title, svg + legend);
}

function axisNames({ x, y }: { readonly x: string; readonly y: string }): string {
  const middle = margin.top + inner.height / 2;
  return (
    `<text class="axis" x="${margin.left + inner.width / 2}" y="${height - 6}" text-anchor="middle">${escapeHtml(x)}</text>` +
    `<text class="axis" x="12" y="${middle}" text-anchor="middle" transform="rotate(-90 12 ${middle})">${escapeHtml(y)}</text>`
  );
}

/** Horizontal bars with their values. */
export function barPlot(
  title: string,
  bars: readonly { readonly name: string; readonly value: number; readonly note?: string }[],
  unit: string,
): string {
  const rowHeight = 30;
  const label = 92;
  const most = Math.max(...bars.map(({ value }) => value), 1e-9);
  const room = width - label - 130;
  const rows = bars.map(({ name, value, note }, i) => {
    const y = i * rowHeight + 4;
    const length = round(Math.max(0, value / most) * room);
    return (
      `<text class="axis" x="${label - 10}" y="${y + 17}" text-anchor="end">${escapeHtml(name)}</text>` +
      `<rect class="bar" x="${label}" y="${y + 3}" width="${Math.max(length, 1)}" height="20" rx="2"><title>${escapeHtml(`${name}: ${show(value)} ${unit}`)}</title></rect>` +
      `<text class="tick" x="${label + length + 8}" y="${y + 17}">${escapeHtml(show(value))}${note ? ` · ${escapeHtml(note)}` : ''}</text>`
    );
  });
  const svg = `<svg viewBox="0 0 ${width} ${bars.length * rowHeight + 8}" role="img" aria-label="${escapeHtml(title)}">${rows.join('')}</svg>`;
  return figure(title, `${svg}<p class="legend">${escapeHtml(unit)}</p>`);
}

/** Bins from 0 to 1: the share of hits as a bar, its score as a mark, the ideal as a diagonal. */
export function reliabilityPlot(
  title: string,
  bins: readonly {
    readonly from: number;
    readonly to: number;
    readonly count: number;
    readonly score: number;
    readonly hits: number;
  }[],
): string {
  const px = (x: number) => round(margin.left + x * inner.width);
  const py = (y: number) => round(margin.top + (1 - y) * inner.height);
  const ticks = [0, 0.25, 0.5, 0.75, 1].map(
    (tick) =>
      `<line class="grid" x1="${margin.left}" x2="${width - margin.right}" y1="${py(tick)}" y2="${py(tick)}"/>` +
      `<text class="tick" x="${margin.left - 8}" y="${py(tick) + 4}" text-anchor="end">${tick}</text>` +
      `<text class="tick" x="${px(tick)}" y="${height - margin.bottom + 18}" text-anchor="middle">${tick}</text>`,
  );
  const bars = bins.flatMap(({ from, to, count, score, hits }) =>
    count === 0
      ? []
      : [
          `<rect class="bar" x="${px(from) + 1}" y="${py(hits)}" width="${round(px(to) - px(from) - 2)}" height="${round(py(0) - py(hits))}"><title>${count} detections, mean score ${show(score)}, hits ${show(hits)}</title></rect>` +
            `<circle class="mark" cx="${px(score)}" cy="${py(hits)}" r="3.5"><title>mean score ${show(score)}</title></circle>`,
        ],
  );
  const ideal = `<line class="line guide" x1="${px(0)}" y1="${py(0)}" x2="${px(1)}" y2="${py(1)}"/>`;
  const svg = `<svg viewBox="0 0 ${width} ${height}" role="img" aria-label="${escapeHtml(title)}">${ticks.join('')}${axisNames({ x: 'score', y: 'share of hits' })}${bars.join('')}${ideal}</svg>`;
  return figure(
    title,
    `${svg}<p class="legend"><span><i class="guide"></i>perfect</span><span><b class="dot"></b>mean score of the bin</span></p>`,
  );
}

/** A matrix as a heat map, rows scaled to their sum. @param counts [n, n] row-major */
export function matrixPlot(title: string, names: readonly string[], counts: readonly number[], note: string): string {
  const n = names.length;
  const label = 120;
  const size = Math.max(12, Math.min(34, 560 / n));
  // The last head leans over the edge.
  const side = round(label + n * size + 64);
  const short = (name: string) => escapeHtml(name.length > 16 ? `${name.slice(0, 15)}…` : name);
  const cells: string[] = [];
  for (let row = 0; row < n; row++) {
    const total = counts.slice(row * n, (row + 1) * n).reduce((sum, value) => sum + value, 0);
    const y = round(label + row * size);
    cells.push(
      `<text class="tick" x="${label - 6}" y="${round(y + size / 2 + 4)}" text-anchor="end">${short(names[row]!)}</text>`,
    );
    const x = round(label + row * size + size / 2 + 4);
    cells.push(`<text class="tick" transform="translate(${x} ${label - 6}) rotate(-60)">${short(names[row]!)}</text>`);
    for (let column = 0; column < n; column++) {
      const count = counts[row * n + column]!;
      const share = total > 0 ? count / total : 0;
      const text = `${names[row]} → ${names[column]}: ${count} (${(100 * share).toFixed(1)} %)`;
      const style = count === 0 ? 'empty' : row === column ? 'right' : 'wrong';
      const opacity = count === 0 ? '' : ` fill-opacity="${round(0.12 + 0.88 * share)}"`;
      cells.push(`<rect class="cell ${style}" x="${round(label + column * size)}" y="${y}" width="${round(size - 1)}" height="${round(size - 1)}"${opacity}><title>${escapeHtml(text)}</title></rect>`); // prettier-ignore
    }
  }
  const svg = `<svg class="matrix" viewBox="0 0 ${side} ${side}" style="max-width:${side}px" role="img" aria-label="${escapeHtml(title)}">${cells.join('')}</svg>`;
  return figure(title, `<div class="scroll">${svg}</div><p class="legend">${escapeHtml(note)}</p>`, 'wide');
}

function figure(title: string, body: string, style = ''): string {
  return `<figure class="${style}"><figcaption>${escapeHtml(title)}</figcaption>${body}</figure>`;
}
