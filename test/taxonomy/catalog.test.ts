// The catalogue: the size of every label space, ids, hierarchies, and agreement with the lists that the names were taken from.
import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { catalogueNames, namedLabels } from '../../sdk/cli/labels.js';
import { concatenate, partsOf } from '../../sdk/taxonomy/concatenate.js';
import type { LabelSpace } from '../../sdk/taxonomy/label-space.js';
import { hasSharedData, noSharedData, sharedData } from '../shared-data.js';

/** Each row: file, number of labels, the label that stands first, the one that stands last. */
const sizes: readonly (readonly [name: string, size: number, first: string, last: string])[] = [
  ['ade20k', 150, 'wall', 'flag'],
  ['bdd-19', 19, 'road', 'bicycle'],
  ['camvid-11', 11, 'Building', 'Bicyclist'],
  ['camvid-32', 32, 'Animal', 'Wall'],
  ['cityscapes-19', 19, 'road', 'bicycle'],
  ['cityscapes-34', 34, 'unlabeled', 'bicycle'],
  ['coco', 80, 'person', 'toothbrush'],
  ['coco-panoptic', 133, 'person', 'rug-merged'],
  ['crowdhuman', 1, 'person', 'person'],
  ['idd-26', 26, 'road', 'sky'],
  ['idd-39', 39, 'road', 'license plate'],
  ['idd-40', 40, 'road', 'license plate'],
  ['kitti-19', 19, 'road', 'bicycle'],
  ['kitti-8', 8, 'person', 'bicycle'],
  ['lvis-v1', 1203, 'aerosol_can', 'zucchini'],
  ['mapillary-65', 65, 'Bird', 'Ego Vehicle'],
  ['mapillary-instances-37', 37, 'animal--bird', 'object--vehicle--wheeled-slow'],
  ['objects365-v1', 365, 'person', 'flashlight'],
  ['objects365-v2', 365, 'Person', 'Table Tennis '],
  ['odinw-13', 50, 'boat', 'person'],
  ['odinw-35', 342, 'boat', 'text'],
  ['openimages-601', 601, 'Tortoise', 'Helmet'],
  ['openimages-challenge-500', 500, 'Infant bed', 'Toilet'],
  ['pascal-context-460', 460, 'unlabeled', 'wool'],
  ['pascal-context-60', 60, 'aeroplane', 'wood'],
  ['scannet-18', 18, 'cabinet', 'otherfurniture'],
  ['scannet-20', 20, 'bathtub', 'window'],
  ['sunrgbd-37', 37, 'wall', 'bag'],
  ['viper-10', 10, 'trafficlight', 'truck'],
  ['voc', 20, 'aeroplane', 'tvmonitor'],
  ['wilddash-13', 13, 'ego vehicle', 'van'],
  ['wilddash-19', 19, 'road', 'bicycle'],
];

const spaces = new Map<string, LabelSpace>();
for (const name of catalogueNames()) spaces.set(name, (await namedLabels(name))!);
const get = (name: string): LabelSpace => spaces.get(name)!;

describe('sizes', () => {
  it('every file of the catalogue has a row', () => {
    const files = readdirSync(new URL('../../sdk/taxonomy/catalog/', import.meta.url)).map((file) => file.replace(/\.ts$/, ''));
    expect(sizes.map(([name]) => name).sort()).toEqual(files.sort());
    expect(catalogueNames()).toEqual(files.sort());
  });

  it.each(sizes)('%s has %i labels, from %j to %j', (name, size, first, last) => {
    const space = get(name);
    expect(space.name).toBe(name);
    expect(space.size).toBe(size);
    expect([space.names[0], space.names[size - 1]]).toEqual([first, last]);
    expect(space.hasOwnIds).toBe(true);
  });

  it('a module exports its space by name and as default, and the name is that of the file', async () => {
    for (const name of catalogueNames()) {
      const module = (await import(`../../sdk/taxonomy/catalog/${name}.ts`)) as Record<string, unknown>;
      const named = Object.entries(module).filter(([key, value]) => key !== 'default' && value === module['default']);
      expect(named, name).toHaveLength(1);
      expect(named[0]![0].toLowerCase()).toBe(name.replaceAll('-', ''));
    }
  });

  it('an unknown name is no label space', async () => {
    for (const name of ['', 'cocoa', '../coco', 'coco.js', 'toString']) expect(await namedLabels(name)).toBeUndefined();
  });
});

