// Folders of YOLO's: both ways, the layouts that exist, broken labels and images, names that lead out of the folder.
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type Annotations, cocoFile, readYoloFolder, writeYoloFolder } from '../../sdk/datasets/index.js';
import { DatasetError, LabelSpaceError, LoadError } from '../../sdk/errors.js';
import { openFolder, writeWholeFile } from '../../sdk/node/folder.js';
import { encodePng } from '../../sdk/node/write.js';
import { writeFile, mkdir } from 'node:fs/promises';
import { dirname } from 'node:path';

let root: string;
beforeEach(() => (root = mkdtempSync(join(tmpdir(), 'labelweave-yolo-'))));
afterEach(() => rmSync(root, { recursive: true, force: true }));

/** Writes files: texts, or `[width, height]` for pictures. */
async function put(files: Record<string, string | readonly [number, number]>): Promise<void> {
  for (const [path, content] of Object.entries(files)) {
    await mkdir(dirname(join(root, path)), { recursive: true });
    if (typeof content === 'string') await writeFile(join(root, path), content);
    else {
      const [width, height] = content;
      await writeFile(join(root, path), await encodePng({ data: new Uint8Array(width * height), width, height, channels: 1 }));
    }
  }
}

/** Everything of a data set. */
async function everything(annotations: Annotations): Promise<Record<string, unknown[]>> {
  const lists: Record<string, unknown[]> = { categories: [], images: [], annotations: [] };
  for await (const part of annotations.read(['categories', 'images', 'annotations'])) {
    if (!('list' in part)) continue;
    expect(part.row).toBe(lists[part.list]!.length);
    lists[part.list]!.push(...part.values);
  }
  return lists;
}

const yaml = 'names: [cat, "dog, big"]\n';

