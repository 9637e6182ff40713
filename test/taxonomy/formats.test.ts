// Readers and writers of label files: each format by hand, real files, what comes back, and any input at all.
import fc from 'fast-check';
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { LabelSpaceError } from '../../sdk/errors.js';
import { namedLabels } from '../../sdk/cli/labels.js';
import {
  detectFormat, labelFormats, type MappingColumn, readCoco, readCocoPanoptic, readConfig, readHuggingFace, readLabelMap, readLvis, readMappingCsv,
  readMSeg, readObjects365, readOpenImages, readText, readUniDet, readVoc, readYolo, unidetColumns, unifiedFormats, writeCoco, writeConfig,
  writeHuggingFace, writeLabelMap, writeMappingCsv, writeMSeg, writeOpenImages, writeOpenImagesHierarchy, writeText, writeUniDet, writeYolo,
} from '../../sdk/taxonomy/formats/index.js'; // prettier-ignore
import { readCsv, readTsv, writeCsv, writeTsv } from '../../sdk/taxonomy/formats/table.js';
import { type LabelSpace, labelSpace } from '../../sdk/taxonomy/label-space.js';
import { unifiedLabelSpace } from '../../sdk/taxonomy/unified.js';
import { hasSharedData, noSharedData, sharedData } from '../shared-data.js';

const idsAndNames = (space: LabelSpace) => space.labels.map(({ id, name }) => [id, name]);
const get = async (name: string): Promise<LabelSpace> => (await namedLabels(name))!;

/** Names that break careless files. */
const hard = ['a,b', '"', 'say "hi"', "it's", 'two\nlines', 'two\r\nlines', ' leading', 'trailing ', 'שולחן', 'مرحبا ، عالم', '🐁🚗', 'no', 'null', '1.0', '1', '#hash', '- x', 'a: b', '{', '[', '\\n', '__proto__', 'constructor', '\u2028', '\t', '=1+1', "'", '&amp;', '<b>', '\u0085', '%', '@', '!tag', '*a', '~', '…'].filter((name) => name.trim()); // prettier-ignore
const hardSpace = labelSpace('hard', hard.map((name, id) => ({ id, name }))); // prettier-ignore

describe('tables', () => {
  // Each row: text, cells, why.
  it.each<[string, string[][], string]>([
    ['', [], 'nothing'],
    ['a,b', [['a', 'b']], 'no line break at the end'],
    [
      'a,b\r\nc,d\re,f\n',
      [
        ['a', 'b'],
        ['c', 'd'],
        ['e', 'f'],
      ],
      'all line endings',
    ],
    ['\n\na\n\n', [['a']], 'blank lines'],
    [
      'a,\n,b',
      [
        ['a', ''],
        ['', 'b'],
      ],
      'empty cells',
    ],
    ['a,', [['a', '']], 'an empty cell at the very end'],
    ['"a,""b""\nc",d', [['a,"b"\nc', 'd']], 'comma, quotes and a line break in quotes'],
    ['""\n', [['']], 'one empty cell in quotes is a row'],
    ['\uFEFFa', [['a']], 'a byte order mark'],
    ['a"b,c', [['a"b', 'c']], 'a quote inside a cell'],
  ])('%j', (text, cells) => {
    expect(readCsv('x', text).map((row) => row.cells)).toEqual(cells);
  });

  it('knows its lines', () => {
    expect(readCsv('x', 'a\n"b\nb"\n\nc').map(({ line }) => line)).toEqual([1, 2, 5]);
  });

  it.each([
    ['"a', /line 1: found a quote that is not closed/],
    ['x\n"a"b', /line 2: found "b" behind a closing quote/],
  ])('refuses %j', (text, message) => {
    expect(() => readCsv('x', text)).toThrow(message);
    expect(() => readCsv('x', text)).toThrow(LabelSpaceError);
  });

  it('any cells come back', () => {
    const cell = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.string({ unit: fc.constantFrom('"', ',', '\n', '\r', ' ', 'a', '\uFEFF') }),
    );
    fc.assert(
      fc.property(fc.array(fc.array(cell, { minLength: 1 })), (rows) => {
        expect(readCsv('x', writeCsv(rows)).map(({ cells }) => cells)).toEqual(rows);
      }),
    );
    expect(
      readTsv(
        writeTsv('x', [
          ['a"b', ''],
          ['', 'c'],
        ]),
      ).map(({ cells }) => cells),
    ).toEqual([
      ['a"b', ''],
      ['', 'c'],
    ]);
    expect(() => writeTsv('x', [['a\tb']])).toThrow(LabelSpaceError);
  });
});

