// The review of a learnt taxonomy as one page that needs nothing else: every merge with its reasons, and buttons with which a person writes pins.
import { script as sorting, style as common } from '../../evaluate/report/html.js';
import { escapeHtml } from '../../evaluate/report/plots.js';
import type { LabelKey } from '../../taxonomy/problems.js';
import type { LabelRef } from '../types.js';
import type { LearnReport, ReportAlone, ReportLabel, ReportMerge, Suspicion } from './report.js';

/** Options of {@link learnReportToHtml}. */
export interface LearnHtmlOptions {
  /** Heading of the page. Default: the name of the taxonomy. */
  readonly title?: string;
  /** Example pictures of labels, by node: `data:` URLs of small crops. Default: none. */
  readonly crops?: ReadonlyMap<number, readonly string[]>;
}

const style = `${common}
body{max-width:1280px}
td{vertical-align:top}td.num{font-variant-numeric:tabular-nums}
nav{display:flex;flex-wrap:wrap;gap:6px 18px;margin:18px 0 0}nav a{color:var(--c0)}
.wrap{overflow-x:auto;border:1px solid var(--edge);border-radius:8px;max-height:780px;overflow-y:auto}
.wrap table td.text{min-width:150px}
.flags{display:flex;flex-wrap:wrap;gap:4px}
.flag{font-size:12px;padding:1px 8px;border-radius:99px;border:1px solid var(--edge);white-space:nowrap}
.flag.warn{border-color:var(--c1);color:var(--c1)}.flag.pin{border-color:var(--c2);color:var(--c2)}
.member{margin-bottom:6px}.member>span{display:block}
.member b{font-weight:600;overflow-wrap:anywhere}.member .set{color:var(--soft);font-size:12.5px}
.ap{font-size:12.5px;color:var(--soft);font-variant-numeric:tabular-nums}
.ap.down{color:var(--c1)}.ap.up{color:var(--c2)}
.member>.crops{display:flex;flex-wrap:wrap;gap:4px;margin-top:3px}.crops img{width:56px;height:56px;object-fit:cover;border-radius:4px;border:1px solid var(--edge)}
.rival{font-size:13.5px;color:var(--soft)}.rival div+div{margin-top:2px}
.pins{display:flex;flex-wrap:wrap;gap:4px}
.pins button,#save,#clear{font:inherit;font-size:13px;color:inherit;background:var(--panel);border:1px solid var(--edge);border-radius:6px;padding:3px 9px;cursor:pointer}
.pins button[aria-pressed=true]{border-color:var(--c0);box-shadow:inset 0 0 0 1px var(--c0);font-weight:600}
button:focus-visible,a:focus-visible{outline:2px solid var(--c0);outline-offset:1px}
#bar{position:sticky;bottom:0;display:flex;gap:12px;align-items:center;flex-wrap:wrap;background:var(--paper);border-top:1px solid var(--edge);padding:10px 0;margin-top:28px;z-index:3}
.margin{display:inline-block;min-width:64px}.margin i{display:block;height:4px;border-radius:2px;background:var(--c0);margin-top:4px}
@media(max-width:720px){th,td{padding:5px 6px}}`;

