// `labelweave evaluate`: the official answers reach the files, arrays are what NumPy reads, and wrong use is told in one line.
import { mkdtempSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { encodePng } from '../../sdk/node/index.js';
import { evaluateCommand } from '../../sdk/cli/evaluate.js';
import { UsageError } from '../../sdk/cli/exit.js';
import { readNpy } from '../../sdk/tensor/npy.js';
import { hasSharedData, noSharedData, sharedData } from '../shared-data.js';

/** The official numbers hang on the version of NumPy in the last bit. */
const tolerance = 1e-12;

let folder: string;
let printed = '';
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'labelweave-evaluate-'));
});
beforeEach(() => {
  printed = '';
  vi.restoreAllMocks();
  vi.spyOn(process.stdout, 'write').mockImplementation((text) => {
    printed += String(text);
    return true;
  });
});
afterAll(() => rmSync(folder, { recursive: true }));

const out = (name: string) => join(folder, name);
const json = (path: string) => JSON.parse(readFileSync(path, 'utf8'));
const close = (found: readonly number[], wanted: readonly number[]) => {
  expect(found.length).toBe(wanted.length);
  found.forEach((value, i) => expect(Math.abs(value - wanted[i]!)).toBeLessThanOrEqual(tolerance));
};

describe.skipIf(!hasSharedData)(`evaluate on reference data${hasSharedData ? '' : `: ${noSharedData}`}`, () => {
  const coco = 'evaluate/coco_val2014_fake100/';
  it('coco: stats, classes, CSV, page, arrays and twelve lines', async () => {
    const options = {
      gt: sharedData(`${coco}instances_val2014_100.json`),
      dt: sharedData(`${coco}instances_val2014_fakebbox100_results.json`),
      json: out('c.json'),
      csv: out('c.csv'),
      html: out('c.html'),
      arrays: out('c.npy'),
      quiet: true,
    };
    expect(await evaluateCommand('coco', options)).toBe(0);
    const expected = json(sharedData(`${coco}expected_bbox_pct.json`));
    const found = json(out('c.json'));
    close(found.stats, expected.stats);
    expect(printed.split('\n').slice(0, 12)).toMatchInlineSnapshot(`
      [
        " Average Precision  (AP) @[ IoU=0.50:0.95 | area=   all | maxDets=100 ] = 0.505",
        " Average Precision  (AP) @[ IoU=0.50      | area=   all | maxDets=100 ] = 0.697",
        " Average Precision  (AP) @[ IoU=0.75      | area=   all | maxDets=100 ] = 0.573",
        " Average Precision  (AP) @[ IoU=0.50:0.95 | area= small | maxDets=100 ] = 0.586",
        " Average Precision  (AP) @[ IoU=0.50:0.95 | area=medium | maxDets=100 ] = 0.519",
        " Average Precision  (AP) @[ IoU=0.50:0.95 | area= large | maxDets=100 ] = 0.501",
        " Average Recall     (AR) @[ IoU=0.50:0.95 | area=   all | maxDets=  1 ] = 0.387",
        " Average Recall     (AR) @[ IoU=0.50:0.95 | area=   all | maxDets= 10 ] = 0.594",
        " Average Recall     (AR) @[ IoU=0.50:0.95 | area=   all | maxDets=100 ] = 0.595",
        " Average Recall     (AR) @[ IoU=0.50:0.95 | area= small | maxDets=100 ] = 0.640",
        " Average Recall     (AR) @[ IoU=0.50:0.95 | area=medium | maxDets=100 ] = 0.566",
        " Average Recall     (AR) @[ IoU=0.50:0.95 | area= large | maxDets=100 ] = 0.564",
      ]
    `);
    expect(found.perClass.length).toBe(80);
    expect(readFileSync(out('c.csv'), 'utf8').split('\r\n').length).toBe(82);
    const precision = readNpy(readFileSync(out('c-precision.npy')), 'precision');
    expect(precision.shape).toEqual([10, 101, 80, 4, 3]);
    const recall = readNpy(readFileSync(out('c-recall.npy')), 'recall');
    expect(recall.shape).toEqual([10, 80, 4, 3]);
    const cells = [...precision.data].filter((_, i) => i % 3 === 2 && Math.floor(i / 3) % 4 === 0).filter((value) => value > -1);
    expect(cells.reduce((sum, value) => sum + value, 0) / cells.length).toBeCloseTo(expected.stats[0], 10);
    expect(readFileSync(out('c.html'), 'utf8')).toContain('Confusion matrix');
  });

  it('lvis: thirteen numbers', async () => {
    const root = 'evaluate/lvis_val_100/';
    const dt = sharedData(`${root}seeded/dt.json`);
    await evaluateCommand('lvis', { gt: sharedData(`${root}lvis_val_100.json`), dt, json: out('l.json'), quiet: true });
    const expected = json(sharedData(`${root}expected_bbox.json`));
    close(json(out('l.json')).stats, Object.values(expected.results));
  });

  it('openimages: with hierarchy, the numbers of the official script', async () => {
    const root = 'evaluate/oid_synth/';
    const file = (name: string) => sharedData(root + name);
    const options = { gt: file('boxes.csv'), labels: file('labels.csv'), hierarchy: file('hierarchy.json'), labelmap: file('labelmap.pbtxt'), dt: file('predictions.csv'), json: out('o.json'), quiet: true }; // prettier-ignore
    await evaluateCommand('openimages', options);
    const expected = json(file('expected.json')).challenge_w1_expanded;
    const { stats, statNames } = json(out('o.json'));
    expect(statNames).toEqual(Object.keys(expected));
    Object.values(expected as Record<string, number | null>).forEach((value, i) =>
      value === null ? expect(stats[i]).toBeNull() : expect(Math.abs(stats[i] - value)).toBeLessThanOrEqual(tolerance),
    );
  });

  it('panoptic: PQ, SQ, RQ of all, things and stuff', async () => {
    const root = 'evaluate/panoptic_sample/';
    const options = { gt: sharedData(`${root}panoptic_examples.json`), gtDir: sharedData(`${root}panoptic_examples`), dt: sharedData(`${root}seeded/pred.json`), json: out('p.json'), quiet: true }; // prettier-ignore
    await evaluateCommand('panoptic', options);
    const expected = json(sharedData(`${root}expected_seeded.json`));
    const groups = ['All', 'Things', 'Stuff'].map((name) => expected[name]);
    close(
      json(out('p.json')).stats,
      groups.flatMap(({ pq, sq, rq }) => [pq, sq, rq]),
    );
  });
});

