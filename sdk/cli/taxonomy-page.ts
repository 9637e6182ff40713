// One self-contained HTML page on which a person sees and searches a taxonomy. It makes the data; looks and behaviour stand beside it.
import { flipRelation, type Relation, type RelationEnd, type Taxonomy } from 'labelweave/taxonomy/file';
import { pageBody, pageScript, pageStyle } from './taxonomy-page-parts.js';

/** What the page's script reads. Positions are those of `rows` and `datasets`. */
interface PageData {
  datasets: { name: string; size: number }[];
  rows: PageRow[];
}

interface PageRow {
  id: string;
  name: string;
  synonyms: readonly string[];
  /** [data set, id, name, further facts in words] */
  members: [dataset: number, id: string, name: string, facts: string[]][];
  cost?: number;
  margin?: number;
  relations: { kind: string; row: number; text: string; score?: number; evidence: string[] }[];
  pins: string[];
}

/** The text of the page. It loads nothing, runs from a file, and is light or dark as the reader's system is. */
export function taxonomyPage(taxonomy: Taxonomy): string {
  const json = JSON.stringify(pageData(taxonomy)).replaceAll('<', '\\u003c');
  const title = escape(taxonomy.name);
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'">
<meta name="color-scheme" content="light dark">
<title>${title}</title>
<style>${pageStyle}</style>
</head>
<body>
<header>
<h1 dir="auto">${title}</h1>
${taxonomy.description === undefined ? '' : `<p class="description" dir="auto">${escape(taxonomy.description)}</p>`}
${facts(taxonomy)}
</header>
${pageBody}
<script type="application/json" id="data">${json}</script>
<script>${pageScript}</script>
</body>
</html>
`;
}

function facts({ unified, datasets, mapping, relations, pins, origin }: Taxonomy): string {
  const merged = unified.labels.filter(({ members }) => Object.keys(members).length > 1).length;
  const numbers: [number, string][] = [
    [unified.size, 'unified labels'],
    [mapping.sources, `labels of ${datasets.length} data sets`],
    [merged, 'merged from several'],
    [relations.list.length, 'relations'],
    [pins.mustMerge.length + pins.cannotMerge.length + (pins.locked?.length ?? 0) + (pins.names?.length ?? 0), 'pins'],
  ];
  const shown = numbers.filter(([number]) => number > 0);
  const stats = `<dl class="stats">${shown.map(([number, what]) => `<div><dt>${what}</dt><dd>${number.toLocaleString('en')}</dd></div>`).join('')}</dl>`;
  if (!origin) return stats;
  const parts: [string, string][] = [
    ['method', origin.method],
    ...(origin.loss === undefined ? [] : [['loss', origin.loss] as [string, string]]),
    ...Object.entries(origin.parameters ?? {}).map(([key, value]): [string, string] => [key, String(value)]),
    ...(origin.objective === undefined ? [] : [['objective', shownNumber(origin.objective)] as [string, string]]),
    ...(origin.bound === undefined ? [] : [['bound', shownNumber(origin.bound)] as [string, string]]),
    ...(origin.note === undefined ? [] : [['note', origin.note] as [string, string]]),
  ];
  return `${stats}\n<p class="origin">${parts.map(([key, value]) => `<span dir="auto"><b>${escape(key)}</b> ${escape(value)}</span>`).join('')}</p>`;
}

function pageData(taxonomy: Taxonomy): PageData {
  const { unified, datasets, relations, pins } = taxonomy;
  const position = new Map(datasets.map(({ name }, d) => [name, d]));
  const rowOf = (end: RelationEnd): number =>
    'unified' in end ? unified.space.byId(end.unified).index : unified.unifiedOf(end.dataset, { id: end.id }).index;
  const nameOf = (end: RelationEnd): string =>
    'unified' in end ? unified.space.byId(end.unified).name : `${end.dataset}: ${unified.dataset(end.dataset).byId(end.id).name}`;
  const rows = unified.labels.map(({ id, name, synonyms, members, cost, margin }): PageRow => ({
    id: String(id),
    name,
    synonyms,
    members: Object.entries(members).map(([dataset, own]) => {
      const space = unified.dataset(dataset);
      const label = space.byId(own);
      const { frequency } = label;
      const words = [
        ...(label.synonyms.length ? [`also ${label.synonyms.join(', ')}`] : []),
        ...(label.parents.length ? [`under ${label.parents.map((parent) => space.byId(parent).name).join(', ')}`] : []),
        ...(typeof frequency === 'string' ? [{ r: 'rare', c: 'common', f: 'frequent' }[frequency]] : []),
        ...(typeof frequency === 'object' ? Object.entries(frequency).map(([what, count]) => `${count} ${what}`) : []),
        ...(label.isThing === undefined ? [] : [label.isThing ? 'thing' : 'stuff']),
        ...Object.entries(label.externalIds ?? {}).map(([key, value]) => `${key} ${value}`),
      ];
      return [position.get(dataset)!, String(own), label.name, words];
    }),
    ...(cost !== undefined && { cost }),
    ...(margin !== undefined && { margin }),
    relations: [],
    pins: [],
  }));
  const add = (from: RelationEnd, to: RelationEnd, { kind, score, evidence = [] }: Relation): void => {
    rows[rowOf(from)]!.relations.push({
      kind,
      row: rowOf(to),
      text: nameOf(to),
      ...(score !== undefined && { score }),
      evidence: evidence.map(({ source, forward, backward, note }) =>
        [
          source,
          forward === undefined ? '' : `forward ${shownNumber(forward)}`,
          backward === undefined ? '' : `backward ${shownNumber(backward)}`,
          note ?? '',
        ]
          .filter(Boolean)
          .join(', '),
      ),
    });
  };
  for (const relation of relations.list) {
    const back = flipRelation(relation);
    add(relation.a, relation.b, relation);
    add(back.a, back.b, back);
  }
  for (const [words, groups] of [
    ['must merge', pins.mustMerge],
    ['cannot merge', pins.cannotMerge],
    ['locked', pins.locked ?? []],
  ] as const)
    // prettier-ignore
    for (const group of groups) for (const row of new Set(group.map(rowOf))) rows[row]!.pins.push(`${words}: ${group.map(nameOf).join(', ')}`);
  for (const { name, ...key } of pins.names ?? []) rows[rowOf(key)]!.pins.push(`called ${JSON.stringify(name)}: ${nameOf(key)}`);
  return { datasets: datasets.map(({ name, size }) => ({ name, size })), rows };
}

function shownNumber(value: number): string {
  return String(Number(value.toPrecision(6)));
}

function escape(text: string): string {
  return text.replace(/[&<>"']/gu, (c) => `&#${c.charCodeAt(0)};`);
}
