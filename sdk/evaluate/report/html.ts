// A report as one page that needs nothing else: numbers, plots, tables that sort and filter. No network, no library.
import { barPlot, escapeHtml, linePlot, matrixPlot, reliabilityPlot } from './plots.js';
import type { EvaluationReport, ReportConfusion } from './report.js';
import { showNumber } from './text.js';

/** Looks of every report page. */
export const style = `
:root{color-scheme:light dark;--paper:#fff;--panel:#f6f7f9;--ink:#1b1f24;--soft:#59626d;--edge:#d8dde3;--c0:#1f6fb4;--c1:#c2561a;--c2:#2f855a;--c3:#8a4fb0;--c4:#a6782b;--c5:#b83260}
@media (prefers-color-scheme:dark){:root{--paper:#14171b;--panel:#1d2127;--ink:#e8ebef;--soft:#a3adb8;--edge:#363d46;--c0:#6cb2f0;--c1:#f2935c;--c2:#6fcf9b;--c3:#c79aea;--c4:#dcb566;--c5:#f283a6}}
*{box-sizing:border-box}
body{margin:0 auto;max-width:1120px;padding:28px 20px 60px;background:var(--paper);color:var(--ink);font:15px/1.5 system-ui,sans-serif}
h1{font-size:26px;margin:0 0 4px}h2{font-size:19px;margin:36px 0 12px}p{margin:6px 0}.soft{color:var(--soft)}
.tiles{display:grid;grid-template-columns:repeat(auto-fill,minmax(124px,1fr));gap:10px;margin:20px 0}
.tile{background:var(--panel);border:1px solid var(--edge);border-radius:8px;padding:10px 12px;overflow-wrap:anywhere}
.tile b{display:block;font-size:22px;font-variant-numeric:tabular-nums}.tile span{color:var(--soft);font-size:13px}
.plots{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,420px),1fr));gap:16px;align-items:start}
figure{margin:0;background:var(--panel);border:1px solid var(--edge);border-radius:8px;padding:14px;min-width:0}
figure.wide{grid-column:1/-1}figcaption{font-weight:600;margin-bottom:8px}
svg{display:block;width:100%;height:auto}.scroll{overflow-x:auto}.matrix{margin:auto}
.grid{stroke:var(--edge);stroke-width:1}.tick{fill:var(--soft);font-size:12px;font-variant-numeric:tabular-nums}.axis{fill:var(--ink);font-size:13px}
.line{fill:none;stroke-width:2.2;stroke-linejoin:round}.guide{stroke:var(--soft);stroke-width:1.4;stroke-dasharray:5 4}
${[0, 1, 2, 3, 4, 5].map((i) => `.line.c${i}{stroke:var(--c${i})}i.c${i}{background:var(--c${i})}`).join('')}
.bar{fill:var(--c0);fill-opacity:.8}.mark{fill:var(--c1);stroke:var(--panel);stroke-width:1.5}
.cell.empty{fill:var(--edge);fill-opacity:.35}.cell.right{fill:var(--c0)}.cell.wrong{fill:var(--c1)}
.legend{display:flex;flex-wrap:wrap;gap:4px 16px;color:var(--soft);font-size:13px;margin:8px 0 0}
.legend i{display:inline-block;width:16px;height:3px;margin-right:6px;vertical-align:middle}.legend i.guide{background:var(--soft)}
.legend b.dot{display:inline-block;width:9px;height:9px;border-radius:5px;background:var(--c1);margin-right:6px}
table{border-collapse:collapse;width:100%;font-variant-numeric:tabular-nums}th,td{padding:5px 10px;text-align:right;border-bottom:1px solid var(--edge);white-space:nowrap}
th:first-child,td:first-child{text-align:left}th{background:var(--panel);position:sticky;top:0}td.text,th.text{text-align:left;white-space:normal}
th button{all:unset;cursor:pointer;font-weight:600}th button:focus-visible{outline:2px solid var(--c0)}th[aria-sort=ascending] button::after{content:" ▲"}th[aria-sort=descending] button::after{content:" ▼"}
input{font:inherit;color:inherit;background:var(--panel);border:1px solid var(--edge);border-radius:6px;padding:6px 10px;margin-bottom:10px;width:min(100%,280px)}
.tall{max-height:640px;overflow:auto;border:1px solid var(--edge);border-radius:8px}
pre{background:var(--panel);border:1px solid var(--edge);border-radius:8px;padding:12px;overflow-x:auto;font-size:13px}
.warning{color:var(--c1);font-weight:600}`;