/** Buttons write pins; what is pressed can be saved as a file for `labelweave learn --pins`. */
const script = `${sorting}
const chosen=new Map(JSON.parse(document.getElementById('pins').textContent));
const bar=document.getElementById('count'),save=document.getElementById('save');
function draw(){for(const button of document.querySelectorAll('[data-pin]')){const {kind,keys}=JSON.parse(button.dataset.pin);button.setAttribute('aria-pressed',String(chosen.has(kind+JSON.stringify(keys))))}
bar.textContent=chosen.size===1?'1 pin':chosen.size+' pins';save.disabled=chosen.size===0}
document.addEventListener('click',event=>{const button=event.target.closest('[data-pin]');if(!button)return;const pin=JSON.parse(button.dataset.pin),id=pin.kind+JSON.stringify(pin.keys);
const had=chosen.has(id);for(const kind of ['mustMerge','cannotMerge','locked'])chosen.delete(kind+JSON.stringify(pin.keys));if(!had)chosen.set(id,pin);draw()});
document.getElementById('clear').addEventListener('click',()=>{chosen.clear();draw()});
save.addEventListener('click',()=>{const pins=JSON.parse(document.getElementById('names').textContent);for(const {kind,keys} of chosen.values())(pins[kind]??=[]).push(keys);
const link=document.createElement('a');link.href=URL.createObjectURL(new Blob([JSON.stringify(pins,null,2)+'\\n'],{type:'application/json'}));link.download='pins.json';link.click();setTimeout(()=>URL.revokeObjectURL(link.href),1e4)});
for(const button of document.querySelectorAll('[data-only]'))button.addEventListener('click',()=>{const on=button.getAttribute('aria-pressed')!=='true';button.setAttribute('aria-pressed',String(on));
document.getElementById('merges').classList.toggle('only',on);for(const row of document.getElementById('merges').tBodies[0].rows)row.style.display=on&&row.dataset.flags==='0'?'none':''});
for(const input of document.querySelectorAll('input[data-for]'))input.addEventListener('input',()=>{const text=input.value.toLowerCase();
for(const row of document.getElementById(input.dataset.for).tBodies[0].rows)row.hidden=!row.textContent.toLowerCase().includes(text)});
// A label stands in several rows; its pictures are in the page once.
const pictures=JSON.parse(document.getElementById('crops').textContent);
for(const place of document.querySelectorAll('[data-crops]'))for(const url of pictures[place.dataset.crops]){const image=document.createElement('img');image.loading='lazy';image.alt=place.parentElement.querySelector('b').textContent;image.src=url;place.append(image)}
draw();`;

/** Pictures of a label. */
const mostCrops = 6;
/** Margins from here on fill the bar. */
const fullBar = 0.25;

const words: Readonly<Record<Suspicion, string>> = {
  'rival-same-name': 'the rival has one name',
  'close-call': 'close call',
  'no-own-score': 'own classifier finds nothing',
  loses: 'a member loses much',
  uncertain: 'wide interval',
  'little-evidence': 'few ground truths',
  costs: 'only lambda pays for it',
};

const reasons: Readonly<Record<ReportAlone['why'], string>> = {
  taken: 'better merges took its partners',
  lambda: 'costs more than it saves',
  pinned: 'a person said so',
  pair: 'stands in badly',
  cost: 'over the threshold',
  evidence: 'too few ground truths',
  never: 'nothing fires with it',
};