describe('readYoloFolder', () => {
  it('reads boxes and polygons in pixels', async () => {
    await put({
      'data.yaml': `${yaml}train: images/train\n`,
      'images/train/b.png': [200, 100],
      'images/train/a.png': [10, 10],
      'images/train/notes.md': '',
      'labels/train/b.txt': '1 0.5 0.5 0.1 0.2\n\n0 0 0 1 0 1 1\r\n',
    });
    expect(await everything(await readYoloFolder(openFolder(root)))).toEqual({
      categories: [{ id: 0, name: 'cat' }, { id: 1, name: 'dog, big' }],
      images: [
        { id: 1, file_name: 'images/train/a.png', width: 10, height: 10 },
        { id: 2, file_name: 'images/train/b.png', width: 200, height: 100 },
      ],
      annotations: [
        { id: 1, image_id: 2, category_id: 1, bbox: [90, 40, 20, 20], area: 400, iscrowd: 0 },
        { id: 2, image_id: 2, category_id: 0, bbox: [0, 0, 200, 100], area: 10000, iscrowd: 0, segmentation: [[0, 0, 200, 0, 200, 100]] },
      ],
    }); // prettier-ignore
  });

  // Each row: data.yaml, image, label, why.
  it.each([
    ['train: ../train/images', 'train/images/a.png', 'train/labels/a.txt', 'an export that names folders from below'],
    ['path: sub\ntrain: images', 'sub/images/x/a.png', 'sub/labels/x/a.txt', 'a path in front, folders below'],
    ['val: list.txt', 'images/a.png', 'labels/a.txt', 'a list of images'],
    ['train: [pictures]', 'pictures/a.png', 'pictures/a.txt', 'labels beside the images'],
    ['path: /elsewhere/coco\ntrain: images', 'images/a.png', 'labels/a.txt', 'an absolute path of another machine'],
  ])('%j: %s and %s (%s)', async (places, image, label) => {
    await put({ 'data.yaml': `${yaml}${places}\n`, [image]: [4, 4], [label]: '0 0.5 0.5 1 1\n', 'list.txt': `./${image}\n` });
    const { images, annotations } = await everything(await readYoloFolder(openFolder(root)));
    expect(images).toMatchObject([{ file_name: image }]);
    expect(annotations).toMatchObject([{ bbox: [0, 0, 4, 4] }]);
  });

  it.each<[string, Record<string, string | readonly [number, number]>, RegExp, new (...args: never[]) => Error]>([
    ['no data.yaml', {}, /file "data\.yaml": found no such file/, DatasetError],
    ['no names', { 'data.yaml': 'train: images' }, /names: found undefined/, LabelSpaceError],
    ['no folders', { 'data.yaml': yaml }, /found no train, val or test/, DatasetError],
    ['a folder that is not there', { 'data.yaml': `${yaml}train: x\n` }, /"x": found no such folder/, DatasetError],
    ['a folder that is a number list', { 'data.yaml': `${yaml}train: [[1]]\n` }, /train: found an array of 1/, DatasetError],
    ['three numbers', { 'labels/a.txt': '0 1 1' }, /labels\/a\.txt", line 1: found 3 numbers/, DatasetError],
    ['an unknown class', { 'labels/a.txt': '\n2 0 0 0 0' }, /line 2: found class "2"; wanted a class from 0 to 1/, DatasetError],
    ['pixels', { 'labels/a.txt': '0 12 3 4 5' }, /line 1: found "12"; wanted parts of the image/, DatasetError],
    ['words', { 'labels/a.txt': '0 a b c d' }, /line 1: found "a"/, DatasetError],
    ['a picture that is none', { 'images/a.png': 'hello' }, /image "images\/a\.png": found/, DatasetError],
  ])('refuses %s', async (_, files, message, type) => {
    const base: typeof files = Object.keys(files).some((path) => path.startsWith('labels') || path.startsWith('images')) ? { 'data.yaml': `${yaml}train: images\n`, 'images/a.png': [4, 4] as const } : {}; // prettier-ignore
    await put({ ...base, ...files });
    const run = async () => everything(await readYoloFolder(openFolder(root)));
    await expect(run()).rejects.toThrow(message);
    await expect(run()).rejects.toBeInstanceOf(type);
  });
});

const coco = {
  images: [
    { id: 5, file_name: 'coco/a.jpg', width: 200, height: 100 },
    { id: 6, file_name: 'empty.jpg', width: 2, height: 2 },
  ],
  categories: [{ id: 90, name: 'no' }, { id: 7, name: 'a: b' }],
  annotations: [
    { image_id: 5, category_id: 7, bbox: [90, 40, 20, 20] },
    { image_id: 5, category_id: 90, bbox: [0, 0, 200, 100], segmentation: [[0, 0, 200, 0, 200, 100]] },
    { image_id: 5, category_id: 90, bbox: [0, 0, 200, 100], iscrowd: 1 },
  ],
}; // prettier-ignore
const file = (change: object = {}) => cocoFile(new TextEncoder().encode(JSON.stringify({ ...coco, ...change })), 'x.json');

describe('writeYoloFolder', () => {
  it('writes names and boxes', async () => {
    expect(await writeYoloFolder(file(), openFolder(root))).toEqual({ images: 2, boxes: 2, dropped: 1 });
    expect(readFileSync(join(root, 'data.yaml'), 'utf8')).toBe('path: .\ntrain: images\nnc: 2\nnames:\n  0: "no"\n  1: "a: b"\n');
    expect(readFileSync(join(root, 'labels/coco/a.txt'), 'utf8')).toBe('1 0.5 0.5 0.1 0.2\n0 0.5 0.5 1 1\n');
    expect(readdirSync(join(root, 'labels'))).toEqual(['coco']);
  });

  it('polygons where they are asked for', async () => {
    await writeYoloFolder(file(), openFolder(root), { polygons: true });
    expect(readFileSync(join(root, 'labels/coco/a.txt'), 'utf8')).toBe('1 0.5 0.5 0.1 0.2\n0 0 0 1 0 1 1\n');
  });

  it('what is written is read again', async () => {
    await writeYoloFolder(file(), openFolder(root));
    await put({ 'images/coco/a.jpg': [200, 100], 'images/empty.jpg': [2, 2] });
    const { annotations, categories } = await everything(await readYoloFolder(openFolder(root)));
    expect(categories).toEqual([
      { id: 0, name: 'no' },
      { id: 1, name: 'a: b' },
    ]);
    expect(annotations).toMatchObject([
      { category_id: 1, bbox: [90, 40, 20, 20] },
      { category_id: 0, bbox: [0, 0, 200, 100] },
    ]);
  });

  it.each<[string, object, RegExp]>([
    ['a name that leads out', { images: [{ ...coco.images[0], file_name: '../../etc/x.jpg' }] }, /file_name = "\.\.\/\.\.\/etc/],
    ['an absolute name', { images: [{ ...coco.images[0], file_name: '/etc/x.jpg' }] }, /file_name = "\/etc/],
    ['a name of Windows that leads out', { images: [{ ...coco.images[0], file_name: 'a\\..\\..\\x.jpg' }] }, /file_name/],
    ['no size', { images: [{ id: 5, file_name: 'a.jpg' }] }, /width = undefined/],
    [
      'names that differ in their ending only',
      {
        images: [
          { ...coco.images[0], id: 1, file_name: 'a.jpg' },
          { ...coco.images[0], file_name: 'a.png' },
        ],
      },
      /differ in more/,
    ],
    ['a box of three', { annotations: [{ image_id: 5, category_id: 7, bbox: [1, 2, 3] }] }, /annotations\[0\]: found bbox/],
    ['an unknown category', { annotations: [{ image_id: 5, category_id: 8, bbox: [1, 2, 3, 4] }] }, /category_id = 8/],
  ])('refuses %s', async (_, change, message) => {
    await expect(writeYoloFolder(file(change), openFolder(root))).rejects.toThrow(message);
    await expect(writeYoloFolder(file(change), openFolder(root))).rejects.toBeInstanceOf(DatasetError);
  });
});

describe('files that appear whole or not at all', () => {
  it('finish, abandon, and no folder', async () => {
    const path = join(root, 'a.txt');
    const one = await writeWholeFile(path);
    await one.write('a');
    await one.write('ä');
    expect(readdirSync(root)).toHaveLength(1);
    expect(readdirSync(root)).not.toContain('a.txt');
    await one.finish();
    await one.abandon();
    expect([readdirSync(root), readFileSync(path, 'utf8')]).toEqual([['a.txt'], 'aä']);
    const two = await writeWholeFile(path);
    await two.write('b');
    await two.abandon();
    expect([readdirSync(root), readFileSync(path, 'utf8')]).toEqual([['a.txt'], 'aä']);
    await expect(writeWholeFile(join(root, 'no/such/a.txt'))).rejects.toBeInstanceOf(LoadError);
  });
});