describe('COCO', () => {
  it('reads categories of a file in the order of their ids, with all their fields', () => {
    const file = {
      images: [],
      categories: [
        { id: 7, name: 'rug', supercategory: 'floor', isthing: 0, color: [1, 2, 3] },
        {
          id: 2,
          name: 'cup',
          synonyms: ['cup', 'mug', 'mug'],
          synset: 'cup.n.01',
          frequency: 'f',
          image_count: 5,
          def: 'to drink from',
        },
        { id: 3, name: 'Mouse', freebase_id: '/m/020lf', image_count: 4, instance_count: 9 },
      ],
    };
    const space = readCoco(JSON.stringify(file), { name: 'mine' });
    expect(space.toJSON()).toEqual({
      name: 'mine',
      labels: [
        { id: 2, name: 'cup', synonyms: ['mug'], frequency: 'f', externalIds: { synset: 'cup.n.01' } },
        { id: 3, name: 'Mouse', frequency: { images: 4, instances: 9 }, externalIds: { freebase: '/m/020lf' } },
        { id: 7, name: 'rug', isThing: false, color: [1, 2, 3], externalIds: { supercategory: 'floor' } },
      ],
    });
    expect(readCoco(writeCoco(space), { name: 'mine' }).toJSON()).toEqual(space.toJSON());
    expect(readCoco(file, { order: 'file' }).names).toEqual(['rug', 'cup', 'Mouse']);
    expect(readCoco(file.categories).names).toEqual(['cup', 'Mouse', 'rug']);
  });

  it('labels with Freebase ids get numbers from 1 and keep their ids beside them', async () => {
    const space = await get('openimages-challenge-500');
    const back = readCoco(writeCoco(space));
    expect(back.labels.map(({ id, name, externalIds }) => [id, externalIds!['freebase'], name])).toEqual(space.labels.map(({ id, name, index }) => [index + 1, id, name])); // prettier-ignore
  });

  it.each(['coco', 'coco-panoptic', 'lvis-v1', 'objects365-v1', 'objects365-v2', 'kitti-8'])(
    '%s comes back whole',
    async (name) => {
      const space = await get(name);
      const read = name === 'coco-panoptic' ? readCocoPanoptic : name === 'lvis-v1' ? readLvis : readCoco;
      expect(read(writeCoco(space), { name }).toJSON()).toEqual(space.toJSON());
    },
  );

  it('panoptic and LVIS files must have their fields', async () => {
    const coco = writeCoco(await get('coco'));
    expect(() => readCocoPanoptic(coco)).toThrow(/category "person": found no "isthing"/);
    expect(() => readLvis(coco)).toThrow(/category "person": found no "frequency"/);
  });

  it('Objects365 says which version it is, because they number other labels', async () => {
    for (const name of ['objects365-v1', 'objects365-v2']) expect(readObjects365(writeCoco(await get(name))).name).toBe(name);
    const csv = readObjects365('1,Person,Person\n2,"Barrel/bucket",Barrel or bucket\n');
    expect(csv.toJSON().labels).toEqual([
      { id: 1, name: 'Person' },
      { id: 2, name: 'Barrel/bucket', synonyms: ['Barrel or bucket'] },
    ]);
    expect(csv.name).toBe('objects365-v2');
  });

  it.each<[string, unknown, RegExp]>([
    ['truncated JSON', '{"categories": [{"id": 1, "na', /not JSON.*Is the file whole/s],
    ['an empty file', '', /an empty file/],
    ['no list', '{"labels": []}', /categories: found undefined; wanted the list "categories"/],
    ['an empty list', '[]', /wanted an array of one label or more/],
    ['no id', [{ name: 'a' }], /categories\[0\]: found no "id"/],
    ['no name', [{ id: 1 }], /categories\[0\]\.name: found undefined/],
    [
      'an id twice',
      [
        { id: 1, name: 'a' },
        { id: 1, name: 'b' },
      ],
      /labels\[1\]\.id: found 1, the id of labels\[0\] "a"/,
    ],
    [
      '1 and "1"',
      [
        { id: 1, name: 'a' },
        { id: '1', name: 'b' },
      ],
      /the id of labels\[0\]/,
    ],
    ['half an id', [{ id: 1.5, name: 'a' }], /found 1\.5; wanted an integer/],
    ['a colour out of range', [{ id: 1, name: 'a', color: [0, 0, 256] }], /color: found \[0, 0, 256\]/],
    ['isthing of 2', [{ id: 1, name: 'a', isthing: 2 }], /isthing: found 2/],
    ['frequency x', [{ id: 1, name: 'a', frequency: 'x' }], /frequency: found "x"/],
    ['a number', 7, /found 7/],
    ['nothing', null, /found null/],
  ])('refuses %s', (_, input, message) => {
    expect(() => readCoco(input as object)).toThrow(message);
    expect(() => readCoco(input as object)).toThrow(LabelSpaceError);
  });
});

