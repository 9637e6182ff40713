// Open Images: the official tool's answers for all its protocols, each rule on a few boxes, masks, the hierarchy and the files.
import { readFileSync } from 'node:fs';
import { deflateSync, gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readCsv } from '../../sdk/evaluate/input/csv.js';
import {
  evaluateOpenImages,
  expandLabels,
  expandObjects,
  joinBoxesAndMasks,
  labelRelations,
  readOpenImagesBoxes,
  readOpenImagesLabelMap,
  readOpenImagesLabels,
  readOpenImagesPredictions,
  writeOpenImagesMetrics,
  type OpenImagesDetection,
  type OpenImagesHierarchy,
  type OpenImagesLabel,
  type OpenImagesObject,
  type OpenImagesOptions,
} from '../../sdk/evaluate/openimages/index.js';
import { encodeRle, rleFromMask } from '../../sdk/evaluate/rle.js';
import { hasSharedData, noSharedData, sharedData } from '../shared-data.js';

describe.skipIf(!hasSharedData)(`tensorflow/models on synthetic files${hasSharedData ? '' : `: ${noSharedData}`}`, () => {
  const read = (name: string) => readFileSync(sharedData(`evaluate/oid_synth/${name}`), 'utf8');
  const data = async (suffix: '' | '_expanded') => ({
    classes: readOpenImagesLabelMap(read('labelmap.pbtxt')).map(({ name }) => name),
    objects: await readOpenImagesBoxes(read(`boxes${suffix}.csv`)),
    labels: await readOpenImagesLabels(read(`labels${suffix}.csv`)),
    detections: await readOpenImagesPredictions(read('predictions.csv')),
  });
  const runs: [key: string, suffix: '' | '_expanded', options: Partial<OpenImagesOptions>][] = [];
  for (const [name, suffix] of [
    ['raw', ''],
    ['expanded', '_expanded'],
  ] as const) {
    runs.push(
      [`challenge_w1_${name}`, suffix, {}],
      [`challenge_w0_${name}`, suffix, { groupOfWeight: 0 }],
      [`oidv2_${name}`, suffix, { protocol: 'v2' }],
      [`pascal_${name}`, suffix, { protocol: 'pascal' }],
      [`weighted_pascal_${name}`, suffix, { protocol: 'weighted-pascal' }],
    );
  }

  it.each(runs)('%s: every number to the last bit', async (key, suffix, options) => {
    const expected = JSON.parse(read('expected.json'))[key] as Record<string, number | null>;
    const { classes, objects, labels, detections } = await data(suffix);
    const { metrics } = evaluateOpenImages(objects, labels, detections, { classes, ...options });
    expect(Object.keys(metrics)).toEqual(Object.keys(expected));
    for (const [name, value] of Object.entries(expected)) expect([name, metrics[name]]).toEqual([name, value ?? Number.NaN]);
  });

  it('covers every answer of the file', () => {
    expect(runs.map(([key]) => key).sort()).toEqual(Object.keys(JSON.parse(read('expected.json'))).sort());
  });

  it('expands the ground truth as the official files are expanded', async () => {
    const [raw, expanded] = [await data(''), await data('_expanded')];
    const relations = labelRelations(JSON.parse(read('hierarchy.json')));
    const sorted = (rows: readonly object[]) => rows.map((row) => JSON.stringify(row)).sort();
    expect(sorted(expandObjects(raw.objects, relations))).toEqual(sorted(expanded.objects));
    expect(sorted(expandLabels(raw.labels, relations))).toEqual(sorted(expanded.labels));
    const options = { classes: raw.classes };
    const result = evaluateOpenImages(raw.objects, raw.labels, raw.detections, {
      ...options,
      hierarchy: JSON.parse(read('hierarchy.json')),
    });
    expect(result.metrics).toEqual(evaluateOpenImages(expanded.objects, expanded.labels, raw.detections, options).metrics);
  });

  it('writes the official metrics file', async () => {
    const { classes, objects, labels, detections } = await data('_expanded');
    const result = evaluateOpenImages(objects, labels, detections, { classes });
    expect(writeOpenImagesMetrics(result).trim()).toBe(read('expected_challenge.csv').replaceAll('\r', '').trim());
  });
});

