// Merging data sets and splitting them again: by hand, any data sets come back whole, every broken input is named, real files.
import fc from 'fast-check';
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { namedLabels } from '../../sdk/cli/labels.js';
import {
  cocoFile,
  type DatasetInput,
  mergeDatasets,
  type MergeDatasetsOptions,
  splitDatasets,
} from '../../sdk/datasets/index.js';
import { DatasetError, LabelSpaceError } from '../../sdk/errors.js';
import { labelSpace } from '../../sdk/taxonomy/label-space.js';
import { mergeByName } from '../../sdk/taxonomy/merge/by-name.js';
import { unifiedLabelSpace } from '../../sdk/taxonomy/unified.js';
import { hasSharedData, noSharedData, sharedData } from '../shared-data.js';

type Coco = {
  info?: unknown;
  licenses?: unknown;
  images: Record<string, unknown>[];
  annotations: Record<string, unknown>[];
  categories: Record<string, unknown>[];
};

/** Gathers a file. */
class Gathered {
  text = '';
  write(text: string): void {
    this.text += text;
  }
  json(): Coco & { info: { labelweave: { datasets: { category_ids: number[] }[] } } } {
    return JSON.parse(this.text) as never;
  }
}
const file = (coco: object, name = 'x.json') => cocoFile(new TextEncoder().encode(JSON.stringify(coco)), name);

const coco = labelSpace('coco', [
  { id: 1, name: 'person' },
  { id: 3, name: 'car' },
  { id: 17, name: 'cat', synonyms: ['kitty'] },
]);
const oid = labelSpace('oid', [
  { id: '/m/a', name: 'Animal' },
  { id: '/m/c', name: 'Cat', parents: ['/m/a'] },
  { id: '/m/v', name: 'Car' },
]);
const unified = unifiedLabelSpace('both', [coco, oid], [
  { name: 'car', members: { coco: 3, oid: '/m/v' } },
  { name: 'cat', members: { coco: 17, oid: '/m/c' } },
  { name: 'person', members: { coco: 1 } },
  { name: 'animal', members: { oid: '/m/a' } },
]); // prettier-ignore

const cocoJson = {
  info: { year: 2017 },
  licenses: [{ id: 4, name: 'CC BY' }],
  images: [
    { id: 900, file_name: 'a.jpg', width: 10, height: 10, license: 4 },
    { id: 7, file_name: 'b.jpg', width: 10, height: 10 },
  ],
  annotations: [
    { id: 5, image_id: 7, category_id: 17, bbox: [1, 2, 3, 4], area: 12, iscrowd: 0, segmentation: [[1, 2, 3, 4, 5, 6.5]] },
    { id: 5, image_id: 7, category_id: 1, bbox: [0, 0, 1, 1], area: 1, iscrowd: 1 },
  ],
  categories: [{ id: 1, name: 'person', supercategory: 'person' }, { id: 3, name: 'car' }, { id: 17, name: 'cat' }],
}; // prettier-ignore
const oidJson = {
  annotations: [{ image_id: '0a1b', category_id: 2, bbox: [0, 0, 2, 2] }],
  categories: [{ id: 1, name: 'Animal', freebase_id: '/m/a' }, { id: 2, name: 'Cat', freebase_id: '/m/c' }, { id: 3, name: 'Car', freebase_id: '/m/v' }],
  images: [
    { id: '0a1b', file_name: 'a.jpg', width: 4, height: 4, neg_category_ids: [3], not_exhaustive_category_ids: [2] },
    { id: '7', file_name: 'z/c.jpg', width: 4, height: 4 },
  ],
}; // prettier-ignore

async function merged(inputs: readonly DatasetInput[], options?: MergeDatasetsOptions) {
  const sink = new Gathered();
  const report = await mergeDatasets(unified, inputs, sink, options);
  return { report, json: sink.json(), text: sink.text };
}
const both: readonly DatasetInput[] = [
  { dataset: 'coco', annotations: file(cocoJson) },
  { dataset: 'oid', annotations: file(oidJson), folder: 'open/images/' },
];