describe('published facts', () => {
  it('COCO panoptic: 80 things, the detection categories, and 53 stuff', () => {
    const { labels } = get('coco-panoptic');
    const things = labels.filter(({ isThing }) => isThing);
    expect(things.map(({ id, name }) => [id, name])).toEqual(get('coco').labels.map(({ id, name }) => [id, name]));
    expect(labels.filter(({ isThing }) => isThing === false)).toHaveLength(53);
  });

  it('LVIS v1: 337 rare, 461 common, 405 frequent categories', () => {
    const count = (group: string) => get('lvis-v1').labels.filter(({ frequency }) => frequency === group).length;
    expect([count('r'), count('c'), count('f')]).toEqual([337, 461, 405]);
  });

  it('ScaleDet: LVIS + COCO + Objects365 + Open Images are 1283, 1648, 2249 labels', () => {
    const order = ['lvis-v1', 'coco', 'objects365-v1', 'openimages-601'].map(get);
    const size = (n: number) => concatenate(order.slice(0, n)).size;
    expect([size(2), size(3), size(4)]).toEqual([1283, 1648, 2249]);
  });

  it('UniDet: COCO + Objects365 + the Open Images challenge are 945 labels', () => {
    expect(concatenate(['coco', 'objects365-v1', 'openimages-challenge-500'].map(get)).size).toBe(945);
  });

  it('the two versions of Objects365: of 365 names only 7 stand at the same position, but for case', () => {
    const [a, b] = [get('objects365-v1').names, get('objects365-v2').names];
    expect(a.filter((name, i) => name.toLowerCase().trim() === b[i]!.toLowerCase().trim())).toHaveLength(7);
  });

  it('Open Images challenge: two Mouse and two Bench; names of version 6 tell them apart', () => {
    const space = get('openimages-challenge-500');
    const twice = space.names.filter((name, i) => space.names.indexOf(name) !== i);
    expect(twice.sort()).toEqual(['Bench', 'Mouse']);
    const named = (name: string) => space.allByName(name).map(({ id }) => get('openimages-601').byId(id).name);
    expect([...named('Mouse'), ...named('Bench')].sort()).toEqual(['Bench', 'Computer mouse', 'Mouse', 'Training bench']);
    expect(space.labels.every(({ id }) => get('openimages-601').hasId(id))).toBe(true);
  });

  it('Open Images: a hierarchy with several parents', () => {
    for (const [name, several] of [
      ['openimages-challenge-500', 16],
      ['openimages-601', 45],
    ] as const) {
      expect(
        get(name).labels.filter(({ parents }) => parents.length > 1),
        name,
      ).toHaveLength(several);
    }
    const { labels } = get('openimages-601');
    const car = get('openimages-601').byName('Car');
    expect(car.parents.map((id) => get('openimages-601').byId(id).name)).toEqual(['Land vehicle']);
    expect(labels.filter(({ parents }) => parents.length > 0)).toHaveLength(511);
  });

  it('ODinW: 13 and 35 data sets, each a part of its own', () => {
    for (const n of [13, 35]) expect(partsOf(get(`odinw-${n}`))).toHaveLength(n);
    const thirteen = partsOf(get('odinw-13')).map(({ name }) => name);
    const thirtyFive = partsOf(get('odinw-35')).map(({ name }) => name);
    expect(thirteen.filter((name) => !thirtyFive.includes(name) && !name.includes('Mushrooms'))).toEqual([]);
  });

  it('IDD: level 3 joins seven groups of the 39 labels (all of which are a label of the 40)', () => {
    const all = new Set(get('idd-40').names);
    expect(get('idd-26').names.filter((name) => !all.has(name))).toEqual([]);
    expect(get('idd-39').names.filter((name) => !all.has(name))).toEqual([]);
    expect([...all].filter((name) => !get('idd-39').hasName(name))).toEqual(['unlabeled']);
  });
});

/** List of the shared data that a file of the catalogue was written from. */
const origins: Readonly<Record<string, string>> = {
  'bdd-19': 'seg/bdd', 'camvid-11': 'seg/camvid-11', 'camvid-32': 'seg/camvid-32', 'cityscapes-19': 'seg/cityscapes-19',
  'cityscapes-34': 'seg/cityscapes-34', coco: 'coco', 'coco-panoptic': 'coco-panoptic', crowdhuman: 'crowdhuman', 'idd-39': 'seg/idd-39',
  'idd-40': 'seg/idd-40', 'kitti-19': 'seg/kitti-19', 'kitti-8': 'kitti-rvc', 'lvis-v1': 'lvis-v1', 'mapillary-65': 'seg/mapillary-public65',
  'mapillary-instances-37': 'mapillary-instances', 'objects365-v1': 'objects365-v1', 'objects365-v2': 'objects365-v2',
  'pascal-context-460': 'seg/pascal-context-460', 'pascal-context-60': 'seg/pascal-context-60', 'scannet-18': 'scannet20-rvc',
  'scannet-20': 'seg/scannet-20', 'sunrgbd-37': 'seg/sunrgbd-37', 'viper-10': 'viper-rvc', voc: 'voc', 'wilddash-13': 'wilddash-rvc',
  'wilddash-19': 'seg/wilddash-19',
}; // prettier-ignore

describe.skipIf(!hasSharedData)(`against the collected lists${hasSharedData ? '' : ` (${noSharedData})`}`, () => {
  type Listed = Record<string, { labels: { id: number; name: string; freebase_id?: string; synset?: string }[] }>;
  const lists = hasSharedData ? (JSON.parse(readFileSync(sharedData('taxonomies/label-spaces.json'), 'utf8')) as Listed) : {};

  it.each(Object.entries(origins))('%s has the ids and names of %s', (name, origin) => {
    const wanted = lists[origin]!.labels.map(({ id, name }) => [id, name] as const).sort(([a], [b]) => a - b);
    expect(get(name).labels.map(({ id, name }) => [id, name])).toEqual(wanted);
  });

  it('Open Images and ADE20K have the names; ADE20K in parts', () => {
    const challenge = lists['openimages-challenge-500']!.labels.map(({ freebase_id, name }) => [freebase_id, name]);
    expect(get('openimages-challenge-500').labels.map(({ id, name }) => [id, name])).toEqual(challenge);
    expect(get('openimages-601').names).toEqual(lists['openimages-v6-601']!.labels.map(({ name }) => name));
    const parts = (name: string) => [...new Set(name.split(',').map((part) => part.trim()))];
    expect(get('ade20k').labels.map(({ name, synonyms }) => [name, ...synonyms])).toEqual(
      lists['ade20k']!.labels.map(({ name }) => parts(name)),
    );
  });
});