// Sorting by a click on a head, filtering by the text of a row.
export const script = `
for(const table of document.querySelectorAll('table.sort')){const body=table.tBodies[0];
table.querySelectorAll('th button').forEach((button,column)=>button.addEventListener('click',()=>{
const head=button.parentElement,up=head.getAttribute('aria-sort')==='descending';
table.querySelectorAll('th').forEach(th=>th.removeAttribute('aria-sort'));head.setAttribute('aria-sort',up?'ascending':'descending');
const key=row=>{const cell=row.cells[column];return cell.dataset.v===undefined?cell.textContent:cell.dataset.v===''?-Infinity:Number(cell.dataset.v)};
[...body.rows].sort((a,b)=>{const x=key(a),y=key(b),order=typeof x==='number'?x-y||0:x.localeCompare(y);return up?order:-order}).forEach(row=>body.append(row))}))}
for(const input of document.querySelectorAll('input[data-for]'))input.addEventListener('input',()=>{const text=input.value.toLowerCase();
for(const row of document.getElementById(input.dataset.for).tBodies[0].rows)row.hidden=!row.cells[0].textContent.toLowerCase().includes(text)});`;

interface Column {
  readonly title: string;
  readonly cells: readonly (number | string)[];
}

function table(id: string, columns: readonly Column[]): string {
  const rows = columns[0]?.cells.length ?? 0;
  const head = columns
    .map(
      ({ title, cells }) =>
        `<th scope="col"${typeof cells[0] === 'string' ? ' class="text"' : ''}><button type="button">${escapeHtml(title)}</button></th>`,
    )
    .join('');
  const body = Array.from({ length: rows }, (_, i) => {
    const cells = columns.map(({ title, cells: list }) => {
      const value = list[i]!;
      if (typeof value === 'string') return `<td class="text">${escapeHtml(value)}</td>`;
      return `<td data-v="${Number.isNaN(value) ? '' : value}">${escapeHtml(showNumber(value, title))}</td>`;
    });
    return `<tr>${cells.join('')}</tr>`;
  });
  return `<div class="tall"><table class="sort" id="${id}"><thead><tr>${head}</tr></thead><tbody>${body.join('')}</tbody></table></div>`;
}

const mostInMatrix = 30;

/** The classes with most confusions, and the last entry, which stands for "none". */
function cutMatrix({ names, counts }: ReportConfusion): { names: string[]; counts: number[]; note: string } {
  const n = names.length;
  const weight = (k: number) => {
    let sum = 0;
    for (let i = 0; i < n; i++) if (i !== k) sum += counts[k * n + i]! + counts[i * n + k]!;
    return sum + counts[k * n + k]! * 1e-3;
  };
  const weights = Array.from({ length: n - 1 }, (_, k) => weight(k));
  const kept = [...weights.keys()]
    .filter((k) => weights[k]! > 0)
    .sort((a, b) => weights[b]! - weights[a]!)
    .slice(0, mostInMatrix)
    .sort((a, b) => a - b);
  const shown = [...kept, n - 1];
  const cut = n - 1 - kept.length;
  return {
    names: shown.map((k) => names[k]!),
    counts: shown.flatMap((row) => shown.map((column) => counts[row * n + column]!)),
    note: `Rows: true class. Columns: predicted class. Depth: share of the row.${cut ? ` ${cut} classes with fewer confusions, or none, are not drawn.` : ''}`,
  };
}

function mostConfused({ names, counts }: ReportConfusion, most = 15): Column[] {
  const n = names.length;
  const pairs: { truth: number; found: number; count: number; share: number }[] = [];
  for (let truth = 0; truth < n - 1; truth++) {
    const total = counts.slice(truth * n, (truth + 1) * n).reduce((sum, value) => sum + value, 0);
    for (let found = 0; found < n - 1; found++) {
      const count = counts[truth * n + found]!;
      if (found !== truth && count > 0) pairs.push({ truth, found, count, share: count / total });
    }
  }
  const top = pairs.sort((a, b) => b.count - a.count || b.share - a.share).slice(0, most);
  return [
    { title: 'true', cells: top.map(({ truth }) => names[truth]!) },
    { title: 'taken for', cells: top.map(({ found }) => names[found]!) },
    { title: 'count', cells: top.map(({ count }) => count) },
    { title: 'share of the true', cells: top.map(({ share }) => share) },
  ];
}