describe('mergeDatasets', () => {
  it('numbers images and annotations anew, and says where each comes from', async () => {
    const { json, report } = await merged(both);
    expect(json.images.map(({ id, file_name, license, origin }) => ({ id, file_name, license, origin }))).toEqual([
      { id: 1, file_name: 'coco/a.jpg', license: 1, origin: { dataset: 'coco', id: 900, file_name: 'a.jpg', license: 4 } },
      { id: 2, file_name: 'coco/b.jpg', origin: { dataset: 'coco', id: 7, file_name: 'b.jpg' } },
      { id: 3, file_name: 'open/images/a.jpg', origin: { dataset: 'oid', id: '0a1b', file_name: 'a.jpg', federated: ['neg_category_ids', 'not_exhaustive_category_ids'] } },
      { id: 4, file_name: 'open/images/z/c.jpg', origin: { dataset: 'oid', id: '7', file_name: 'z/c.jpg' } },
    ]); // prettier-ignore
    expect(json.annotations).toEqual([
      {
        id: 1,
        image_id: 2,
        category_id: 2,
        bbox: [1, 2, 3, 4],
        area: 12,
        iscrowd: 0,
        segmentation: [[1, 2, 3, 4, 5, 6.5]],
        origin_id: 5,
      },
      { id: 2, image_id: 2, category_id: 3, bbox: [0, 0, 1, 1], area: 1, iscrowd: 1, origin_id: 5 },
      { id: 3, image_id: 3, category_id: 2, bbox: [0, 0, 2, 2] },
    ]);
    expect(json.categories).toEqual([
      { id: 1, name: 'car', members: { coco: 3, oid: '/m/v' } },
      { id: 2, name: 'cat', members: { coco: 17, oid: '/m/c' } },
      { id: 3, name: 'person', members: { coco: 1 } },
      { id: 4, name: 'animal', members: { oid: '/m/a' } },
    ]);
    expect(json.licenses).toEqual([{ id: 1, name: 'CC BY' }]);
    expect(report).toEqual({
      images: 4,
      annotations: 3,
      categories: 4,
      datasets: [
        { dataset: 'coco', images: 2, annotations: 2, dropped: 0, unknown: [], missing: [] },
        { dataset: 'oid', images: 2, annotations: 1, dropped: 0, unknown: [], missing: [] },
      ],
    });
  });

  it('says of each image which classes it surely has not; what its data set does not annotate is in no list', async () => {
    const { json } = await merged(both);
    expect(json.images.map(({ neg_category_ids, not_exhaustive_category_ids }) => [neg_category_ids, not_exhaustive_category_ids])).toEqual([
      [[1, 2, 3], []], // nothing annotated: all of COCO's, but not `animal`
      [[1], []], // cat and person annotated
      [[1], [2]], // its own lists
      [[1, 2, 4], []], // all of Open Images'
    ]); // prettier-ignore
  });

  it('a class above an annotated one is no negative', async () => {
    const { neg_category_ids: _, not_exhaustive_category_ids: __, ...image } = oidJson.images[0]!;
    const { json } = await merged([{ dataset: 'oid', annotations: file({ ...oidJson, images: [image] }) }]);
    expect(json.images[0]!['neg_category_ids']).toEqual([1]);
  });

  it('negatives once a data set: images keep only lists of their own', async () => {
    const { json } = await merged(both, { negatives: 'dataset' });
    expect(json.images.map((image) => 'neg_category_ids' in image)).toEqual([false, false, true, false]);
    expect(json.info.labelweave.datasets.map(({ category_ids }) => category_ids)).toEqual([
      [1, 2, 3],
      [1, 2, 4],
    ]);
  });

  it('segments of panoptic annotations have their categories changed', async () => {
    const annotations = [
      {
        image_id: 7,
        file_name: 'b.png',
        segments_info: [
          { id: 99, category_id: 17 },
          { id: 98, category_id: 3 },
        ],
      },
    ];
    const { json } = await merged([{ dataset: 'coco', annotations: file({ ...cocoJson, annotations }) }]);
    expect(json.annotations[0]!['segments_info']).toEqual([
      { id: 99, category_id: 2 },
      { id: 98, category_id: 1 },
    ]);
    expect(json.images[1]!['neg_category_ids']).toEqual([3]);
  });

  it('finds categories by name where ids are not those of the taxonomy, and leaves unknown ones out on demand', async () => {
    const categories = [
      { id: 501, name: 'Cars' },
      { id: 502, name: 'kitty' },
      { id: 503, name: 'kiosk' },
    ];
    const annotations = [
      { image_id: 7, category_id: 501 },
      { image_id: 7, category_id: 503 },
    ];
    const input = { dataset: 'coco', annotations: file({ ...cocoJson, categories, annotations }, 'mine.json') };
    await expect(merged([input])).rejects.toThrow(
      /mine\.json, categories\[2\]: found "kiosk" \(id 503\), which is no label of "coco" in the taxonomy/,
    );
    const { json, report } = await merged([input], { unknown: 'drop' });
    expect(json.annotations).toEqual([{ id: 1, image_id: 2, category_id: 1 }]);
    expect(report.datasets[0]).toMatchObject({ annotations: 1, dropped: 1, unknown: ['kiosk'], missing: ['person'] });
    expect(json.images[0]!['neg_category_ids']).toEqual([1, 2]);
  });

  it('files with numbers of their own are matched by name where that is asked for', async () => {
    const categories = [
      { id: 1, name: 'car' },
      { id: 2, name: 'person' },
    ];
    const input = {
      dataset: 'coco',
      annotations: file({ ...cocoJson, categories, annotations: [{ image_id: 7, category_id: 1 }] }),
    };
    const { json } = await merged([input], { match: 'name' });
    expect(json.annotations).toEqual([{ id: 1, image_id: 2, category_id: 1 }]);
    await expect(merged([input], { match: 'x' as never })).rejects.toThrow(/match: found "x"/);
  });

  it('an id alone says nothing: a category of another name is unknown', async () => {
    const categories = [{ id: 3, name: 'kiosk' }];
    const input = { dataset: 'coco', annotations: file({ ...cocoJson, categories, annotations: [] }) };
    await expect(merged([input])).rejects.toThrow(/found "kiosk" \(id 3\), which is no label of "coco"/);
  });

  const broken = (change: Partial<Record<keyof Coco, unknown>>): DatasetInput[] => [
    { dataset: 'coco', annotations: file({ ...cocoJson, ...change }) },
  ];
  it.each<[string, DatasetInput[], RegExp]>([
    ['no list of images', broken({ images: undefined }), /x\.json: found no list "images"/],
    ['an image id twice', broken({ images: [{ id: 1 }, { id: 1 }] }), /images\[1\]: found the id 1 a second time/],
    ['an image without id', broken({ images: [{}] }), /images\[0\]: found no "id"/],
    ['an image that is a number', broken({ images: [3] }), /images\[0\]: found 3; wanted an object/],
    [
      'a category id twice',
      broken({ categories: [...cocoJson.categories, { id: 1, name: 'car' }] }),
      /categories\[3\]: found the id 1 a second time/,
    ],
    [
      'two categories for one label',
      broken({ categories: [...cocoJson.categories, { id: 99, name: 'kitty' }] }),
      /categories\[3\]: found the label "cat" of categories\[2\] too/,
    ],
    [
      'another version: id and name of different labels',
      broken({ categories: [{ id: 1, name: 'car' }] }),
      /categories\[0\]: found id 1 with the name "car"; wanted "person".*version/,
    ],
    [
      'an annotation of no image',
      broken({ annotations: [{ image_id: 5, category_id: 1 }] }),
      /annotations\[0\]: found image_id = 5/,
    ],
    [
      'an annotation of no category',
      broken({ annotations: [{ image_id: 7, category_id: 2 }] }),
      /annotations\[0\]: found category_id = 2/,
    ],
    ['an annotation without category', broken({ annotations: [{ image_id: 7 }] }), /annotations\[0\]: found no "category_id"/],
    [
      'lists that are none',
      broken({ images: [{ id: 7, neg_category_ids: 3 }], annotations: [] }),
      /images\[0\]: found neg_category_ids = 3/,
    ],
    [
      'ids of no category in them',
      broken({ images: [{ id: 7, neg_category_ids: [4] }], annotations: [] }),
      /images\[0\]: found 4 in neg_category_ids/,
    ],
    [
      'truncated JSON',
      [{ dataset: 'coco', annotations: cocoFile(new TextEncoder().encode(JSON.stringify(cocoJson).slice(0, -9)), 'x.json') }],
      /ends too early/,
    ],
  ])('refuses %s', async (_, inputs, message) => {
    await expect(merged(inputs)).rejects.toThrow(message);
    await expect(merged(inputs)).rejects.toBeInstanceOf(DatasetError);
  });

  it('refuses data sets that the taxonomy has not, and wrong options', async () => {
    await expect(merged([{ dataset: 'voc', annotations: file(cocoJson) }])).rejects.toBeInstanceOf(LabelSpaceError);
    await expect(merged([both[0]!, both[0]!])).rejects.toThrow(/"coco" twice/);
    await expect(merged([])).rejects.toThrow(/an array of 0/);
    await expect(merged(both, { unknown: 'x' as never })).rejects.toThrow(/unknown: found "x"/);
    await expect(merged(both, { negatives: 'x' as never })).rejects.toThrow(/negatives: found "x"/);
    await expect(mergeDatasets({} as never, both, new Gathered())).rejects.toThrow(/taxonomy: found an object/);
  });

  it('stops when it is told to, and says how far it is', async () => {
    const stop = new AbortController();
    const stages: string[] = [];
    const onProgress = ({ stage, dataset }: { stage: string; dataset: string }): void => {
      stages.push(`${dataset} ${stage}`);
      if (stage === 'annotations') stop.abort(new Error('enough'));
    };
    await expect(merged(both, { signal: stop.signal, onProgress })).rejects.toThrow('enough');
    expect([...new Set(stages)]).toEqual(['coco labels and images', 'oid labels and images', 'coco annotations']);
  });
});