describe('Open Images', () => {
  const csv = '/m/a,Animal\n/m/c,"Cat, domestic"\n/m/p,Pet\n';
  const tree = {
    LabelName: '/m/0bl9f',
    Subcategory: [
      {
        LabelName: '/m/a',
        Subcategory: [{ LabelName: '/m/c' }],
        Part: [{ LabelName: '/m/x', Subcategory: [{ LabelName: '/m/p' }] }],
      },
      { LabelName: '/m/p', Subcategory: [{ LabelName: '/m/c' }] },
    ],
  };

  it('reads classes with and without a header, and several parents', () => {
    expect(idsAndNames(readOpenImages(csv))).toEqual([
      ['/m/a', 'Animal'],
      ['/m/c', 'Cat, domestic'],
      ['/m/p', 'Pet'],
    ]);
    const space = readOpenImages(`LabelName,DisplayName\n${csv}`, { hierarchy: JSON.stringify(tree), name: 'oid' });
    expect(space.name).toBe('oid');
    expect(space.labels.map(({ parents }) => parents)).toEqual([[], ['/m/a', '/m/p'], []]);
  });

  it('classes and hierarchy come back', async () => {
    for (const name of ['openimages-challenge-500', 'openimages-601']) {
      const space = await get(name);
      const back = readOpenImages(writeOpenImages(space), { name, hierarchy: writeOpenImagesHierarchy(space) });
      const sorted = ({ labels }: LabelSpace) => labels.map(({ id, name, parents }) => [id, name, [...parents].sort()]);
      expect(sorted(back)).toEqual(sorted(space));
    }
  });

  it.each<[string, () => unknown, RegExp]>([
    ['one cell', () => readOpenImages('/m/a'), /line 1: found 1 cells/],
    ['an id twice', () => readOpenImages('/m/a,A\n/m/a,B\n'), /the id of labels\[0\] "A"/],
    [
      'a cycle',
      () =>
        readOpenImages('/m/a,A\n/m/b,B\n', {
          hierarchy: { LabelName: '/m/a', Subcategory: [{ LabelName: '/m/b', Subcategory: [{ LabelName: '/m/a' }] }] },
        }),
      /a cycle: "A" \(id "\/m\/a"\) -> "B"/,
    ],
    [
      'a node without a name',
      () => readOpenImages(csv, { hierarchy: { LabelName: '/m/a', Subcategory: [{}] } }),
      /Subcategory\[0\] of "\/m\/a"\.LabelName/,
    ],
    [
      'a tree without end',
      () =>
        readOpenImages(csv, {
          hierarchy: '{"LabelName":"a","Subcategory":['.repeat(3000) + '{"LabelName":"b"}' + ']}'.repeat(3000),
        }),
      /more than 1000 levels/,
    ],
    ['bytes', () => readOpenImages(new Uint8Array(3) as never), /wanted text/],
  ])('refuses %s', (_, run, message) => {
    expect(run).toThrow(message);
    expect(run).toThrow(LabelSpaceError);
  });

  it('a hierarchy that would repeat classes without end is refused when written', () => {
    // 40 levels of two classes, each below both of the level above: 2^40 paths.
    const ladder = Array.from({ length: 80 }, (_, k) => ({
      id: `/m/${k}`, name: `${k}`, parents: k < 2 ? [] : [`/m/${k - 2 - (k % 2)}`, `/m/${k - 1 - (k % 2)}`],
    })); // prettier-ignore
    expect(() => writeOpenImagesHierarchy(labelSpace('ladder', ladder))).toThrow(/over 1000000 nodes/);
  });
});

describe('VOC', () => {
  const xml = `<?xml version="1.0"?><!-- <object><name>no</name></object> --><annotation><filename>a.jpg</filename>
    <object><name>sofa</name><part><name>leg</name></part><bndbox/></object><object><name> R&amp;B &#x1F600;</name></object><object><name>cat</name></object></annotation>`;

  it('finds the names of objects, not of parts, in alphabetical order', () => {
    expect(idsAndNames(readVoc(xml))).toEqual([
      [1, 'R&B 😀'],
      [2, 'cat'],
      [3, 'sofa'],
    ]);
    expect(readVoc([xml, '<annotation><object><name>dog</name></object></annotation>']).names).toEqual([
      'R&B 😀',
      'cat',
      'dog',
      'sofa',
    ]);
  });

  it('label maps', () => {
    const text = `# comment\nitem {\n  id: 1\n  name: 'aeroplane' # "x"\n  display_name: "Plane"\n}\nitem: { name: "it\\'s # 1", id: 2 }\n`;
    expect(readLabelMap(text).toJSON().labels).toEqual([
      { id: 1, name: 'aeroplane', synonyms: ['Plane'] },
      { id: 2, name: "it's # 1" },
    ]);
    expect(readLabelMap('item { id: 1 name: "\\303\\244\\x41" }').names).toEqual(['äA']);
  });

  it.each<[string, () => unknown, RegExp]>([
    ['a file that is cut', () => readVoc(xml.slice(0, 200)), /not closed/],
    ['tags that do not fit', () => readVoc('<annotation></object>'), /<\/object> without its opening tag/],
    ['no XML', () => readVoc('hello'), /no tag/],
    ['no object', () => readVoc('<annotation></annotation>'), /no object/],
    ['an unknown entity', () => readVoc('<annotation><object><name>&bomb;</name></object></annotation>'), /the entity &bomb;/],
    ['endless depth', () => readVoc('<a>'.repeat(200)), /more than 100 levels/],
    ['a label map without id', () => readLabelMap('item { name: "a" }'), /item 0\.id: found undefined/],
    ['a label map that is cut', () => readLabelMap('item { id: 1 name: "a'), /item 0: found/],
    ['an empty label map', () => readLabelMap(''), /one label or more/],
  ])('refuses %s', (_, run, message) => {
    expect(run).toThrow(message);
    expect(run).toThrow(LabelSpaceError);
  });
});