/** Made with seeded rectangles with holes; some objects have no mask. Runs are uncompressed, column by column. */
interface MaskFixture {
  origin: string;
  height: number;
  width: number;
  classes: string[];
  objects: (Omit<OpenImagesObject, 'mask'> & { mask?: number[] })[];
  labels: OpenImagesLabel[];
  detections: (Omit<OpenImagesDetection, 'mask'> & { mask: number[] })[];
  expected: Record<string, Record<string, number | null>>;
}

describe('tensorflow/models on masks', () => {
  const data = JSON.parse(readFileSync(new URL('../golden/openimages-masks.json', import.meta.url), 'utf8')) as MaskFixture;
  const { height, width, classes, expected } = data;
  const withMask = <T extends { mask?: number[] }>({ mask, ...rest }: T) => ({
    ...rest,
    ...(mask ? { mask: { height, width, counts: Uint32Array.from(mask) } } : {}),
  });
  const runs: Record<string, Partial<OpenImagesOptions>> = {
    challenge_w0: {},
    challenge_w1: { groupOfWeight: 1 },
    v2: { protocol: 'v2' },
    pascal: { protocol: 'pascal' },
    weighted: { protocol: 'weighted-pascal' },
  };
  it.each(Object.entries(runs))('%s: every number to the last bit', (key, options) => {
    const { metrics } = evaluateOpenImages(data.objects.map(withMask), data.labels, data.detections.map(withMask), {
      classes,
      track: 'segmentation',
      ...options,
    });
    const wanted = Object.entries(expected[key]!).map(([name, value]) => [name, value ?? Number.NaN]);
    expect(Object.entries(metrics)).toEqual(wanted);
  });
});

const box = [0, 0, 0.2, 0.2] as const;
const object = (more: Partial<OpenImagesObject> = {}): OpenImagesObject => ({ image: 'i', label: 'a', box, ...more });
const found = (more: Partial<OpenImagesDetection> = {}): OpenImagesDetection => ({
  image: 'i',
  label: 'a',
  score: 0.9,
  box,
  ...more,
});
const group = { groupOf: true, box: [0, 0, 1, 1] as const };

interface Row {
  why: string;
  objects: OpenImagesObject[];
  labels?: OpenImagesLabel[];
  detections: OpenImagesDetection[];
  options?: Partial<OpenImagesOptions>;
  /** Ranked values by falling score as precision x rank would give them; positives. */
  precision: number[];
  positives: number;
}

