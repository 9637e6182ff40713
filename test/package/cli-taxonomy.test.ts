// `labelweave taxonomy convert | merge | merge-datasets | split-datasets` on the installed package: files of every kind in and out, exit codes,
// nothing half written.
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { npy, run, type Outcome } from './run.js';

const consumer = inject('consumer');
const main = join(consumer, 'node_modules/labelweave/dist/cli/main.js');
let folder: string;

const taxonomy = (...args: string[]): Promise<Outcome> => run(process.execPath, [main, 'taxonomy', ...args], { cwd: folder });
const put = (name: string, content: unknown): void =>
  writeFileSync(join(folder, name), typeof content === 'string' ? content : JSON.stringify(content));
const get = (name: string): unknown => JSON.parse(readFileSync(join(folder, name), 'utf8'));

const annotations = {
  images: [{ id: 7, file_name: 'a.png', width: 10, height: 10 }],
  annotations: [{ id: 1, image_id: 7, category_id: 3, bbox: [0, 0, 5, 5], area: 25, iscrowd: 0 }],
  categories: [{ id: 1, name: 'person' }, { id: 3, name: 'car' }],
}; // prettier-ignore

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'labelweave-cli-taxonomy-'));
  put('data.yaml', 'names:\n  0: Cars\n  1: "dog, big"\ntrain: images\n');
  put('annotations.json', annotations);
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe('convert', () => {
  it('reads names of the catalogue and files, and writes to stdout', async () => {
    const { code, stdout, stderr } = await taxonomy('convert', 'data.yaml', '--to', 'coco');
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toEqual({ categories: [{ id: 0, name: 'Cars' }, { id: 1, name: 'dog, big' }] }); // prettier-ignore
    expect(stderr).toBe('data.yaml: 2 labels of data\n');
    expect((await taxonomy('convert', 'voc', '--to', 'text')).stdout).toMatch(/^aeroplane\nbicycle\n/);
    expect((await taxonomy('convert', 'openimages-601', '--to', 'huggingface')).stdout).toMatch(/"600": "Helmet"/);
  });

  it('reads a mapping with data sets of the catalogue', async () => {
    put('map.csv', 'key,coco_name,voc_name\nplane,airplane,aeroplane\n');
    const strict = await taxonomy('convert', 'map.csv', '--dataset', 'coco=coco', '--dataset', 'voc=voc');
    expect(strict.code).toBe(3);
    expect(strict.stderr).toMatch(/in no unified label/);
    const { code } = await taxonomy('convert', 'map.csv', '--dataset', 'coco=coco', '--dataset', 'voc=voc', '--rest', 'single', '-o', 'map.json'); // prettier-ignore
    expect(code).toBe(0);
    expect((await taxonomy('validate', 'map.json')).stdout).toMatch(/valid, 100 labels \(coco 80, voc 20\) in 99 unified labels/);
  });

  it.each([
    ['no file', ['convert'], 2, /found 0 files/],
    ['neither file nor name', ['convert', 'cocoa'], 2, /"cocoa": found no such file.*lvis-v1/],
    ['a file that is not there', ['convert', 'no/such.json'], 3, /no\/such\.json/],
    ['an unknown format', ['convert', 'coco', '--to', 'xml'], 2, /--to: found "xml"/],
    ['a format that can only be read', ['convert', 'coco', '--to', 'voc'], 2, /can only be read/],
    ['one data set as a mapping', ['convert', 'coco', '--to', 'unidet'], 2, /wanted a taxonomy/],
    ['truncated JSON', ['convert', 'cut.json'], 3, /not JSON/],
    ['names that the format cannot hold', ['convert', 'objects365-v2', '--to', 'text'], 3, /white space at its ends/],
  ] as const)('%s: code %i', async (_, args, wanted, message) => {
    put('cut.json', '{"categories": [{"id"');
    const { code, stdout, stderr } = await taxonomy(...args);
    expect(stderr).toMatch(message);
    expect([code, stdout]).toEqual([wanted, '']);
    expect(stderr).not.toMatch(/ {4}at /);
  });
});