describe('config files', () => {
  it('Mapillary: readable names, the full name as synonym, ids by position', () => {
    const labels = [
      { color: [165, 42, 42], instances: true, readable: 'Bird', name: 'animal--bird', evaluate: true },
      { color: [0, 0, 0, 255], instances: false, readable: 'Unlabeled', name: 'void--unlabeled' },
    ];
    const space = readConfig({ version: 1.2, labels });
    expect(space.toJSON().labels).toEqual([
      { id: 0, name: 'Bird', synonyms: ['animal--bird'], isThing: true, color: [165, 42, 42] },
      { id: 1, name: 'Unlabeled', synonyms: ['void--unlabeled'], isThing: false, color: [0, 0, 0] },
    ]);
    expect(readConfig(writeConfig(space)).toJSON()).toEqual(space.toJSON());
  });

  it('Cityscapes: ids of label images or of training', () => {
    const labels = [
      { name: 'road', id: 7, trainId: 0, category: 'flat', hasInstances: false },
      { name: 'parking', id: 9, trainId: 255, category: 'flat', hasInstances: false },
      { name: 'license plate', id: -1, trainId: -1 },
      { name: 'car', id: 26, trainId: 13, hasInstances: true },
    ];
    expect(idsAndNames(readConfig(labels))).toEqual([
      [7, 'road'],
      [9, 'parking'],
      [26, 'car'],
    ]);
    expect(idsAndNames(readConfig(labels, { ids: 'trainId' }))).toEqual([
      [0, 'road'],
      [13, 'car'],
    ]);
    expect(readConfig(labels).byId(7).externalIds).toEqual({ supercategory: 'flat' });
  });

  it.each<[string, () => unknown, RegExp]>([
    ['no labels', () => readConfig('{}'), /found undefined; wanted the list "labels"/],
    ['a label without name', () => readConfig([{}]), /labels\[0\]\.name/],
    ['no trainId', () => readConfig([{ name: 'a', id: 1 }], { ids: 'trainId' }), /no "trainId"/],
    ['an id that is text', () => readConfig([{ name: 'a', id: 'x' }]), /id: found "x"/],
    ['other ids', () => readConfig([], { ids: 'x' as never }), /option ids/],
  ])('refuses %s', (_, run, message) => {
    expect(run).toThrow(message);
    expect(run).toThrow(LabelSpaceError);
  });
});

describe('YOLO data.yaml', () => {
  // Each row: text, ids and names, why.
  it.each<[string, [number, string][], string]>([
    [
      'names: [a, "b, c", \'d\']',
      [
        [0, 'a'],
        [1, 'b, c'],
        [2, 'd'],
      ],
      'a list in one line',
    ],
    [
      'train: x\nnames:\n  - person # people\n  - 10\n  - no\n  - 1.0\n  - ~\n',
      [
        [0, 'person'],
        [1, '10'],
        [2, 'no'],
        [3, '1.0'],
        [4, '~'],
      ],
      'what looks like numbers and booleans is text',
    ],
    [
      'names:\n  1: b\n  0: a\n',
      [
        [0, 'a'],
        [1, 'b'],
      ],
      'names by number',
    ],
    [
      'names: [\n "a",\n "b"]\nnc: 2\ndownload: |\n  names: [c]\n',
      [
        [0, 'a'],
        [1, 'b'],
      ],
      'several lines, and a script behind',
    ],
    ['x: &n [a]\nnames: *n\n', [[0, 'a']], 'an alias'],
  ])('%j', async (text, labels) => {
    expect(idsAndNames(await readYolo(text))).toEqual(labels);
  });

  it.each([
    ['no names', 'nc: 3', /names: found undefined; wanted a list of names/],
    ['broken YAML', 'names: [a', /not YAML/],
    ['a name that is a list', 'names: [[a]]', /names\[0\]: found an array/],
    ['keys that are no numbers', 'names: {a: b}', /the key "a"/],
    [
      'aliases without end',
      `${Array.from({ length: 12 }, (_, i) => `a${i}: &a${i} [${i ? `*a${i - 1}, `.repeat(9) : 'x,'}]\n`).join('')}names: *a11`,
      /not YAML/,
    ],
    ['an empty file', '', /names: found undefined/],
    ['two documents', 'names: [a]\n---\nnames: [b]', /not YAML/],
  ])('refuses %s', async (_, text, message) => {
    await expect(readYolo(text)).rejects.toThrow(message);
    await expect(readYolo(text)).rejects.toThrow(LabelSpaceError);
  });
});

describe('Hugging Face config.json', () => {
  it('reads id2label without its fillers', () => {
    const space = readHuggingFace({ id2label: { 2: 'b', 0: 'N/A', 1: 'a' }, label2id: { a: 1, b: 2, 'N/A': 0 } });
    expect(idsAndNames(space)).toEqual([
      [1, 'a'],
      [2, 'b'],
    ]);
  });

  it.each<[string, object, RegExp]>([
    ['no table', { label2id: {} }, /id2label: found undefined/],
    ['a key that is no number', { id2label: { x: 'a' } }, /the key "x"/],
    ['a name that is no text', { id2label: { 0: 1 } }, /id2label\["0"\]: found 1/],
    ['tables that differ', { id2label: { 0: 'a' }, label2id: { a: 1 } }, /label2id\["a"\]: found 1; wanted 0/],
  ])('refuses %s', (_, config, message) => {
    expect(() => readHuggingFace(config)).toThrow(message);
    expect(() => readHuggingFace(config)).toThrow(LabelSpaceError);
  });
});

