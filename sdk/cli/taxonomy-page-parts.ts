// Looks and behaviour of the taxonomy page, as texts: style, body and script. The script builds every row from data, as text, never as HTML.

export const pageStyle = `
:root {
  --bg: #f7f7f5; --card: #fff; --text: #1d2125; --soft: #5d6670; --line: #e1e3e0; --hover: #f0f4f2; --accent: #0b6e4f; --mark: #ffe9a8;
  --good: #2f9e6e; --bad: #c8553d; --light: 44%; --tint: 93%;
  font: 15px/1.45 system-ui, sans-serif;
}
:root[data-theme=dark] {
  color-scheme: dark; --bg: #14181b; --card: #1b2024; --text: #e6e8ea; --soft: #98a2ab; --line: #2c3338; --hover: #222a2e; --accent: #5fd0a5; --mark: #6b5510;
  --good: #4cc38a; --bad: #f0806a; --light: 76%; --tint: 22%;
}
:root[data-theme=light] { color-scheme: light; }
@media (prefers-color-scheme: dark) {
  :root:not([data-theme=light]) {
    --bg: #14181b; --card: #1b2024; --text: #e6e8ea; --soft: #98a2ab; --line: #2c3338; --hover: #222a2e; --accent: #5fd0a5; --mark: #6b5510;
    --good: #4cc38a; --bad: #f0806a; --light: 76%; --tint: 22%;
  }
}
* { box-sizing: border-box; }
body { margin: 0 auto; padding: 0 24px 64px; max-width: 1500px; background: var(--bg); color: var(--text); }
header { padding: 28px 0 12px; }
h1 { margin: 0; font-size: 26px; line-height: 1.2; overflow-wrap: anywhere; }
.description { margin: 6px 0 0; color: var(--soft); max-width: 75ch; white-space: pre-line; }
.stats { display: flex; flex-wrap: wrap; gap: 8px 32px; margin: 16px 0 0; }
.stats div { display: flex; flex-direction: column-reverse; }
.stats dd { margin: 0; font-size: 24px; font-weight: 650; font-variant-numeric: tabular-nums; line-height: 1.15; }
.stats dt { color: var(--soft); font-size: 13px; }
.origin { margin: 14px 0 0; color: var(--soft); font-size: 13px; display: flex; flex-wrap: wrap; gap: 2px 18px; }
.origin b { font-weight: 500; color: var(--text); }
.bar { position: sticky; top: 0; z-index: 2; padding: 10px 0; background: var(--bg); display: flex; flex-wrap: wrap; gap: 8px 12px; align-items: center; }
input[type=search] { flex: 1 1 260px; max-width: 440px; font: inherit; padding: 8px 12px; border: 1px solid var(--line); border-radius: 8px; background: var(--card); color: inherit; }
select, .bar button { font: inherit; font-size: 14px; padding: 6px 10px; border: 1px solid var(--line); border-radius: 8px; background: var(--card); color: inherit; cursor: pointer; }
:focus-visible { outline: 2px solid var(--accent); outline-offset: 1px; }
.filters { display: flex; flex-wrap: wrap; gap: 6px; }
.bar .filter { display: inline-flex; align-items: center; gap: 6px; border-radius: 99px; }
.filter[aria-pressed=true] { border-color: var(--accent); box-shadow: inset 0 0 0 1px var(--accent); font-weight: 600; }
.dot { width: 9px; height: 9px; border-radius: 50%; background: hsl(var(--hue) 62% var(--light)); flex: none; }
#count { color: var(--soft); font-size: 14px; font-variant-numeric: tabular-nums; margin-left: auto; }
.sheet { border: 1px solid var(--line); border-radius: 10px; background: var(--card); }
.wide { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; }
th { position: sticky; top: var(--bar, 0); z-index: 1; background: var(--card); text-align: left; font-size: 13px; font-weight: 600; color: var(--soft); padding: 9px 12px; box-shadow: inset 0 -1px var(--line); white-space: nowrap; }
th:first-child { border-top-left-radius: 10px; } th:last-child { border-top-right-radius: 10px; }
.wide th { position: static; }
th .dot { display: inline-block; margin-right: 6px; }
td { padding: 7px 12px; border-top: 1px solid var(--line); vertical-align: top; overflow-wrap: break-word; }
td:first-child { width: 24%; min-width: 190px; overflow-wrap: anywhere; }
tbody:first-of-type tr:first-child td { border-top: 0; }
tr.row { cursor: pointer; }
tr.row:hover td, tr.open td { background: var(--hover); }
tr.open + tr.more td { background: var(--hover); border-top: 0; padding: 0 12px 14px; }
.name { font: inherit; font-weight: 600; color: inherit; background: none; border: 0; padding: 0; cursor: pointer; text-align: start; }
.id { color: var(--soft); font-size: 12.5px; font-variant-numeric: tabular-nums; }
td .id { margin-left: 6px; white-space: nowrap; }
.none { color: var(--line); }
.num { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }
.num.good { color: var(--good); } .num.bad { color: var(--bad); }
.chip { display: inline-block; margin: 1px 5px 1px 0; padding: 0 8px; border-radius: 99px; font-size: 13px; background: hsl(var(--hue, 210) 45% var(--tint)); }
td .chip { white-space: nowrap; max-width: 100%; overflow: hidden; text-overflow: ellipsis; vertical-align: bottom; }
a.chip { color: inherit; text-decoration: none; } a.chip:hover { text-decoration: underline; }
.chip b { font-weight: 600; }
.details { display: grid; grid-template-columns: repeat(auto-fit, minmax(260px, 1fr)); gap: 10px 28px; font-size: 14px; }
.details h2 { font-size: 13px; font-weight: 600; color: var(--soft); margin: 6px 0 2px; }
.details ul { margin: 0; padding: 0; list-style: none; }
.details li { padding: 2px 0; overflow-wrap: anywhere; }
.details .id { display: block; margin: 0; white-space: normal; }
mark { background: var(--mark); color: inherit; border-radius: 2px; }
.empty { padding: 40px; text-align: center; color: var(--soft); }
@media (max-width: 760px) {
  body { padding: 0 12px 48px; } header { padding-top: 18px; } .bar { position: static; } #count { margin-left: 0; }
  thead { display: none; } table, tbody, tr, td { display: block; } tr.row { padding: 8px 0; border-top: 1px solid var(--line); } tr.row:first-child { border-top: 0; }
  td, td.num { border: 0; padding: 2px 12px; text-align: left; } td.none, td:empty { display: none; } td:first-child { width: auto; }
  td[data-label]::before { content: attr(data-label); display: inline-block; min-width: 96px; margin-right: 8px; color: var(--soft); font-size: 13px; }
}
@media print { .bar { display: none; } body { max-width: none; background: #fff; } }
`;