const rules: Row[] = [
  { why: 'a hit', objects: [object()], detections: [found()], precision: [1], positives: 1 },
  {
    why: 'IoU of 0.5 is a hit',
    objects: [object()],
    detections: [found({ box: [0, 0, 0.2, 0.1] })],
    precision: [1],
    positives: 1,
  },
  { why: 'less is a miss', objects: [object()], detections: [found({ box: [0, 0, 0.2, 0.0999] })], precision: [0], positives: 1 },
  {
    why: 'no second choice: the best object is taken',
    objects: [object(), object({ box: [0, 0, 0.2, 0.15] })],
    detections: [found(), found({ score: 0.8 })],
    precision: [1, 1 / 2],
    positives: 2,
  },
  {
    why: 'a negative verified label: its detections are misses',
    objects: [object({ label: 'b' })],
    labels: [{ image: 'i', label: 'a', confidence: 0 }],
    detections: [found()],
    precision: [0],
    positives: 0,
  },
  {
    why: 'a label that nobody verified is left out',
    objects: [object({ label: 'b' })],
    detections: [found()],
    precision: [],
    positives: 0,
  },
  {
    why: 'v2 counts it',
    objects: [object({ label: 'b' })],
    detections: [found()],
    options: { protocol: 'v2' },
    precision: [0],
    positives: 0,
  },
  {
    why: 'an image without annotation is left out',
    objects: [object()],
    detections: [found({ image: 'j' })],
    precision: [],
    positives: 1,
  },
  {
    why: 'three on a group: one hit of weight 1 with the best score',
    objects: [object(group)],
    detections: [found({ score: 0.5 }), found({ score: 0.7 }), found({ score: 0.6 })],
    precision: [1],
    positives: 1,
  },
  {
    why: 'with weight 0 they vanish',
    objects: [object(group)],
    detections: [found()],
    options: { groupOfWeight: 0 },
    precision: [],
    positives: 0,
  },
  {
    why: 'v2 ignores them',
    objects: [object(group)],
    detections: [found()],
    options: { protocol: 'v2' },
    precision: [],
    positives: 0,
  },
  {
    why: 'a weight of 0.25',
    objects: [object(group)],
    detections: [found()],
    options: { groupOfWeight: 0.25 },
    precision: [1],
    positives: 0.25,
  },
  {
    why: 'pascal has no groups',
    objects: [object(group)],
    detections: [found()],
    options: { protocol: 'pascal' },
    precision: [0],
    positives: 1,
  },
  {
    why: 'a single object is tried before the group',
    objects: [object(group), object()],
    detections: [found(), found({ score: 0.5 })],
    precision: [1, 1],
    positives: 2,
  },
  {
    why: 'half of its own area on the group is enough',
    objects: [object({ groupOf: true, box: [0, 0, 0.5, 0.5] })],
    detections: [found({ box: [0.25, 0, 0.75, 0.5] })],
    precision: [1],
    positives: 1,
  },
  {
    why: 'less is a miss',
    objects: [object({ groupOf: true, box: [0, 0, 0.5, 0.5] })],
    detections: [found({ box: [0.26, 0, 0.76, 0.5] })],
    precision: [0],
    positives: 1,
  },
  {
    why: 'a detection without area is left out',
    objects: [object()],
    detections: [found({ box: [0.1, 0, 0.1, 1] })],
    precision: [],
    positives: 1,
  },
];

/** 4 x 4 pixels, set from the left. */
const columns = (n: number) =>
  rleFromMask(
    Array.from({ length: 16 }, (_, i) => (i % 4 < n ? 1 : 0)),
    4,
    4,
  );
const masked = (n: number, more: Partial<OpenImagesObject> = {}) => object({ box: [0, 0, n / 4, 1], mask: columns(n), ...more });
const foundMask = (n: number, more: Partial<OpenImagesDetection> = {}) => found({ box: undefined, mask: columns(n), ...more });

const maskRules: Row[] = [
  { why: 'masks: half of it is a hit', objects: [masked(4)], detections: [foundMask(2)], precision: [1], positives: 1 },
  { why: 'masks: a quarter is not', objects: [masked(4)], detections: [foundMask(1)], precision: [0], positives: 1 },
  {
    why: 'an object without mask is no positive, and a detection on its box leaves the list',
    objects: [object({ box: [0, 0, 1, 1] }), masked(1)],
    detections: [foundMask(4), foundMask(1, { score: 0.5 })],
    precision: [1],
    positives: 1,
  },
  {
    why: 'an empty mask is none',
    objects: [object({ box: [0, 0, 1, 1], mask: columns(0) })],
    detections: [foundMask(4)],
    precision: [],
    positives: 0,
  },
  {
    why: 'a group with a mask ignores what lies on it',
    objects: [masked(4, { groupOf: true }), masked(1)],
    detections: [foundMask(3)],
    precision: [],
    positives: 1,
  },
  {
    why: 'a group without mask ignores it by its box',
    objects: [object({ ...group }), masked(1)],
    detections: [foundMask(3)],
    precision: [],
    positives: 1,
  },
  {
    why: 'weight 1: a group with mask is a hit, one without does not count',
    objects: [masked(4, { groupOf: true }), object({ ...group, box: [0, 0, 0.1, 0.1] })],
    detections: [foundMask(3)],
    options: { groupOfWeight: 1 },
    precision: [1],
    positives: 1,
  },
  { why: 'an empty predicted mask is left out', objects: [masked(4)], detections: [foundMask(0)], precision: [], positives: 1 },
];