/** Options of {@link reportToHtml}. */
export interface HtmlOptions {
  /** Heading of the page. Default: the protocol. */
  readonly title?: string;
}

/** One self-contained HTML page, light or dark as the reader's system is. All text is escaped. */
export function reportToHtml(report: EvaluationReport, options: HtmlOptions = {}): string {
  const {
    protocol,
    settings,
    stats,
    statNames,
    perClass,
    counts,
    diagnostics,
    curves,
    analysis,
    comparison,
    confusion,
    lines,
    corrections,
  } = report;
  const title = options.title ?? `Evaluation: ${protocol}`;
  const facts = [...Object.entries(settings), ...Object.entries(counts)].map(
    ([name, value]) => `${name} ${typeof value === 'number' ? showNumber(value, name) : value}`,
  );
  const tiles = stats
    .slice(0, protocol === 'openimages' ? 1 : 13)
    .map(
      (value, i) => `<div class="tile"><b>${escapeHtml(showNumber(value))}</b><span>${escapeHtml(statNames[i]!)}</span></div>`,
    );
  const plots: string[] = [];
  if (curves.length > 0) {
    const shown = curves.map(({ name, recall, precision }) => ({ name, x: recall, y: precision }));
    plots.push(linePlot('Precision over recall', { x: 'recall', y: 'precision' }, shown));
  }
  if (analysis) {
    const { f1, tide, calibration } = analysis;
    const best = Number.isNaN(f1.threshold) ? [] : [{ x: f1.threshold, y: f1.f1, text: `best F1 ${f1.f1.toFixed(3)} at ${f1.threshold.toFixed(3)}` }]; // prettier-ignore
    plots.push(
      linePlot(
        'F1, precision and recall over the score threshold',
        { x: 'score threshold', y: 'at IoU 0.5' },
        [
          { name: 'F1', x: f1.thresholds, y: f1.f1s },
          { name: 'precision', x: f1.thresholds, y: f1.precisions },
          { name: 'recall', x: f1.thresholds, y: f1.recalls },
        ],
        best,
      ),
      barPlot(
        `What errors cost (TIDE, AP50 ${tide.ap50.toFixed(1)})`,
        [
          ...Object.entries(tide.errors).map(([kind, value]) => ({ name: errorNames[kind]!, value, note: `${tide.counts[kind as 'Cls']} errors` })), // prettier-ignore
          { name: 'all false', value: tide.falsePositives },
          { name: 'all missed', value: tide.falseNegatives },
        ],
        'points of AP50 that mending this kind alone would gain',
      ),
      reliabilityPlot(`Calibration (ECE ${calibration.ece.toFixed(3)}, Brier ${calibration.brier.toFixed(3)})`, calibration.bins),
    );
  }
  const matrix = analysis?.confusion ?? confusion;
  if (matrix) {
    const cut = cutMatrix(matrix);
    const from = analysis ? ` (score from ${analysis.scoreThreshold.toFixed(3)}, IoU from 0.5)` : '';
    if (cut.names.length > 1) plots.push(matrixPlot(`Confusion matrix${from}`, cut.names, cut.counts, cut.note));
  }
  const columns = Object.keys(perClass[0]?.values ?? {});
  const sections = [
    plots.length ? `<h2>Curves and errors</h2><div class="plots">${plots.join('')}</div>` : '',
    perClass.length
      ? `<h2>Classes</h2><input type="search" data-for="classes" placeholder="Filter classes" aria-label="Filter classes">${table(
          'classes',
          [
            { title: 'class', cells: perClass.map(({ name }) => name) },
            ...columns.map((key) => ({ title: key, cells: perClass.map(({ values }) => values[key]!) })),
          ],
        )}`
      : '',
    analysis
      ? `<h2>Score threshold by class</h2><p class="soft">The threshold with the best F1 at IoU 0.5.</p>${table('thresholds', [
          { title: 'class', cells: analysis.thresholds.map(({ name }) => name) },
          { title: 'threshold', cells: analysis.thresholds.map(({ threshold }) => threshold) },
          { title: 'F1', cells: analysis.thresholds.map(({ f1 }) => f1) },
          { title: 'precision', cells: analysis.thresholds.map(({ precision }) => precision) },
          { title: 'recall', cells: analysis.thresholds.map(({ recall }) => recall) },
        ])}`
      : '',
    analysis && mostConfused(analysis.confusion)[0]!.cells.length
      ? `<h2>Classes most often confused</h2>${table('confused', mostConfused(analysis.confusion))}`
      : '',
    analysis?.worst.length
      ? `<h2>Images with most mistakes</h2>${table('worst', [
          { title: 'image', cells: analysis.worst.map(({ imageId }) => String(imageId)) },
          { title: 'found', cells: analysis.worst.map(({ tp }) => tp) },
          { title: 'false', cells: analysis.worst.map(({ fp }) => fp) },
          { title: 'missed', cells: analysis.worst.map(({ fn }) => fn) },
          { title: 'F1', cells: analysis.worst.map(({ f1 }) => f1) },
        ])}`
      : '',
    analysis?.slices.length
      ? `<h2>Slices</h2>${table('slices', [
          { title: 'slice', cells: analysis.slices.map(({ name }) => name) },
          { title: 'images', cells: analysis.slices.map(({ images }) => images) },
          { title: 'AP', cells: analysis.slices.map(({ AP }) => AP) },
          { title: 'AP50', cells: analysis.slices.map(({ AP50 }) => AP50) },
        ])}`
      : '',
    comparison
      ? `<h2>${escapeHtml(comparison.names[1])} against ${escapeHtml(comparison.names[0])}</h2>${comparison.lines
          .slice(0, 2)
          .map((line) => `<p>${escapeHtml(line)}</p>`)
          .join('')}${table('comparison', [
          { title: 'class', cells: comparison.perClass.map(({ name }) => name) },
          { title: `AP ${comparison.names[0]}`, cells: comparison.perClass.map(({ a }) => a) },
          { title: `AP ${comparison.names[1]}`, cells: comparison.perClass.map(({ b }) => b) },
          { title: 'difference', cells: comparison.perClass.map(({ difference }) => difference) },
        ])}`
      : '',
    corrections
      ? `<h2>What mode corrected changed</h2>${table('corrections', [
          { title: 'number', cells: Object.keys(corrections.changes) },
          { title: 'change', cells: Object.values(corrections.changes) },
        ])}`
      : '',
    diagnostics.length
      ? `<h2>Diagnostics</h2><table><thead><tr><th>code</th><th class="text">what</th></tr></thead><tbody>${diagnostics
          .map((entry) => {
            const warning = 'severity' in entry && entry.severity === 'warning' ? ' class="warning"' : '';
            const many = 'count' in entry ? { count: entry.count } : entry.counts;
            const text = Object.entries(many).map(([name, n]) => `${name} ${n}`).join(', '); // prettier-ignore
            return `<tr><td${warning}>${escapeHtml(entry.code)}</td><td class="text">${escapeHtml(entry.message)}${text ? ` <span class="soft">(${escapeHtml(text)})</span>` : ''}</td></tr>`;
          })
          .join('')}</tbody></table>`
      : '',
    `<h2>As the official tool prints it</h2><pre>${escapeHtml(lines.join('\n'))}</pre>`,
  ];
  const certainty = analysis?.bootstrap
    ? `<p>AP ${analysis.bootstrap.value.toFixed(3)}, ${analysis.bootstrap.confidence * 100} % interval ${analysis.bootstrap.lower.toFixed(3)} to ${analysis.bootstrap.upper.toFixed(3)} (${analysis.bootstrap.resamples} resamples of the images)</p>`
    : '';
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width,initial-scale=1"><meta http-equiv="Content-Security-Policy" content="default-src 'none';style-src 'unsafe-inline';script-src 'unsafe-inline'"><title>${escapeHtml(title)}</title><style>${style}</style></head>
<body><h1>${escapeHtml(title)}</h1><p class="soft">${escapeHtml(facts.join(' · '))}</p><div class="tiles">${tiles.join('')}</div>${certainty}${sections.join('\n')}<script>${script}</script></body></html>
`;
}

const errorNames: Readonly<Record<string, string>> = {
  Cls: 'class',
  Loc: 'location',
  Both: 'both',
  Dupe: 'duplicate',
  Bkg: 'background',
  Miss: 'missed',
};