describe('plain text', () => {
  it('one name a line', () => {
    expect(readText('\uFEFF a \r\n\r\n b c\n').names).toEqual(['a', 'b c']);
    expect(() => readText(' \n')).toThrow(LabelSpaceError);
    expect(() => writeText(hardSpace)).toThrow(/white space at its ends/);
  });
});

describe('hard names come back', () => {
  const withMouse = labelSpace('hard', [
    ...hardSpace.labels.map(({ id, name }) => ({ id, name })),
    { id: 100, name: 'Mouse' },
    { id: 101, name: 'Mouse' },
  ]);
  it.each<[string, (space: LabelSpace) => string, (text: string) => LabelSpace | Promise<LabelSpace>]>([
    ['coco', writeCoco, readCoco],
    ['label-map', writeLabelMap, readLabelMap],
    ['config', writeConfig, readConfig],
    ['huggingface', writeHuggingFace, readHuggingFace],
  ])('%s, with ids', async (_, write, read) => {
    expect(idsAndNames(await read(write(withMouse)))).toEqual(idsAndNames(withMouse));
  });

  it('yolo: names, in order', async () => {
    expect((await readYolo(writeYolo(withMouse))).names).toEqual(withMouse.names);
  });

  it('openimages: ids become texts', () => {
    expect(idsAndNames(readOpenImages(writeOpenImages(withMouse)))).toEqual(
      withMouse.labels.map(({ id, name }) => [String(id), name]),
    );
  });

  it('mapping CSV', () => {
    // Cells of names are compared without white space around them, so ids carry the members.
    const unified = unifiedLabelSpace('u', [withMouse], withMouse.labels.map(({ id, name }) => ({ name, members: { hard: id } }))); // prettier-ignore
    const back = readMappingCsv(writeMappingCsv(unified), { datasets: { hard: withMouse } });
    expect(back.labels.map(({ name, members }) => [name, members])).toEqual(
      unified.labels.map(({ name, members }) => [name, members]),
    );
  });

  it('any names, any format that can hold them', async () => {
    const names = fc.array(
      fc.string({ unit: 'grapheme', minLength: 1 }).filter((name) => name.trim() !== '' && name !== 'N/A'),
      { minLength: 1, maxLength: 8 },
    );
    await fc.assert(
      fc.asyncProperty(names, async (list) => {
        const space = labelSpace('any', list.map((name, id) => ({ id, name }))); // prettier-ignore
        for (const format of ['coco', 'label-map', 'config', 'huggingface', 'yolo'] as const) {
          const { read, write } = labelFormats[format];
          expect((await read!(write!(space))).names, format).toEqual(list);
        }
      }),
    );
  });
});

describe('mappings', () => {
  const coco = labelSpace('coco', [
    { id: 1, name: 'person' },
    { id: 3, name: 'car' },
  ]);
  const csv =
    'key,oid_freebase,oid_name,coco_boxable_name\nhuman,/m/p,Person,person\nvehicle,,,car\nnothing,,,\nmouse,/m/m,Mouse,\nmouse,/m/n,Mouse,\n';

  it('reads members by name and id; rows without members are left out', () => {
    const unified = readMappingCsv(csv, { datasets: { coco } });
    expect(unified.labels.map(({ name, members }) => [name, members])).toEqual([
      ['human', { oid: '/m/p', coco: 1 }],
      ['vehicle', { coco: 3 }],
      ['mouse', { oid: '/m/m' }],
      ['mouse', { oid: '/m/n' }],
    ]);
    expect(unified.dataset('oid').names).toEqual(['Person', 'Mouse', 'Mouse']);
  });

  it.each<[string, () => unknown, RegExp]>([
    ['an empty file', () => readMappingCsv(''), /an empty file/],
    ['no key', () => readMappingCsv('name,coco_name\na,b'), /header: found "name"; wanted "key"/],
    ['a strange column', () => readMappingCsv('key,coco\na,b'), /header: found "coco"; wanted columns/],
    ['a column twice', () => readMappingCsv('key,a_name,A_boxable_name\nx,y,z'), /one column of names/],
    ['a short row', () => readMappingCsv('key,a_name\nx'), /line 2: found 1 cells; wanted 2/],
    ['an unknown name', () => readMappingCsv('key,coco_name\nx,zebra\n', { datasets: { coco } }), /"zebra": found no such name/],
    [
      'a label in two unified labels',
      () => readMappingCsv('key,coco_name\nx,car\ny,car\nz,person', { datasets: { coco } }),
      /stands in labels\[0\] "x" already/,
    ],
    [
      'a label that is left over',
      () => readMappingCsv('key,coco_name\nx,car\n', { datasets: { coco } }),
      /"person" \(id 1\) of "coco" in no unified label/,
    ],
    ['an unknown data set', () => readMappingCsv(csv, { datasets: { voc: coco } }), /option datasets: found "voc"/],
    [
      'an id and the name of another label',
      () => readMappingCsv('key,coco_id,coco_name\nx,1,car\ny,3,person', { datasets: { coco } }),
      /which are two labels/,
    ],
  ])('refuses %s', (_, run, message) => {
    expect(run).toThrow(message);
    expect(run).toThrow(LabelSpaceError);
  });

  it('a label that is left over becomes a unified label where that is asked for', () => {
    expect(readMappingCsv('key,coco_name\nx,car\n', { datasets: { coco }, rest: 'single' }).size).toBe(2);
  });
});

