// From candidates to a taxonomy with its report: names, origin, pins, what stands alone and why, the page, and data sets that are added later.
import { labelSpace } from 'labelweave';
import {
  addDatasets,
  type Candidates,
  type Column,
  joinPins,
  learnReportToHtml,
  learnReportToText,
  learnTaxonomy,
  readColumns,
} from 'labelweave/learn';
import { readPins, readTaxonomy, taxonomy, TaxonomyError, writeTaxonomy } from 'labelweave/taxonomy/file';
import { unifiedLabelSpace } from 'labelweave/taxonomy';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { hasSharedData, noSharedData } from '../shared-data.js';
import { uniDetProgram } from './programs.js';

const coco = labelSpace('coco', [
  { id: 3, name: 'car' },
  { id: 63, name: 'couch' },
  { id: 89, name: 'hair drier' },
  { id: 1, name: 'person' },
]);
const voc = labelSpace('voc', [
  { id: 18, name: 'sofa' },
  { id: 7, name: 'car' },
  { id: 9, name: '<b>chair</b>' },
]);
const oid = labelSpace('oid', [{ id: 'a', name: 'Shower' }, { id: 'b', name: 'Hair drier' }, { id: 'c', name: 'Car' }]); // prettier-ignore
// Nodes: 0 car, 1 couch, 2 hair drier, 3 person | 4 sofa, 5 car, 6 chair | 7 Shower, 8 Hair drier, 9 Car
const column = (members: number[], cost: number, evidence?: Column['evidence']): Column => ({
  members,
  cost,
  ...(evidence && { evidence }),
});
const found: Candidates = {
  spaces: [coco, voc, oid],
  columns: [
    column([0, 5], -0.02),
    column([0, 5, 9], 0.1, [{ label: 0, before: 0.5, after: 0.48, instances: 100 }, { label: 5, before: 0, after: 0.4 }, { label: 9, before: 0.7, after: 0.4, interval: [0.1, 0.6] }]),
    column([1, 4], 0.05),
    column([2, 7], 0.01),
    column([2, 8], 0.02),
    column([1, 6], 0.04),
    column([3, 6], 0.7),
  ],
  nearMisses: [{ members: [3, 7], why: 'cost', cost: 0.3, threshold: 0.05, note: 'made up' }],
  origin: { method: 'learned', loss: 'average precision', parameters: { tau: 0.2 } },
}; // prettier-ignore

const names = (report: Awaited<ReturnType<typeof learnTaxonomy>>['report']) =>
  report.merges.map(({ members }) => members.map(({ name }) => name).join(' + '));