describe('evaluateOpenImages', () => {
  const all = [
    ...rules.map((row) => ({ ...row, track: 'detection' as const })),
    ...maskRules.map((row) => ({ ...row, track: 'segmentation' as const })),
  ];
  it.each(all)('$why', ({ objects, labels = [], detections, options, precision, positives, track }) => {
    const result = evaluateOpenImages(objects, labels, detections, { classes: ['a', 'b'], track, ...options }).perClass[0]!;
    expect([...result.precision]).toEqual(precision);
    expect(result.positives).toBe(positives);
    expect(result.ranked).toBe(precision.length);
  });

  it('equal scores: the later image first, inside an image their order, as two reversed sorts give it', () => {
    const far = [0.5, 0.5, 1, 1] as const;
    const run = (...detections: OpenImagesDetection[]) => {
      const objects = [object(), object({ image: 'j', box: far })];
      return [...evaluateOpenImages(objects, [], detections, { classes: ['a'] }).perClass[0]!.precision];
    };
    expect(run(found({ score: 0.5 }), found({ score: 0.5, box: far }))).toEqual([1, 0.5]);
    expect(run(found({ score: 0.5 }), found({ score: 0.5, image: 'j' }))).toEqual([0, 0.5]);
  });

  it('says what it left out', () => {
    const result = evaluateOpenImages(
      [object(), object({ label: 'x' })],
      [],
      [found({ label: 'y' }), found({ label: 'b' }), found({ image: 'j' }), found({ box: [0, 0, 0, 0] })],
      { classes: ['a', 'b'] },
    );
    expect(result.diagnostics.map(({ code, count, examples }) => [code, count, examples])).toEqual([
      ['class-without-objects', 1, ['b']],
      ['detection-of-unknown-class', 1, ['y']],
      ['detection-of-unknown-image', 1, ['j']],
      ['detection-without-area', 1, [3]],
      ['label-not-judged', 2, ['b', 'a']],
      ['object-of-unknown-class', 1, ['x']],
    ]);
  });

  it('does not care for the order of images and rows with different scores', () => {
    const coordinate = fc.integer({ min: 0, max: 4 }).map((n) => n / 8);
    const boxes = fc
      .tuple(coordinate, coordinate, coordinate, coordinate)
      .map(([x, y, w, h]) => [x, y, x + w + 0.125, y + h + 0.125] as const);
    const image = fc.constantFrom('i', 'j', 'k');
    const label = fc.constantFrom('a', 'b');
    const objects = fc.array(fc.record({ image, label, box: boxes, groupOf: fc.boolean() }), { maxLength: 8 });
    const rows = fc.uniqueArray(fc.record({ image, label, box: boxes, score: fc.double({ min: 0.01, max: 1, noNaN: true }) }), {
      maxLength: 10,
      selector: ({ score }) => score,
    });
    const protocol = fc.constantFrom('challenge', 'v2', 'pascal', 'weighted-pascal');
    fc.assert(
      fc.property(objects, rows, protocol, (objects, detections, protocol) => {
        const options = { classes: ['a', 'b'], protocol: protocol as 'v2' };
        const result = evaluateOpenImages(objects, [], detections, options);
        expect(evaluateOpenImages(objects, [], [...detections].reverse(), options).metrics).toEqual(result.metrics);
        for (const { ap, positives } of result.perClass) {
          if (positives === 0) expect(ap).toBeNaN();
          else expect(ap >= 0 && ap <= 1).toBe(true);
        }
      }),
    );
  });

  const classes = { classes: ['a'] };
  it.each([
    [
      'a NaN score',
      () => evaluateOpenImages([], [], [found({ score: Number.NaN })], classes),
      /detection 0: found image "i", label "a", score NaN/,
    ],
    [
      'a detection without box',
      () => evaluateOpenImages([], [], [found({ box: undefined })], classes),
      /detection 0: found no box/,
    ],
    [
      'a detection without mask',
      () => evaluateOpenImages([], [], [found()], { ...classes, track: 'segmentation' }),
      /found no mask/,
    ],
    ['an infinite object', () => evaluateOpenImages([object({ box: [0, 0, 1, Infinity] })], [], [], classes), /object 0/],
    [
      'a machine’s label',
      () => evaluateOpenImages([], [{ image: 'i', label: 'a', confidence: 0.7 }], [], classes),
      /confidence 0.7; wanted two texts and 0 or 1/,
    ],
    [
      'masks of two sizes',
      () =>
        evaluateOpenImages([masked(4)], [], [foundMask(1, { mask: rleFromMask([1, 1], 1, 2) })], {
          ...classes,
          track: 'segmentation',
        }),
      /masks of image i: found 2 x 1 pixels; wanted 4 x 4/,
    ],
    ['no classes', () => evaluateOpenImages([], [], [], { classes: [] }), /the labels to evaluate, each once/],
    [
      'an unknown protocol',
      () => evaluateOpenImages([], [], [], { ...classes, protocol: 'v7' as never }),
      /challenge, v2, pascal, weighted-pascal/,
    ],
    ['a negative weight', () => evaluateOpenImages([], [], [], { ...classes, groupOfWeight: -1 }), /groupOfWeight: found -1/],
  ])('refuses %s', (_, run, message) => expect(run).toThrow(message));
});