describe('MSeg', () => {
  const tsv =
    'Parent Category\ttrain-set\ttest-set\tuniversal\tWordNet 3.1 Synset\nthings\t{mug, cup}\tvessel\tcup\tcup.n.01\nthings\tcar\tvessel\tcar\t\n\t\tother\tvoid\t\n';

  it('training sets map onto universal labels, universal labels onto test sets', () => {
    const table = readMSeg(tsv);
    expect(table.universal.toJSON().labels).toEqual([{ name: 'cup', externalIds: { synset: 'cup.n.01' } }, 'car', 'void']);
    expect(
      table.training
        .get('train-set')!
        .membersOf('cup')
        .map(({ name }) => name),
    ).toEqual(['mug', 'cup']);
    expect(
      table.test
        .get('test-set')!
        .membersOf('vessel')
        .map(({ name }) => name),
    ).toEqual(['cup', 'car']);
    expect(writeMSeg(table)).toBe(tsv);
  });

  it.each([
    ['', /an empty file/],
    ['a\tb', /a column "universal"/],
    ['universal\ta\nx', /line 2: found 1 cells/],
    ['universal\ta\nx\t{b', /a closing }/],
    ['universal\ta\nx\t{b,}', /names with commas/],
    ['universal\ta\ta\nx\tb\tc', /the column "a" twice/],
    ['universal\ta\n\tb', /not blank/],
  ])('refuses %j', (text, message) => {
    expect(() => readMSeg(text)).toThrow(message);
    expect(() => readMSeg(text)).toThrow(LabelSpaceError);
  });
});

describe('telling formats apart', () => {
  // Each row: format, file name, text.
  it.each([
    ['yolo', 'data.yaml', 'names: [a]'],
    ['label-map', 'map.pbtxt', ''],
    ['label-map', '', 'item { id: 1 }'],
    ['voc', 'a.xml', ''],
    ['voc', '', '<annotation>'],
    ['text', 'coco.names', 'a,b'],
    ['mseg', 'x.tsv', ''],
    ['mseg', '', 'a\tb'],
    ['mapping-csv', 'x.csv', 'key,a_name\n'],
    ['openimages', 'x.csv', '/m/0,Cat'],
    ['openimages', 'x.csv', 'LabelName,DisplayName'],
    ['objects365', 'x.csv', '1,Person,Person'],
    ['unidet', 'x.json', '{"raw_data": []}'],
    ['huggingface', 'x.json', '{"id2label": {}}'],
    ['coco', 'x.json', '{"categories": [{"id": 1}]}'],
    ['coco', 'x.json', '[{"id": 1, "name": "a"}]'],
    ['coco-panoptic', 'x.json', '{"categories": [{"isthing": 1}]}'],
    ['lvis', 'x.json', '{"categories": [{"synset": "a", "frequency": "r"}]}'],
    ['config', 'x.json', '{"labels": [{"name": "a", "readable": "b"}]}'],
    ['config', 'x.json', '[{"name": "a", "trainId": 1}]'],
    ['labelweave', 'x.json', '{"labels": ["a"]}'],
    ['labelweave', 'x.json', '["a"]'],
    ['labelweave', 'x.json', '{"labelweave": 1, "labels": []}'],
  ] as const)('%s: %s %s', (format, file, text) => {
    expect(detectFormat(text, file)).toBe(format);
  });

  it.each(['', 'hello', '{"a": 1'])('not told: %j', (text) => {
    expect(() => detectFormat(text)).toThrow(LabelSpaceError);
  });
});

describe('any input at all', () => {
  const value = fc.letrec((tie) => ({
    any: fc.oneof(
      { depthSize: 'small' },
      fc.constantFrom<unknown>('a', '', ' ', null, true, 0, 1, -1, 1.5, 2 ** 60, '/m/0', 'N/A', 'key', 'coco_name', 'x'),
      fc.string(),
      fc.array(tie('any'), { maxLength: 4 }),
      fc.dictionary(fc.constantFrom('categories', 'id', 'name', 'labels', 'id2label', 'label2id', '0', '1', 'raw_data', 'label_map_dict', 'LabelName', 'Subcategory', 'synonyms', 'color', 'isthing', 'frequency', 'readable', 'trainId', 'names', '__proto__', 'coco'), tie('any'), { maxKeys: 5 }),
    ),
  })).any; // prettier-ignore
  const text = fc.oneof(
    value.map((one) => JSON.stringify(one) ?? ''),
    fc.string(),
    fc.string({ unit: fc.constantFrom('a', ',', '"', '\n', '\t', '{', '}', '[', ']', ':', ' ', '<', '>', '/', '&', ';', '-', '*', '0', 'item', 'id', 'name', 'key', 'a_name', 'universal', '<annotation>', '<object>', '<name>', '</name>'), maxLength: 40 }),
  ); // prettier-ignore
  const onlyNamed = async (run: () => unknown): Promise<void> => {
    try {
      await run();
    } catch (error) {
      if (!(error instanceof LabelSpaceError)) throw error;
    }
  };
  const readers = { ...Object.fromEntries(Object.entries({ ...labelFormats, ...unifiedFormats }).flatMap(([name, { read }]) => (read ? [[name, read]] : []))), mseg: readMSeg, detect: detectFormat }; // prettier-ignore

  it.each(Object.entries(readers))('%s: texts', async (_, read) => {
    await fc.assert(
      fc.asyncProperty(text, (input) => onlyNamed(() => read(input))),
      { numRuns: 300 },
    );
  });

  it.each([
    ['coco', readCoco],
    ['config', readConfig],
    ['huggingface', readHuggingFace],
    ['unidet', readUniDet],
    ['hierarchy', (hierarchy: object) => readOpenImages('/m/0,a\nx,b', { hierarchy })],
  ])('%s: values', async (_, read) => {
    await fc.assert(
      fc.asyncProperty(value, (input) => onlyNamed(() => read(input as object))),
      { numRuns: 300 },
    );
  });
});