/** Splits and parses. */
async function split(text: string, options?: Parameters<typeof splitDatasets>[2]): Promise<Record<string, Coco>> {
  const sinks = new Map<string, Gathered>();
  await splitDatasets(cocoFile(new TextEncoder().encode(text), 'merged.json'), (dataset) => {
    const sink = new Gathered();
    sinks.set(dataset, sink);
    return sink;
  }, options); // prettier-ignore
  return Object.fromEntries([...sinks].map(([dataset, sink]) => [dataset, JSON.parse(sink.text) as Coco]));
}

describe('splitDatasets', () => {
  it('gives the files back', async () => {
    for (const negatives of ['image', 'dataset'] as const) {
      const { text } = await merged(both, { negatives });
      expect(await split(text)).toEqual({ coco: cocoJson, oid: oidJson });
    }
  });

  it('labels that were added later are refused, or left out', async () => {
    const { json } = await merged(both);
    json.annotations.push({ id: 9, image_id: 1, category_id: 4 });
    await expect(split(JSON.stringify(json))).rejects.toThrow(
      /annotations\[3\]: found category_id = 4; wanted a category of "coco"/,
    );
    expect(await split(JSON.stringify(json), { foreign: 'drop' })).toEqual({ coco: cocoJson, oid: oidJson });
  });

  it.each<[string, (json: Awaited<ReturnType<typeof merged>>['json']) => unknown, RegExp]>([
    ['a file that was never merged', () => cocoJson, /info\.labelweave: found undefined/],
    ['no info', ({ info: _, ...rest }) => rest, /no "info\.labelweave"/],
    ['another version', (json) => ({ ...json, info: { labelweave: { ...json.info.labelweave, version: 2 } } }), /version 2/],
    ['an image without origin', (json) => ({ ...json, images: [{ id: 1 }] }), /images\[0\]: found origin = undefined/],
    [
      'an image of another data set',
      (json) => ({ ...json, images: [{ id: 1, origin: { dataset: 'voc', id: 1 } }] }),
      /images\[0\]: found origin/,
    ],
    ['an annotation of no image', (json) => ({ ...json, annotations: [{ image_id: 99, category_id: 1 }] }), /image_id = 99/],
    ['broken info', (json) => ({ ...json, info: { labelweave: { version: 1, datasets: [{}] } } }), /datasets\[0\]/],
  ])('refuses %s', async (_, change, message) => {
    const { json } = await merged(both);
    await expect(split(JSON.stringify(change(json)))).rejects.toThrow(message);
    await expect(split(JSON.stringify(change(json)))).rejects.toBeInstanceOf(DatasetError);
  });

  it('any data sets come back whole', async () => {
    const spaces = [labelSpace('a', [{ id: 1, name: 'x' }, { id: 2, name: 'y' }, { id: 5, name: 'z' }]), labelSpace('b', [{ id: 'p', name: 'y' }, { id: 'q', name: 'X' }])]; // prettier-ignore
    const { taxonomy } = mergeByName(spaces);
    const id = fc.oneof(fc.integer({ min: -5, max: 1e12 }), fc.string({ unit: 'grapheme', minLength: 1, maxLength: 5 }));
    const dataset = (d: number) =>
      fc.uniqueArray(id, { maxLength: 6 }).chain((ids) => {
        const categories = spaces[d]!.labels.map(({ id, name }) => ({ id, name }));
        const category = fc.constantFrom(...categories.map((one) => one.id));
        const lists = fc.option(fc.record({ neg_category_ids: fc.uniqueArray(category).map((list) => order(list, d)), not_exhaustive_category_ids: fc.constant([]) }), { nil: {} }); // prettier-ignore
        const image = (one: number | string) => fc.tuple(lists, fc.option(fc.string(), { nil: undefined }), fc.jsonValue()).map(([own, name, more]) => ({ id: one, ...(name !== undefined && { file_name: name }), more, ...own })); // prettier-ignore
        const annotation = fc.record({ image_id: fc.constantFrom(...(ids.length ? ids : [0])), category_id: category, bbox: fc.array(fc.double({ noNaN: true, noDefaultInfinity: true }).map((v) => v + 0)) }, { requiredKeys: ['image_id', 'category_id'] }); // prettier-ignore
        return fc.record({
          info: fc.jsonValue(),
          categories: fc.constant(categories),
          images: fc.tuple(...ids.map(image)),
          annotations: ids.length ? fc.array(fc.tuple(annotation, fc.option(fc.integer(), { nil: undefined })).map(([one, id]) => ({ ...(id !== undefined && { id }), ...one }))) : fc.constant([]), // prettier-ignore
        });
      });
    // Lists come back in the order of the unified ids.
    const order = (list: readonly (number | string)[], d: number) => {
      const space = spaces[d]!;
      const index = (one: number | string) => taxonomy.unified.unifiedOf(space.name, { id: one }).index;
      return [...list].sort((p, q) => index(p) - index(q));
    };
    await fc.assert(
      fc.asyncProperty(dataset(0), dataset(1), async (a, b) => {
        const sink = new Gathered();
        await mergeDatasets(
          taxonomy,
          [
            { dataset: 'a', annotations: file(a) },
            { dataset: 'b', annotations: file(b), folder: '' },
          ],
          sink,
        );
        const ids = [sink.json().images, sink.json().annotations].map((list) => list.map((one) => one['id']));
        for (const list of ids) expect(list).toEqual(list.map((_, i) => i + 1));
        expect(await split(sink.text)).toEqual(JSON.parse(JSON.stringify({ a, b })));
      }),
    );
  });
});