describe('hierarchy', () => {
  const node = (LabelName: string, ...Subcategory: OpenImagesHierarchy[]): OpenImagesHierarchy => ({ LabelName, Subcategory });
  it('several parents: every ancestor', () => {
    const { ancestors, descendants } = labelRelations(
      node('root', node('animal', node('bird', node('duck'))), node('toy', node('duck'))),
    );
    expect(ancestors.get('duck')).toEqual(['bird', 'animal', 'toy']);
    expect(descendants.get('animal')).toEqual(['bird', 'duck']);
    expect(descendants.get('toy')).toEqual(['duck']);
    expect(ancestors.get('animal')).toEqual([]);
    expect(ancestors.has('root')).toBe(false);
  });

  it('every ancestor once, also where it is reached by several ways', () => {
    expect(labelRelations(node('root', node('p', node('a', node('x')), node('b', node('x'))))).ancestors.get('x')).toEqual([
      'a',
      'p',
      'b',
    ]);
    const twice = node('root', node('p', node('a', node('x'))), node('q', node('a', node('x'))));
    expect(labelRelations(twice).ancestors.get('x')).toEqual(['a', 'p', 'q']);
    expect(labelRelations(twice).descendants.get('a')).toEqual(['x']);
  });

  it('negative labels go down, positive ones up', () => {
    const relations = labelRelations(node('root', node('a', node('b'))));
    const label = (label: string, confidence: number) => ({ image: 'i', label, confidence });
    expect(expandLabels([label('a', 0), label('b', 1), label('b', 0)], relations)).toEqual([
      label('a', 0),
      label('b', 0),
      label('b', 1),
      label('a', 1),
      label('b', 0),
    ]);
  });

  it('says which labels it does not know', () => {
    const hierarchy = node('root', node('a'));
    const result = evaluateOpenImages([object({ label: 'b' })], [], [], { classes: ['b'], hierarchy });
    expect(result.diagnostics).toMatchObject([{ code: 'label-not-in-hierarchy', examples: ['b'] }]);
    expect(result.perClass[0]!.positives).toBe(1);
  });

  it.each([
    ['no labels', {}, /hierarchy: found an object; wanted a root with Subcategory/],
    ['a node without name', { LabelName: 'root', Subcategory: [{ LabelName: 'a', Subcategory: [{}] }] }, /hierarchy below a/],
  ])('refuses %s', (_, hierarchy, message) => expect(() => labelRelations(hierarchy as never)).toThrow(message));
});

