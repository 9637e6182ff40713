// `labelweave evaluate`: the official answers reach the files, arrays are what NumPy reads, and wrong use is told in one line.
import { mkdtempSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { encodePng } from '../../sdk/node/index.js';
import { evaluateCommand } from '../../sdk/cli/evaluate.js';
import { UsageError } from '../../sdk/cli/exit.js';
import { writeNpy } from '../../sdk/evaluate/index.js';
import { labelSpace, unifiedLabelSpace } from '../../sdk/taxonomy/index.js';
import { taxonomy, writeTaxonomy } from '../../sdk/taxonomy/file/index.js';
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

describe('evaluate in parts, against another model, and on several data sets', () => {
  const truth = {
    images: [1, 2, 3, 4].map((id) => ({ id, width: 100, height: 100, neg_category_ids: [], not_exhaustive_category_ids: [] })),
    categories: [{ id: 17, name: 'cat', frequency: 'f' }, { id: 18, name: 'dog', frequency: 'f' }],
    annotations: [1, 2, 3, 4].map((id) => ({ id, image_id: id, category_id: 17 + (id % 2), bbox: [0, 0, 20, 20], area: 400, iscrowd: 0 })),
  }; // prettier-ignore
  const found = [1, 2, 3, 4].map((id) => ({
    image_id: id,
    category_id: 17 + (id % 2),
    bbox: [0, 0, 20, id === 3 ? 11 : 20],
    score: 1 / id,
  }));
  const file = (name: string, value: unknown) => {
    writeFileSync(out(name), typeof value === 'string' ? value : JSON.stringify(value));
    return out(name);
  };
  const xml = (name: string) =>
    `<annotation><filename>1.jpg</filename><object><name>${name}</name><bndbox><xmin>1</xmin><ymin>1</ymin><xmax>10</xmax><ymax>10</ymax></bndbox></object></annotation>`;

  it.each(['coco', 'lvis'])('%s: merged partial results are the whole', async (protocol) => {
    const gt = file('pgt.json', truth);
    await evaluateCommand(protocol, { gt, dt: file('pdt.json', found), json: out('whole.json'), quiet: true });
    const parts = [found.slice(2), found.slice(0, 2)].map((rows, i) => [file(`part${i}.json`, rows), out(`${i}.part`)] as const);
    for (const [dt, partial] of parts) await evaluateCommand(protocol, { gt, dt, partial, quiet: true });
    await evaluateCommand(protocol, { gt, merge: parts.map(([, partial]) => partial), json: out('merged.json'), quiet: true });
    const [whole, merged] = [json(out('whole.json')), json(out('merged.json'))];
    expect([merged.stats, merged.counts, merged.perClass]).toEqual([whole.stats, whole.counts, whole.perClass]);
    await expect(evaluateCommand(protocol, { gt, dt: out('pdt.json'), merge: parts[0]![1], quiet: true })).rejects.toThrow(
      /batches/,
    );
    await expect(evaluateCommand(protocol, { gt, merge: gt, quiet: true })).rejects.toThrow(UsageError);
  });

  it('voc: merged partial results are the whole', async () => {
    const images = { a: 'cat', b: 'dog' };
    mkdirSync(out('vgt'), { recursive: true });
    for (const [image, name] of Object.entries(images)) {
      writeFileSync(join(out('vgt'), `${image}.xml`), xml(name));
      mkdirSync(out(`v-${image}`), { recursive: true });
      writeFileSync(join(out(`v-${image}`), `${name}.txt`), `${image} 0.9 1 1 10 10\n`);
    }
    for (const image of Object.keys(images))
      await evaluateCommand('voc', { gt: out('vgt'), dt: out(`v-${image}`), partial: out(`${image}.vpart`), quiet: true });
    await evaluateCommand('voc', { gt: out('vgt'), merge: [out('a.vpart'), out('b.vpart')], json: out('v2.json'), quiet: true });
    expect(json(out('v2.json')).stats).toEqual([1]);
  });

  it('panoptic: merged partial results are the whole', async () => {
    // Four images of 4 x 3 pixels, [ids of the truth, ids of the prediction]; 1 is a thing, 2 is stuff, 0 is void.
    const images = [
      ['111122220000', '111122220000'],
      ['111111112222', '111111122222'],
      ['111111112222', '111111222222'],
      ['111122222200', '112222222222'],
    ];
    const write = async (side: 'gt' | 'dt', which: number[]) => {
      const name = `pan-${side}-${which.join('')}`;
      mkdirSync(out(name), { recursive: true });
      const annotations = [];
      for (const id of which) {
        const text = images[id]![side === 'gt' ? 0 : 1]!;
        const data = Uint8Array.from(text, Number);
        const rgb = Uint8Array.from({ length: data.length * 3 }, (_, i) => (i % 3 === 0 ? data[i / 3]! : 0));
        writeFileSync(join(out(name), `${id}.png`), await encodePng({ data: rgb, width: 4, height: 3, channels: 3 }));
        const segments_info = [1, 2].map((k) => ({ id: k, category_id: k, area: text.split(String(k)).length - 1, iscrowd: 0 }));
        annotations.push({ image_id: id, file_name: `${id}.png`, segments_info });
      }
      return file(`${name}.json`, { annotations, categories: [{ id: 1, name: 'one', isthing: 1 }, { id: 2, name: 'two', isthing: 0 }] }); // prettier-ignore
    };
    const gt = await write('gt', [0, 1, 2, 3]);
    await evaluateCommand('panoptic', { gt, dt: await write('dt', [0, 1, 2, 3]), json: out('pan.json'), quiet: true });
    const whole = json(out('pan.json'));
    expect(whole.counts.images).toBe(4);
    // In another order than that of the images: sums are over their order in the ground truth.
    const parts = [[3], [1, 2], [0]].map((ids) => ({ ids, partial: out(`pan-${ids.join('')}.part`) }));
    for (const { ids, partial } of parts.slice(0, 2))
      await evaluateCommand('panoptic', {
        gt,
        dt: await write('dt', ids),
        partial,
        json: out('pan-part.json'),
        workers: 2,
        quiet: true,
      });
    expect(json(out('pan-part.json'))).toMatchObject({
      counts: { images: 2 },
      diagnostics: [{ code: 'missing-prediction', count: 2 }],
    });
    // The last part comes with the merge.
    const merge = parts.slice(0, 2).map(({ partial }) => partial);
    const [last, partial] = [await write('dt', [0]), out('pan-all.part')];
    await evaluateCommand('panoptic', { gt, dt: last, merge, partial, json: out('pan-merged.json'), quiet: true });
    expect(json(out('pan-merged.json'))).toEqual(whole);
    await evaluateCommand('panoptic', { gt, merge: partial, json: out('pan-merged.json'), quiet: true });
    expect(json(out('pan-merged.json'))).toEqual(whole);
    await expect(evaluateCommand('panoptic', { gt, dt: last, merge: partial, quiet: true })).rejects.toThrow(/5 images in all/);
    await expect(evaluateCommand('panoptic', { gt, merge: gt, quiet: true })).rejects.toThrow(UsageError);
    await expect(evaluateCommand('panoptic', { gt, dt: last, quiet: true })).rejects.toThrow(/none for 3 of 4 images/);
  });

  it('coco: a second model, slices and size ranges; objects365 and mapillary are judged as COCO', async () => {
    const options = {
      gt: file('gt.json', truth),
      dt: file('new.json', found),
      compare: file('old.json', found.slice(0, 2)),
      resamples: 50,
      slices: file('slices.json', { night: [1, 2], day: [3] }),
      areas: 'tiny:0:300,medium:300:9216',
      json: out('compare.json'),
      html: out('compare.html'),
      quiet: true,
    };
    for (const protocol of ['coco', 'objects365', 'mapillary']) {
      await evaluateCommand(protocol, options);
      const { comparison, analysis, perClass, stats } = json(out('compare.json'));
      expect(comparison.names).toEqual(['new.json', 'old.json']);
      expect(comparison.AP.a).toBeCloseTo(stats[0], 12);
      expect(comparison.AP.difference.value).toBeLessThan(0);
      expect(comparison.perClass.map(({ name }: { name: string }) => name).sort()).toEqual(['cat', 'dog']);
      expect(analysis.slices).toMatchObject([{ name: 'night', images: 2, AP50: expect.closeTo(1, 12) }, { name: 'day', images: 1 }]); // prettier-ignore
      expect(perClass[0]).toMatchObject({ 'AP tiny': -1, 'AP small': expect.closeTo(1, 12), 'AP medium': expect.closeTo(1, 12) });
      expect(printed).toContain('paired resamples');
    }
    expect(readFileSync(out('compare.html'), 'utf8')).toContain('old.json against new.json');
  });

  const taxonomyText = () => {
    const [animals, voc] = [
      labelSpace(
        'animals',
        truth.categories.map(({ id, name }) => ({ id, name })),
      ),
      labelSpace('voc', ['dog', 'sofa']),
    ];
    const unified = unifiedLabelSpace('ours', [animals, voc], [
      { id: 1, name: 'cat', members: { animals: 17 } },
      { id: 2, name: 'dog', members: { animals: 18, voc: voc.byName('dog').id } },
      { id: 3, name: 'sofa', members: { voc: voc.byName('sofa').id } },
    ]); // prettier-ignore
    return writeTaxonomy(taxonomy(unified));
  };
  const npy = (name: string, rows: number[][]) => {
    writeFileSync(out(name), writeNpy(Float64Array.from(rows.flat()), [rows.length, rows[0]!.length]));
    return name;
  };

  it('unified: the table over data sets, and a data set that was never trained on', async () => {
    file('u-gt.json', truth);
    file('u-dt.json', found.map((row) => ({ ...row, category_id: row.category_id - 16 }))); // prettier-ignore
    file('u-none.json', [{ ...found[0], category_id: 3 }]);
    mkdirSync(out('u-xml'), { recursive: true });
    mkdirSync(out('u-lists'), { recursive: true });
    writeFileSync(join(out('u-xml'), '1.xml'), xml('dog'));
    writeFileSync(join(out('u-lists'), 'dog.txt'), '1 0.9 1 1 10 10\n');
    file('k-gt.json', { ...truth, categories: [{ id: 17, name: 'kitten' }, { id: 18, name: 'puppy' }] }); // prettier-ignore
    const sets = {
      vectors: { animals: npy('animals.npy', [[1, 0, 0], [0, 1, 0]]), voc: npy('voc.npy', [[0, 1, 0], [0, 0, 1]]) },
      sets: [
        { name: 'animals', protocol: 'coco', gt: 'u-gt.json', dt: { good: 'u-dt.json', bad: 'u-none.json' } },
        { name: 'voc', protocol: 'voc', gt: 'u-xml', dt: { good: 'u-lists', bad: 'u-lists' } },
        { name: 'kennel', protocol: 'coco', gt: 'k-gt.json', dt: { good: 'u-dt.json', bad: 'u-none.json' }, vectors: npy('k.npy', [[1, 0.1, 0], [0, 2, 0]]) },
      ],
    }; // prettier-ignore
    const options = { taxonomy: file('t.json', taxonomyText()), sets: file('sets.json', sets), json: out('u.json'), csv: out('u.csv'), html: out('u.html'), quiet: true }; // prettier-ignore
    await evaluateCommand('unified', options);
    const { models, matches } = json(out('u.json'));
    expect(models.map(({ model }: { model: string }) => model)).toEqual(['good', 'bad']);
    const values = models[0].datasets.map(({ value }: { value: number }) => value);
    expect(values[0]).toBe(values[2]);
    expect(values[1]).toBe(1);
    expect(models[0].mean).toBeCloseTo((2 * values[0] + 1) / 3, 12);
    expect(models[1].datasets[0]).toMatchObject({ value: 0, leftOut: 1 });
    expect(matches.kennel).toMatchObject([{ label: 'kitten', unified: 'cat' }, { label: 'puppy', unified: 'dog', dataset: 'animals' }]); // prettier-ignore
    expect(readFileSync(out('u.csv'), 'utf8').split('\r\n')[0]).toBe('model,animals AP,voc mAP50,kennel AP,mean');
    expect(readFileSync(out('u-good-voc.html'), 'utf8')).toContain('good on voc');
    expect(printed).toContain('2 of 2 labels matched');
  });

  it.each([
    ['no taxonomy', { sets: 'a' }, /--taxonomy is missing/],
    ['--gt', { sets: 'a', taxonomy: 'b', gt: 'c' }, /--gt: evaluate unified reads it/],
    [
      'a broken file of sets',
      { sets: { sets: [{ name: 'x', protocol: 'cocoo', gt: 'a', dt: 'b' }] } },
      /sets\[0\].protocol "cocoo"/,
    ],
    ['an unknown key', { sets: { sets: [{ name: 'x', protocol: 'coco', gt: 'a', dt: 'b', dtt: 'c' }] } }, /sets\[0\].dtt/],
    [
      'different models',
      {
        sets: {
          sets: [
            { name: 'x', protocol: 'coco', gt: 'a', dt: { m: 'b' } },
            { name: 'y', protocol: 'coco', gt: 'a', dt: 'b' },
          ],
        },
      },
      /models one without a name in sets\[1\]/,
    ],
  ] as const)('unified refuses %s', async (_, change, message) => {
    const options: Record<string, unknown> = { ...change };
    if (typeof options['sets'] === 'object') {
      options['sets'] = file('bad-sets.json', options['sets']);
      options['taxonomy'] = file('t.json', taxonomyText());
    }
    await expect(evaluateCommand('unified', { ...options, quiet: true })).rejects.toThrow(message);
    await expect(evaluateCommand('unified', { ...options, quiet: true })).rejects.toThrow(UsageError);
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
    ['slices for LVIS', 'lvis', { gt: 'a', dt: 'b', slices: 'c' }],
    ['a size range that is none', 'coco', { gt: 'a', dt: 'b', areas: 'tiny:5:1' }],
    ['half a thread', 'lvis', { gt: 'a', dt: 'b', workers: 0.5 }],
    ['the same option twice', 'coco', { gt: ['a', 'b'], dt: 'c' }],
    ['a mode that is none', 'coco', { gt: 'a', dt: 'b', mode: 'loose' }],
  ])('%s is wrong usage', async (_, protocol, options) => {
    await expect(evaluateCommand(protocol, options)).rejects.toThrow(UsageError);
  });
});