describe('learnTaxonomy', () => {
  it('unified labels in the order of their first labels, with names, costs, margins and origin', async () => {
    const { taxonomy: learned, solution } = await learnTaxonomy(found);
    expect(learned.unified.labels.map(({ name }) => name)).toEqual([
      'car',
      'couch',
      'hair drier',
      'person',
      'sofa',
      'Hair drier',
    ]);
    expect(learned.unified.labels[0]!.members).toEqual({ coco: 3, voc: 7, oid: 'c' });
    expect(learned.unified.labels[0]!.synonyms).toEqual(['Car']);
    expect(learned.unified.labels[0]!.cost).toBe(0.1);
    expect(learned.unified.labels[0]!.margin).toBeCloseTo(0.38, 12);
    expect(learned.origin).toMatchObject({
      method: 'learned',
      loss: 'average precision',
      parameters: { tau: 0.2, lambda: 0.5, solver: 'own', gap: 0 },
      objective: solution.objective,
      bound: solution.objective,
    });
    const text = writeTaxonomy(learned);
    expect(writeTaxonomy(readTaxonomy(text))).toBe(text);
  });

  it('suspicious merges first: a rival with the same name, then close calls', async () => {
    const { report } = await learnTaxonomy(found);
    expect(names(report)).toEqual(['hair drier + Shower', 'couch + <b>chair</b>', 'car + car + Car']);
    expect(report.merges[0]!.suspicions).toEqual(['rival-same-name', 'close-call']);
    expect(report.merges[2]!.suspicions).toEqual(['no-own-score', 'loses', 'uncertain']);
    const couch = report.merges.find(({ name }) => name === 'couch')!;
    expect(couch.suspicions).toContain('close-call');
    expect(couch.margin).toBeCloseTo(0.01, 12);
    expect(couch.runnerUp.map((labels) => labels.map(({ name }) => name))).toEqual([['couch', 'sofa']]);
  });

  it('says of each label that stands alone why', async () => {
    const { report } = await learnTaxonomy(found);
    const why = Object.fromEntries(report.alone.map(({ label, why: reason }) => [label.name, reason]));
    expect(why).toEqual({ person: 'lambda', sofa: 'taken', 'Hair drier': 'taken' });
    expect(report.alone.find(({ label }) => label.name === 'sofa')!.note).toContain('couch stands with voc: <b>chair</b>');
    expect(report.nearMisses[0]).toMatchObject({ why: 'cost', cost: 0.3, threshold: 0.05 });
  });

  it('every solver gives the same', async () => {
    const all = await Promise.all((['own', 'highs', 'glpk'] as const).map((solver) => learnTaxonomy(found, { solver })));
    for (const { report } of all) expect(names(report)).toEqual(names(all[0]!.report));
    expect(all.map(({ report }) => report.summary.solver)).toEqual(['own', 'highs', 'glpk']);
  });

  it('is the same every time', async () => {
    const [one, two] = [await learnTaxonomy(found), await learnTaxonomy(found)];
    expect(writeTaxonomy(one.taxonomy)).toBe(writeTaxonomy(two.taxonomy));
    expect(one.report).toEqual(two.report);
  });
});

describe('a person stays in charge', () => {
  const key = (dataset: string, id: string | number) => ({ dataset, id });
  it('pins are kept to, and stand in the file', async () => {
    const pins = {
      mustMerge: [[key('coco', 89), key('oid', 'b')]],
      cannotMerge: [[key('coco', 3), key('oid', 'c')]],
      locked: [[key('coco', 63), key('voc', 18)]],
      names: [{ ...key('voc', 18), name: 'Sofa' }],
    };
    const { taxonomy: learned, report } = await learnTaxonomy(found, { pins });
    expect(names(report).sort()).toEqual(['car + car', 'couch + sofa', 'hair drier + Hair drier']);
    expect(learned.unified.labels.map(({ name }) => name)).toContain('Sofa');
    expect(learned.warnings).toEqual([]);
    const read = readTaxonomy(writeTaxonomy(learned));
    expect(read.pins).toEqual(learned.pins);
    // Learning again from the file alone gives the same file.
    const again = await learnTaxonomy(found, { pins: readPins(writeTaxonomy(learned)) });
    expect(writeTaxonomy(again.taxonomy)).toBe(writeTaxonomy(learned));
    expect(report.merges.filter(({ pinned }) => pinned).map(({ name }) => name).sort()).toEqual(['Sofa', 'hair drier']); // prettier-ignore
  });

  it('a pinned merge without a column counts 0, or what pinnedColumns say', async () => {
    const pins = { mustMerge: [[key('coco', 1), key('oid', 'a')]] };
    const free = await learnTaxonomy(found, { pins });
    const priced = await learnTaxonomy(found, { pins, pinnedColumns: [column([3, 7], 0.3)] });
    expect(priced.solution.objective - free.solution.objective).toBeCloseTo(0.3, 12);
    expect(priced.report.merges.find(({ name }) => name === 'person')).toMatchObject({ cost: 0.3, pinned: true });
  });

  it.each([
    [{ mustMerge: [[key('coco', 1), key('oid', 'x')]] }, 'unknown-label', /pins\.mustMerge\[0\]\[1\]: found the id "x" of "oid"/],
    [{ cannotMerge: [[key('cocoa', 1), key('oid', 'a')]] }, 'unknown-label', /the data set "cocoa"/],
    [{ mustMerge: [[key('coco', 1), key('oid', 'a')]], cannotMerge: [[key('oid', 'a'), key('coco', 1)]] }, 'pin-conflict', /oid "a" "Shower" and coco 1 "person", which must merge and cannot merge/],
  ])('%o', async (pins, code, message) => {
    const promise = learnTaxonomy(found, { pins });
    await expect(promise).rejects.toMatchObject({ code });
    await expect(promise).rejects.toThrow(message);
  }); // prettier-ignore

  it('pins are joined', () => {
    const a = { mustMerge: [[key('coco', 1), key('oid', 'a')]], names: [{ ...key('coco', 1), name: 'x' }] };
    const b = { mustMerge: [[key('oid', 'a'), key('coco', 1)]], names: [{ ...key('coco', 1), name: 'y' }] };
    expect(joinPins(a, b)).toEqual({ mustMerge: a.mustMerge, cannotMerge: [], locked: [], names: b.names });
  });

  it('pins are read from a file of their own; bad ones are refused with their place', () => {
    expect(readPins('{"locked":[[{"dataset":"coco","id":1}]]}')).toEqual({
      mustMerge: [],
      cannotMerge: [],
      locked: [[key('coco', 1)]],
    });
    expect(() => readPins('{"mustMerge":[[{"dataset":"coco","id":1}]]}')).toThrow(/mustMerge\[0\]: found an array of 1/);
    expect(() => readPins('{"mustMerge":[],"mustMerge":[]}')).toThrow(/a second time/);
    expect(() => readPins('[]')).toThrow(TaxonomyError);
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.json()), (text) => {
        try {
          readPins(text);
        } catch (error) {
          expect(error).toBeInstanceOf(TaxonomyError);
        }
      }),
    );
  });
});