export const pageBody = `
<div class="bar" role="search">
<input type="search" id="search" placeholder="Search names, synonyms, ids" aria-label="Search labels" autocomplete="off" spellcheck="false">
<select id="sort" aria-label="Order"></select>
<div class="filters" id="filters" role="group" aria-label="Only labels of"></div>
<button type="button" id="theme" aria-label="Light or dark">Dark</button>
<span id="count" role="status"></span>
</div>
<div class="sheet"><table><thead><tr id="head"></tr></thead><tbody id="rows"></tbody></table><div class="empty" id="empty" hidden>No label matches.</div></div>
`;

export const pageScript = `
'use strict';
const { datasets, rows } = JSON.parse(document.getElementById('data').textContent);
const $ = (id) => document.getElementById(id);
const hue = (d) => Math.round((205 + d * 137.5) % 360);
const el = (tag, options = {}, ...children) => {
  const node = document.createElement(tag);
  const { hueOf, ...rest } = options;
  for (const [key, value] of Object.entries(rest)) key in node ? (node[key] = value) : node.setAttribute(key, value);
  if (hueOf !== undefined) node.style.setProperty('--hue', hue(hueOf));
  node.append(...children);
  return node;
};
const symbols = { identity: '=', subset: '\\u2282', superset: '\\u2283', overlap: '\\u2229' };
const words = { identity: 'is', subset: 'is a', superset: 'contains', overlap: 'overlaps' };
const asColumns = datasets.length <= 6;
const has = { cost: rows.some((r) => r.cost !== undefined), margin: rows.some((r) => r.margin !== undefined), relations: rows.some((r) => r.relations.length) };
const fixed = (value) => (value === undefined ? '' : (value < 0 ? '\\u2212' : '') + Math.abs(value).toFixed(4));

const columns = [{ title: 'Unified label' }];
if (asColumns) datasets.forEach((set, d) => columns.push({ title: set.name, d }));
else columns.push({ title: 'Members' });
if (has.cost) columns.push({ title: 'Cost', num: true });
if (has.margin) columns.push({ title: 'Margin', num: true });
if (has.relations) columns.push({ title: 'Relations' });
for (const { title, d, num } of columns) $('head').append(el('th', { className: num ? 'num' : '', scope: 'col' }, ...(d === undefined ? [] : [el('span', { className: 'dot', hueOf: d })]), title));

let needle = '';
/** Text with the searched part marked. */
const text = (value) => {
  const at = needle ? value.toLowerCase().indexOf(needle) : -1;
  if (at < 0 || value.toLowerCase().length !== value.length) return [value];
  return [value.slice(0, at), el('mark', {}, value.slice(at, at + needle.length)), value.slice(at + needle.length)];
};
const bdi = (value, className = '') => el('bdi', { className }, ...text(value));

rows.forEach((row, index) => {
  row.index = index;
  row.sets = new Set(row.members.map(([d]) => d));
  row.words = [row.name, row.id, ...row.synonyms, ...row.members.flatMap(([, id, name, facts]) => [id, name, ...facts]), ...row.relations.map((r) => r.text), ...row.pins].join('\\n').toLowerCase();
});

const memberCell = (row, d) => {
  const member = row.members.find(([set]) => set === d);
  return member ? el('td', { 'data-label': datasets[d].name }, bdi(member[2]), el('span', { className: 'id' }, ...text(member[1]))) : el('td', { className: 'none' }, '\\u2013');
};
const relationChip = (r) => el('a', { className: 'chip', href: '#' + r.row, title: words[r.kind] + ' ' + r.text }, el('b', {}, symbols[r.kind] + ' '), bdi(r.text), r.score === undefined ? '' : ' ' + r.score.toFixed(2));

const build = (row) => {
  const name = el('button', { className: 'name', type: 'button', 'aria-expanded': 'false' }, bdi(row.name));
  const cells = [el('td', {}, name, el('span', { className: 'id' }, ...text(row.id)))];
  if (asColumns) datasets.forEach((_, d) => cells.push(memberCell(row, d)));
  else cells.push(el('td', {}, ...row.members.map(([d, id, own]) => el('span', { className: 'chip', hueOf: d, title: datasets[d].name + ' ' + id }, bdi(own)))));
  if (has.cost) cells.push(el('td', { 'data-label': 'Cost', className: 'num ' + (row.cost > 0 ? 'bad' : row.cost < 0 ? 'good' : '') }, fixed(row.cost)));
  if (has.margin) cells.push(el('td', { 'data-label': 'Margin', className: 'num' }, fixed(row.margin)));
  if (has.relations) cells.push(el('td', { className: 'relations' }, ...row.relations.slice(0, 4).map(relationChip), row.relations.length > 4 ? '+' + (row.relations.length - 4) : ''));
  const tr = el('tr', { className: 'row', id: 'row' + row.index }, ...cells);
  tr.addEventListener('click', (event) => {
    if (!event.target.closest('a') && !String(getSelection())) toggle(row, tr);
  });
  return tr;
};

const list = (title, items) => (items.length ? [el('div', {}, el('h2', {}, title), el('ul', {}, ...items))] : []);
const details = (row) =>
  el('div', { className: 'details' },
    ...list('Members', row.members.map(([d, id, name, facts]) => el('li', {}, el('span', { className: 'chip', hueOf: d }, datasets[d].name), bdi(name), el('span', { className: 'id' }, ...text([id, ...facts].join(' \\u00b7 ')))))),
    ...list('Synonyms', row.synonyms.map((one) => el('li', {}, bdi(one)))),
    ...list('Relations', row.relations.map((r) => el('li', {}, words[r.kind] + ' ', relationChip(r), ...r.evidence.map((one) => el('span', { className: 'id' }, one))))),
    ...list('Pins', row.pins.map((one) => el('li', {}, bdi(one)))),
    ...list('Cost of merging', row.cost === undefined ? [] : [el('li', {}, fixed(row.cost), el('span', { className: 'id' }, row.cost > 0 ? 'the heads lose by it' : 'the heads gain by it'))]),
  );
const toggle = (row, tr, open = !tr.classList.contains('open')) => {
  if (open === tr.classList.contains('open')) return;
  tr.classList.toggle('open', open);
  tr.querySelector('.name').setAttribute('aria-expanded', String(open));
  if (open) tr.after(el('tr', { className: 'more' }, el('td', { colSpan: columns.length }, details(row))));
  else tr.nextElementSibling.remove();
};

const byName = (a, b) => a.name.localeCompare(b.name);
const last = (value, otherwise) => (value === undefined ? otherwise : value);
const orders = {
  'In the order of the file': (a, b) => a.index - b.index,
  'By name': byName,
  'Most members first': (a, b) => b.members.length - a.members.length || a.index - b.index,
  ...(has.cost && { 'Highest cost first': (a, b) => last(b.cost, -Infinity) - last(a.cost, -Infinity) || a.index - b.index }),
  ...(has.margin && { 'Smallest margin first': (a, b) => last(a.margin, Infinity) - last(b.margin, Infinity) || a.index - b.index }),
  ...(has.relations && { 'Most relations first': (a, b) => b.relations.length - a.relations.length || a.index - b.index }),
};
for (const title of Object.keys(orders)) $('sort').append(el('option', {}, title));

const wanted = new Set();
let mergedOnly = false;
const filter = (title, hueOf, change) => {
  const button = el('button', { type: 'button', className: 'filter', 'aria-pressed': 'false' }, ...(hueOf === undefined ? [] : [el('span', { className: 'dot', hueOf })]), title);
  button.addEventListener('click', () => {
    const on = button.getAttribute('aria-pressed') !== 'true';
    button.setAttribute('aria-pressed', String(on));
    change(on);
    draw();
  });
  $('filters').append(button);
};
datasets.forEach((set, d) => filter(set.name + ' ' + set.size, d, (on) => (on ? wanted.add(d) : wanted.delete(d))));
filter('merged', undefined, (on) => (mergedOnly = on));

const draw = () => {
  needle = $('search').value.trim().toLowerCase();
  const found = rows.filter((row) => (!needle || row.words.includes(needle)) && (!mergedOnly || row.members.length > 1) && [...wanted].every((d) => row.sets.has(d)));
  found.sort(orders[$('sort').value]);
  // Names that are what was searched for, or start with it, stand first.
  if (needle) found.sort((a, b) => rank(a) - rank(b));
  $('rows').replaceChildren(...found.map(build));
  $('empty').hidden = found.length > 0;
  $('count').textContent = found.length === rows.length ? rows.length + ' labels' : found.length + ' of ' + rows.length + ' labels';
};
const rank = (row) => {
  const names = [row.name, ...row.members.map(([, , name]) => name)].map((one) => one.toLowerCase());
  return names.includes(needle) ? 0 : names.some((one) => one.startsWith(needle)) ? 1 : 2;
};
/** #12 opens the label at that position. */
const follow = () => {
  const index = Number(location.hash.slice(1));
  if (!location.hash || !rows[index]) return;
  if (!$('row' + index)) {
    $('search').value = '';
    wanted.clear();
    mergedOnly = false;
    for (const button of $('filters').children) button.setAttribute('aria-pressed', 'false');
    draw();
  }
  const tr = $('row' + index);
  toggle(rows[index], tr, true);
  tr.scrollIntoView({ block: 'center' });
};
const dark = matchMedia('(prefers-color-scheme: dark)');
const isDark = () => (document.documentElement.dataset.theme || (dark.matches ? 'dark' : 'light')) === 'dark';
const nameTheme = () => ($('theme').textContent = isDark() ? 'Light' : 'Dark');
$('theme').addEventListener('click', () => {
  document.documentElement.dataset.theme = isDark() ? 'light' : 'dark';
  nameTheme();
});
dark.addEventListener('change', nameTheme);
$('search').addEventListener('input', draw);
$('sort').addEventListener('change', draw);
addEventListener('hashchange', follow);
addEventListener('keydown', (event) => {
  if (event.key === '/' && document.activeElement !== $('search')) {
    event.preventDefault();
    $('search').focus();
  }
});
nameTheme();
draw();
follow();
// The heading of the table stays below the bar; a table wider than the page scrolls by itself instead.
const sheet = document.querySelector('.sheet');
new ResizeObserver(() => {
  document.documentElement.style.setProperty('--bar', document.querySelector('.bar').offsetHeight + 'px');
  sheet.classList.remove('wide');
  sheet.classList.toggle('wide', sheet.scrollWidth > sheet.clientWidth + 1);
}).observe(document.body);
`;