describe('files', () => {
  const header = 'ImageID,LabelName,XMin,XMax,YMin,YMax,IsGroupOf\n';
  const wanted = [{ image: 'i', label: '/m/a', box: [0.1, 0.3, 0.2, 0.4], groupOf: true }];
  it.each([
    ['7 columns of 2019', `${header}i,/m/a,0.1,0.2,0.3,0.4,1\n`],
    [
      '13 columns of 2018, Windows line ends, byte-order mark',
      '\uFEFFImageID,Source,LabelName,Confidence,XMin,XMax,YMin,YMax,IsOccluded,IsTruncated,IsGroupOf,IsDepiction,IsInside\r\ni,verification,/m/a,1,0.1,0.2,0.3,0.4,0,0,1,0,0\r\n',
    ],
    [
      'another order of columns, no line end at the end',
      'YMax,YMin,XMax,XMin,IsGroupOf,LabelName,ImageID\n0.4,0.3,0.2,0.1,1,/m/a,i',
    ],
    ['quoted fields', '"ImageID","LabelName","XMin","XMax","YMin","YMax","IsGroupOf"\n"i","/m/a","0.1","0.2","0.3","0.4","1"\n'],
    ['spaces and an empty line', 'ImageID, LabelName, XMin, XMax, YMin, YMax, IsGroupOf\n\n i, /m/a, 0.1, 0.2, 0.3, 0.4, True\n'],
  ])('boxes: %s', async (_, text) => {
    expect(await readOpenImagesBoxes(text)).toEqual(wanted);
    expect(await readOpenImagesBoxes(new TextEncoder().encode(text))).toEqual(wanted);
    expect(await readOpenImagesBoxes(new Blob([gzipSync(text)]))).toEqual(wanted);
  });

  it('boxes without IsGroupOf are no groups', async () => {
    expect((await readOpenImagesBoxes('ImageID,LabelName,XMin,XMax,YMin,YMax\ni,a,0,1,0,1\n'))[0]!.groupOf).toBe(false);
  });

  it('predictions: columns, or the submission form', async () => {
    const rows = [
      { image: 'i', label: '/m/a', score: 0.5, box: [0.1, 0.2, 0.3, 0.4] },
      { image: 'i', label: '/m/b', score: 1, box: [0, 0, 1, 1] },
    ];
    expect(
      await readOpenImagesPredictions('ImageID,LabelName,Score,XMin,XMax,YMin,YMax\ni,/m/a,.5,0.1,0.3,0.2,0.4\ni,/m/b,1,0,1,0,1'),
    ).toEqual(rows);
    expect(await readOpenImagesPredictions('ImageId,PredictionString\ni,/m/a .5 0.1 0.2 0.3 0.4 /m/b 1 0 0 1 1\nj,\n')).toEqual(
      rows,
    );
  });

  const packed = (n: number) => deflateSync(encodeRle(columns(n))).toString('base64');
  it('masks: COCO runs, packed, base64', async () => {
    const mask = { height: 4, width: 4, counts: columns(2).counts };
    const file = `ImageID,LabelName,ImageWidth,ImageHeight,XMin,XMax,YMin,YMax,IsGroupOf,Mask\ni,a,4,4,0,0.5,0,1,0,${packed(2)}\n`;
    expect(await readOpenImagesBoxes(file)).toEqual([{ image: 'i', label: 'a', box: [0, 0, 0.5, 1], groupOf: false, mask }]);
    expect(
      await readOpenImagesPredictions(`ImageID,LabelName,Score,ImageWidth,ImageHeight,Mask\ni,a,1,4,4,${packed(2)}\n`),
    ).toEqual([{ image: 'i', label: 'a', score: 1, mask }]);
    expect(await readOpenImagesPredictions(`ImageID,ImageWidth,ImageHeight,PredictionString\ni,4,4,a 1 ${packed(2)}\n`)).toEqual([
      { image: 'i', label: 'a', score: 1, mask },
    ]);
  });

  it('boxes and masks are joined by image, label, corners and group', () => {
    const boxes = [object(), object({ label: 'b' })];
    const masks = [object({ mask: columns(1) }), object({ label: 'c', mask: columns(2) })];
    expect(joinBoxesAndMasks(boxes, masks)).toEqual([masks[0], boxes[1], masks[1]]);
  });

  it('label map', () => {
    const text = `# classes\nitem {\n  name: "/m/b"\n  id: 2\n  display_name: "a {b} cat".\n}\nitem { id: 1, name: '/m/a' }`
      .replace('{b} ', '')
      .replace('cat".', 'cat"');
    expect(readOpenImagesLabelMap(text)).toEqual([
      { id: 1, name: '/m/a', displayName: undefined },
      { id: 2, name: '/m/b', displayName: 'a cat' },
    ]);
  });

  it.each([
    [
      'a missing column',
      () => readOpenImagesBoxes('ImageID,XMin,XMax,YMin,YMax\ni,0,0,0,0\n'),
      /line 2: found the columns ImageID, XMin, XMax, YMin, YMax; wanted "LabelName"/,
    ],
    ['an empty field', () => readOpenImagesBoxes(`${header}i,,0,0,0,0,0\n`), /an empty LabelName/],
    ['a coordinate that is no number', () => readOpenImagesBoxes(`${header}i,a,0,left,0,0,0\n`), /line 2: found XMax "left"/],
    ['a short row', () => readOpenImagesBoxes(`${header}i,a,0\n`), /line 2: found 3 fields; wanted 7/],
    [
      'a confidence between',
      () => readOpenImagesLabels('ImageID,LabelName,Confidence\ni,a,0.6\n'),
      /Confidence 0.6; wanted 0 or 1/,
    ],
    ['an empty file', () => readOpenImagesLabels('\n'), /an empty file/],
    ['an open quote', () => readOpenImagesLabels('ImageID,LabelName,Confidence\n"i,a,1\n'), /a quote that never ends/],
    [
      'half a detection',
      () => readOpenImagesPredictions('ImageID,PredictionString\ni,a 1 0 0\n'),
      /a PredictionString of 4 words; wanted 6 words a detection/,
    ],
    [
      'a broken mask',
      () => readOpenImagesPredictions('ImageID,LabelName,Score,ImageWidth,ImageHeight,Mask\ni,a,1,4,4,AAAA\n'),
      /a Mask that cannot be read/,
    ],
    [
      'a mask that is no base64',
      () => readOpenImagesPredictions('ImageID,LabelName,Score,ImageWidth,ImageHeight,Mask\ni,a,1,4,4,*\n'),
      /a Mask that cannot be read/,
    ],
    [
      'a mask of another size',
      () => readOpenImagesPredictions(`ImageID,LabelName,Score,ImageWidth,ImageHeight,Mask\ni,a,1,9,4,${packed(2)}\n`),
      /a Mask that cannot be read/,
    ],
  ])('refuses %s', async (_, run, message) => {
    await expect(run()).rejects.toThrow(message);
  });

  it.each([
    ['no items', 'nothing', /no items/],
    ['an id twice', 'item{name:"a" id:1}item{name:"b" id:1}', /a name or id twice/],
    ['an item without id', 'item{name:"a"}', /item 0/],
  ])('label map: refuses %s', (_, text, message) => expect(() => readOpenImagesLabelMap(text)).toThrow(message));

  it('CSV fields survive quotes, commas and line breaks, in pieces of any size', async () => {
    const field = fc.stringMatching(/^[a-c",\n\r ]{0,6}$/).map((text) => text.trim());
    const table = fc.array(fc.tuple(field, field), { minLength: 1, maxLength: 6 });
    await fc.assert(
      fc.asyncProperty(table, fc.integer({ min: 1, max: 7 }), async (rows, size) => {
        const quote = (text: string) => `"${text.replaceAll('"', '""')}"`;
        const bytes = new TextEncoder().encode(`x,y\n${rows.map((row) => row.map(quote).join(',')).join('\r\n')}`);
        async function* pieces() {
          for (let at = 0; at < bytes.length; at += size) yield bytes.slice(at, at + size);
        }
        const read: string[][] = [];
        for await (const row of readCsv(pieces(), { thing: 'table', code: 'invalid-ground-truth' }))
          read.push([row.get('x') ?? '', row.get('y') ?? '']);
        expect(read).toEqual(rows);
      }),
    );
  });
});