describe('the report', () => {
  it('as text and as a page: whole, escaped, loading nothing', async () => {
    const { report } = await learnTaxonomy(found);
    expect(learnReportToText(report)).toContain('6 unified labels of 10');
    const page = learnReportToHtml(report, { title: 'Review & <more>', crops: new Map([[0, ['data:image/jpeg;base64,AAAA']]]) });
    // Short words, so that a failure does not print the page.
    const has = (text: string | RegExp) => (typeof text === 'string' ? page.includes(text) : text.test(page));
    expect(has('<h1>Review &#38; &#60;more&#62;</h1>')).toBe(true);
    expect(has('<b>chair</b>')).toBe(false);
    expect(has('data:image/jpeg;base64,AAAA')).toBe(true);
    expect(has(/\b(?:src|href)="(?!data:|#)/)).toBe(false);
    expect(JSON.parse(JSON.stringify(report))).toEqual(report);
  });

  it.skipIf(!hasSharedData)(`puts UniDet’s real mistakes first${hasSharedData ? '' : `: ${noSharedData}`}`, async () => {
    const { labels, columns } = uniDetProgram();
    const spaces = [...new Set(labels.map(({ dataset }) => dataset))].map(
      (dataset) =>
      labelSpace(dataset, labels.filter((label) => label.dataset === dataset).map(({ id, name }) => ({ id, name }))), // prettier-ignore
    );
    const { report, taxonomy: learned } = await learnTaxonomy({ spaces, columns, nearMisses: [], origin: { method: 'learned' } });
    expect(learned.unified.size).toBe(701);
    const first = names(report).slice(0, 8);
    for (const mistake of ['hair drier + Shower', 'goose + Duck', 'tea pot + Kettle', 'pumpkin + Squash'])
      expect(first).toContain(mistake);
    expect(report.merges[names(report).indexOf('hair drier + Shower')]).toMatchObject({
      suspicions: ['rival-same-name', 'close-call'],
      runnerUp: [[{ name: 'hair drier' }, { name: 'hair drier' }]],
    });
  });
});

describe('adding data sets', () => {
  const old = taxonomy(
    unifiedLabelSpace('old', [coco, voc], [{ name: 'car', members: { coco: 3, voc: 7 }, cost: 0.1, margin: 0.2 }], { rest: 'single' }),
    { pins: { cannotMerge: [[{ dataset: 'coco', id: 1 }, { dataset: 'voc', id: 18 }]] } },
  ); // prettier-ignore
  // Nodes: the unified labels 0 car, 1 couch, 2 hair drier, 3 person, 4 sofa, 5 chair | 6 Shower, 7 Hair drier, 8 Car
  const add = (columns: Column[], threshold?: number) =>
    addDatasets(old, { spaces: [old.space, oid], columns }, threshold === undefined ? {} : { threshold });

  it('old unified labels stay; each new label joins the best under the threshold, or is appended', () => {
    const { taxonomy: grown, added } = add([
      column([0, 8], 0.01),
      column([2, 7], 0.02),
      column([2, 6], 0.04),
      column([3, 6], 0.2),
    ]);
    old.unified.labels.forEach(({ id, name, members }, u) => {
      expect(grown.unified.labels[u]).toMatchObject({ id, name });
      expect(grown.unified.labels[u]!.members).toMatchObject(members);
    });
    expect(added.map(({ name, unified, joined }) => [name, unified, joined])).toEqual([
      ['Shower', 'Shower', false],
      ['Hair drier', 'hair drier', true],
      ['Car', 'car', true],
    ]);
    expect(added[0]!.best).toEqual({ unified: 'hair drier', cost: 0.04 });
    expect(grown.unified.size).toBe(7);
    expect(grown.unified.labels[0]!.cost).toBeCloseTo(0.11, 12);
    expect(grown.pins).toEqual(old.pins);
    expect(readTaxonomy(writeTaxonomy(grown)).unified.size).toBe(7);
  });

  it('a cost at the threshold does not join', () => {
    expect(add([column([0, 8], 0.05)]).added[2]!.joined).toBe(false);
    expect(add([column([0, 8], 0.05)], 0.06).added[2]!.joined).toBe(true);
  });

  it('refuses another space than the taxonomy’s, and bad columns', () => {
    expect(() => addDatasets(old, { spaces: [coco, oid], columns: [] })).toThrow(/the 6 unified labels of "old"/);
    expect(() => add([column([0, 8], Number.NaN)])).toThrow(/found NaN/);
    expect(() => add([], -1)).toThrow(/option threshold/);
  });
});

describe('files of columns', () => {
  it('are read', () => {
    const text =
      '{"labels":[{"dataset":"a","id":1,"name":"x"},{"dataset":"b"}],"columns":[{"members":[0,1],"cost":0.5,"note":"kept out"}]}';
    expect(readColumns(text)).toEqual({
      labels: [{ dataset: 'a', id: 1, name: 'x' }, { dataset: 'b', id: 1, name: '1' }],
      columns: [{ members: [0, 1], cost: 0.5 }],
    }); // prettier-ignore
    expect(readColumns(new TextEncoder().encode(text)).labels).toHaveLength(2);
  });

  it.each([
    ['', /no JSON/],
    ['[]', /found an array of 0; wanted an object/],
    ['{"labels":[]}', /columns: found undefined/],
    ['{"labels":[{"dataset":""}],"columns":[]}', /labels\[0\]\.dataset: found ""/],
    ['{"labels":[{"dataset":"a","id":1.5}],"columns":[]}', /labels\[0\]\.id: found 1.5/],
    ['{"labels":[{"dataset":"a"}],"columns":[{"members":[0],"cost":null}]}', /columns\[0\]\.cost: found null/],
    ['{"labels":[{"dataset":"a"}],"columns":[{"members":[0,0],"cost":1}]}', /two labels of data set "a"/],
  ])('%s', (text, message) => {
    expect(() => readColumns(text, { file: 'c.json' })).toThrow(message);
  });

  it('anything at all gives columns or a named error', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.json(), fc.uint8Array()), (source) => {
        try {
          readColumns(source);
        } catch (error) {
          expect(error).toMatchObject({ code: 'invalid-columns' });
        }
      }),
    );
  });
});