describe('merge', () => {
  it('writes a taxonomy, and says what was not merged', async () => {
    put('two.txt', 'mouse\nMouse\ncar\n');
    const { code, stdout, stderr } = await taxonomy('merge', 'coco', 'mine=two.txt', '--name', 'both', '-o', 'both.json');
    expect([code, stdout]).toEqual([0, '']);
    expect(stderr).toMatch(/81 unified labels over coco 80, mine 3/);
    expect(get('both.json')).toMatchObject({ labelweaveTaxonomy: 1, name: 'both', origin: { method: 'by names' } });
    expect((await taxonomy('merge', 'coco', 'voc', '--by', 'exact')).stdout).toMatch(/"name": "coco \+ voc"/);
  });

  it('by vectors', async () => {
    put('x.txt', 'a\nb\n');
    put('y.txt', 'c\n');
    writeFileSync(
      join(folder, 'x.npy'),
      npy([
        [1, 0],
        [0, 1],
      ]),
    );
    writeFileSync(join(folder, 'y.npy'), npy([[0, 3]]));
    const { code, stdout } = await taxonomy('merge', 'x.txt', 'y.txt', '--by', 'embedding', '--vectors', 'x=x.npy', '--vectors', 'y=y.npy'); // prettier-ignore
    expect(code).toBe(0);
    expect(JSON.parse(stdout).unified.map(({ members }: { members: object }) => members)).toEqual([{ x: 1, y: 0 }, { x: 0 }]);
    const short = await taxonomy('merge', 'x.txt', 'y.txt', '--by', 'embedding', '--vectors', 'x=y.npy', '--vectors', 'y=y.npy');
    expect([short.code, short.stdout]).toEqual([3, '']);
    expect(short.stderr).toMatch(/an array \[1, 2\]; wanted \[2, D\]/);
  });

  it.each([
    ['one label space', ['merge', 'coco'], /found 1 label spaces/],
    ['an unknown way', ['merge', 'coco', 'voc', '--by', 'magic'], /--by: found "magic"/],
    ['vectors without --by embedding', ['merge', 'coco', 'voc', '--vectors', 'coco=x.npy'], /--vectors: found --by normalised/],
    ['no vectors', ['merge', 'coco', 'voc', '--by', 'embedding'], /--vectors: found none of coco/],
    [
      'vectors of another data set',
      ['merge', 'coco', 'voc', '--by', 'embedding', '--vectors', 'lvis=x.npy'],
      /--vectors: found "lvis"/,
    ],
  ] as const)('wrong usage, %s: code 2', async (_, args, message) => {
    const { code, stderr } = await taxonomy(...args);
    expect(stderr).toMatch(message);
    expect(code).toBe(2);
  });
});