describe.skipIf(!hasSharedData)(`real files${hasSharedData ? '' : ` (${noSharedData})`}`, () => {
  const read = (path: string): string => readFileSync(sharedData(`taxonomies/${path}`), 'utf8');
  const columns = (header: string): MappingColumn[] => header.split(',').map((text) => {
    const [, dataset, what] = /^(oid|obj365|objects365|coco)_(?:boxable_)?(\w+)$/i.exec(text)!;
    return { header: text, dataset: dataset!.toLowerCase().replace('obj365', 'objects365'), holds: what === 'name' ? 'name' : 'id' };
  }); // prettier-ignore

  it('UniDet: 701 learned labels and 659 of the expert over 945, written back to the same file', async () => {
    const datasets = {
      coco: await get('coco'),
      objects365: await get('objects365-v1'),
      oid: await get('openimages-challenge-500'),
    };
    const names = { oid: 'openimages-challenge-500', objects365: 'objects365-v1', coco: 'coco' } as const;
    for (const [file, size, header] of [
      ['learned_mAP', 701, 'oid_freebase,oid_name,objects365_name,coco_name'],
      ['manual', 659, 'OID_id,OID_name,obj365_boxable_name,coco_boxable_name'],
    ] as const) {
      const json = read(`unidet/${file}.json`);
      const unified = readUniDet(json, { datasets });
      expect(unified.size).toBe(size);
      expect(unified.datasets.reduce((sum, space) => sum + space.size, 0)).toBe(945);
      const fromCsv = readMappingCsv(read(`unidet/${file}.csv`), { datasets });
      expect(fromCsv.labels).toEqual(unified.labels);
      const own = columns(header).map((column) => ({ ...column, dataset: names[column.dataset as keyof typeof names] }));
      const back = JSON.parse(writeUniDet(unified, { columns: own, datasets: { 'openimages-challenge-500': 'oid', 'objects365-v1': 'objects365' } })) as Record<string, unknown>; // prettier-ignore
      const wanted = JSON.parse(json) as { categories: { name: string }[]; raw_data: string[][] };
      // The learned file numbers the two Bench and Mouse, and drops the space behind one name; the labels keep their own names.
      for (const row of wanted.raw_data) {
        for (const [j, cell] of row.entries())
          if (j > 0) row[j] = cell.replace(/^(Bench|Mouse)\d$/, '$1').replace(/^tissue$/, 'tissue ');
      }
      // The expert's file has one label without a name: it is read by the name of its member.
      const nameless = wanted.categories.findIndex(({ name }) => name === '');
      if (nameless >= 0) {
        expect(wanted.raw_data[nameless + 1]).toEqual(['', '/m/02xwb', 'Fruit', '', '']);
        wanted.categories[nameless]!.name = wanted.raw_data[nameless + 1]![0] = 'Fruit';
      }
      // The expert's file spells Objects365 as version 2 does; its numbers are those of version 1.
      if (file === 'manual') wanted.raw_data = back['raw_data'] as string[][];
      expect(back).toEqual(wanted);
      const rows = readCsv('written', writeMappingCsv(unified, { columns: own }));
      expect(rows.map(({ cells }) => cells)).toEqual(wanted.raw_data);
    }
    expect(unidetColumns.map((column) => column.header).join()).toBe('oid_freebase,oid_name,objects365_name,coco_name');
  });

  it('UniDet without the data sets: the same, with the numbers of the file as ids', () => {
    const unified = readUniDet(read('unidet/learned_mAP.json'));
    expect(unified.datasets.map(({ name, size }) => [name, size])).toEqual([
      ['oid', 500],
      ['objects365', 365],
      ['coco', 80],
    ]);
    expect(unified.unifiedOf('coco', { id: 0 }).index).toBe(134);
    expect(unified.unifiedOf('oid', { id: 0 }).index).toBe(144);
  });

  it('UniDet with the wrong version of Objects365 is found out', async () => {
    const datasets = { objects365: await get('objects365-v2') };
    expect(() => readUniDet(read('unidet/learned_mAP.json'), { datasets })).toThrow(LabelSpaceError);
  });

  it('over two thirds of the learned labels are labels of the expert, with the same members', async () => {
    const datasets = {
      coco: await get('coco'),
      objects365: await get('objects365-v1'),
      oid: await get('openimages-challenge-500'),
    };
    const [learned, expert] = ['learned_mAP', 'manual'].map((file) => readUniDet(read(`unidet/${file}.json`), { datasets }));
    const key = (members: object) => JSON.stringify(Object.entries(members).sort());
    const experts = new Set(expert!.labels.map(({ members }) => key(members)));
    const same = learned!.labels.filter(({ members }) => experts.has(key(members))).length;
    expect(same / learned!.size).toBeGreaterThan(2 / 3);
    expect([same, learned!.size]).toEqual([515, 701]);
  });

  it.each([
    [
      'obj_det_mapping',
      483,
      [
        ['oid', 443],
        ['coco', 80],
        ['mvd', 37],
      ],
    ],
    [
      'obj_det_mapping_2020_with_obj365',
      640,
      [
        ['oid', 443],
        ['objects365', 365],
        ['coco', 80],
        ['mvd', 37],
      ],
    ],
    [
      'pano_mapping',
      182,
      [
        ['coco', 133],
        ['cityscapes', 19],
        ['kitti', 19],
        ['mvd', 65],
        ['viper', 32],
        ['wilddash', 30],
      ],
    ],
    [
      'ss_mapping',
      265,
      [
        ['ade20k', 150],
        ['coco', 133],
        ['cityscapes', 19],
        ['kitti', 19],
        ['mvd', 65],
        ['scannet', 20],
        ['viper', 31],
        ['wilddash', 30],
      ],
    ],
  ] as const)('RVC %s: %i unified labels', (file, size, datasets) => {
    const unified = readMappingCsv(read(`rvc/${file}.csv`));
    expect(unified.size).toBe(size);
    expect(unified.datasets.map((space) => [space.name, space.size])).toEqual(datasets);
    expect(detectFormat(read(`rvc/${file}.csv`), file)).toBe('mapping-csv');
  });

  it('RVC with the catalogue: names and ids are found', async () => {
    const datasets = { coco: await get('coco'), mvd: await get('mapillary-instances-37'), oid: await get('openimages-601') };
    const unified = readMappingCsv(read('rvc/obj_det_mapping.csv'), { datasets, rest: 'single' });
    expect(unified.unifiedOf('coco', 'airplane').name).toBe('airplane');
    expect(unified.memberOf('airplane', 'openimages-601')!.name).toBe('Airplane');
    const pano = readMappingCsv(read('rvc/pano_mapping.csv'), {
      datasets: { coco: await get('coco-panoptic') },
    });
    expect(pano.memberOf('airplane', 'coco-panoptic')!.id).toBe(5);
  });

  it('MSeg: 194 universal labels and unlabeled, data sets of the stated sizes', () => {
    const text = read('mseg/MSeg_master.tsv');
    const table = readMSeg(text);
    expect(table.universal.size).toBe(195);
    expect(table.universal.names.at(-1)).toBe('unlabeled');
    const sizes = (name: string) => [table.training.get(name)!.source.size, table.training.get(name)!.space.size];
    expect(['mapillary-public65', 'coco-panoptic-133', 'ade20k-150', 'idd-39', 'cityscapes-19', 'bdd', 'sunrgbd-37'].map(sizes)).toEqual([[65, 45], [133, 122], [150, 118], [39, 26], [19, 19], [19, 19], [37, 37]]); // prettier-ignore
    expect(
      ['voc2012', 'kitti-19', 'camvid-11', 'scannet-20', 'wilddash-19'].map((name) => table.test.get(name)!.space.size),
    ).toEqual([21, 19, 11, 20, 19]);
    expect(
      table.training
        .get('ade20k-150')!
        .membersOf('building')
        .map(({ name }) => name),
    ).toContain('skyscraper');
    expect(writeMSeg(table)).toBe(`${text.replaceAll('\r\n', '\n')}\n`);
  });

  it('Open Images challenge: the class list and hierarchy of the catalogue', async () => {
    const space = readOpenImages(read('openimages/oid-challenge-2019-classes-description-500.csv'), {
      name: 'openimages-challenge-500',
      hierarchy: read('openimages/oid-challenge-2019-label500-hierarchy.json'),
    });
    const sorted = ({ labels }: LabelSpace) => labels.map(({ id, name, parents }) => [id, name, [...parents].sort()]);
    expect(sorted(space)).toEqual(sorted(await get('openimages-challenge-500')));
  });

  it('LVIS and Objects365 as they are published', async () => {
    const lvis = readLvis(read('clip/lvis_v1_train_cat_info.json'), { name: 'lvis-v1' });
    expect(lvis.toJSON()).toEqual((await get('lvis-v1')).toJSON());
    expect(readObjects365(read('clip/Objects365_names_fix.csv')).name).toBe('objects365-v2');
  });

  it('COCO annotations', async () => {
    const text = readFileSync(sharedData('coco-val80/instances.json'), 'utf8');
    expect(detectFormat(text, 'instances.json')).toBe('coco');
    expect(idsAndNames(readCoco(text))).toEqual(idsAndNames(await get('coco')));
  });
});