describe('evaluate on small files', () => {
  it('semantic: two folders of label maps, grey', async () => {
    for (const [name, pixels] of [
      ['gt', [0, 0, 1, 1, 255, 2]],
      ['dt', [0, 1, 1, 1, 1, 0]],
    ] as const) {
      mkdirSync(out(name), { recursive: true });
      const frame = { data: Uint8Array.from(pixels), width: 3, height: 2, channels: 1 as const };
      writeFileSync(join(out(name), 'a.png'), await encodePng(frame));
    }
    await evaluateCommand('semantic', { gt: out('gt'), dt: out('dt'), json: out('s.json'), quiet: true });
    const { stats, counts } = json(out('s.json'));
    // class 0: 1 of 3; class 1: 2 of 3; class 2: 0 of 1
    expect(stats[0]).toBeCloseTo((1 / 3 + 2 / 3 + 0) / 3, 12);
    expect(counts.pixels).toBe(5);
  });

  it('voc: folders of XML and of lists', async () => {
    mkdirSync(out('xml'), { recursive: true });
    mkdirSync(out('lists'), { recursive: true });
    writeFileSync(join(out('xml'), '1.xml'), '<annotation><filename>1.jpg</filename><object><name>cat</name><bndbox><xmin>1</xmin><ymin>1</ymin><xmax>10</xmax><ymax>10</ymax></bndbox></object></annotation>'); // prettier-ignore
    writeFileSync(join(out('lists'), 'comp4_det_test_cat.txt'), '1 0.9 1 1 10 10\n1 0.8 50 50 60 60\n');
    await evaluateCommand('voc', { gt: out('xml'), dt: out('lists'), json: out('v.json'), quiet: true });
    expect(json(out('v.json'))).toMatchObject({ stats: [1], perClass: [{ name: 'cat', positives: 1, tp: 1, fp: 1 }] });
  });

  it.each([
    ['an unknown protocol', 'cocoo', {}],
    ['no files', 'coco', {}],
    ['an option of another protocol', 'voc', { gt: 'a', dt: 'b', mode: 'strict' }],
    ['an IoU type that LVIS lacks', 'lvis', { gt: 'a', dt: 'b', iouType: 'boundary' }],
    ['a mode that is none', 'coco', { gt: 'a', dt: 'b', mode: 'loose' }],
  ])('%s is wrong usage', async (_, protocol, options) => {
    await expect(evaluateCommand(protocol, options)).rejects.toThrow(UsageError);
  });
});