describe('merge-datasets and split-datasets', () => {
  beforeAll(async () => {
    mkdirSync(join(folder, 'pets/images'), { recursive: true });
    mkdirSync(join(folder, 'pets/labels'));
    put('pets/data.yaml', 'names: [Cars, "dog, big"]\ntrain: images\n');
    // A PNG of 4 x 2 pixels.
    writeFileSync(join(folder, 'pets/images/b.png'), Buffer.from('iVBORw0KGgoAAAANSUhEUgAAAAQAAAACCAAAAABawyK/AAAAC0lEQVR4nGNggAEAAAoAAX+AdF4AAAAASUVORK5CYII=', 'base64')); // prettier-ignore
    put('pets/labels/b.txt', '0 0.5 0.5 1 1\n');
    await taxonomy('merge', 'coco', 'pets=data.yaml', '-o', 'unified.json');
  });

  it('COCO and YOLO in, COCO out, and back', async () => {
    const { code, stdout, stderr } = await taxonomy('merge-datasets', '--taxonomy', 'unified.json', 'coco=annotations.json', 'pets=pets', '-o', 'merged.json'); // prettier-ignore
    expect([code, stdout]).toEqual([0, '']);
    expect(stderr).toMatch(/merged\.json: 2 images, 2 annotations, 81 categories/);
    expect(stderr).toMatch(/coco: no category for bicycle, motorcycle.*nothing is known/);
    const merged = get('merged.json') as { images: { file_name: string }[]; annotations: { category_id: number }[] };
    expect(merged.images.map(({ file_name }) => file_name)).toEqual(['coco/a.png', 'pets/images/b.png']);
    expect(new Set(merged.annotations.map(({ category_id }) => category_id)).size).toBe(1);
    expect((await taxonomy('split-datasets', 'merged.json', '-o', 'parts')).code).toBe(0);
    expect(readdirSync(join(folder, 'parts')).sort()).toEqual(['coco.json', 'pets.json']);
    expect(get('parts/coco.json')).toEqual(annotations);
  });

  it('YOLO out', async () => {
    const { code, stderr } = await taxonomy('merge-datasets', '--taxonomy', 'unified.json', 'coco=annotations.json', '--image-folder', 'coco=', '--to', 'yolo', '-o', 'yolo'); // prettier-ignore
    expect(stderr).toMatch(/yolo: 1 boxes/);
    expect(code).toBe(0);
    expect(readFileSync(join(folder, 'yolo/labels/a.txt'), 'utf8')).toMatch(/^\d+ 0\.25 0\.25 0\.5 0\.5\n$/);
    const again = await taxonomy(
      'merge-datasets',
      '--taxonomy',
      'unified.json',
      'coco=annotations.json',
      '--to',
      'yolo',
      '-o',
      'yolo',
    );
    expect([again.code, again.stderr]).toEqual([2, expect.stringMatching(/wanted a new or empty folder/)]);
  });

  it.each([
    ['no taxonomy', ['merge-datasets', 'coco=annotations.json', '-o', 'bad.json'], 2, /found no --taxonomy/],
    ['no output', ['merge-datasets', '--taxonomy', 'unified.json', 'coco=annotations.json'], 2, /found no --output/],
    ['no name', ['merge-datasets', '--taxonomy', 'unified.json', 'annotations.json', '-o', 'bad.json'], 2, /wanted NAME=VALUE/],
    [
      'a label list as taxonomy',
      ['merge-datasets', '--taxonomy', 'coco', 'coco=annotations.json', '-o', 'bad.json'],
      2,
      /is no taxonomy/,
    ],
    [
      'an unknown data set',
      ['merge-datasets', '--taxonomy', 'unified.json', 'voc=annotations.json', '-o', 'bad.json'],
      3,
      /"voc"/,
    ],
    [
      'a file that is cut',
      ['merge-datasets', '--taxonomy', 'unified.json', 'coco=cut.json', '-o', 'bad.json'],
      3,
      /cut\.json.*ends too early/,
    ],
    [
      'categories of another data set',
      ['merge-datasets', '--taxonomy', 'unified.json', 'pets=annotations.json', '-o', 'bad.json'],
      3,
      /which is no label of "pets"/,
    ],
    [
      'a folder that is not there',
      ['merge-datasets', '--taxonomy', 'unified.json', 'coco=annotations.json', '-o', 'no/such/bad.json'],
      3,
      /no such folder/,
    ],
    ['a file that was never merged', ['split-datasets', 'annotations.json', '-o', 'bad'], 3, /info\.labelweave/],
  ] as const)('%s: code %i, and nothing is left behind', async (_, args, wanted, message) => {
    put('cut.json', JSON.stringify(annotations).slice(0, -20));
    const before = readdirSync(folder).sort();
    const { code, stdout, stderr } = await taxonomy(...args);
    expect(stderr).toMatch(message);
    expect([code, stdout]).toEqual([wanted, '']);
    expect(readdirSync(folder).sort()).toEqual(before);
    expect(existsSync(join(folder, 'bad.json'))).toBe(false);
  });
});

it('help names every action and format', async () => {
  const { code, stdout } = await taxonomy('--help');
  expect(code).toBe(0);
  for (const word of [
    'convert',
    'merge',
    'merge-datasets',
    'split-datasets',
    'openimages-hierarchy',
    '--vectors',
    '--negatives',
    'Examples',
    'Exit codes',
  ])
    expect(stdout).toContain(word);
});