/** One self-contained HTML page, light or dark as the reader's system is; it loads nothing. All text is escaped. */
export function learnReportToHtml(report: LearnReport, options: LearnHtmlOptions = {}): string {
  const { summary, datasets, origin, merges, alone, nearMisses, relations, pins } = report;
  const { crops = new Map<number, readonly string[]>() } = options;
  const title = options.title ?? report.name;
  const tile = (value: string, what: string): string =>
    `<div class="tile"><b>${escapeHtml(value)}</b><span>${escapeHtml(what)}</span></div>`;
  const suspicious = merges.filter(({ suspicions }) => suspicions.length > 0).length;
  const facts = [
    ...datasets.map(({ name, size }) => `${name} ${size}`),
    `loss ${origin.loss ?? origin.method}`,
    ...Object.entries(origin.parameters ?? {}).map(
      ([name, value]) => `${name} ${typeof value === 'number' ? show(value) : value}`,
    ),
  ];
  const member = (label: ReportLabel): string => {
    const { before, after, instances, interval } = label;
    const change = before !== undefined && after !== undefined ? after - before : 0;
    const tone = change < -0.005 ? ' down' : change > 0.005 ? ' up' : '';
    const score =
      before === undefined
        ? ''
        : `${percent(before)}${after === undefined ? '' : ` → ${percent(after)}`}${interval ? ` <span class="soft">(loss ${percent(interval[0])} to ${percent(interval[1])})</span>` : ''}`;
    return `<div class="member"><span><b>${escapeHtml(label.name)}</b> <span class="set">${escapeHtml(label.dataset)} ${escapeHtml(String(label.id))}${instances === undefined ? '' : ` · ${instances} ground truths`}</span></span><span class="ap${tone}">${score}</span>${
      crops.get(label.node)?.length ? `<span class="crops" data-crops="${label.node}"></span>` : ''
    }</div>`;
  };
  const button = (kind: string, labels: readonly LabelRef[], text: string): string =>
    `<button type="button" aria-pressed="false" data-pin="${escapeHtml(JSON.stringify({ kind, keys: keysOf(labels) }))}">${text}</button>`;
  const mergeRow = (merge: ReportMerge, i: number): string => {
    const { name, id, members, cost, margin, marginExact, runnerUp, suspicions, pinned } = merge;
    const flags = [
      ...suspicions.map((one) => `<span class="flag warn">${words[one]}</span>`),
      ...(pinned ? ['<span class="flag pin">pinned</span>'] : []),
    ];
    const rivals = runnerUp.map((labels) => `<div>${labels.map(refText).join(' + ')}</div>`).join('') || 'they stand alone';
    return `<tr data-flags="${suspicions.length}"><td class="text" data-name="${escapeHtml(name)}"><b>${escapeHtml(name)}</b> <span class="soft">${escapeHtml(String(id))}</span></td><td class="text">${members.map(member).join('')}</td>${numberCell(cost)}${
      margin === undefined
        ? '<td data-v="">–</td>'
        : `<td data-v="${margin}"><span class="margin">${marginExact ? '' : '≤ '}${show(margin)}<i style="width:${Math.max(2, Math.round((60 * Math.min(margin, fullBar)) / fullBar))}px"></i></span></td>`
    }<td class="text rival">${margin === undefined ? '' : rivals}</td><td class="text"><div class="flags">${flags.join('')}</div></td><td data-v="${i}"><div class="pins">${button('locked', members, 'keep')}${button('cannotMerge', members, 'apart')}</div></td></tr>`;
  };
  const partners = (labels: readonly ReportLabel[] = []): string => labels.map(member).join('');
  const aloneRow = ({ label, why, with: others, cost, threshold, note, sameName }: ReportAlone): string =>
    `<tr><td class="text">${member(label)}</td><td class="text">${partners(others)}</td>${numberCell(cost)}${numberCell(threshold)}<td class="text"><b>${reasons[why]}</b><div class="rival">${escapeHtml(note)}</div></td><td class="text">${sameName ? refText(sameName) : ''}</td><td class="text"><div class="pins">${others?.length ? button('mustMerge', [label, ...others], 'join') : ''}${sameName && label.dataset !== sameName.dataset ? button('mustMerge', [label, sameName], 'join namesakes') : ''}${button('locked', [label], 'keep')}</div></td></tr>`;
  const missRow = ({ members, why, cost, threshold, note }: LearnReport['nearMisses'][number]): string =>
    `<tr><td class="text">${members.map(member).join('')}</td>${numberCell(cost)}${numberCell(threshold)}<td class="text"><b>${reasons[why]}</b><div class="rival">${escapeHtml(note ?? '')}</div></td><td class="text"><div class="pins">${button('mustMerge', members, 'join')}</div></td></tr>`;
  const relationRow = ({ names, kind, score, evidence = [] }: LearnReport['relations'][number]): string =>
    `<tr><td class="text">${escapeHtml(names[0])}</td><td class="text">${kindWords[kind]}</td><td class="text">${escapeHtml(names[1])}</td>${numberCell(score)}<td class="text rival">${evidence
      .map(({ source, forward, backward, note }) =>
        escapeHtml([source, forward === undefined ? '' : `forward ${show(forward)}`, backward === undefined ? '' : `backward ${show(backward)}`, note ?? ''].filter(Boolean).join(', ')),
      )
      .join('<br>')}</td></tr>`; // prettier-ignore
  const section = (id: string, heading: string, count: number, text: string, heads: readonly string[], rows: string): string =>
    count === 0
      ? ''
      : `<h2 id="${id}-h">${heading} <span class="soft">${count}</span></h2><p class="soft">${text}</p><input type="search" data-for="${id}" placeholder="Search" aria-label="Search ${heading.toLowerCase()}">${id === 'merges' ? ` <span class="pins" style="display:inline-flex"><button type="button" data-only aria-pressed="false">only suspicious ones (${suspicious})</button></span>` : ''}<div class="wrap"><table class="sort" id="${id}"><thead><tr>${heads
          .map((head) => `<th scope="col"${/^(cost|margin|threshold|score)$/.test(head) ? '' : ' class="text"'}><button type="button">${head}</button></th>`)
          .join('')}</tr></thead><tbody>${rows}</tbody></table></div>`; // prettier-ignore
  const sections = [
    section(
      'merges',
      'Merges',
      merges.length,
      'Those most worth a look come first. The margin is how much worse the best solution without the merge is, the rival what that solution joins instead. AP of each member on its own data set: alone → merged.',
      ['unified label', 'members', 'cost', 'margin', 'rival', 'worth a look', 'pin'],
      merges.map(mergeRow).join(''),
    ),
    section(
      'alone',
      'Labels that stand alone',
      alone.length,
      'Why each is in no merge, and what came closest; labels with a namesake in another data set come first.',
      ['label', 'closest merge', 'cost', 'threshold', 'why', 'namesake', 'pin'],
      alone.map(aloneRow).join(''),
    ),
    section(
      'misses',
      'Near misses',
      nearMisses.length,
      'Merges that were considered and that no threshold let through.',
      ['members', 'cost', 'threshold', 'why', 'pin'],
      nearMisses.map(missRow).join(''),
    ),
    section(
      'relations',
      'Relations',
      relations.length,
      'Labels that are not the same, but not strangers either.',
      ['label', 'is', 'of', 'score', 'evidence'],
      relations.map(relationRow).join(''),
    ),
  ];
  const given = (['mustMerge', 'cannotMerge', 'locked'] as const).flatMap((kind) =>
    (pins[kind] ?? []).map((keys) => {
      const own = keysOf(keys);
      return [kind + JSON.stringify(own), { kind, keys: own }] as const;
    }),
  );
  const json = (value: unknown): string => JSON.stringify(value).replaceAll('<', '\\u003c');
  const state = summary.optimal ? 'proven' : `gap ${(summary.gap * 100).toPrecision(2)} %`;
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width,initial-scale=1"><meta http-equiv="Content-Security-Policy" content="default-src 'none';style-src 'unsafe-inline';script-src 'unsafe-inline';img-src data:"><title>${escapeHtml(title)}</title><style>${style}</style></head>
<body><h1>${escapeHtml(title)}</h1><p class="soft">${escapeHtml(facts.join(' · '))}</p><div class="tiles">${[
    tile(String(summary.unified), `unified labels of ${summary.labels}`),
    tile(String(summary.merges), `merges, ${suspicious} worth a look`),
    tile(String(summary.columns), 'candidates'),
    tile(summary.cost.toFixed(2), 'cost'),
    tile(summary.objective.toFixed(2), `objective, ${state}`),
    tile(show(summary.lambda), `lambda (solver ${summary.solver})`),
  ].join('')}</div><nav>${[
    ['merges', 'Merges', merges.length],
    ['alone', 'Alone', alone.length],
    ['misses', 'Near misses', nearMisses.length],
    ['relations', 'Relations', relations.length],
  ]
    .flatMap(([id, name, count]) => (count ? [`<a href="#${id}-h">${name} ${count}</a>`] : []))
    .join('')}</nav>
${sections.join('\n')}
<div id="bar"><span id="count" role="status"></span><button type="button" id="save">Save pins.json</button><button type="button" id="clear">Take all back</button><span class="soft">Learn again with them: labelweave learn ... --pins pins.json</span></div>
<script type="application/json" id="pins">${json(given)}</script><script type="application/json" id="crops">${json(Object.fromEntries([...crops].map(([node, urls]) => [node, urls.slice(0, mostCrops)])))}</script><script type="application/json" id="names">${json(pins.names?.length ? { names: pins.names } : {})}</script><script>${script}</script></body></html>
`;
}

const kindWords = { identity: 'is', subset: 'is a', superset: 'contains', overlap: 'overlaps' } as const;

/** Up to four decimals, without zeros behind. */
const show = (value: number): string => String(Number(value.toFixed(4)));
const percent = (value: number): string => (value * 100).toFixed(1);
const refText = ({ dataset, name }: LabelRef): string => `${escapeHtml(name)} <span class="soft">${escapeHtml(dataset)}</span>`;
const numberCell = (value: number | undefined): string =>
  value === undefined ? '<td data-v="">–</td>' : `<td data-v="${value}">${show(value)}</td>`;
/** Keys of pins in one order, so that equal pins are equal texts. */
const keysOf = (labels: readonly LabelKey[]): LabelKey[] => {
  const texts = labels.map(({ dataset, id }) => JSON.stringify({ dataset, id }));
  return texts.sort().map((text) => JSON.parse(text) as LabelKey);
};