describe.skipIf(!hasSharedData)(`real files${hasSharedData ? '' : ` (${noSharedData})`}`, () => {
  it('COCO and LVIS in one file, and back', async () => {
    const [cocoSpace, lvisSpace] = [(await namedLabels('coco'))!, (await namedLabels('lvis-v1'))!];
    const { taxonomy } = mergeByName([cocoSpace, lvisSpace], { level: 'synonyms' });
    const text = readFileSync(sharedData('coco-val80/instances.json'), 'utf8');
    const lvis = {
      images: [{ id: 1, coco_url: 'u', neg_category_ids: [3, 1], not_exhaustive_category_ids: [1203] }],
      annotations: [{ id: 1, image_id: 1, category_id: 1203 }],
      categories: lvisSpace.labels.map(({ id, name }) => ({ id, name })),
    };
    const sink = new Gathered();
    const report = await mergeDatasets(taxonomy, [{ dataset: 'coco', annotations: cocoFile(sharedData('coco-val80/instances.json')) }, { dataset: 'lvis-v1', annotations: file(lvis) }], sink); // prettier-ignore
    const original = JSON.parse(text) as Coco;
    expect(report).toMatchObject({ images: original.images.length + 1, annotations: original.annotations.length + 1 });
    const parts = await split(sink.text);
    expect(parts['coco']!.annotations).toEqual(original.annotations);
    expect(parts['coco']!.images).toEqual(original.images);
    expect(parts['coco']!.categories).toEqual(original.categories);
    expect(parts['lvis-v1']).toEqual({
      ...lvis,
      images: [{ ...lvis.images[0], neg_category_ids: expect.arrayContaining([1, 3]) as unknown }],
    });
  });
});
